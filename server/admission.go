package server

import (
	"errors"
	"log/slog"
)

// identify finds out where the client is, and whether one from there may come
// in. It runs on the connection's own goroutine, for the address of a
// connection that came through a proxy is known when the proxy has said so.
func (c *Conn) identify() error {
	addr := c.nc.RemoteAddr()
	c.log = c.log.With("remote", address(addr))
	c.ip = addressOf(addr)
	c.from = c.server.startups().sourceOf(c.ip)
	return c.server.tracker.place(c)
}

// place counts c at its source, unless that has a penalty or too many
// connections.
func (t *tracker) place(c *Conn) error {
	if p := c.penalties(); p != nil {
		if err := p.check(c.ip, c.from); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.startups.place(c.from, c.server.startups()) {
		return ErrTooManyStartups
	}
	c.placed = true
	return nil
}

// penalties returns what penalties there are for the client, or nil.
func (c *Conn) penalties() *Penalties {
	if p := c.server.Penalties; p != nil && c.from.IsValid() && !p.exempts(c.ip) {
		return p
	}
	return nil
}

// turnAway closes a connection that identify said is not to come in. Nothing
// has been sent on it, and it cost no key exchange. Who has a penalty fills no log
// by trying again.
func (c *Conn) turnAway(why error) error {
	c.cancel()
	c.transport.Close()
	c.server.tracker.left(c)
	level := slog.LevelInfo
	var penalty *PenaltyError
	if errors.As(why, &penalty) && penalty.again {
		level = slog.LevelDebug
	}
	c.log.Log(c.ctx, level, "connection turned away", "err", why)
	c.server.tracker.remove(c)
	return why
}

// penalise makes the client's source pay for how the connection ended.
func (c *Conn) penalise(err error) {
	p, why := c.penalties(), c.offense(err)
	if p != nil && p.add(c.ip, c.from, why) {
		c.log.Warn("a penalty begins", "source", c.from, "it", why.String())
	}
}

// offense returns what is wrong with a connection that ended with err. Whoever
// has logged in may leave in any way.
func (c *Conn) offense(err error) offense {
	var panicked *PanicError
	var restricted *RestrictionError
	switch {
	case errors.As(err, &restricted):
		return authFail
	case c.grant != nil || errors.Is(err, ErrServerClosed) || c.ctx.Err() != nil:
		return noOffense
	case errors.As(err, &panicked):
		return crash
	case errors.Is(err, ErrHandshakeTimeout):
		return graceExceeded
	case errors.Is(err, ErrRefused):
		return refusedConnection
	case c.attempted:
		return authFail
	}
	return noAuth
}
