package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Extensions (RFC 9987, section 5.8, and OpenSSH PROTOCOL.agent).
const (
	queryExtension = "query"
	sessionBind    = "session-bind@openssh.com"
)

// ErrUnsupported is what the agent says of an extension that it does not know.
var ErrUnsupported = errors.New("agent: the agent does not know the extension")

// A Client is an [Agent] at the other end of a connection. Requests wait for
// each other. When the connection breaks, or is made useless by an answer that
// is none or by a context that was done in the middle of a request, each
// further request fails with the error that said so first, which is a
// [*ConnError] or a [*ProtocolError].
type Client struct {
	rw   io.ReadWriter
	turn chan struct{} // holds one token, without which nobody uses rw and err
	err  error
}

// NewClient returns the agent at the other end of rw, which a [Client.Close]
// closes if it is an [io.Closer]. If it is none, a context that is done does
// not end the wait for an answer.
func NewClient(rw io.ReadWriter) *Client {
	c := &Client{rw: rw, turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

// Dial connects to the agent at an address of [Dialer]'s.
func Dial(ctx context.Context, address string) (*Client, error) {
	rw, err := dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("agent: no agent answers at %q: %w", address, err)
	}
	return NewClient(rw), nil
}

// Dialer returns a function that connects to the agent at an address, which is
// the path of a unix socket, as in the environment variable SSH_AUTH_SOCK, or
// on Windows that of a named pipe, such as \\.\pipe\openssh-ssh-agent.
func Dialer(address string) func(ctx context.Context) (io.ReadWriteCloser, error) {
	return func(ctx context.Context) (io.ReadWriteCloser, error) { return dial(ctx, address) }
}

// Close closes the connection. It does not wait for a request under way, which
// fails.
func (c *Client) Close() error {
	if closer, ok := c.rw.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// call sends a request and returns the answer, number first.
func (c *Client) call(ctx context.Context, what string, request []byte) ([]byte, error) {
	if len(request) > 4+maxMessage {
		return nil, fmt.Errorf("agent: a request %s has %d bytes, and %d are allowed", what, len(request)-4, maxMessage)
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, doneError(ctx, what)
	}
	defer func() { c.turn <- struct{}{} }()
	switch {
	case c.err != nil:
		return nil, c.err
	case ctx.Err() != nil:
		return nil, doneError(ctx, what)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	answer, err := c.exchange(request)
	if err == nil {
		return answer, nil
	}
	if c.err = err; !errors.As(err, new(*ProtocolError)) {
		c.err = &ConnError{Request: what, Err: err}
	}
	if ctx.Err() != nil {
		return nil, doneError(ctx, what)
	}
	return nil, c.err
}

func (c *Client) exchange(request []byte) ([]byte, error) {
	if err := send(c.rw, request); err != nil {
		return nil, err
	}
	answer, err := receive(c.rw, func() {})
	return answer, unexpected(err)
}

func doneError(ctx context.Context, what string) error {
	return fmt.Errorf("agent: asking the agent %s: %w", what, context.Cause(ctx))
}

// broken notes that an answer made no sense. What follows it would not either.
func (c *Client) broken(err error) error {
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	if c.err == nil {
		c.err = err
		c.Close()
	}
	return err
}

// ask sends a request and returns the fields of an answer with the given number.
// Failure is a [*RefusedError].
func (c *Client) ask(ctx context.Context, what string, request []byte, want number) ([]byte, error) {
	answer, err := c.call(ctx, what, request)
	if err != nil {
		return nil, err
	}
	switch number(answer[0]) {
	case want:
		if want == agentSuccess && len(answer) > 1 {
			break
		}
		return answer[1:], nil
	// Some agents answer everything that they refuse as if it was an extension.
	case agentFailure, extensionFailure:
		return nil, &RefusedError{Request: what}
	}
	return nil, c.broken(&ProtocolError{What: fmt.Sprintf("asked %s, the agent answers with %v of %d bytes", what, number(answer[0]), len(answer))})
}

// do sends a request that is answered with success or failure.
func (c *Client) do(ctx context.Context, what string, request []byte) error {
	_, err := c.ask(ctx, what, request, agentSuccess)
	return err
}

// Keys implements [Agent].
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	answer, err := c.ask(ctx, "to list its keys", frame(requestIdentities), identitiesAnswer)
	if err != nil {
		return nil, err
	}
	keys, err := parseIdentities(answer)
	if err != nil {
		return nil, c.broken(&ProtocolError{What: "the agent's list of keys is malformed", Err: err})
	}
	return keys, nil
}

// Sign implements [Agent]. It returns only signatures that are right.
func (c *Client) Sign(ctx context.Context, key hostkey.PublicKey, algorithm string, data []byte) (*hostkey.Signature, error) {
	if _, err := hostkey.SignatureFormat(key, algorithm); err != nil {
		return nil, err
	}
	m := signing{key: key.Marshal(), data: data, flags: flagsOf(algorithm)}
	what := fmt.Sprintf("to sign with key %s", hostkey.Fingerprint(key))
	answer, err := c.ask(ctx, what, m.append(frame(signRequest)), signResponse)
	if err != nil {
		return nil, err
	}
	r := wire.NewReader(answer)
	encoded := r.Blob()
	sig, err := hostkey.ParseSignature(encoded)
	if err = errors.Join(r.End(), err); err != nil {
		return nil, c.broken(&ProtocolError{What: "the agent's signature is malformed", Err: err})
	}
	// An agent that does not know the flags signs over SHA-1 (RFC 8332, section
	// 3.3), and one RSA signature gone wrong gives the key away. Whether it was
	// touched is for those to say who want to know.
	if err := hostkey.Verify(hostkey.Require(key, 0), algorithm, data, sig); err != nil {
		return nil, &ProtocolError{What: fmt.Sprintf("the agent's signature of type %.64q with key %s is not the one asked for", sig.Algorithm, hostkey.Fingerprint(key)), Err: err}
	}
	return sig, nil
}

// addedRoom is more bytes than the largest private key has.
const addedRoom = 32 << 10

// Add implements [Agent]. The private key leaves this process.
func (c *Client) Add(ctx context.Context, key AddedKey) error {
	n := addIdentity
	if key.constrained() {
		n = addIDConstrained
	}
	// With room for all but the longest lists of destinations: what append
	// leaves behind when it needs more would not be cleared.
	request, err := key.append(append(make([]byte, 0, addedRoom), frame(n)...))
	if err != nil {
		return err
	}
	defer clear(request)
	return c.do(ctx, "to add a key", request)
}

// Remove implements [Agent].
func (c *Client) Remove(ctx context.Context, key hostkey.PublicKey) error {
	request := wire.AppendString(frame(removeIdentity), key.Marshal())
	return c.do(ctx, "to remove key "+hostkey.Fingerprint(key), request)
}

// RemoveAll implements [Agent].
func (c *Client) RemoveAll(ctx context.Context) error {
	return c.do(ctx, "to remove all keys", frame(removeAllIdentities))
}

// Lock implements [Agent].
func (c *Client) Lock(ctx context.Context, passphrase []byte) error {
	return c.lock(ctx, "to lock itself", lockAgent, passphrase)
}

// Unlock implements [Agent]. Agents take their time to refuse.
func (c *Client) Unlock(ctx context.Context, passphrase []byte) error {
	return c.lock(ctx, "to unlock itself", unlockAgent, passphrase)
}

func (c *Client) lock(ctx context.Context, what string, n number, passphrase []byte) error {
	request := wire.AppendString(frame(n), passphrase)
	defer clear(request)
	return c.do(ctx, what, request)
}

// Bind implements [Binder], for this connection. Agents that do not know how
// say that they refuse.
func (c *Client) Bind(ctx context.Context, b Binding) error {
	if b.HostKey == nil {
		return &BindingError{"there is no host key"}
	}
	request := appendBinding(wire.AppendString(frame(agentExtension), sessionBind), b)
	return c.do(ctx, "to bind the connection to a session", request)
}

// Extensions asks which extensions the agent knows (RFC 9987, section 5.8.1).
// Many agents know some and refuse to say.
func (c *Client) Extensions(ctx context.Context) ([]string, error) {
	answer, err := c.Extension(ctx, queryExtension, nil)
	if err != nil {
		return nil, err
	}
	r := wire.NewReader(answer)
	var names []string
	for r.Len() > 0 && r.Err() == nil {
		names = append(names, r.Text())
	}
	if err := r.End(); err != nil {
		return nil, c.broken(&ProtocolError{What: "the agent's list of extensions is malformed", Err: err})
	}
	return names, nil
}

// Extension makes a request that RFC 9987, section 5.8, leaves to others, and
// returns what the answer says besides success. [ErrUnsupported] says that the
// agent does not know the extension, which many say of one that they do not
// like too; a [*RefusedError] that it does, and refuses.
func (c *Client) Extension(ctx context.Context, name string, contents []byte) ([]byte, error) {
	what := fmt.Sprintf("for extension %.64q", name)
	request := append(wire.AppendString(frame(agentExtension), name), contents...)
	answer, err := c.call(ctx, what, request)
	if err != nil {
		return nil, err
	}
	switch number(answer[0]) {
	case agentFailure:
		return nil, ErrUnsupported
	case extensionFailure:
		return nil, &RefusedError{Request: what}
	case agentSuccess: // with more behind it in drafts of RFC 9987
		return answer[1:], nil
	case extensionResponse:
		r := wire.NewReader(answer[1:])
		if r.Text() == name && r.Err() == nil {
			return r.Rest(), nil
		}
	}
	return nil, c.broken(&ProtocolError{What: fmt.Sprintf("asked %s, the agent answers with %v of %d bytes", what, number(answer[0]), len(answer))})
}
