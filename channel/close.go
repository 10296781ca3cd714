package channel

import "github.com/whelk-ssh/whelk/wire"

// A half is the state of one direction of a channel. A channel is two
// machines, one for each direction (RFC 4254, section 5.3):
//
//	sending:    open --CloseWrite--> eof --Close or peer CLOSE--> closed
//	receiving:  open --EOF---------> eof --CLOSE----------------> closed
//
// CloseWrite sends EOF, and whatever closes sending sends CLOSE. Close passes
// through eof; a peer's CLOSE takes the rest of both machines at once, because
// it is answered at once. The connection's end closes sending without a word.
// After CLOSE we send nothing, and what the peer had sent before it read our
// CLOSE is ignored. The channel is forgotten, and its number free, when both
// are closed: that is, when the peer's CLOSE is delivered.
type half byte

const (
	open half = iota
	eof
	closed
)

func (h half) String() string { return [...]string{"open", "eof", "closed"}[h] }

// CloseWrite tells the peer that no more data comes (SSH_MSG_CHANNEL_EOF,
// RFC 4254, section 5.3). The channel can still receive, and requests go both
// ways. It never blocks. Calling it again does nothing.
func (c *Channel) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sending == closed {
		return c.err
	}
	return c.sendEOF()
}

// sendEOF takes sending from open to eof. Callers hold c.mu.
func (c *Channel) sendEOF() error {
	if c.sending != open {
		return nil
	}
	c.sending = eof
	c.room.Broadcast()
	m := wire.ChannelEOF{Recipient: c.remote.ID}
	return c.enqueue(m.Append(c.scratch[:0]), nil)
}

// Close closes the channel in both directions (SSH_MSG_CHANNEL_EOF and
// SSH_MSG_CHANNEL_CLOSE, RFC 4254, section 5.3). What was written before
// reaches the peer; what was received and not read is dropped; blocked calls
// return. It never blocks, and does not wait for the peer's CLOSE. Calling it
// again does nothing.
func (c *Channel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.input.discard()
	c.stderr.discard()
	c.readDeadline.end()
	if c.sending == closed {
		return nil
	}
	err := c.sendEOF()
	if err == nil {
		err = c.sendClose()
	}
	c.finish(errClosed)
	return err
}

// sendClose queues the last message of the channel. Callers hold c.mu.
func (c *Channel) sendClose() error {
	m := wire.ChannelClose{Recipient: c.remote.ID}
	return c.enqueue(m.Append(c.scratch[:0]), nil)
}

// finish takes sending to closed: everyone who waits is told why. Callers hold
// c.mu.
func (c *Channel) finish(err error) {
	c.sending, c.err = closed, err
	c.writeDeadline.end()
	c.replies.Close()
	c.waiters.Abort(err)
	c.announce()
	if c.done != nil {
		close(c.done)
	}
	c.room.Broadcast()
	c.input.ready.Broadcast()
	c.stderr.ready.Broadcast()
}

// deliverEOF handles SSH_MSG_CHANNEL_EOF.
func (c *Channel) deliverEOF(p []byte) error {
	if _, err := wire.ParseChannelEOF(p); err != nil {
		return err
	}
	if c.receiving == open {
		c.receiving = eof
		c.input.ready.Broadcast()
		c.stderr.ready.Broadcast()
	}
	return nil
}

// deliverClose handles SSH_MSG_CHANNEL_CLOSE. "Upon receiving this message, a
// party MUST send back an SSH_MSG_CHANNEL_CLOSE unless it has already sent
// this message for the channel" (RFC 4254, section 5.3).
func (c *Channel) deliverClose(p []byte) error {
	if _, err := wire.ParseChannelClose(p); err != nil {
		return err
	}
	c.receiving = closed
	if c.sending == closed {
		return nil
	}
	err := c.sendClose()
	c.finish(errClosedByPeer)
	return linkFailed(err)
}
