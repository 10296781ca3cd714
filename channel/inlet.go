package channel

import (
	"errors"
	"net"

	"github.com/whelk-ssh/whelk/wire"
)

// An Inlet is where a mux puts messages addressed to a channel.
type Inlet struct{ c *Channel }

// Deliver handles one message, complete with its number; those of a channel
// are SSH_MSG_CHANNEL_WINDOW_ADJUST to SSH_MSG_CHANNEL_FAILURE. The caller has
// looked the channel up and need not check anything else. Deliver copies what
// it keeps of payload. It never blocks: all it waits for is the channel's
// mutex, which nobody holds while waiting for anything.
//
// A [*ProtocolError] means the peer broke the rules, any other error is the
// Link's. After delivering SSH_MSG_CHANNEL_CLOSE without error the channel has
// been closed by both sides and its number may be used again.
func (in *Inlet) Deliver(payload []byte) error {
	if len(payload) == 0 {
		return &ProtocolError{0, wire.ErrTruncated}
	}
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.deliver(payload)
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*linkError](err); ok {
		return failed.err
	}
	return &ProtocolError{wire.Number(payload[0]), err}
}

// deliver dispatches a message. Callers hold c.mu.
func (c *Channel) deliver(p []byte) error {
	switch wire.Number(p[0]) {
	case wire.NumberChannelData:
		return c.deliverData(p)
	case wire.NumberChannelWindowAdjust:
		return c.deliverWindowAdjust(p)
	case wire.NumberChannelExtendedData:
		return c.deliverExtendedData(p)
	case wire.NumberChannelEOF:
		return c.deliverEOF(p)
	case wire.NumberChannelClose:
		return c.deliverClose(p)
	case wire.NumberChannelRequest:
		return c.deliverRequest(p)
	case wire.NumberChannelSuccess:
		return c.deliverSuccess(p)
	case wire.NumberChannelFailure:
		return c.deliverFailure(p)
	}
	return errMessage
}

// Abort ends the channel because the connection has ended, for the reason
// given. What was received can still be read; then Read returns an error that
// wraps err and [net.ErrClosed], unless the peer had sent EOF. So does
// everything else at once.
func (in *Inlet) Abort(err error) {
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sending == closed {
		return
	}
	if !errors.Is(err, net.ErrClosed) {
		err = &closedError{"channel: connection ended: " + err.Error(), err}
	}
	c.finish(err)
}

// Ask sends a request whose answer nobody waits for. It never blocks.
func (in *Inlet) Ask(name string) error {
	_, err := in.c.ask(name, nil)
	return err
}

// GrowFrom lets the channel's receive window grow beyond what it began with,
// up to 16 MiB, when the peer has to wait for window while our reader waits for
// data. It then asks more for bytes and grows by as many as that returns, be it
// none. more is called with the channel's mutex held and must not block.
func (in *Inlet) GrowFrom(more func(want uint32) uint32) {
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more = more
}

// A linkError marks an error of the Link among those of the peer's making.
type linkError struct{ err error }

func (e *linkError) Error() string { return e.err.Error() }

func linkFailed(err error) error {
	if err == nil {
		return nil
	}
	return &linkError{err}
}

// enqueue queues a message of one or two parts without allocating: a slice
// made for the call would escape through the interface. Callers hold c.mu.
func (c *Channel) enqueue(head, body []byte) error {
	c.parts[0], c.parts[1] = head, body
	err := c.link.Enqueue(c.parts[:]...)
	c.parts[1] = nil // the caller's
	return err
}
