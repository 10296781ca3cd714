package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// authService is the service a client asks for (RFC 4252, section 4).
const authService = "ssh-userauth"

// A Client is an authenticated connection. All methods are safe for concurrent
// use.
type Client struct {
	transport *transport.Conn
	mux       *connection.Mux
	local     net.Addr // of our end
	remote    net.Addr
	lending   *lending      // nil without an Agent
	updating  *updating     // nil without an Updater
	noMore    atomic.Bool   // NoMoreSessions was called
	done      chan struct{} // closed when the connection has ended and err is set
	err       error
}

// Dial connects to the address, which has the form that [net.Dial] takes but
// for TCP may lack the port, which then is 22, and authenticates the user.
//
// A server that ends the connection over a wrong guess of the key exchange (see
// [transport.GuessError]) is dialed once more, without one.
//
// The context bounds all of that, and a minute does if it has no deadline: a
// [*ContextError] says what there was no time left for. Once Dial has
// returned, the context no longer matters.
func Dial(ctx context.Context, network, address string, config *Config) (*Client, error) {
	config, err := config.clone()
	if err != nil {
		return nil, err
	}
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	start := time.Now()
	address = withPort(network, address)
	for {
		var dialer net.Dialer
		nc, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, contextual(ctx, err, start, "connecting to "+address)
		}
		c, err := newClient(ctx, nc, address, config)
		if _, guessed := errors.AsType[*transport.GuessError](err); !guessed || config.Transport.DisableGuess {
			return c, err
		}
		config.Transport.DisableGuess = true
	}
}

// New is Dial over a connection that is there already, of whatever kind. The
// Client owns nc from then on: it is closed when New fails, and by
// [Client.Close]. The address, host and port or the host alone, is the one
// that was meant, under which the host's key is looked for.
func New(ctx context.Context, nc net.Conn, address string, config *Config) (*Client, error) {
	config, err := config.clone()
	if err != nil {
		nc.Close()
		return nil, err
	}
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	return newClient(ctx, nc, address, config)
}

func withDefaultTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, connectTimeout)
}

// newClient takes nc through the three protocols.
func newClient(ctx context.Context, nc net.Conn, address string, config *Config) (*Client, error) {
	start := time.Now()
	settings := config.Transport
	settings.Host = hostkey.Host{Name: address, Addr: nc.RemoteAddr()}
	settings.Verifier = config.HostKeys
	if settings.StallTimeout == 0 {
		settings.StallTimeout = config.KeepAlive.Patience()
	}
	t := transport.Client(nc, &settings)
	if err := t.Handshake(ctx); err != nil {
		return nil, contextual(ctx, err, start, "exchanging keys with "+address)
	}
	if err := authenticate(ctx, t, config); err != nil {
		disconnect(t, err)
		t.Close()
		return nil, contextual(ctx, err, start, fmt.Sprintf("authenticating %q to %s", config.User, address))
	}
	c := &Client{transport: t, local: nc.LocalAddr(), remote: nc.RemoteAddr(), done: make(chan struct{})}
	mux := c.listen(settings.Host, config)
	c.lend(config, mux)
	c.mux = connection.New(t, mux)
	c.mux.Watch(config.KeepAlive, func() {
		t.Abandon(fmt.Errorf("%w: no answer for %v", ErrDeadPeer, config.KeepAlive.Patience()))
	})
	go c.serve()
	return c, nil
}

// authenticate runs RFC 4252 over t. The service is asked for without waiting
// for the answer: the first authentication request is behind it in the same
// flight.
func authenticate(ctx context.Context, t *transport.Conn, config *Config) error {
	ctx = withAgentBinding(ctx, t.State())
	unhook := context.AfterFunc(ctx, func() { t.Disconnect(transport.ReasonByApplication, "") })
	defer unhook()
	if err := t.RequestService(authService); err != nil {
		return err
	}
	dialogue := userauth.Client{User: config.User, Methods: config.Auth, Algorithms: config.Transport.UserKeyAlgorithms, Banner: config.Banner}
	if err := dialogue.Authenticate(ctx, t, binding(t)); err != nil {
		return err
	}
	if !unhook() {
		// The context was done first, and the connection is going down.
		return context.Cause(ctx)
	}
	return nil
}

// binding ties the authentication to the transport.
func binding(t *transport.Conn) userauth.Binding {
	state := t.State()
	b := userauth.Binding{
		SessionID: state.SessionID, HostKey: state.HostKey.Marshal(),
		Relearn: func(b *userauth.Binding) {
			state := t.State()
			b.Algorithms = state.ServerSigAlgs()
			b.HostBound = string(state.Extensions[userauth.HostBoundExtension]) == "0"
		},
	}
	b.Relearn(&b)
	return b
}

// disconnect tells the server why a layer above the transport gives up on it,
// where that is the server's doing.
func disconnect(t *transport.Conn, err error) {
	var inAuthentication *userauth.ProtocolError
	var inConnection *connection.Error
	switch {
	case errors.As(err, &inAuthentication):
		t.Disconnect(transport.ReasonProtocolError, inAuthentication.Error())
	case errors.As(err, &inConnection):
		t.Disconnect(transport.ReasonProtocolError, inConnection.Error())
	}
}

// serve is the goroutine that reads.
func (c *Client) serve() {
	err := c.mux.Serve()
	disconnect(c.transport, err)
	c.transport.Close()
	c.lending.end()
	if c.updating != nil {
		c.updating.end()
	}
	c.err = err
	close(c.done)
}

// Mux returns the connection protocol below the Client, to open other channels
// and send other requests.
func (c *Client) Mux() *connection.Mux { return c.mux }

// State describes the transport: versions, algorithms, the host's key.
func (c *Client) State() transport.State { return c.transport.State() }

// Rekey begins to exchange keys anew (RFC 4253, section 9), and does not wait
// for it.
func (c *Client) Rekey() error { return c.transport.Rekey() }

// LocalAddr returns the address of our end of the connection.
func (c *Client) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the server's address, as the connection that [New] was
// given has it.
func (c *Client) RemoteAddr() net.Addr { return c.remote }

// Wait waits until the connection has ended, and returns why: never nil, and
// always a [net.ErrClosed].
func (c *Client) Wait() error {
	<-c.done
	return c.err
}

// Close ends the connection and everything in it. It returns when the
// Client's goroutines have ended, which takes no longer than a second even if
// the server does not read. It may be called more than once.
func (c *Client) Close() error {
	err := c.transport.Close()
	<-c.done
	return err
}
