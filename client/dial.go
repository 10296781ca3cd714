package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// The channels in which a server connects a client to somebody else (RFC 4254,
// section 7.2; OpenSSH PROTOCOL, section 2.4).
const (
	directTCPIP       = "direct-tcpip"
	directStreamlocal = "direct-streamlocal@openssh.com"
)

// nobody is where a connection comes from that nobody made to us. ssh(1) says
// so too: some servers refuse an address without a port.
var nobody = net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 65535}

// DialContext has the server connect to the address, and returns that
// connection: in the form of [net.Dialer.DialContext], which makes the method
// the dialer of an http.Transport, of a database's driver, or by [New] of the
// next Client.
//
// The network is "tcp", "tcp4", "tcp6" or "unix"; ports are numbers. It is the
// server that resolves a name, and that chooses among the addresses the name
// has: "tcp4" and "tcp6" rule out literal addresses of the other kind, no more.
//
// The connection has deadlines, and a CloseWrite method that ends one
// direction. Its remote address is the one asked for, its local one that of the
// Client. The context bounds the way to it; once DialContext has returned, the
// context no longer matters. If the server refuses, the error is a
// [*DialError].
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	start := time.Now()
	t, err := parseTarget(network, address)
	if err != nil {
		return nil, err
	}
	ch, err := c.mux.Open(ctx, t.kind, t.open(originOf(ctx)), channel.Params{})
	if err != nil {
		if refused, ok := errors.AsType[*channel.OpenError](err); ok {
			return nil, &DialError{Network: network, Address: address, Err: refused}
		}
		return nil, contextual(ctx, err, start, fmt.Sprintf("connecting to %q through the server", address))
	}
	return &tunnel{Channel: ch, local: c.local, remote: t.addr()}, nil
}

// A target is what a server is asked to connect to.
type target struct {
	kind string // of the channel
	path string // of a socket
	host string
	port uint16
}

func parseTarget(network, address string) (target, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		host, port, err := splitHostPort(network, address)
		if err == nil && (host == "" || port == 0) {
			err = addressError(network, address, "it takes a host and a port")
		}
		return target{kind: directTCPIP, host: host, port: port}, err
	case "unix":
		if err := checkPath(address); err != nil {
			return target{}, err
		}
		return target{kind: directStreamlocal, path: address}, nil
	}
	return target{}, net.UnknownNetworkError(network)
}

// splitHostPort takes a TCP address apart.
func splitHostPort(network, address string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, addressError(network, address, "the port must be a number from 0 to 65535")
	}
	if ip, err := netip.ParseAddr(host); err == nil && network != "tcp" && ip.Is4() != (network == "tcp4") {
		return "", 0, addressError(network, address, "the address is of another kind")
	}
	return host, uint16(n), nil
}

// maxPath is how long the path of a socket may be, in bytes: what Linux has room
// for, which is the most that any system has (L3).
const maxPath = 108

// checkPath finds out whether a socket can have the path.
func checkPath(path string) error {
	if path == "" || len(path) > maxPath || strings.ContainsRune(path, 0) {
		return addressError("unix", path, fmt.Sprintf("a path has 1 to %d bytes, none of them 0", maxPath))
	}
	return nil
}

func addressError(network, address, why string) error {
	return &net.OpError{Op: "ssh", Net: network, Err: &net.AddrError{Err: why, Addr: address}}
}

// addr returns the address of the other end.
func (t *target) addr() net.Addr {
	if t.kind == directStreamlocal {
		return &net.UnixAddr{Net: "unix", Name: t.path}
	}
	return tcpAddr(t.host, t.port)
}

// open returns what a channel to t is opened with. That to a socket is
//
//	string    socket path
//	string    reserved
//	uint32    reserved
func (t *target) open(origin net.TCPAddr) []byte {
	if t.kind == directStreamlocal {
		return wire.AppendUint32(wire.AppendString(wire.AppendString(nil, t.path), ""), 0)
	}
	m := wire.DirectTCPIP{
		Host: t.host, Port: uint32(t.port),
		OriginHost: origin.AddrPort().Addr().Unmap().String(), OriginPort: uint32(origin.Port),
	}
	return m.Append(nil)
}

type originKey struct{}

// withOrigin returns a context in which connections are dialed for somebody who
// has connected to us: servers are told, and log it.
func withOrigin(ctx context.Context, addr net.Addr) context.Context {
	return context.WithValue(ctx, originKey{}, addr)
}

// originOf returns for whom a connection is dialed.
func originOf(ctx context.Context) net.TCPAddr {
	if a, ok := ctx.Value(originKey{}).(*net.TCPAddr); ok && len(a.IP) > 0 {
		return *a
	}
	return nobody
}

// A tunnel is a connection through a server: a channel, with the addresses of
// what it connects.
type tunnel struct {
	*channel.Channel
	local, remote net.Addr
}

// LocalAddr returns the address of our end.
func (t *tunnel) LocalAddr() net.Addr { return t.local }

// RemoteAddr returns the address of the other end, as far as it is known.
func (t *tunnel) RemoteAddr() net.Addr { return t.remote }

// A nameAddr is a TCP address with a name, which is not for us to resolve.
type nameAddr string

// Network returns "tcp".
func (a nameAddr) Network() string { return "tcp" }

// String returns host and port.
func (a nameAddr) String() string { return string(a) }

// tcpAddr returns a [*net.TCPAddr] if it can.
func tcpAddr(host string, port uint16) net.Addr {
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, port))
	}
	return nameAddr(net.JoinHostPort(host, strconv.Itoa(int(port))))
}

// A DialError reports that the server did not connect [Client.DialContext] to
// the address it was given. The connection to the server lives on.
type DialError struct {
	Network, Address string
	Err              *channel.OpenError
}

// Error says why, in the server's words, and what can be done.
func (e *DialError) Error() string {
	text := map[channel.Reason]string{
		channel.AdministrativelyProhibited: "the server refuses to connect to %q: %q: " +
			"it, or the options of the user's key, must permit that (AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen)",
		channel.ConnectFailed:      "the server cannot connect to %q: %q: check that something listens there",
		channel.UnknownChannelType: "the server does not know how to connect to %q: %q: it forwards nothing of that kind",
		channel.ResourceShortage:   "the server has no room for a connection to %q: %q: close others, or try again later",
	}[e.Err.Reason]
	if text == "" {
		text = "the server does not connect to %q: %q (" + e.Err.Reason.String() + ")"
	}
	return fmt.Sprintf("client: "+text, e.Address, e.Err.Message)
}

// Unwrap returns Err.
func (e *DialError) Unwrap() error { return e.Err }
