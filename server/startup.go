package server

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"net/netip"
)

// Startups bounds the connections that have not authenticated, which cost
// their owners nothing and us a goroutine and a key exchange each. Those beyond
// are closed before anything is sent. A negative number means no limit.
type Startups struct {
	// From Start connections on, some are turned away at random, Percent of
	// them at first and all once there are Full. A client that tries again gets
	// in even while somebody keeps Start slots busy. 128, 30 and 1024 if zero.
	Start, Percent, Full int

	// PerSource is how many one address may have; 32 if zero. Addresses of
	// IPv6 count as one if their first 64 bits agree. Connections without an
	// IP address, such as those over a Unix socket, are not counted by source.
	PerSource int
}

func (p Startups) withDefaults() Startups {
	for _, field := range []struct {
		value *int
		def   int
	}{{&p.Start, 128}, {&p.Percent, 30}, {&p.Full, 1024}, {&p.PerSource, 32}} {
		if *field.value == 0 {
			*field.value = field.def
		}
	}
	return p
}

// A source is what connections are counted by: an IPv4 address or an IPv6
// network of 64 bits; the zero source is none.
type source = netip.Prefix

// sourceOf returns the source of addr.
func sourceOf(addr net.Addr) source {
	if addr == nil {
		return source{}
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return source{}
	}
	ip := ap.Addr().Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return source{}
	}
	return prefix
}

// startups counts connections that have not authenticated, all and by source.
// The sum over sources is at most total.
type startups struct {
	total    int
	bySource map[source]int
}

// admit takes a slot unless p says that there is none.
func (s *startups) admit(from source, p Startups) bool {
	p = p.withDefaults()
	if p.PerSource >= 0 && from.IsValid() && s.bySource[from] >= p.PerSource {
		return false
	}
	if dropped(s.total, p, dice()) {
		return false
	}
	s.total++
	if from.IsValid() {
		if s.bySource == nil {
			s.bySource = make(map[source]int)
		}
		s.bySource[from]++
	}
	return true
}

// release gives a slot back.
func (s *startups) release(from source) {
	s.total--
	if !from.IsValid() {
		return
	}
	if s.bySource[from]--; s.bySource[from] == 0 {
		delete(s.bySource, from)
	}
}

// dropped decides about one more connection when there are n, as MaxStartups
// of sshd_config(5) does: the chance grows in a line from Percent at Start to
// certainty at Full. dice is evenly distributed below 100.
func dropped(n int, p Startups, dice int) bool {
	switch {
	case p.Full >= 0 && n >= p.Full:
		return true
	case p.Start < 0 || n < p.Start:
		return false
	case p.Full <= p.Start:
		return dice < p.Percent
	}
	return dice < p.Percent+(100-p.Percent)*(n-p.Start)/(p.Full-p.Start)
}

// dice returns a number below 100.
func dice() int {
	var b [4]byte
	rand.Read(b[:])
	return int(binary.BigEndian.Uint32(b[:]) % 100)
}
