package client

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/splice"
	"github.com/whelk-ssh/whelk/transport"
)

// AgentKeys returns the function for userauth.PublicKeyFunc that has the agent's
// keys. An agent that can be bound, as an [*agent.Client] and an
// [*agent.Keyring] can, is told before it signs which host the user logs in to
// (OpenSSH PROTOCOL.agent, section 1), which keys that are restricted to some
// hosts ask for. That is for the life of the connection to the agent: one
// Client serves one login.
func AgentKeys(a agent.Agent) func(ctx context.Context) ([]hostkey.Signer, error) {
	return func(ctx context.Context) ([]hostkey.Signer, error) {
		a := a
		if c, ok := a.(agent.Connector); ok {
			a = c.Connect()
		}
		b, known := AgentBinding(ctx)
		binder, ok := a.(agent.Binder)
		if ok && known {
			if err := binder.Bind(ctx, b); err != nil && !errors.Is(err, agent.ErrRefused) {
				return nil, err
			}
		}
		return agent.Signers(ctx, a)
	}
}

type agentBindingKey struct{}

func withAgentBinding(ctx context.Context, s transport.State) context.Context {
	return context.WithValue(ctx, agentBindingKey{}, agentBinding(&s))
}

// AgentBinding returns what an agent is to be told of the login that a context
// belongs to: that which [Client]s give to the methods of [Config].Auth.
func AgentBinding(ctx context.Context) (agent.Binding, bool) {
	b, ok := ctx.Value(agentBindingKey{}).(agent.Binding)
	return b, ok
}

// agentBinding returns the binding to a connection, to log in with.
func agentBinding(s *transport.State) agent.Binding {
	return agent.Binding{HostKey: s.HostKey, SessionID: s.SessionID, Signature: s.HostKeySignature}
}

// A lending is what a [Client] knows of the agent that it lends.
type lending struct {
	client *Client
	dial   func(ctx context.Context) (io.ReadWriteCloser, error)
	ctx    context.Context // done when the connection has ended
	cancel context.CancelFunc

	mu        sync.Mutex // never held to wait
	borrowers int        // commands that the agent was offered to, and that run
	lent      int        // connections
	ended     bool
	serving   sync.WaitGroup
}

// maxLent is how many connections to the agent a server may have at once.
const maxLent = 32

// The requests to lend an agent, and the channels to it, have names of RFC 9987,
// section 6, and older ones of OpenSSH. A server announces that it knows the
// former.
const (
	agentRequest        = "agent-req"
	agentChannel        = "agent-connect"
	agentExtension      = "agent-forward"
	agentRequestOpenSSH = "auth-agent-req@openssh.com"
	agentChannelOpenSSH = "auth-agent@openssh.com"
)

var errNoAgent = errors.New("client: Cmd.ForwardAgent is set, and Config.Agent is nil: say which agent")

// lend lets the server open channels to the agent, should it be offered one.
func (c *Client) lend(config *Config) {
	if config.Agent == nil {
		return
	}
	c.lending = &lending{client: c, dial: config.Agent}
	c.lending.ctx, c.lending.cancel = context.WithCancel(context.Background())
}

// offerAgent asks the server to make the agent known to a command, and takes
// its channels from then on until that of the command has closed. Like
// OpenSSH's client, it does not wait for an answer.
func (c *Client) offerAgent(ch *channel.Channel) error {
	state := c.State()
	request := agentRequestOpenSSH
	if string(state.Extensions[agentExtension]) == "0" {
		request = agentRequest
	}
	if !c.lending.begin(ch) {
		return c.mux.Err()
	}
	return ch.Notify(request, nil)
}

// begin counts a command until its channel has closed. It reports false if the
// connection has ended.
func (l *lending) begin(ch *channel.Channel) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.borrowers++
	l.serving.Go(func() {
		<-ch.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.borrowers--
	})
	return true
}

// open answers the server, which wants a channel to the agent. It never waits.
func (l *lending) open(o *connection.Opening) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.borrowers == 0 || l.ended:
		o.Reject(channel.AdministrativelyProhibited, "no agent was offered")
	case l.lent == maxLent:
		o.Reject(channel.ResourceShortage, "too many connections to the agent")
	default:
		l.lent++
		l.serving.Go(func() { l.serve(o) })
	}
}

// serve connects the server to the agent.
func (l *lending) serve(o *connection.Opening) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lent--
	}()
	rw, err := l.connect()
	if err != nil {
		o.Reject(channel.ConnectFailed, "the agent does not answer")
		return
	}
	stop := context.AfterFunc(l.ctx, func() { rw.Close() })
	defer stop()
	ch, err := o.Accept(channel.Params{})
	if err != nil {
		rw.Close()
		return
	}
	splice.Join(ch, rw)
}

// connect connects to the agent, and tells it whom it is lent to. One that does
// not want to know has no keys that depend on it.
func (l *lending) connect() (io.ReadWriteCloser, error) {
	rw, err := l.dial(l.ctx)
	if err != nil {
		return nil, err
	}
	state := l.client.State()
	b := agentBinding(&state)
	b.Forwarded = true
	if err := agent.NewClient(rw).Bind(l.ctx, b); err != nil && !errors.Is(err, agent.ErrRefused) {
		rw.Close()
		return nil, err
	}
	return rw, nil
}

// end ends what is lent when the connection has ended. A nil lending has
// nothing.
func (l *lending) end() {
	if l == nil {
		return
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.cancel()
	l.serving.Wait()
}
