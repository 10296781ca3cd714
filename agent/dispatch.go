package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/whelk-ssh/whelk/wire"
)

// handlers answer requests, by number. A nil answer is success if there is no
// error, and failure if there is one. Requests that have none are answered with
// failure, and so are those with a handler that says so: all that would have the
// agent load a library (CVE-2016-10009, CVE-2023-38408).
var handlers = [...]func(*conn, context.Context, []byte) ([]byte, error){
	requestIdentities:          (*conn).list,
	signRequest:                (*conn).sign,
	addIdentity:                (*conn).add,
	addIDConstrained:           (*conn).addConstrained,
	removeIdentity:             (*conn).remove,
	removeAllIdentities:        (*conn).removeAll,
	addSmartcardKey:            (*conn).refuseProvider,
	addSmartcardKeyConstrained: (*conn).refuseProvider,
	removeSmartcardKey:         (*conn).refuseProvider,
	lockAgent:                  (*conn).lock,
	unlockAgent:                (*conn).unlock,
	agentExtension:             (*conn).extension,
}

// Why a [Server] refuses.
var (
	errNoAgent         = errors.New("agent: Server.Agent is nil")
	errUnknownMessage  = errors.New("agent: there is no such request")
	errProvider        = errors.New("agent: libraries that talk to devices are not loaded")
	errFlags           = errors.New("agent: the flags of a request to sign are unknown")
	errTooManyKeys     = errors.New("agent: its keys do not fit into a message")
	errNoSuchExtension = errors.New("agent: there is no such extension")
)

// A PanicError is why a [Server] refuses a request at which its Agent panicked.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine, as of runtime/debug.Stack
}

func (e *PanicError) Error() string { return fmt.Sprintf("agent: panic: %v", e.Value) }

// answer returns the answer to a request, and why it is failure if it is. A
// panic of the Agent costs the request.
func (c *conn) answer(ctx context.Context, message []byte) (answer []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			answer, err = frame(agentFailure), &PanicError{v, debug.Stack()}
		}
	}()
	n := number(message[0])
	switch {
	case c.agent == nil:
		err = errNoAgent
	case int(n) >= len(handlers) || handlers[n] == nil:
		err = errUnknownMessage
	default:
		answer, err = handlers[n](c, ctx, message[1:])
	}
	switch {
	case answer != nil:
		return answer, err
	case err != nil:
		return frame(agentFailure), err
	}
	return frame(agentSuccess), nil
}

// list handles SSH_AGENTC_REQUEST_IDENTITIES (RFC 9987, section 5.5).
func (c *conn) list(ctx context.Context, p []byte) ([]byte, error) {
	if len(p) > 0 {
		return nil, wire.ErrTrailing
	}
	keys, err := c.agent.Keys(ctx)
	if err != nil {
		return nil, err
	}
	answer := appendIdentities(frame(identitiesAnswer), keys)
	if len(keys) > maxKeys || len(answer) > 4+maxMessage {
		return nil, errTooManyKeys
	}
	return answer, nil
}

// sign handles SSH_AGENTC_SIGN_REQUEST (RFC 9987, section 5.6).
func (c *conn) sign(ctx context.Context, p []byte) ([]byte, error) {
	m, err := parseSigning(p)
	if err != nil {
		return nil, err
	}
	key := parseKey(m.key)
	algorithm, ok := algorithmOf(key, m.flags)
	if !ok {
		return nil, errFlags
	}
	sig, err := c.agent.Sign(ctx, key, algorithm, m.data)
	if err != nil {
		return nil, err
	}
	return wire.AppendString(frame(signResponse), sig.Append(nil)), nil
}

// add handles SSH_AGENTC_ADD_IDENTITY (RFC 9987, section 5.2).
func (c *conn) add(ctx context.Context, p []byte) ([]byte, error) {
	return nil, c.addKey(ctx, p, false)
}

// addConstrained handles SSH_AGENTC_ADD_ID_CONSTRAINED (RFC 9987, section 5.2).
func (c *conn) addConstrained(ctx context.Context, p []byte) ([]byte, error) {
	return nil, c.addKey(ctx, p, true)
}

func (c *conn) addKey(ctx context.Context, p []byte, constraints bool) error {
	k, err := parseAdded(wire.NewReader(p), constraints)
	if err != nil {
		return err
	}
	return c.agent.Add(ctx, *k)
}

// remove handles SSH_AGENTC_REMOVE_IDENTITY (RFC 9987, section 5.4).
func (c *conn) remove(ctx context.Context, p []byte) ([]byte, error) {
	r := wire.NewReader(p)
	blob := r.Blob()
	if err := r.End(); err != nil {
		return nil, err
	}
	return nil, c.agent.Remove(ctx, parseKey(blob))
}

// removeAll handles SSH_AGENTC_REMOVE_ALL_IDENTITIES (RFC 9987, section 5.4).
func (c *conn) removeAll(ctx context.Context, p []byte) ([]byte, error) {
	if len(p) > 0 {
		return nil, wire.ErrTrailing
	}
	return nil, c.agent.RemoveAll(ctx)
}

// refuseProvider handles what has to do with keys on a token (RFC 9987, section
// 5.2.6).
func (c *conn) refuseProvider(context.Context, []byte) ([]byte, error) { return nil, errProvider }

// lock handles SSH_AGENTC_LOCK (RFC 9987, section 5.7).
func (c *conn) lock(ctx context.Context, p []byte) ([]byte, error) {
	return nil, withPassphrase(ctx, p, c.agent.Lock)
}

// unlock handles SSH_AGENTC_UNLOCK (RFC 9987, section 5.7).
func (c *conn) unlock(ctx context.Context, p []byte) ([]byte, error) {
	return nil, withPassphrase(ctx, p, c.agent.Unlock)
}

func withPassphrase(ctx context.Context, p []byte, f func(context.Context, []byte) error) error {
	r := wire.NewReader(p)
	passphrase := r.Blob()
	if err := r.End(); err != nil {
		return err
	}
	return f(ctx, passphrase)
}

// extension handles SSH_AGENTC_EXTENSION (RFC 9987, section 5.8). One that is
// unknown is answered with failure, and one that is known and refused with
// extension failure.
func (c *conn) extension(ctx context.Context, p []byte) ([]byte, error) {
	r := wire.NewReader(p)
	name, contents := r.Text(), r.Rest()
	if err := r.End(); err != nil {
		return nil, err
	}
	var err error
	switch {
	case name == queryExtension && len(contents) > 0:
		err = wire.ErrTrailing
	case name == queryExtension:
		return c.query(), nil
	case name == sessionBind && c.binder != nil:
		err = c.bind(ctx, contents)
	default:
		return nil, errNoSuchExtension
	}
	if err != nil {
		return frame(extensionFailure), err
	}
	return nil, nil
}

// query answers which extensions there are (RFC 9987, section 5.8.1):
//
//	string    "query"
//	string    extension type, for each
func (c *conn) query() []byte {
	answer := wire.AppendString(frame(extensionResponse), queryExtension)
	if c.binder != nil {
		answer = wire.AppendString(answer, sessionBind)
	}
	return answer
}

// bind handles session-bind@openssh.com (OpenSSH PROTOCOL.agent, section 1).
func (c *conn) bind(ctx context.Context, p []byte) error {
	b, malformed := parseBinding(p)
	// A binding without a host key is none, and tells the Agent that there was
	// to be one: the connection is not a local one.
	if err := c.binder.Bind(ctx, b); malformed == nil {
		return err
	}
	return malformed
}
