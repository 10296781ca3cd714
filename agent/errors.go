package agent

import (
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Reasons for which a [Keyring] does not do what it is asked. A [Server]
// answers all of them with failure and no word more (RFC 9987, section 5.1).
var (
	// ErrLocked: it is locked, and Unlock comes first.
	ErrLocked = errors.New("agent: it is locked: unlock it first")

	// ErrNotLocked is what Unlock finds when there is nothing to do.
	ErrNotLocked = errors.New("agent: it is not locked")

	// ErrPassphrase: the passphrase is wrong, or empty.
	ErrPassphrase = errors.New("agent: wrong passphrase")

	// ErrUnknownKey: there is no such key, or this connection may not see it.
	ErrUnknownKey = errors.New("agent: there is no such key")

	// ErrFull: there is no room for one more key.
	ErrFull = errors.New("agent: it holds as many keys as it can: remove some")
)

// ErrRefused is what a [*RefusedError] is.
var ErrRefused = errors.New("agent: refused")

// A RefusedError reports that the agent at the other end answered a request
// with failure. It never says why.
type RefusedError struct {
	Request string // what it was asked, such as "to list its keys"
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("agent: the agent refuses %s: it may be locked (ssh-add -X unlocks it), or not know how, or not be allowed to", e.Request)
}

// Is reports whether target is [ErrRefused].
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// A ProtocolError reports that the other end does not speak the agent protocol
// as it is meant to be. The connection is of no use after that.
type ProtocolError struct {
	What string
	Err  error // or nil
}

func (e *ProtocolError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("agent: %s: %v", e.What, e.Err)
	}
	return "agent: " + e.What
}

// Unwrap returns Err.
func (e *ProtocolError) Unwrap() error { return e.Err }

// A ConnError reports that the connection to the agent broke: it ended, or was
// closed, or the context of an earlier request was done in the middle of it.
type ConnError struct {
	Request string // what was asked at the time
	Err     error
}

func (e *ConnError) Error() string {
	return fmt.Sprintf("agent: the connection to the agent broke when it was asked %s: %v", e.Request, e.Err)
}

// Unwrap returns Err.
func (e *ConnError) Unwrap() error { return e.Err }

// A ConstraintError reports a constraint that cannot be enforced, so that the
// key is not taken.
type ConstraintError struct {
	Constraint string // as found; a peer may have chosen it
	Why        string
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("agent: constraint %.64q: %s", e.Constraint, e.Why)
}

// A UseError reports that a key may not be used for what it was asked to sign.
type UseError struct {
	Key hostkey.PublicKey
	Why string
	Err error // of [Keyring].Check or [Keyring].Confirm, or nil
}

func (e *UseError) Error() string {
	text := fmt.Sprintf("agent: key %s must not sign: %s", hostkey.Fingerprint(e.Key), e.Why)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *UseError) Unwrap() error { return e.Err }

// A BindingError reports a [Binding] that is not true, or not possible on this
// connection.
type BindingError struct {
	Why string
}

func (e *BindingError) Error() string {
	return "agent: cannot bind the connection to a session: " + e.Why
}
