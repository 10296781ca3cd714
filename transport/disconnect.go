package transport

import (
	"errors"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// Disconnect ends the connection and tells the peer why (RFC 4253, section
// 11.1). It does not wait for the message to be sent; Close does.
func (c *Conn) Disconnect(reason Reason, message string) error {
	c.stop(&Error{Reason: reason, Err: errClosed}, message)
	return nil
}

// fail ends the connection because of err. It returns the error that ended it,
// which is another one if it had failed before.
func (c *Conn) fail(err error) error {
	c.stop(asError(err, ReasonProtocolError), publicText(err))
	return c.out.failure()
}

// publicText is what the peer is told of an error: its own mistakes, and
// nothing of our circumstances.
func publicText(err error) string {
	var negotiation *NegotiationError
	var local *Error
	switch {
	case errors.As(err, &negotiation):
		return "no common " + negotiation.What
	case errors.As(err, &local) && local.Reason == ReasonProtocolError:
		return strings.TrimPrefix(local.Err.Error(), "transport: ")
	}
	return ""
}

// stop ends the connection, if it has not ended yet, and leaves the rest to
// the writer. The peer is told unless it was the peer that ended it, or it is
// gone, or it does not speak SSH.
func (c *Conn) stop(err error, message string) {
	var last []byte
	var local *Error
	if errors.As(err, &local) && local.Reason != 0 && local.Reason != ReasonConnectionLost {
		if message == "" {
			message = local.Reason.String()
		}
		m := wire.Disconnect{Reason: uint32(local.Reason), Message: message}
		last = m.Append(nil)
	}
	if !c.out.stop(err, last) {
		return
	}
	c.alarms.stop()
	c.cancel()
	past := time.Unix(1, 0)
	c.nc.SetReadDeadline(past) // wakes the reader
	c.nc.SetWriteDeadline(time.Now().Add(lastWords))
}

// peerDisconnect is the error for the peer's DISCONNECT, which ends the
// connection however badly it is written.
func (c *Conn) peerDisconnect(payload []byte) error {
	r := wire.NewReader(payload)
	r.Number(wire.NumberDisconnect)
	return &DisconnectError{Reason: Reason(r.Uint32()), Message: r.Text(), Unprotected: c.in.clear}
}
