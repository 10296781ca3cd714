package server

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"
)

// Startups bounds the connections that have not authenticated, which cost
// their owners nothing and us a goroutine and a key exchange each. Those beyond
// are closed before anything is sent. A negative number means no limit.
type Startups struct {
	// From Start connections on, some are turned away at random, Percent of
	// them at first and all once there are Full. A client that tries again gets
	// in even while somebody keeps Start slots busy. 128, 30 and 1024 if zero.
	Start, Percent, Full int

	// PerSource is how many one source may have; 32 if zero. Connections
	// without an IP address, such as those over a Unix socket, have no source.
	PerSource int

	// PerSecond is how many key exchanges one source may begin in a second.
	// Zero is no limit, except for a server whose Transport.KeyExchanges has
	// finite fields, in which a client has it compute for the price of sending
	// a number (CVE-2002-20001): then it is 10.
	PerSecond int

	// Bits4 and Bits6 are how many bits the addresses of one source have in
	// common, which counts for PerSource, PerSecond and [Server].Penalties: 32
	// of IPv4 and 64 of IPv6 if zero, none if negative.
	Bits4, Bits6 int
}

// finitePerSecond is PerSecond where there are finite fields. Scanners take 20
// for safe.
const finitePerSecond = 10

func (p Startups) withDefaults() Startups {
	for _, field := range []struct {
		value *int
		def   int
	}{{&p.Start, 128}, {&p.Percent, 30}, {&p.Full, 1024}, {&p.PerSource, 32}, {&p.Bits4, 32}, {&p.Bits6, 64}} {
		if *field.value == 0 {
			*field.value = field.def
		}
	}
	return p
}

// startups returns the limits of s.
func (s *Server) startups() Startups {
	p := s.MaxStartups.withDefaults()
	if p.PerSecond == 0 && s.hasFiniteField() {
		p.PerSecond = finitePerSecond
	}
	return p
}

// hasFiniteField reports whether a client can ask for one of the methods of
// RFC 4253, section 8, and RFC 4419. The default has none of them.
func (s *Server) hasFiniteField() bool {
	for _, m := range s.Transport.KeyExchanges {
		if strings.HasPrefix(m.Name(), "diffie-hellman-") {
			return true
		}
	}
	return false
}

// startups counts connections that have not authenticated: all, and by source
// as soon as that is known. The sum over sources is at most total.
type startups struct {
	total    int
	bySource map[source]int
	second   time.Time      // when the second began
	begun    map[source]int // key exchanges in it
}

// admit takes a slot unless p says that there is none.
func (s *startups) admit(p Startups) bool {
	if dropped(s.total, p, dice()) {
		return false
	}
	s.total++
	return true
}

// place counts a connection that was admitted at its source, unless p says that
// it has too many.
func (s *startups) place(from source, p Startups) bool {
	if !from.IsValid() {
		return true
	}
	if p.PerSource >= 0 && s.bySource[from] >= p.PerSource || !s.mayBegin(from, p.PerSecond) {
		return false
	}
	if s.bySource == nil {
		s.bySource = make(map[source]int)
	}
	s.bySource[from]++
	return true
}

// mayBegin counts one key exchange more of a source, unless there were limit in
// this second. What it keeps lasts no longer than that.
func (s *startups) mayBegin(from source, limit int) bool {
	if limit <= 0 {
		return true
	}
	if time.Since(s.second) >= time.Second {
		s.second, s.begun = time.Now(), make(map[source]int)
	}
	s.begun[from]++
	return s.begun[from] <= limit
}

// release gives back a slot, and the count of a source that has been placed.
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
