package server

import (
	"context"
	"io/fs"
	"net"
	"time"
)

// Forwarding says what a client may have forwarded, and how. The zero
// Forwarding forwards nothing: each kind takes a [Permit] of its own. What the
// options of a user's key or certificate hold back is held back besides
// (permitopen, permitlisten, no-port-forwarding of sshd(8)).
//
//	Open        direct-tcpip          the server connects for the client      ssh -L, -D, -W
//	OpenUnix    direct-streamlocal    the same, to a socket
//	Listen      tcpip-forward         the server listens for the client       ssh -R
//	ListenUnix  streamlocal-forward   the same, at a socket
//
// All of it happens in the name of the user that the process runs as.
type Forwarding struct {
	Open       Permit
	OpenUnix   Permit
	Listen     Permit
	ListenUnix Permit

	// GatewayPorts says which addresses clients get to listen at.
	GatewayPorts GatewayPorts

	// Dial connects to what Open and OpenUnix permit: the network is "tcp" or
	// "unix", and the host a name or an address. It is called on a goroutine of
	// its own, with a context that ends after DialTimeout, a minute if zero, and
	// when the connection does. A [net.Dialer] dials if it is nil.
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	DialTimeout time.Duration

	SocketMode   fs.FileMode // of sockets that are listened at; 0600 if zero
	UnlinkSocket bool        // replaces files that are where a socket is to be

	// On one connection, at once. MaxConnections counts those in both
	// directions, and those that are being made.
	MaxListeners   int // 20 if zero
	MaxConnections int // 1024 if zero, which is how many channels there may be
}

// A Permit decides whether a client may have something forwarded. It runs on a
// goroutine of its own, and may wait until ctx is done. A nil Permit permits
// nothing.
type Permit func(ctx context.Context, c *Conn, e Endpoint) bool

// An Endpoint is where a client wants a connection to go to, or to come from.
// The client chose all that is in it.
type Endpoint struct {
	Network string // "tcp" or "unix"
	Host    string // a name or an address; for a listener, "" is all addresses
	Port    uint16 // for a listener, 0 is any
	Path    string // of a socket: absolute

	// Origin is who has connected to the client, as it says: host and port. It
	// is empty for a listener.
	Origin string
}

// GatewayPorts are the addresses that clients get to listen at (GatewayPorts of
// sshd_config(5)).
type GatewayPorts byte

const (
	LoopbackOnly    GatewayPorts = iota // the loopback, whatever they ask for
	AllAddresses                        // all addresses, whatever they ask for
	ClientSpecified                     // what they ask for
)

const (
	defaultListeners   = 20
	defaultDialTimeout = time.Minute
	defaultSocketMode  = 0o600
)

func (f *Forwarding) maxListeners() int {
	if f.MaxListeners > 0 {
		return f.MaxListeners
	}
	return defaultListeners
}

func (f *Forwarding) maxConnections() int {
	if f.MaxConnections > 0 {
		return min(f.MaxConnections, maxChannels)
	}
	return maxChannels
}

func (f *Forwarding) dialTimeout() time.Duration {
	if f.DialTimeout > 0 {
		return f.DialTimeout
	}
	return defaultDialTimeout
}

func (f *Forwarding) socketMode() fs.FileMode {
	if f.SocketMode != 0 {
		return f.SocketMode
	}
	return defaultSocketMode
}

// maxOpens returns how many opens of a client may be without an answer: those
// that connections are being made for are among them.
func (f *Forwarding) maxOpens() int {
	if f.Open == nil && f.OpenUnix == nil {
		return maxOpens
	}
	return max(maxOpens, f.maxConnections())
}

// bind returns the addresses to listen at for a client that asks for host, and
// whether they are all (channel_fwd_bind_addr of OpenSSH decides like that).
// Those of the loopback may not all exist.
func (g GatewayPorts) bind(host string) (hosts []string) {
	loopback := []string{"127.0.0.1", "::1"}
	switch {
	case g == AllAddresses, g == ClientSpecified && (host == "" || host == "*"):
		return []string{""}
	case host == "127.0.0.1" || host == "::1", g == ClientSpecified && host != "localhost":
		return []string{host}
	}
	return loopback
}
