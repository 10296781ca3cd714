package connection

import (
	"errors"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// firstMessage is the least number of a message of RFC 4254.
const firstMessage = wire.NumberGlobalRequest

// handlers are run by Serve, by message number. None may wait.
var handlers = [...]func(*Mux, []byte) error{
	wire.NumberGlobalRequest - firstMessage:           (*Mux).globalRequest,
	wire.NumberRequestSuccess - firstMessage:          (*Mux).requestSuccess,
	wire.NumberRequestFailure - firstMessage:          (*Mux).requestFailure,
	wire.NumberChannelOpen - firstMessage:             (*Mux).channelOpen,
	wire.NumberChannelOpenConfirmation - firstMessage: (*Mux).channelOpenConfirmation,
	wire.NumberChannelOpenFailure - firstMessage:      (*Mux).channelOpenFailure,
	wire.NumberChannelWindowAdjust - firstMessage:     (*Mux).maybeChannelMessage,
	wire.NumberChannelData - firstMessage:             (*Mux).channelMessage,
	wire.NumberChannelExtendedData - firstMessage:     (*Mux).channelMessage,
	wire.NumberChannelEOF - firstMessage:              (*Mux).channelMessage,
	wire.NumberChannelClose - firstMessage:            (*Mux).channelClose,
	wire.NumberChannelRequest - firstMessage:          (*Mux).channelMessage,
	wire.NumberChannelSuccess - firstMessage:          (*Mux).maybeChannelMessage,
	wire.NumberChannelFailure - firstMessage:          (*Mux).maybeChannelMessage,
}

// dispatch handles one packet. It returns an [*Error] if the peer must not
// send it, and otherwise the errors of the Conn.
func (m *Mux) dispatch(p []byte) error {
	if len(p) == 0 {
		return &Error{0, errEmpty}
	}
	n := wire.Number(p[0])
	if i := int(n) - int(firstMessage); i >= 0 && i < len(handlers) && handlers[i] != nil {
		return m.violation(n, handlers[i](m, p))
	}
	switch {
	case n == wire.NumberUserauthRequest:
		// "any further authentication requests received after that SHOULD be
		// silently ignored" (RFC 4252, section 5.1).
		return nil
	case n.Layer() == wire.Userauth || n.Layer() == wire.UserauthMethod:
		return &Error{n, errAuthenticated}
	}
	return m.conn.Unimplemented() // RFC 4253, section 11.4
}

// violation turns what a handler found wrong with a message into an [*Error].
// The Conn's errors, which a connError marks, stay what they are.
func (m *Mux) violation(n wire.Number, err error) error {
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*connError](err); ok {
		return failed.err
	}
	return &Error{n, err}
}

// A connError marks an error of the Conn among those of the peer's making.
type connError struct{ err error }

func (e *connError) Error() string { return e.err.Error() }

func connFailed(err error) error {
	if err == nil {
		return nil
	}
	return &connError{err}
}

// channelMessage passes a message on to the channel it is for.
func (m *Mux) channelMessage(p []byte) error {
	_, inlet, err := m.recipient(p)
	if err != nil {
		return err
	}
	if inlet == nil {
		return errChannel
	}
	return deliver(inlet, p)
}

// maybeChannelMessage is channelMessage for messages that peers have been seen
// to send after CLOSE, and that change nothing if there is no channel.
func (m *Mux) maybeChannelMessage(p []byte) error {
	_, inlet, err := m.recipient(p)
	if err != nil || inlet == nil {
		return err
	}
	return deliver(inlet, p)
}

// channelClose passes SSH_MSG_CHANNEL_CLOSE on. The channel answers it if it
// has to, and is then closed by both sides.
func (m *Mux) channelClose(p []byte) error {
	id, inlet, err := m.recipient(p)
	if err != nil {
		return err
	}
	if inlet == nil {
		return errChannel
	}
	if err := deliver(inlet, p); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(id)
	return nil
}

// recipient returns the channel a message is for: its number comes first in
// each of them. The inlet is nil if there is none, or not yet.
func (m *Mux) recipient(p []byte) (uint32, *channel.Inlet, error) {
	r := wire.NewReader(p[1:])
	id := r.Uint32()
	if err := r.Err(); err != nil {
		return 0, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.table.lookup(id); s != nil {
		return id, s.inlet, nil
	}
	return id, nil, nil
}

// deliver tells the errors of the peer's making from those of the Conn.
func deliver(inlet *channel.Inlet, p []byte) error {
	err := inlet.Deliver(p)
	if err == nil {
		return nil
	}
	if broken, ok := errors.AsType[*channel.ProtocolError](err); ok {
		return broken.Err
	}
	return connFailed(err)
}

// forget frees a channel number and its window. Callers hold m.mu.
func (m *Mux) forget(id uint32) {
	m.table.lookup(id).window.give()
	m.table.remove(id)
}
