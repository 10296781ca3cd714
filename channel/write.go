package channel

import (
	"context"
	"errors"
	"os"

	"github.com/whelk-ssh/whelk/wire"
)

// A sink is one of the two streams a channel sends: data, and extended data of
// type 1.
type sink struct {
	busy     bool // somebody writes; guarded by the channel's mutex
	extended bool
}

// Write sends data. It waits for the peer's window and for room in the
// connection's output; it returns once all of p is queued and can be used
// again. What one Write sends is not interleaved with another's.
//
// On failure n bytes were queued. The error is [os.ErrDeadlineExceeded] after
// the write deadline, and wraps [net.ErrClosed] if the channel is closed, for
// whatever reason.
func (c *Channel) Write(p []byte) (n int, err error) { return c.write(&c.output, p) }

func (c *Channel) write(s *sink, p []byte) (n int, err error) {
	if err := c.acquire(s); err != nil {
		return 0, err
	}
	defer c.yield(s)
	for {
		if err := c.link.Ready(&c.writeDeadline); err != nil {
			return n, c.writeError(err)
		}
		m, err := c.writePacket(s, p[n:])
		n += m
		if m > 0 && c.flusher != nil {
			c.flusher.Flush()
		}
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// acquire waits for its turn to write to s, unless the deadline passes or the
// channel is closed before it has come.
func (c *Channel) acquire(s *sink) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s.busy {
		if err := c.writable(); err != nil {
			return err
		}
		c.room.Wait()
	}
	s.busy = true
	return nil
}

// yield lets the next one write to s.
func (c *Channel) yield(s *sink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.busy = false
	c.room.Broadcast()
}

// writePacket queues as much of p as goes into one message. Without window it
// waits for some and returns, because by then there may be no room for output:
// the caller calls Ready again.
func (c *Channel) writePacket(s *sink, p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writable(); err != nil || len(p) == 0 {
		return 0, err
	}
	n := c.sendWindow.take(len(p))
	if n == 0 {
		c.room.Wait()
		return 0, nil
	}
	head := append(c.scratch[:0], byte(wire.NumberChannelData))
	if s.extended {
		head[0] = byte(wire.NumberChannelExtendedData)
	}
	head = wire.AppendUint32(head, c.remote.ID)
	if s.extended {
		head = wire.AppendUint32(head, wire.ExtendedDataStderr)
	}
	if err := c.enqueueData(wire.AppendUint32(head, uint32(n)), p[:n]); err != nil {
		return 0, err
	}
	return n, nil
}

// enqueueData is enqueue for a message that write flushes. Callers hold c.mu.
func (c *Channel) enqueueData(head, body []byte) error {
	if c.flusher == nil {
		return c.enqueue(head, body)
	}
	c.parts[0], c.parts[1] = head, body
	err := c.flusher.Append(c.parts[:]...)
	c.parts[1] = nil // the caller's
	return err
}

// writable says why nothing can be written. Callers hold c.mu.
func (c *Channel) writable() error {
	switch {
	case c.closed:
		return errClosed
	case c.sending == closed:
		return c.err
	case c.sending == eof:
		return errEOFSent
	case c.writeDeadline.passed():
		return os.ErrDeadlineExceeded
	}
	return nil
}

// writeError returns the channel's own reason for which waiting ended, or err
// if it has none.
func (c *Channel) writeError(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := c.writable(); why != nil {
		return why
	}
	return timeout(err)
}

// timeout turns the error of a link that waited for a deadline into the one
// that [net.Conn] asks for.
func timeout(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return err
}

// deliverWindowAdjust handles SSH_MSG_CHANNEL_WINDOW_ADJUST.
func (c *Channel) deliverWindowAdjust(p []byte) error {
	m, err := wire.ParseChannelWindowAdjust(p)
	if err != nil {
		return err
	}
	if c.sending == closed {
		return nil
	}
	if !c.sendWindow.adjust(m.Bytes) {
		return errOverflow
	}
	c.room.Broadcast()
	return nil
}
