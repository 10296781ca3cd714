package connection

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/whelk-ssh/whelk/wire"
)

// ErrRefused is returned for a global request that the peer answered with
// SSH_MSG_REQUEST_FAILURE.
var ErrRefused = errors.New("connection: the peer refused the request")

var (
	errAnswered   = errors.New("connection: the request or open has been answered before")
	errUnanswered = errors.New("connection: too many requests without an answer from the peer")
)

// An Error is a message of the peer that breaks RFC 4254. Serve ends with it;
// the transport's word for it is SSH_DISCONNECT_PROTOCOL_ERROR.
type Error struct {
	Message wire.Number
	Err     error
}

func (e *Error) Error() string { return fmt.Sprintf("connection: %v: %v", e.Message, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

var (
	errEmpty         = errors.New("packet without a message number")
	errAuthenticated = errors.New("authentication is over")
	errChannel       = errors.New("no such channel")
	errUnasked       = errors.New("answers no open of ours")
	errMaxPacket     = errors.New("maximum packet size is zero")
)

// An endError is what everything returns after the connection has ended.
type endError struct{ cause error }

func (e *endError) Error() string { return fmt.Sprintf("connection: ended: %v", e.cause) }

// Unwrap makes the error [net.ErrClosed] and its cause, but never [io.EOF]:
// that would tell a channel's reader that it has got everything.
func (e *endError) Unwrap() []error {
	if errors.Is(e.cause, io.EOF) {
		return []error{net.ErrClosed, io.ErrUnexpectedEOF}
	}
	return []error{net.ErrClosed, e.cause}
}
