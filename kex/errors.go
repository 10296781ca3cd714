package kex

import (
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// An Error reports that the peer's public value, C_INIT or S_REPLY, must not
// be used: its length is wrong, it is no point of the curve or no key of the
// KEM, or the secret that follows from it is known to everyone. The peer is
// told SSH_DISCONNECT_KEY_EXCHANGE_FAILED (RFC 4253, section 11.1).
type Error struct {
	Method string // name of the method
	Err    error  // what is wrong with the value
}

func (e *Error) Error() string {
	return fmt.Sprintf("kex: %s: refused the peer's public value: %v", e.Method, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// A MessageError reports a message that was not the one due, or that could not
// be parsed. The peer is told SSH_DISCONNECT_PROTOCOL_ERROR (RFC 4253,
// section 11.1).
type MessageError struct {
	Method    string      // name of the method
	Want, Got wire.Number // equal if the message was due and malformed
	Err       error       // what is malformed, one of package wire's errors; nil if Got is not Want
}

func (e *MessageError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("kex: %s: malformed %v: %v", e.Method, e.Want, e.Err)
	}
	return fmt.Sprintf("kex: %s: expected %v, got %v", e.Method, e.Want, e.Got)
}

// Unwrap returns e.Err.
func (e *MessageError) Unwrap() error { return e.Err }

// checkLength refuses a public value that is not n bytes long.
func checkLength(what string, value []byte, n int) error {
	if len(value) != n {
		return fmt.Errorf("%s is %d bytes long, not %d", what, len(value), n)
	}
	return nil
}
