package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// A Conn is an authenticated client's connection. All methods are safe for
// concurrent use.
type Conn struct {
	server    *Server
	nc        net.Conn
	transport *transport.Conn
	mux       *connection.Mux // nil before authentication, as is grant
	grant     *userauth.Grant
	forced    *string // the one command the user may run, unless nil
	log       *slog.Logger
	ctx       context.Context // done when the connection has ended
	cancel    context.CancelFunc
	ip        netip.Addr     // the client's, if it has one
	from      source         // that of ip
	starting  bool           // it takes up a startup; guarded by tracker.mu, as is placed
	placed    bool           // it counts at its source
	attempted bool           // the client tried to log in; of the goroutine that authenticates
	handlers  sync.WaitGroup // sessions, and goroutines that run the user's code
	noMore    bool           // the client opens no further session; the reader's
	opened    uint64         // sessions so far; the reader's
	proofs    int            // host keys the client asked us to prove; the server's of requests

	mu       sync.Mutex
	phase    phase
	draining bool        // no further channel is opened
	active   int         // channels open or about to be
	sessions int         // of those
	idle     *time.Timer // runs while active is 0
	idled    bool        // it has run out
	requests requestQueue
}

// A phase is how far a connection has come.
type phase byte

const (
	greeting phase = iota // until authentication has ended
	working
	leaving // the mux has ended
)

func newConn(ctx context.Context, s *Server, nc net.Conn, number uint64) *Conn {
	c := &Conn{
		server:    s,
		nc:        nc,
		transport: transport.Server(nc, s.transportConfig()),
		log:       s.logger().With("conn", number),
	}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// Grant returns who the client is and what it may do. It is not to be changed.
func (c *Conn) Grant() *userauth.Grant { return c.grant }

// User returns the name of the authenticated user.
func (c *Conn) User() string { return c.grant.User }

// Mux returns the connection protocol, to open channels to the client and to
// send it global requests. What the client opens and requests goes to the
// functions of the [Server]: the Mux's Accept and Requests yield nothing.
func (c *Conn) Mux() *connection.Mux { return c.mux }

// State returns what the transport agreed on.
func (c *Conn) State() transport.State { return c.transport.State() }

// Context returns a context that is done when the connection has ended. Its
// values are those of [Server].ConnContext.
func (c *Conn) Context() context.Context { return c.ctx }

// Logger returns where the [Server] logs, with what tells this connection from
// others: its number in "conn", the client's address in "remote", and the
// "user". It discards all if Server.Logger is nil.
func (c *Conn) Logger() *slog.Logger { return c.log }

// LocalAddr returns the server's address.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Close ends the connection and everything on it. It does not wait for the
// handlers.
func (c *Conn) Close() error {
	c.interrupt()
	return nil
}

// interrupt ends the connection from outside: the goroutine that reads finds
// out and does the rest.
func (c *Conn) interrupt() {
	c.cancel()
	c.transport.Disconnect(transport.ReasonByApplication, "")
}

// serve runs the connection from its first byte to the end of its last
// handler, and says why it ended. Its goroutine is the one that reads.
func (c *Conn) serve() error {
	if err := c.identify(); err != nil {
		return c.turnAway(err)
	}
	err := c.because(c.run())
	c.penalise(err)
	c.cancel()
	c.leave()
	c.transport.Disconnect(lastWords(err))
	c.transport.Close()
	c.server.tracker.left(c)
	c.logEnd(err)
	c.handlers.Wait()
	c.server.tracker.remove(c)
	return err
}

// because returns the reason we had for ending the connection, or else err.
func (c *Conn) because(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
	case c.idled:
		return ErrIdle
	case c.server.tracker.closing() && ours(err):
		return ErrServerClosed
	}
	return err
}

// ours reports whether err is that of a connection we closed.
func ours(err error) bool {
	var local *transport.Error
	return errors.Is(err, ErrServerClosed) || errors.As(err, &local) && local.Reason == transport.ReasonByApplication
}

