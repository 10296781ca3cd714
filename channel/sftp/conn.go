package sftp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A conn carries requests to a server and their answers back, for any number of
// goroutines. One goroutine reads and one writes; neither waits for whoever
// makes requests.
//
//	start --> outbox --> write --> server
//	            (packets of the pool)    |
//	wait <-- call.done <-- read <--------'
type conn struct {
	rw     io.ReadWriteCloser
	reader *bufio.Reader
	window *window
	outbox outbox
	ended  sync.WaitGroup // read and write

	mu    sync.Mutex
	calls map[uint32]*call // not answered yet
	next  uint32           // id of the next request
	err   error            // why nothing goes any more
}

// readBuffer is how much is read at once of short answers. Long ones are read
// straight into the buffer they stay in.
const readBuffer = 32 << 10

func newConn(rw io.ReadWriteCloser) *conn {
	c := &conn{rw: rw, reader: bufio.NewReaderSize(rw, readBuffer), window: newWindow(), calls: make(map[uint32]*call)}
	c.outbox.changed.L = &c.outbox.mu
	return c
}

// run starts the two goroutines.
func (c *conn) run() {
	c.ended.Go(func() { c.fail(c.read()) })
	c.ended.Go(func() { c.fail(c.outbox.write(c.rw)) })
}

// close ends the connection and everything that waits for an answer.
func (c *conn) close(cause error) error {
	err := c.end(cause)
	c.ended.Wait()
	return err
}

// fail is end for what went wrong.
func (c *conn) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // with every request answered or not: nobody asked for an end
	}
	_ = c.end(err)
}

func (c *conn) end(cause error) error {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil
	}
	c.err = &closedError{cause}
	calls := c.calls
	c.calls = nil
	for _, call := range calls {
		call.finish(answer{err: c.err})
		c.window.release(call.cost)
	}
	c.mu.Unlock()
	c.outbox.close()
	return c.rw.Close()
}

// read reads answers until there are no more.
func (c *conn) read() error {
	for {
		size, err := c.readLength()
		if err != nil {
			return err
		}
		var head [headSize]byte
		if _, err := io.ReadFull(c.reader, head[:]); err != nil {
			return unexpected(err)
		}
		size -= headSize - lengthSize
		call, err := c.called(binary.BigEndian.Uint32(head[lengthSize+1:]), size)
		if err != nil {
			return err
		}
		body := newPacket(int(size))
		body.b = body.b[:size]
		if _, err := io.ReadFull(c.reader, body.b); err != nil {
			return unexpected(err)
		}
		c.deliver(call, answer{kind: number(head[lengthSize]), body: body})
	}
}

// readLength returns the length of the packet that comes next. One without a
// type and an id has no more to wait for.
func (c *conn) readLength() (uint32, error) {
	head, err := c.reader.Peek(lengthSize)
	if err != nil {
		return 0, err
	}
	size := binary.BigEndian.Uint32(head)
	if size < headSize-lengthSize {
		return 0, &ProtocolError{errTooShort}
	}
	return size, nil
}

// called returns the request that an answer of size bytes has the id of.
func (c *conn) called(id, size uint32) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call, ok := c.calls[id]
	switch {
	case !ok:
		return nil, &ProtocolError{errUnknownID}
	case size > call.limit:
		return nil, &ProtocolError{errTooLong}
	}
	return call, nil
}

// deliver gives call its answer. What nobody waits for any more is thrown away,
// and a handle among that is closed.
func (c *conn) deliver(call *call, a answer) {
	c.mu.Lock()
	if c.calls[call.id] == call {
		delete(c.calls, call.id)
		c.window.answered(call.cost, call.sent)
	}
	call.finish(a)
	abandoned := call.abandoned
	c.mu.Unlock()
	if !abandoned {
		return
	}
	if handle, err := a.handle(); err == nil {
		c.forget(handle)
	}
	a.body.free()
}

// forget closes a handle without waiting for anything. It does not take from
// the window: there is at most one for each request that did.
func (c *conn) forget(handle string) {
	p := newRequest(fxpClose)
	p.b = wire.AppendString(p.b, handle)
	call := newCall(maxAnswer)
	c.mu.Lock()
	defer c.mu.Unlock()
	call.abandoned = true
	c.window.force(requestCost)
	call.cost = requestCost
	c.post(p, call)
}

// post queues the request. Callers hold c.mu.
func (c *conn) post(p *packet, call *call) {
	err := c.err
	if err == nil && len(p.b) > lengthSize+maxPacket {
		err = errNameLength // no server reads on after that
	}
	if err != nil {
		p.free()
		call.finish(answer{err: err})
		c.window.release(call.cost)
		return
	}
	for c.calls[c.next] != nil {
		c.next++
	}
	call.id = c.next
	c.next++
	c.calls[call.id] = call
	call.sent = time.Now()
	binary.BigEndian.PutUint32(p.b, uint32(len(p.b)-lengthSize))
	binary.BigEndian.PutUint32(p.b[lengthSize+1:], call.id)
	c.outbox.put(p)
}

// newRequest returns a packet that begins as the request does, for post to set
// length and id.
func newRequest(n number) *packet { return newRequestOf(n, 0) }

// newRequestOf is newRequest for one of size bytes.
func newRequestOf(n number, size int) *packet {
	p := newPacket(size)
	p.b = append(p.b, 0, 0, 0, 0, byte(n), 0, 0, 0, 0)
	return p
}

// An outbox holds packets to be sent. It needs no bound of its own: they have
// taken their part of the window.
type outbox struct {
	mu      sync.Mutex
	changed sync.Cond
	packets []*packet
	closed  bool
}

func (o *outbox) put(p *packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.packets = append(o.packets, p)
	o.changed.Signal()
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.changed.Signal()
}

// takeAll returns what there is to send, in exchange for the slice that was
// taken before.
func (o *outbox) takeAll(spare []*packet) ([]*packet, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.packets) == 0 && !o.closed {
		o.changed.Wait()
	}
	if o.closed {
		return nil, false
	}
	all := o.packets
	o.packets = spare[:0]
	return all, true
}

// batch is how much of short packets is written at once.
const batch = 32 << 10

// write writes packets to w until the outbox is closed.
func (o *outbox) write(w io.Writer) error {
	var packets []*packet
	var joined []byte
	for {
		var ok bool
		if packets, ok = o.takeAll(packets); !ok {
			return errors.New("closed")
		}
		for i, p := range packets {
			packets[i] = nil
			long := len(p.b) > smallPacket
			var err error
			if len(joined) > 0 && (long || len(joined)+len(p.b) > batch) {
				_, err = w.Write(joined)
				joined = joined[:0]
			}
			if long && err == nil {
				_, err = w.Write(p.b)
			} else {
				joined = append(joined, p.b...)
			}
			p.free()
			if err != nil {
				return err
			}
		}
		if len(joined) > 0 {
			if _, err := w.Write(joined); err != nil {
				return err
			}
			joined = joined[:0]
		}
	}
}
