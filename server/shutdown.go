package server

import (
	"context"
	"net"
	"sync"
)

// A tracker knows what of a Server is running.
//
//	serving --Shutdown--> draining --Close--> closed
//	   \-----------------Close---------------/
//
// A connection is in conns from the moment it is admitted until nothing of it
// runs any more, handlers included.
type tracker struct {
	mu        sync.Mutex
	state     state
	listeners map[net.Listener]struct{}
	conns     map[*Conn]struct{}
	startups  startups
	served    uint64        // connections admitted so far
	idle      chan struct{} // closed when conns is empty, if anybody waits
}

type state byte

const (
	serving state = iota
	draining
	closed
)

// closing reports whether Shutdown or Close was called.
func (t *tracker) closing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state != serving
}

func (t *tracker) addListener(l net.Listener) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != serving {
		return false
	}
	if t.listeners == nil {
		t.listeners = make(map[net.Listener]struct{})
	}
	t.listeners[l] = struct{}{}
	return true
}

func (t *tracker) removeListener(l net.Listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.listeners, l)
}

// admit makes a Conn of nc, unless the Server is closing or there are too many
// connections that have not authenticated. It does not ask for nc's address.
func (s *Server) admit(ctx context.Context, nc net.Conn) (*Conn, error) {
	t := &s.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != serving {
		return nil, ErrServerClosed
	}
	if !t.startups.admit(s.startups()) {
		return nil, ErrTooManyStartups
	}
	t.served++
	c := newConn(ctx, s, nc, t.served)
	c.starting = true
	if t.conns == nil {
		t.conns = make(map[*Conn]struct{})
	}
	t.conns[c] = struct{}{}
	return c, nil
}

// authenticated notes that c takes up no startup any more. It fails if the
// Server is closing.
func (t *tracker) authenticated(c *Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releaseStartup(c)
	if t.state != serving {
		return ErrServerClosed
	}
	return nil
}

// releaseStartup gives back the startup that c takes up, if it does. Callers
// hold t.mu.
func (t *tracker) releaseStartup(c *Conn) {
	if !c.starting {
		return
	}
	c.starting = false
	if c.placed {
		t.startups.release(c.from)
	} else {
		t.startups.release(source{})
	}
}

// left notes that c takes up no startup any more, having ended.
func (t *tracker) left(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releaseStartup(c)
}

// remove forgets c.
func (t *tracker) remove(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
	if len(t.conns) == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// close moves the tracker on to state to, closes the listeners and returns the
// connections there are.
func (t *tracker) close(to state) []*Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = max(t.state, to)
	for l := range t.listeners {
		l.Close()
	}
	conns := make([]*Conn, 0, len(t.conns))
	for c := range t.conns {
		conns = append(conns, c)
	}
	return conns
}

// ended returns a channel that is closed once there is no connection.
func (t *tracker) ended() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.conns) == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	return t.idle
}

// Shutdown stops the server without interrupting anybody: it closes the
// listeners, then connections that have not authenticated or have no channel
// open, and the others as soon as their last channel has closed; no further one
// is opened. It waits until all have ended and every handler has returned, or
// until ctx is done, whose error it then returns; Close ends what is left.
//
// Once Shutdown is called, Serve returns [ErrServerClosed] at once: a program
// waits for Shutdown before it exits. A Server cannot be used again after it.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.tracker.close(draining) {
		c.drain()
	}
	select {
	case <-s.tracker.ended():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the server at once: it closes the listeners and all connections.
// It does not wait for handlers, whose contexts are done and whose sessions
// fail: a handler may call it. Shutdown after Close waits for them.
func (s *Server) Close() error {
	for _, c := range s.tracker.close(closed) {
		c.interrupt()
	}
	return nil
}
