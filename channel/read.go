package channel

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A source is one of the two streams a channel receives: data, and extended
// data of type 1.
type source struct {
	buffer buffer
	ready  sync.Cond // on the channel's mutex: buffer, and the end of it
}

// discard throws away what is unread.
func (s *source) discard() { s.buffer.reset() }

// maxCopy bounds how long one Read keeps the mutex, which the goroutine that
// delivers messages waits for: copying this much takes some 10 microseconds.
const maxCopy = 128 << 10

// Read reads data. It returns [io.EOF] when all data has been read and the
// peer has sent EOF or closed the channel. If the connection ended before
// that, the error wraps the reason.
func (c *Channel) Read(p []byte) (int, error) { return c.read(&c.input, p) }

func (c *Channel) read(s *source, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.awaitData(s); err != nil {
		return 0, err
	}
	n := s.buffer.read(p[:min(len(p), maxCopy)])
	_ = c.release(n) // the data is here; a dead link shows when it runs out
	return n, nil
}

// awaitData waits until s has data or never will again. Callers hold c.mu.
func (c *Channel) awaitData(s *source) error {
	for {
		switch {
		case c.closed:
			return errClosed
		case c.readDeadline.passed():
			return os.ErrDeadlineExceeded
		case s.buffer.size > 0:
			return nil
		case c.receiving != open:
			return io.EOF
		case c.sending == closed:
			return c.err
		}
		c.waitForData(s)
	}
}

// waitForData waits for s to change. Callers hold c.mu.
func (c *Channel) waitForData(s *source) {
	if c.more == nil || !c.recvWindow.dry() {
		s.ready.Wait()
		return
	}
	since := time.Now()
	s.ready.Wait()
	if want := c.recvWindow.waited(since); want > 0 && c.receiving == open && c.sending != closed {
		_ = c.growWindow(want) // a dead link shows when there is no more data
	}
}

// growWindow grants the peer more than before, because it is the window that
// made our reader wait. Callers hold c.mu.
func (c *Channel) growWindow(want uint32) error {
	n := c.recvWindow.grow(c.more(want))
	if n == 0 {
		return nil
	}
	m := wire.ChannelWindowAdjust{Recipient: c.remote.ID, Bytes: n}
	return c.enqueue(m.Append(c.scratch[:0]), nil)
}

// WriteTo implements [io.WriterTo]: it writes all data to w as it comes,
// without copying it in between. What w does not take stays to be read.
func (c *Channel) WriteTo(w io.Writer) (int64, error) { return c.writeTo(&c.input, w) }

func (c *Channel) writeTo(s *source, w io.Writer) (int64, error) {
	var total int64
	for {
		piece, err := c.takeChunk(s)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(piece.unread())
		n = min(max(n, 0), piece.end-piece.start)
		if err == nil && n < piece.end-piece.start {
			err = io.ErrShortWrite
		}
		total += int64(n)
		c.returnChunk(s, piece, n)
		if err != nil {
			return total, err
		}
	}
}

// takeChunk takes a chunk of s for the caller to read without the mutex.
func (c *Channel) takeChunk(s *source) (*chunk, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.awaitData(s); err != nil {
		return nil, err
	}
	return s.buffer.pop(), nil
}

// returnChunk ends what takeChunk began, n bytes having been read.
func (c *Channel) returnChunk(s *source, piece *chunk, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	piece.start += n
	_ = c.release(n) // as in read
	if piece.start == piece.end || c.closed {
		piece.free()
		return
	}
	s.buffer.unpop(piece)
	s.ready.Broadcast()
}

// release grants the peer what was read, once that is worth a message.
// Callers hold c.mu.
func (c *Channel) release(n int) error {
	if c.receiving != open || c.sending == closed {
		return nil // nothing more is expected
	}
	grant := c.recvWindow.release(n)
	if grant == 0 {
		return nil
	}
	m := wire.ChannelWindowAdjust{Recipient: c.remote.ID, Bytes: grant}
	return c.enqueue(m.Append(c.scratch[:0]), nil)
}

// deliverData handles SSH_MSG_CHANNEL_DATA.
func (c *Channel) deliverData(p []byte) error {
	m, err := wire.ParseChannelData(p)
	if err != nil {
		return err
	}
	return c.receive(&c.input, m.Data, len(p)-len(m.Data))
}

// receive puts data into s, or throws it away if s is nil. It begins at offset
// of the message being delivered.
func (c *Channel) receive(s *source, data []byte, offset int) error {
	if c.sending == closed {
		return nil // sent before the peer read our CLOSE
	}
	if uint64(len(data)) > uint64(c.local.MaxPacket) {
		return errTooLong // RFC 4254, section 5.1
	}
	if !c.recvWindow.receive(len(data)) {
		return errOverrun // RFC 4254, section 5.2
	}
	if len(data) == 0 {
		return nil
	}
	if s == nil || c.receiving != open { // after EOF a reader has been told there is no more
		return linkFailed(c.release(len(data)))
	}
	if s.buffer.size == 0 {
		s.ready.Broadcast()
	}
	if c.exchanger == nil || !s.buffer.exchange(c.exchanger, len(data), offset) {
		s.buffer.write(data)
	}
	return nil
}
