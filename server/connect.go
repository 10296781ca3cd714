package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/internal/splice"
	"github.com/whelk-ssh/whelk/wire"
)

// The channels in which a client has the server connect to somebody else (RFC
// 4254, section 7.2; OpenSSH PROTOCOL, section 2.4).
const (
	directTCPIP       = "direct-tcpip"
	directStreamlocal = "direct-streamlocal@openssh.com"
)

// What a name and a path may have, in bytes: more is neither a host (RFC 1035,
// section 2.3.4) nor a socket (L3).
const (
	maxHost = 255
	maxPath = 108
	maxPort = 1<<16 - 1
)

// connector returns the function for channels of a kind that is forwarded.
func (s *Server) connector(kind string) func(context.Context, *Conn, *connection.Opening) {
	switch {
	case kind == directTCPIP && s.Forwarding.Open != nil, kind == directStreamlocal && s.Forwarding.OpenUnix != nil:
		return connect
	}
	return nil
}

// connect connects a client to where it wants, if it may: on a goroutine of its
// own, and for as long as the connection lasts.
func connect(ctx context.Context, c *Conn, o *connection.Opening) {
	e, ok := destination(o)
	if !ok {
		o.Reject(channel.ConnectFailed, "not an address")
		return
	}
	f := &c.server.Forwarding
	permit := f.Open
	if e.Network == "unix" {
		permit = f.OpenUnix
	}
	if !permit(ctx, c, e) {
		c.log.Info("forwarding refused", "to", e.quoted())
		deny(o)
		return
	}
	if !c.forwards.take(f.maxConnections()) {
		o.Reject(channel.ResourceShortage, "too many connections are forwarded")
		return
	}
	defer c.forwards.release()
	nc, err := c.dial(ctx, e)
	if err != nil {
		c.log.Info("forwarding failed", "to", e.quoted(), "err", err)
		o.Reject(channel.ConnectFailed, reason(err))
		return
	}
	ch, err := o.Accept(channel.Params{})
	if err != nil {
		nc.Close()
		return
	}
	c.log.Debug("forwarding", "to", e.quoted(), "origin", printable(e.Origin))
	splice.JoinUntil(ctx, nc, ch)
}

// destination takes apart what a channel is opened with. That to a socket is
//
//	string    socket path
//	string    reserved
//	uint32    reserved
func destination(o *connection.Opening) (e Endpoint, ok bool) {
	if o.Type == directStreamlocal {
		r := wire.NewReader(o.Extra)
		e = Endpoint{Network: "unix", Path: r.Text()}
		r.Blob()
		r.Uint32()
		return e, r.End() == nil && isSocketPath(e.Path)
	}
	m, err := wire.ParseDirectTCPIP(o.Extra)
	e = Endpoint{Network: "tcp", Host: m.Host, Port: uint16(m.Port)}
	if m.OriginPort <= maxPort {
		e.Origin = net.JoinHostPort(m.OriginHost, strconv.Itoa(int(m.OriginPort)))
	}
	return e, err == nil && isHost(m.Host) && m.Host != "" && m.Port > 0 && m.Port <= maxPort
}

// isHost reports whether a name may be one of a host: nothing in it is taken
// for anything else by whoever looks it up.
func isHost(name string) bool {
	return len(name) <= maxHost && !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '/' })
}

// isSocketPath reports whether a socket may be there. Other paths than absolute
// ones depend on where the server was started; and "@" at the beginning would
// stand for something that has no owner.
func isSocketPath(name string) bool {
	return path.IsAbs(name) && len(name) <= maxPath && !strings.ContainsRune(name, 0)
}

// dial connects to e.
func (c *Conn) dial(ctx context.Context, e Endpoint) (net.Conn, error) {
	f := &c.server.Forwarding
	ctx, cancel := context.WithTimeout(ctx, f.dialTimeout())
	defer cancel()
	dial := f.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return dial(ctx, e.Network, e.address())
}

// address returns e as package net has it.
func (e *Endpoint) address() string {
	if e.Network == "unix" {
		return e.Path
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// quoted returns e for the log.
func (e *Endpoint) quoted() string { return printable(e.address()) }

// reason returns what a client is told of why there is no connection: what it
// could have found out by itself.
func reason(err error) string {
	var name *net.DNSError
	var number syscall.Errno
	switch {
	case errors.As(err, &name):
		return "the name is not known"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "connection timed out"
	case errors.As(err, &number):
		return number.Error()
	}
	return "connect failed"
}
