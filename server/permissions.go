package server

import (
	"context"
	"net"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// enforced are the critical options that a Server holds its users to.
var enforced = []string{
	hostkey.ForceCommand, hostkey.SourceAddress, hostkey.PermitOpen, hostkey.PermitListen, hostkey.Environment,
}

// A peerKey is the key of the client's address in the context of a check.
type peerKey struct{}

// withPeer returns a context that tells checks where the client is.
func withPeer(ctx context.Context, addr net.Addr) context.Context {
	return context.WithValue(ctx, peerKey{}, addr)
}

// peerOf returns the address of the client that a check is about, or nil.
func peerOf(ctx context.Context) net.Addr {
	addr, _ := ctx.Value(peerKey{}).(net.Addr)
	return addr
}

// permissions returns what the user is limited to, nil if to nothing.
func (c *Conn) permissions() *hostkey.Permissions {
	return c.grant.Permissions
}

// restrict finds out what the user is held back by. An option that nobody
// enforces must not be taken for none; and where the user comes from counts
// whichever method had something to say about it (CVE-2026-46595).
func (c *Conn) restrict() error {
	p := c.permissions()
	if unknown := p.Unknown(enforced...); len(unknown) > 0 {
		return &RestrictionError{Option: unknown[0]}
	}
	if err := p.CheckSource(c.nc.RemoteAddr()); err != nil {
		return &RestrictionError{Option: hostkey.SourceAddress, Err: err}
	}
	if command, ok := p.Command(); ok {
		c.forced = &command
	}
	return nil
}

// mayHavePty reports whether the user may ask for a terminal.
func (c *Conn) mayHavePty() bool {
	return c.server.AllowPty && c.permissions().Permits(hostkey.PermitPty)
}

// mayOpen reports whether the user may open a channel. Those that forward
// connections take a permission, whoever serves them.
func (c *Conn) mayOpen(o *connection.Opening) bool {
	p := c.permissions()
	if p == nil {
		return true
	}
	switch o.Type {
	case directTCPIP: // RFC 4254, section 7.2
		m, err := wire.ParseDirectTCPIP(o.Extra)
		return err == nil && p.PermitsOpen(m.Host, m.Port)
	case directStreamlocal: // PROTOCOL, section 2.4
		_, held := p.CriticalOptions[hostkey.PermitOpen]
		return p.Permits(hostkey.PermitPortForwarding) && !held
	}
	return true
}

// mayRequest reports whether the user may make a global request.
func (c *Conn) mayRequest(r *connection.Request) bool {
	p := c.permissions()
	if p == nil {
		return true
	}
	switch r.Type {
	case tcpipForward: // RFC 4254, section 7.1
		m, err := wire.ParseTCPIPForward(r.Payload)
		return err == nil && p.PermitsListen(m.Address, m.Port)
	case streamlocalForward: // PROTOCOL, section 2.4
		_, held := p.CriticalOptions[hostkey.PermitListen]
		return p.Permits(hostkey.PermitPortForwarding) && !held
	}
	return true
}

// deny refuses a channel that the user may not open.
func deny(o *connection.Opening) {
	o.Reject(channel.AdministrativelyProhibited, "forwarding is not permitted")
}
