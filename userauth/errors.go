package userauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrRefused is what a [Server] reports of a request that a check refused
	// without an error of its own.
	ErrRefused = errors.New("userauth: refused")

	// ErrExpired is what a [Server] reports of a password that was right and
	// has to be changed.
	ErrExpired = errors.New("userauth: the password is right and has to be changed")

	// ErrTrivial is what a [Client] returns when the server lets the user in
	// for nothing and [None] is not among its methods. A server that does so
	// may be after the secrets typed into what looks like one more prompt
	// (CVE-2021-36367, CVE-2021-36368, CVE-2021-36369).
	ErrTrivial = errors.New("userauth: the server asks for no proof; add None to the methods to accept that")

	// ErrAbandoned is what [Attempt.Ask] returns when the client begins
	// another request instead of answering.
	ErrAbandoned = errors.New("userauth: the client abandoned the request")
)

// An Error reports that no method succeeded: the server is sound, the user is
// not let in. Unwrap gives Errs.
type Error struct {
	User    string
	Tried   []string // methods of which a request was sent, in order
	Passed  []string // methods that succeeded and were not enough
	Allowed []string // methods that the server said may go on
	Errs    []error  // what went wrong on this side, such as an agent that is gone
}

// Error says in one line what was tried, what the server allows and what to do
// about it.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "userauth: the server does not let %q in: ", e.User)
	if len(e.Tried) == 0 {
		b.WriteString("no method had anything to send")
	} else {
		fmt.Fprintf(&b, "tried %q", e.Tried)
	}
	if len(e.Passed) > 0 {
		fmt.Fprintf(&b, ", of which %q succeeded", e.Passed)
	}
	fmt.Fprintf(&b, "; it allows %q: %s", e.Allowed, e.advice())
	for _, err := range e.Errs {
		b.WriteString("; " + err.Error())
	}
	return b.String()
}

// advice says what the caller can do next.
func (e *Error) advice() string {
	untried := slices.DeleteFunc(slices.Clone(e.Allowed), func(name string) bool {
		return slices.Contains(e.Tried, name)
	})
	switch {
	case len(e.Allowed) == 0:
		return "it has no method left for this user"
	case len(untried) > 0:
		return fmt.Sprintf("give the client a way to do %q", untried)
	}
	return "check the user name and what was offered"
}

// Unwrap returns Errs.
func (e *Error) Unwrap() []error { return e.Errs }

// A ProtocolError reports that the peer broke the protocol. The connection must
// end, with SSH_DISCONNECT_PROTOCOL_ERROR.
type ProtocolError struct {
	What string // what the peer did
	Err  error  // why it could not be read, or nil
}

func (e *ProtocolError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("userauth: protocol error: %s: %v", e.What, e.Err)
	}
	return "userauth: protocol error: " + e.What
}

// Unwrap returns Err.
func (e *ProtocolError) Unwrap() error { return e.Err }

// A LimitError reports that the peer used up what a dialogue allows. The
// connection must end; a server says SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE.
type LimitError struct {
	What  string // what there was too much of
	Limit int    // how many were allowed
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("userauth: too many %s: %d is the limit", e.What, e.Limit)
}

// A ServiceError reports that a client asked to be let into a service that is
// not the connection protocol. The connection must end, with
// SSH_DISCONNECT_SERVICE_NOT_AVAILABLE.
type ServiceError struct{ Service string }

func (e *ServiceError) Error() string {
	return fmt.Sprintf("userauth: the client asks for service %.64q, and there is only %q", e.Service, connectionService)
}

// A PasswordExpiredError reports that the server wants the password changed
// before it takes it (RFC 4252, section 8).
type PasswordExpiredError struct {
	Prompt string // the server's words, as they came
}

func (e *PasswordExpiredError) Error() string {
	return fmt.Sprintf("userauth: the password has expired and must be changed on the server: %.256q", e.Prompt)
}
