package server

import (
	"context"
	"runtime/debug"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
)

// What one client may have us keep. Opens and requests beyond are refused.
const (
	maxChannels = 1024 // open at once
	maxOpens    = 64   // without an answer of ours
	maxRequests = 64   // likewise, on a connection and on each of its sessions
)

// muxConfig is how the connection protocol hands over what the client asks
// for: by calling back on the goroutine that reads, so that none waits for it
// while the client asks for nothing.
func (c *Conn) muxConfig() *connection.Config {
	return &connection.Config{
		Opens:     c.server.Forwarding.maxOpens(),
		Requests:  maxRequests,
		Channels:  maxChannels,
		OnOpen:    c.open,
		OnRequest: c.request,
	}
}

// open answers a channel open, or has it answered. It runs on the goroutine
// that reads and never waits.
func (c *Conn) open(o *connection.Opening) {
	if !c.begin() {
		o.Reject(channel.ResourceShortage, "the server is shutting down")
		return
	}
	serve := c.server.Channels[o.Type]
	if serve == nil {
		serve = c.server.connector(o.Type)
	}
	switch {
	case serve != nil && !c.mayOpen(o), serve == nil && (o.Type == directTCPIP || o.Type == directStreamlocal):
		deny(o)
	case serve != nil:
		c.handlers.Go(func() {
			defer c.finish()
			c.serveChannel(serve, o)
		})
		return
	case o.Type == "session" && (c.server.Session != nil || len(c.server.Subsystems) > 0):
		if c.openSession(o) {
			return
		}
	default:
		o.Reject(channel.UnknownChannelType, "unknown channel type")
	}
	c.finish()
}

// openSession opens a session and reports whether it did.
func (c *Conn) openSession(o *connection.Opening) bool {
	if c.noMore {
		o.Reject(channel.AdministrativelyProhibited, "no more sessions")
		return false
	}
	if !c.beginSession() {
		o.Reject(channel.ResourceShortage, "too many sessions")
		return false
	}
	c.opened++
	s := &Session{conn: c, number: c.opened}
	ch, err := o.Accept(channel.Params{Requests: maxRequests, OnRequest: s.take})
	if err != nil {
		c.mu.Lock()
		c.sessions--
		c.mu.Unlock()
		return false
	}
	s.ch = ch
	c.handlers.Add(1)
	return true
}

// serveChannel runs the user's function for one channel.
func (c *Conn) serveChannel(serve func(context.Context, *Conn, *connection.Opening), o *connection.Opening) {
	// An Opening left without an answer would stay with the client for ever; a
	// second answer does nothing.
	defer o.Reject(channel.ConnectFailed, "")
	defer c.recovered("channel", o.Type)
	serve(c.ctx, c, o)
}

// recovered logs a panic of the user's code. It is deferred.
func (c *Conn) recovered(what, name string) {
	if v := recover(); v != nil {
		c.log.Error("panic", what, printable(name), "panic", v, "stack", string(debug.Stack()))
	}
}

// A requestQueue holds global requests until it is their turn.
type requestQueue struct {
	waiting []*connection.Request // at most maxRequests
	serving bool                  // a goroutine works on it
}

// request answers a global request, or has it answered. It runs on the
// goroutine that reads and never waits.
func (c *Conn) request(r *connection.Request) {
	if r.Type != proveRequest && (c.serverOf(r) == nil || !c.mayRequest(r)) {
		if r.Type == "no-more-sessions@openssh.com" { // PROTOCOL, section 2.2
			c.noMore = true
		}
		r.Reply(false, nil)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &c.requests
	if len(q.waiting) >= maxRequests || c.phase != working {
		r.Reply(false, nil)
		return
	}
	q.waiting = append(q.waiting, r)
	if !q.serving {
		q.serving = true
		c.handlers.Go(c.serveRequests)
	}
}

// serverOf returns the function that a global request is for, or nil.
func (c *Conn) serverOf(r *connection.Request) func(context.Context, *Conn, *connection.Request) {
	if serve := c.server.Requests[r.Type]; serve != nil {
		return serve
	}
	return c.server.listening(r.Type)
}

// serveRequests runs the functions that requests are for until no request waits.
func (c *Conn) serveRequests() {
	for r := c.nextRequest(); r != nil; r = c.nextRequest() {
		c.serveRequest(r)
	}
}

func (c *Conn) nextRequest() *connection.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &c.requests
	if len(q.waiting) == 0 {
		q.waiting, q.serving = nil, false
		return nil
	}
	r := q.waiting[0]
	q.waiting = q.waiting[1:]
	return r
}

func (c *Conn) serveRequest(r *connection.Request) {
	defer r.Reply(false, nil) // a second answer does nothing
	defer c.recovered("request", r.Type)
	if serve := c.serverOf(r); serve != nil {
		serve(c.ctx, c, r)
		return
	}
	c.proveKeys(c.ctx, r)
}
