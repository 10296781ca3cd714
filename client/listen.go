package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/wire"
)

// Global requests by which a client has the server listen (RFC 4254, section
// 7.1; OpenSSH PROTOCOL, section 2.4).
const (
	tcpipForward             = "tcpip-forward"
	cancelTCPIPForward       = "cancel-tcpip-forward"
	streamlocalForward       = "streamlocal-forward@openssh.com"
	cancelStreamlocalForward = "cancel-streamlocal-forward@openssh.com"
)

// cancelTimeout is how long Close of a listener waits for the server.
const cancelTimeout = 2 * time.Second

// ErrListen is what [Client.Listen] and a command with X11 return on a Client
// whose user takes the channels that the server opens with the Accept of
// [Client.Mux].
var ErrListen = errors.New("client: Listen and Cmd.X11 take the channels that the server opens: " +
	"take those that Config.Mux.Opens allows with Config.Mux.OnOpen")

// Listen has the server listen at the address, and returns a listener of the
// connections that are made to it there: an http.Server serves on it, and
// [Forward] hands them on.
//
// The network is "tcp", "tcp4", "tcp6" or "unix". An empty host stands for all
// the addresses of the server, and "localhost" for those of its loopback, of
// the one kind with "tcp4" and "tcp6"; servers may know no other than the
// loopback (GatewayPorts of sshd_config(5)). Of port 0 the server chooses one,
// which Addr of the listener has.
//
// The listener has a SetDeadline method. Up to 256 connections wait for its
// Accept; more are refused. Close tells the server to stop, and waits for its
// answer for two seconds at most; connections that were accepted live on. The
// listener ends with the Client.
//
// The context bounds the request alone. If the server refuses, the error is a
// [*ListenError].
func (c *Client) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if c.forwards.taken {
		return nil, ErrListen
	}
	p, err := parsePlace(network, address)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	l := newListener(&c.forwards, p)
	if err := l.listen(ctx); err != nil {
		if errors.Is(err, connection.ErrRefused) {
			return nil, &ListenError{Network: network, Address: address, Err: err}
		}
		return nil, contextual(ctx, err, start, fmt.Sprintf("listening on %q at the server", address))
	}
	return l, nil
}

// ListenUnix is Listen for a socket at a path of the server's.
func (c *Client) ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	return c.Listen(ctx, "unix", path)
}

// everywhere are the names of all addresses (RFC 4254, section 7.1).
var everywhere = map[string]string{"tcp": "", "tcp4": "0.0.0.0", "tcp6": "::"}

func parsePlace(network, address string) (place, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		host, port, err := splitHostPort(network, address)
		if host == "" {
			host = everywhere[network]
		}
		if len(host) > maxExtra/2 {
			err = addressError(network, host, "the name is too long")
		}
		return place{forwardedTCPIP, host, port}, err
	case "unix":
		return place{kind: forwardedStreamlocal, address: address}, checkPath(address)
	}
	return place{}, net.UnknownNetworkError(network)
}

// A listener is a [net.Listener] at the server.
type listener struct {
	forwards *forwards
	place    // as asked for, until the answer

	// What follows is guarded by the mutex of forwards.
	queue    []*arrival
	ready    sync.Cond // queue, err, deadline
	err      error     // once closed
	deadline time.Time
	timer    *time.Timer
}

func newListener(f *forwards, p place) *listener {
	return &listener{forwards: f, place: p, ready: sync.Cond{L: &f.mu}}
}

// listen asks the server.
func (l *listener) listen(ctx context.Context) error {
	f := l.forwards
	if err := f.begin(l); err != nil {
		return err
	}
	asked := l.place
	reply, err := f.ask(ctx, l.request(), asked.payload(), func(reply []byte) {
		if p, err := asked.answered(reply); err == nil {
			f.client.mux.Request(context.Background(), p.cancel(), p.payload())
		}
	})
	p := asked
	if err == nil {
		p, err = asked.answered(reply)
	}
	return f.settle(l, p, err)
}

func (p *place) request() string {
	if p.kind == forwardedStreamlocal {
		return streamlocalForward
	}
	return tcpipForward
}

func (p *place) cancel() string {
	if p.kind == forwardedStreamlocal {
		return cancelStreamlocalForward
	}
	return cancelTCPIPForward
}

// payload returns the data of either request. That for a socket is
//
//	string    socket path
func (p *place) payload() []byte {
	if p.kind == forwardedStreamlocal {
		return wire.AppendString(nil, p.address)
	}
	m := wire.TCPIPForward{Address: p.address, Port: uint32(p.port)}
	return m.Append(nil)
}

