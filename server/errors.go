package server

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

var (
	// ErrServerClosed is what Serve, ListenAndServe and ServeConn return after
	// Shutdown or Close.
	ErrServerClosed = errors.New("server: closed")

	// ErrTooManyStartups is what ServeConn returns for a connection that
	// [Server].MaxStartups does not admit. Nothing was sent on it.
	ErrTooManyStartups = errors.New("server: too many connections that have not authenticated")

	// ErrRefused ends a connection for which [Server].ConnContext returned nil.
	ErrRefused = errors.New("server: ConnContext refused the connection")

	// ErrHandshakeTimeout ends a connection whose client has not authenticated
	// within [Server].HandshakeTimeout. It is an [os.ErrDeadlineExceeded].
	ErrHandshakeTimeout = fmt.Errorf("server: the client did not authenticate in time: %w", os.ErrDeadlineExceeded)

	// ErrIdle ends a connection that had no channel for [Server].IdleTimeout.
	ErrIdle = errors.New("server: the connection had no channel for too long")

	// ErrDeadPeer ends a connection whose client gave no sign of life: see
	// [Server].KeepAlive. It is an [os.ErrDeadlineExceeded].
	ErrDeadPeer = transport.ErrDeadPeer

	// ErrUnread is what Write of a [Session] returns when the client does not
	// want any more output, as its own reader has gone.
	ErrUnread = errors.New("server: the client reads no further output")

	// ErrNoAgent is what DialAgent and ServeAgent of a [Session] return whose
	// client does not lend its agent.
	ErrNoAgent = errors.New("server: the client does not lend its agent: ssh -A does")

	// ErrExited is what a second Exit or ExitSignal of a [Session] returns.
	ErrExited = errors.New("server: the session has exited already")
)

// A ConfigError reports a Server that must not run as it is.
type ConfigError struct {
	Field string // of Server
	Why   string
}

func (e *ConfigError) Error() string { return fmt.Sprintf("server: Server.%s %s", e.Field, e.Why) }

// A PanicError is what ServeConn returns if a function of the Server's user
// panicked on the connection's own goroutine: one that checks a user, a hook
// of a Trace, a Signer. The connection has ended; others live on.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine, as of runtime/debug.Stack
}

func (e *PanicError) Error() string { return fmt.Sprintf("server: panic: %v", e.Value) }

// A RestrictionError ends a connection whose user is held back by something
// that this package does not enforce, or may not come from where it does.
type RestrictionError struct {
	Option string // the critical option of the Grant
	Err    error  // what it forbids; nil if it is not enforced
}

func (e *RestrictionError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("server: the user is restricted by %q: %s", e.Option, strings.TrimPrefix(e.Err.Error(), "hostkey: "))
	}
	return fmt.Sprintf("server: the user is restricted by %q, which is not enforced: refusing", e.Option)
}

// Unwrap returns Err.
func (e *RestrictionError) Unwrap() error { return e.Err }

// lastWords returns what a client is told of the error that ends its
// connection: its own mistakes, and nothing of our circumstances. Errors of
// the transport have been told already.
func lastWords(err error) (transport.Reason, string) {
	var (
		broken   *connection.Error
		unproved *userauth.ProtocolError
		limit    *userauth.LimitError
		service  *userauth.ServiceError
	)
	switch {
	case errors.As(err, &broken):
		return transport.ReasonProtocolError, broken.Error()
	case errors.As(err, &unproved):
		return transport.ReasonProtocolError, unproved.Error()
	case errors.As(err, &limit):
		return transport.ReasonNoMoreAuthMethods, "too many authentication failures"
	case errors.As(err, &service):
		return transport.ReasonServiceNotAvailable, ""
	case errors.Is(err, ErrServerClosed):
		return transport.ReasonByApplication, "the server is shutting down"
	case errors.Is(err, ErrIdle):
		return transport.ReasonByApplication, "no channel is open"
	case errors.Is(err, ErrHandshakeTimeout):
		return transport.ReasonByApplication, "timeout before authentication"
	}
	return transport.ReasonByApplication, ""
}
