package channel

import (
	"errors"
	"fmt"
	"net"

	"github.com/whelk-ssh/whelk/wire"
)

// ErrRefused is returned for a request that the peer answered with
// SSH_MSG_CHANNEL_FAILURE.
var ErrRefused = errors.New("channel: the peer refused the request")

var (
	errAnswered   = errors.New("channel: the request has been answered before")
	errUnanswered = errors.New("channel: too many requests without an answer from the peer")
)

// Why a channel cannot be used any more.
var (
	errClosed       = &closedError{text: "channel: use of closed channel"}
	errClosedByPeer = &closedError{text: "channel: closed by the peer"}
	errEOFSent      = &closedError{text: "channel: write after CloseWrite"}
)

// A closedError is an error that is [net.ErrClosed] too.
type closedError struct {
	text  string
	cause error // may be nil
}

func (e *closedError) Error() string { return e.text }

func (e *closedError) Unwrap() []error {
	if e.cause == nil {
		return []error{net.ErrClosed}
	}
	return []error{net.ErrClosed, e.cause}
}

// A ProtocolError says how a message broke RFC 4254. There is no going on
// after one: the two sides no longer agree on the state of the channel, and
// the mux ends the connection.
type ProtocolError struct {
	Message wire.Number
	Err     error
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("channel: %v: %v", e.Message, e.Err) }

func (e *ProtocolError) Unwrap() error { return e.Err }

var (
	errOverrun  = errors.New("more data than the window allows")
	errTooLong  = errors.New("more data than the maximum packet size allows")
	errOverflow = errors.New("window grows above 2^32 - 1 bytes")
	errMessage  = errors.New("not a message to a channel")
)

// An OpenError is an SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254, section 5.1): the
// channel was refused, the connection lives on.
type OpenError struct {
	Reason  Reason
	Message string // the peer's words
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("channel: open refused: %v: %q", e.Reason, e.Message)
}

// A Reason is a channel open failure code (RFC 4254, section 5.1).
type Reason uint32

// The codes of RFC 4254, section 5.1.
const (
	AdministrativelyProhibited Reason = 1
	ConnectFailed              Reason = 2
	UnknownChannelType         Reason = 3
	ResourceShortage           Reason = 4
)

// String returns the name RFC 4254 gives r in words, or its number.
func (r Reason) String() string {
	switch r {
	case AdministrativelyProhibited:
		return "administratively prohibited"
	case ConnectFailed:
		return "connect failed"
	case UnknownChannelType:
		return "unknown channel type"
	case ResourceShortage:
		return "resource shortage"
	}
	return fmt.Sprintf("reason %d", uint32(r))
}
