package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// A Reason is an SSH_MSG_DISCONNECT code (RFC 4253, section 11.1).
type Reason uint32

// The reasons of RFC 4253, section 11.1.
const (
	ReasonHostNotAllowed       Reason = 1
	ReasonProtocolError        Reason = 2
	ReasonKeyExchangeFailed    Reason = 3
	ReasonMACError             Reason = 5
	ReasonCompressionError     Reason = 6
	ReasonServiceNotAvailable  Reason = 7
	ReasonVersionNotSupported  Reason = 8
	ReasonHostKeyNotVerifiable Reason = 9
	ReasonConnectionLost       Reason = 10
	ReasonByApplication        Reason = 11
	ReasonTooManyConnections   Reason = 12
	ReasonAuthCancelled        Reason = 13
	ReasonNoMoreAuthMethods    Reason = 14
	ReasonIllegalUserName      Reason = 15
)

var reasonNames = map[Reason]string{
	ReasonHostNotAllowed:       "host not allowed to connect",
	ReasonProtocolError:        "protocol error",
	ReasonKeyExchangeFailed:    "key exchange failed",
	ReasonMACError:             "MAC error",
	ReasonCompressionError:     "compression error",
	ReasonServiceNotAvailable:  "service not available",
	ReasonVersionNotSupported:  "protocol version not supported",
	ReasonHostKeyNotVerifiable: "host key not verifiable",
	ReasonConnectionLost:       "connection lost",
	ReasonByApplication:        "by application",
	ReasonTooManyConnections:   "too many connections",
	ReasonAuthCancelled:        "authentication cancelled by user",
	ReasonNoMoreAuthMethods:    "no more authentication methods",
	ReasonIllegalUserName:      "illegal user name",
}

// String returns the reason in the words of RFC 4253, section 11.1.
func (r Reason) String() string {
	if name, ok := reasonNames[r]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", uint32(r))
}

// An Error is a failure this side detected. It ends the connection, so it is
// a [net.ErrClosed] as well as what it wraps.
type Error struct {
	Reason Reason // what the peer was told, if it was told anything
	Err    error
}

// Error says what went wrong.
func (e *Error) Error() string {
	if e == nil { // of somebody's Verifier, say, which meant that there is no error
		return "transport: an error that is nil"
	}
	text := e.Err.Error()
	if strings.HasPrefix(text, "transport: ") {
		return text
	}
	return "transport: " + text
}

// Unwrap returns net.ErrClosed and the cause.
func (e *Error) Unwrap() []error {
	if e == nil {
		return nil
	}
	return []error{net.ErrClosed, e.Err}
}

// Timeout reports whether the cause was a deadline (net.Error).
func (e *Error) Timeout() bool {
	var timeout interface{ Timeout() bool }
	return errors.As(e.Err, &timeout) && timeout.Timeout() || errors.Is(e.Err, os.ErrDeadlineExceeded)
}

// Temporary reports false: an Error ends the connection (net.Error).
func (e *Error) Temporary() bool { return false }

// A DisconnectError is an SSH_MSG_DISCONNECT from the peer.
type DisconnectError struct {
	Reason  Reason
	Message string // as sent: quote it before showing it to anybody

	// Unprotected is set when the message came before keys were agreed on, so
	// that anybody on the path may have sent it.
	Unprotected bool
}

// Error says what the peer said, quoted.
func (e *DisconnectError) Error() string {
	text := fmt.Sprintf("transport: peer disconnected: %v", e.Reason)
	if e.Message != "" {
		text += fmt.Sprintf(": %q", e.Message)
	}
	if e.Unprotected {
		text += " (unauthenticated: sent before keys were exchanged)"
	}
	return text
}

// Unwrap returns net.ErrClosed.
func (e *DisconnectError) Unwrap() error { return net.ErrClosed }

// A NegotiationError reports that the two sides share no algorithm.
type NegotiationError struct {
	What         string // such as "cipher client to server"
	Ours, Theirs []string
}

