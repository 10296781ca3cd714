package client

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/wire"
)

// The channels in which a server hands over connections that were made to it
// (RFC 4254, section 7.2; OpenSSH PROTOCOL, section 2.4).
const (
	forwardedTCPIP       = "forwarded-tcpip"
	forwardedStreamlocal = "forwarded-streamlocal@openssh.com"
)

// What a server may have us keep: connections that wait for Accept of one
// listener, those that came before the answer that tells us whose they are, and
// the length of a channel's data in bytes.
const (
	maxBacklog = 256
	maxEarly   = 256
	maxExtra   = 1 << 10
)

// A place is where a server listens: an address and a port, or a path. It is
// compared as it was asked for, name by name, and nothing is looked up.
type place struct {
	kind    string // of the channels that come from it
	address string // or path
	port    uint16
}

// An arrival is a connection that was made to a server.
type arrival struct {
	*connection.Opening
	place
	origin net.Addr
}

// forwards are the listeners of a Client. A server may hand over connections
// before we have seen its answer to the request to listen, from which alone we
// know the port it has chosen: they wait in early until no answer is due that
// could be about them.
type forwards struct {
	client *Client
	taken  bool // somebody else takes the channels

	mu       sync.Mutex // never held to wait
	bound    map[place]*listener
	pending  []*listener // asked for; a port of 0 is any
	early    []*arrival
	err      error // after the end
	requests sync.WaitGroup
}

// open answers the server, which hands over a connection, or has it answered.
// It reports false for one that nobody here asked for. It never waits.
func (f *forwards) open(o *connection.Opening) bool {
	a, ok := parseArrival(o)
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.bound[a.place]; l != nil {
		l.push(a)
		return true
	}
	if !f.expected(a.place) {
		return false
	}
	if len(f.early) == maxEarly {
		o.Reject(channel.ResourceShortage, "too many connections wait to be accepted")
		return true
	}
	f.early = append(f.early, a)
	return true
}

// parseArrival takes apart what a channel is opened with. That to a socket is
//
//	string    socket path
//	string    reserved
func parseArrival(o *connection.Opening) (*arrival, bool) {
	if len(o.Extra) > maxExtra {
		return nil, false
	}
	if o.Type == forwardedStreamlocal {
		r := wire.NewReader(o.Extra)
		a := &arrival{Opening: o, place: place{kind: o.Type, address: r.Text()}, origin: &net.UnixAddr{Net: "unix", Name: "@"}}
		r.Blob()
		return a, r.End() == nil
	}
	m, err := wire.ParseForwardedTCPIP(o.Extra)
	if err != nil || m.Port > maxPort || m.OriginPort > maxPort {
		return nil, false
	}
	a := &arrival{Opening: o, place: place{o.Type, m.Address, uint16(m.Port)}}
	a.origin = tcpAddr(decent(m.OriginHost), uint16(m.OriginPort))
	return a, true
}

const maxPort = 1<<16 - 1

// decent returns a server's name for a host, unless there is something in it
// that no such name has.
func decent(host string) string {
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".-_:%", c))
	}
	if host == "" || strings.ContainsFunc(host, odd) {
		return "unknown"
	}
	return host
}

// expected reports whether an answer is due that might say that we listen
// there. Callers hold f.mu.
func (f *forwards) expected(p place) bool {
	return slices.ContainsFunc(f.pending, func(l *listener) bool {
		return l.kind == p.kind && l.address == p.address && (l.port == 0 || l.port == p.port)
	})
}

// begin notes that a listener was asked for.
func (f *forwards) begin(l *listener) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	f.pending = append(f.pending, l)
	return nil
}

var errSamePlace = errors.New("client: the server says that it listens where it did before")

// settle notes the answer: that the server listens at p, unless failed.
func (f *forwards) settle(l *listener, p place, failed error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = slices.DeleteFunc(f.pending, func(other *listener) bool { return other == l })
	switch {
	case failed != nil:
	case f.err != nil:
		failed = f.err
	case f.bound[p] != nil:
		failed = errSamePlace
	default:
		if f.bound == nil {
			f.bound = make(map[place]*listener)
		}
		l.place = p
		f.bound[p] = l
	}
	f.sort()
	return failed
}

// sort gives early arrivals to whom they turn out to be for. Callers hold f.mu.
func (f *forwards) sort() {
	f.early = slices.DeleteFunc(f.early, func(a *arrival) bool {
		l := f.bound[a.place]
		switch {
		case l != nil:
			l.push(a)
		case f.expected(a.place):
			return false
		default:
			a.Reject(channel.AdministrativelyProhibited, "nobody listens there")
		}
		return true
	})
}

// ask sends a global request and waits for the answer, until ctx is done. The
// answer is still waited for then, and late is called if it is a success.
func (f *forwards) ask(ctx context.Context, name string, payload []byte, late func(reply []byte)) ([]byte, error) {
	type answer struct {
		reply []byte
		err   error
	}
	answered := make(chan answer)
	if !f.start(func() {
		reply, err := f.client.mux.Request(context.Background(), name, payload)
		select {
		case answered <- answer{reply, err}:
		case <-ctx.Done():
			if err == nil {
				late(reply)
			}
		}
	}) {
		return nil, f.client.mux.Err()
	}
	select {
	case a := <-answered:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// start runs work on a goroutine that [Client.Close] waits for, unless the
// connection has ended.
func (f *forwards) start(work func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.requests.Go(work)
	}
	return f.err == nil
}

// end ends the listeners when the connection has ended.
func (f *forwards) end(err error) {
	f.mu.Lock()
	f.err = err
	for _, l := range f.bound {
		l.shut(err)
	}
	f.bound, f.early = nil, nil
	f.mu.Unlock()
	f.requests.Wait()
}
