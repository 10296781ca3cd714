package server

import (
	"context"
	"time"

	"github.com/whelk-ssh/whelk/transport"
)

// farewellTimeout is how long a client that we are about to leave may take to
// read what was sent to it.
const farewellTimeout = 10 * time.Second

// courtesy is how long a client that has read everything may take to leave by
// itself. ssh(1) does so once its command's output is written; told to leave
// before that, it exits with 255 instead of the command's status.
const courtesy = time.Second

// work begins the phase in which channels open. The idle time runs from here.
func (c *Conn) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = working
	c.rest()
}

// leave ends that phase.
func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = leaving
	c.stopIdle()
}

// begin counts one channel more, unless no further one is to open.
func (c *Conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining || c.phase != working {
		return false
	}
	c.active++
	c.stopIdle()
	return true
}

// finish counts one channel less.
func (c *Conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	c.rest()
}

// beginSession counts one session more, unless there are too many.
func (c *Conn) beginSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions >= c.server.maxSessions() {
		return false
	}
	c.sessions++
	return true
}

// finishSession counts one session less.
func (c *Conn) finishSession() {
	c.mu.Lock()
	c.sessions--
	c.mu.Unlock()
	c.finish()
}

// drain makes the connection end as soon as no channel is open.
func (c *Conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return
	}
	c.draining = true
	if c.phase == greeting {
		c.interrupt()
		return
	}
	c.rest()
}

// rest does what is due when no channel is open: it starts the idle time, or
// leaves the client. Callers hold c.mu.
func (c *Conn) rest() {
	switch {
	case c.active > 0 || c.phase != working:
	case c.draining:
		c.handlers.Go(c.farewell)
	case c.server.IdleTimeout > 0:
		c.stopIdle()
		c.idle = time.AfterFunc(c.server.IdleTimeout, c.expire)
	}
}

func (c *Conn) stopIdle() {
	if c.idle != nil {
		c.idle.Stop()
		c.idle = nil
	}
}

// expire ends a connection whose idle time has run out.
func (c *Conn) expire() {
	c.mu.Lock()
	if c.active > 0 || c.idle == nil || c.phase != working {
		c.mu.Unlock()
		return
	}
	c.idled = true
	c.mu.Unlock()
	c.transport.Disconnect(lastWords(ErrIdle))
}

// farewell ends the connection once the client has read what was sent to it,
// which it tells by answering a request that comes after all of it. A client
// that does not know the request has to answer it too (RFC 4254, section 4).
func (c *Conn) farewell() {
	ctx, cancel := context.WithTimeout(c.ctx, farewellTimeout)
	defer cancel()
	_, err := c.mux.Request(ctx, "keepalive@openssh.com", nil)
	c.log.Debug("leaving", "answer", err)
	select {
	case <-c.ctx.Done():
	case <-time.After(courtesy):
	}
	c.transport.Disconnect(transport.ReasonByApplication, "the server is shutting down")
}