var errNoPort = errors.New("client: the server does not say which port it has chosen")

// answered returns where the server listens that was asked to at p.
func (p place) answered(reply []byte) (place, error) {
	if p.kind == forwardedStreamlocal || p.port != 0 {
		return p, nil
	}
	m, err := wire.ParseTCPIPForwardReply(reply)
	if err != nil || m.Port == 0 || m.Port > maxPort {
		return p, errNoPort
	}
	p.port = uint16(m.Port)
	return p, nil
}

// Addr returns the address that the server listens at: as it was asked for, and
// with the port that it has chosen.
func (l *listener) Addr() net.Addr {
	switch {
	case l.kind == forwardedStreamlocal:
		return &net.UnixAddr{Net: "unix", Name: l.address}
	case l.address == "":
		return tcpAddr("::", l.port)
	}
	return tcpAddr(l.address, l.port)
}

// push adds a connection to those that wait. Callers hold the mutex of
// forwards.
func (l *listener) push(a *arrival) {
	if len(l.queue) == maxBacklog {
		a.Reject(channel.ResourceShortage, "too many connections wait to be accepted")
		return
	}
	l.queue = append(l.queue, a)
	l.ready.Signal()
}

// Accept returns the next connection, a [net.Conn] like those of
// [Client.DialContext]. Its remote address is what the server says about who
// has connected. Accept fails with [net.ErrClosed] when the listener or the
// connection to the server has been closed, and with [os.ErrDeadlineExceeded]
// after the deadline.
func (l *listener) Accept() (net.Conn, error) {
	a, err := l.next()
	if err != nil {
		return nil, err
	}
	ch, err := a.Accept(channel.Params{})
	if err != nil {
		return nil, err
	}
	return &tunnel{Channel: ch, local: l.Addr(), remote: a.origin}, nil
}

// next waits for a connection.
func (l *listener) next() (*arrival, error) {
	l.forwards.mu.Lock()
	defer l.forwards.mu.Unlock()
	for {
		switch {
		case l.err != nil:
			return nil, l.err
		case !l.deadline.IsZero() && !time.Now().Before(l.deadline):
			return nil, os.ErrDeadlineExceeded
		case len(l.queue) > 0:
			a := l.queue[0]
			l.queue = l.queue[1:]
			return a, nil
		}
		l.ready.Wait()
	}
}

// SetDeadline sets the time after which Accept fails; zero is never.
func (l *listener) SetDeadline(t time.Time) error {
	l.forwards.mu.Lock()
	defer l.forwards.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.deadline = t
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if !t.IsZero() {
		l.timer = time.AfterFunc(time.Until(t), l.wake)
	}
	l.ready.Broadcast()
	return nil
}

func (l *listener) wake() {
	l.forwards.mu.Lock()
	defer l.forwards.mu.Unlock()
	l.ready.Broadcast()
}

// shut makes Accept fail. Callers hold the mutex of forwards.
func (l *listener) shut(err error) {
	l.err = err
	for _, a := range l.queue {
		a.Reject(channel.AdministrativelyProhibited, "nobody listens there")
	}
	l.queue = nil
	if l.timer != nil {
		l.timer.Stop()
	}
	l.ready.Broadcast()
}

var errListenerClosed = fmt.Errorf("client: use of closed listener: %w", net.ErrClosed)

// Close ends the listener. A second call does nothing.
func (l *listener) Close() error {
	if !l.leave() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	// What the server says to it changes nothing: what comes from there is
	// refused.
	l.forwards.ask(ctx, l.cancel(), l.payload(), func([]byte) {})
	return nil
}

// leave takes no further connection. It reports false if that was so before.
func (l *listener) leave() bool {
	f := l.forwards
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.err != nil {
		return false
	}
	delete(f.bound, l.place)
	l.shut(errListenerClosed)
	return true
}

// A ListenError reports that the server does not listen where [Client.Listen]
// asked it to. It does not say why.
type ListenError struct {
	Network, Address string
	Err              error // connection.ErrRefused
}

// Error says what to look at.
func (e *ListenError) Error() string {
	what := "AllowTcpForwarding, PermitListen and, for other addresses than the loopback, GatewayPorts; ports below 1024 are root's"
	if e.Network == "unix" {
		what = "AllowStreamLocalForwarding"
	}
	return fmt.Sprintf("client: the server refuses to listen on %q: somebody else does, or it, or the options of the user's key, "+
		"must permit that (%s)", e.Address, what)
}

// Unwrap returns Err.
func (e *ListenError) Unwrap() error { return e.Err }