// Error names what was offered by whom.
func (e *NegotiationError) Error() string {
	return fmt.Sprintf("transport: no common %s: we offer %s, the peer offers %s; enable one of the peer's by name to connect",
		e.What, quoteList(e.Ours), quoteList(e.Theirs))
}

// quoteList makes names from a peer fit to print.
func quoteList(names []string) string {
	const most = 20
	list := strings.Join(names[:min(len(names), most)], ",")
	if len(names) > most {
		list += ",..."
	}
	return fmt.Sprintf("%q", list)
}

// A GuessError reports a server that ended the connection after a wrong guess
// of the key exchange. RFC 4253, section 7, has servers ignore the packet that
// came with it; that of Paramiko takes it for the one that is due. Over another
// connection it can be had with [Config].DisableGuess.
type GuessError struct{ Err error }

// Error says how the connection ended.
func (e *GuessError) Error() string {
	return e.Err.Error() + ", perhaps because it cannot ignore a guess of the key exchange: set DisableGuess for it"
}

// Unwrap returns e.Err.
func (e *GuessError) Unwrap() error { return e.Err }

// A VersionError reports a peer that does not speak SSH 2.0.
type VersionError struct {
	Line string // what it sent instead; quote it before showing it to anybody
	Why  string
	Err  error // how the connection ended before a version line came, or nil
}

// Unwrap returns e.Err.
func (e *VersionError) Unwrap() error { return e.Err }

// Error says what the peer sent, quoted.
func (e *VersionError) Error() string {
	if e.Line == "" {
		return "transport: the peer is not an SSH 2.0 " + e.Why
	}
	text := fmt.Sprintf("transport: the peer is not an SSH 2.0 %s: it sent %q", e.Why, e.Line)
	if e.Err != nil {
		text += fmt.Sprintf(" and then nothing: %v", e.Err)
	}
	return text
}

// A HostKeyError reports a host key that was refused, or that did not sign the
// key exchange.
type HostKeyError struct {
	Host        string
	Fingerprint string
	Err         error
}

// Error says which key of which host was refused and why.
func (e *HostKeyError) Error() string {
	return fmt.Sprintf("transport: host key %s of %q refused: %v", e.Fingerprint, e.Host, e.Err)
}

// Unwrap returns the Verifier's error.
func (e *HostKeyError) Unwrap() error { return e.Err }

// Errors that an Error wraps.
var (
	ErrNoVerifier  = errors.New("transport: Config.Verifier is nil: a client must say which host keys it trusts")
	ErrNoHostKey   = errors.New("transport: Config.HostKeys is empty: a server must have a host key")
	ErrNoAlgorithm = errors.New("transport: Config.HostKeyAlgorithms has no algorithm that a key of Config.HostKeys signs with")
	ErrBudget      = errors.New("transport: peer sent too much before it authenticated")
	ErrBackedUp    = errors.New("transport: peer provokes replies but does not read them")
	ErrPacketSize  = errors.New("transport: packet too large to send")
	ErrTimeout     = fmt.Errorf("transport: key exchange took too long: %w", os.ErrDeadlineExceeded)

	// ErrUnauthenticated is the answer to Rekey before authentication ended.
	ErrUnauthenticated = errors.New("transport: no key re-exchange before authentication")

	// errCorrupt is all a peer learns of a packet that failed before it was
	// authenticated: any detail would be an oracle.
	errCorrupt = errors.New("transport: packet corrupt")
)

// protocolErrorf returns a violation of the protocol by the peer.
func protocolErrorf(format string, args ...any) *Error {
	return &Error{Reason: ReasonProtocolError, Err: fmt.Errorf(format, args...)}
}

// asError returns err as one that ends a connection.
func asError(err error, reason Reason) error {
	var local *Error
	var peer *DisconnectError
	if errors.As(err, &local) || errors.As(err, &peer) {
		return err
	}
	return &Error{Reason: reason, Err: err}
}

// lost returns the error for a connection that can no longer be read or
// written, unless err says more.
func lost(err error) error {
	if err == io.EOF {
		return &Error{Reason: ReasonConnectionLost, Err: fmt.Errorf("transport: the peer closed the connection: %w", err)}
	}
	return asError(err, ReasonConnectionLost)
}
