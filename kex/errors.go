package kex

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// An Error reports that the peer's public value, C_INIT or S_REPLY, must not
// be used: its length is wrong, it is no point of the curve, no key of the KEM
// or no number of the group, or the secret that follows from it is known to
// everyone. In group exchange it can also be the client's request or the
// server's group. The peer is told SSH_DISCONNECT_KEY_EXCHANGE_FAILED
// (RFC 4253, section 11.1).
type Error struct {
	Method string // name of the method
	What   string // "group" or "request" in group exchange; "" is the public value
	Err    error  // what is wrong with it
}

func (e *Error) Error() string {
	return fmt.Sprintf("kex: %s: refused the peer's %s: %v", e.Method, cmp.Or(e.What, "public value"), e.Err)
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
		return fmt.Sprintf("kex: %s: malformed %s: %v", e.Method, e.nameOf(e.Want), e.Err)
	}
	return fmt.Sprintf("kex: %s: expected %s, got %s", e.Method, e.nameOf(e.Want), e.nameOf(e.Got))
}

// nameOf returns what the method calls the message n: methods share the numbers
// 30 to 49.
func (e *MessageError) nameOf(n wire.Number) string {
	names := []string{"SSH_MSG_KEXDH_INIT", "SSH_MSG_KEXDH_REPLY"} // RFC 4253, section 8
	switch {
	case !strings.HasPrefix(e.Method, "diffie-hellman-"):
		return n.String()
	case strings.HasPrefix(e.Method, "diffie-hellman-group-exchange-"):
		names = []string{"SSH_MSG_KEX_DH_GEX_REQUEST_OLD", "SSH_MSG_KEX_DH_GEX_GROUP"} // RFC 4419, section 5
	}
	if i := int(n) - int(wire.NumberKexDHGexRequestOld); i >= 0 && i < len(names) {
		return names[i]
	}
	return n.String()
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