// run is what the goroutine that reads does. A panic of the user's code there
// costs this connection and no other.
func (c *Conn) run() (err error) {
	defer recoverTo(&err)
	if err := c.onOwnStack(c.establish); err != nil {
		return err
	}
	return c.mux.Serve()
}

// recoverTo turns a panic into an error. It is deferred.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}

// onOwnStack runs f on a goroutine that ends with it. Key exchanges and
// signatures need a deep stack, which the goroutine that reads would keep for
// as long as the connection lasts.
func (c *Conn) onOwnStack(f func() error) error {
	result := make(chan error, 1)
	go func() {
		var err error = &PanicError{Value: "runtime.Goexit"} // unless f returns
		defer func() { result <- err }()
		defer recoverTo(&err)
		err = f()
	}()
	return <-result
}

// establish does all that comes before channels can open.
func (c *Conn) establish() error {
	if f := c.server.ConnContext; f != nil {
		ctx := f(c.ctx, c.nc)
		if ctx == nil {
			return ErrRefused
		}
		c.ctx = ctx
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if err := c.restrict(); err != nil {
		return err
	}
	c.mux = connection.New(c.transport, c.muxConfig())
	c.mux.Watch(c.server.KeepAlive, func() {
		c.transport.Abandon(fmt.Errorf("%w: no answer for %v", ErrDeadPeer, c.server.KeepAlive.Patience()))
	})
	if err := c.server.tracker.authenticated(c); err != nil {
		return err
	}
	if err := c.announceKeys(); err != nil {
		return err
	}
	c.work()
	return nil
}

// authenticate finds out who the client is, within the time there is for it.
func (c *Conn) authenticate() (err error) {
	timeout := c.server.handshakeTimeout()
	ctx, cancel := context.WithTimeoutCause(c.ctx, timeout, ErrHandshakeTimeout)
	defer cancel()
	defer func() {
		if err != nil && context.Cause(ctx) == ErrHandshakeTimeout {
			err = ErrHandshakeTimeout
		}
	}()
	if err := c.transport.Handshake(ctx); err != nil {
		return err
	}
	// Nothing but this happens when the time is up: the reader wakes with an
	// error and cleans up (CVE-2024-6387).
	stop := context.AfterFunc(ctx, func() { c.transport.Disconnect(lastWords(context.Cause(ctx))) })
	defer stop()
	if _, err := c.transport.AcceptService("ssh-userauth"); err != nil {
		return err
	}
	auth := c.server.Auth
	auth.Report = c.report
	c.grant, err = auth.Authenticate(withPeer(ctx, c.nc.RemoteAddr()), c.transport, c.binding())
	if err != nil {
		return err
	}
	c.log = c.log.With("user", printable(c.grant.User))
	c.log.Info("authenticated", "methods", c.grant.Methods)
	return nil
}

// binding ties the authentication to the transport.
func (c *Conn) binding() userauth.Binding {
	state := c.transport.State()
	return userauth.Binding{
		SessionID:  state.SessionID,
		HostKey:    state.HostKey.Marshal(),
		RemoteAddr: c.nc.RemoteAddr(),
		Algorithms: c.server.userKeyAlgorithms(),
		KeyFormats: c.server.Transport.KeyFormats,
	}
}

// report logs one attempt to authenticate.
func (c *Conn) report(ctx context.Context, a *userauth.Attempt, err error) {
	if err != nil {
		level := slog.LevelInfo
		if a.Method == "none" { // how clients ask what there is
			level = slog.LevelDebug
		} else {
			c.attempted = true
		}
		c.log.Log(ctx, level, "authentication refused", "user", printable(a.User), "method", printable(a.Method), "err", err)
	}
	if f := c.server.Auth.Report; f != nil {
		f(ctx, a, err)
	}
}

func (c *Conn) logEnd(err error) {
	var panicked *PanicError
	switch {
	case errors.As(err, &panicked):
		c.log.Error("connection ended by a panic", "panic", panicked.Value, "stack", string(panicked.Stack))
	case c.grant == nil:
		c.log.Info("connection ended before authentication", "err", err)
	default:
		c.log.Info("connection ended", "err", err)
	}
}
