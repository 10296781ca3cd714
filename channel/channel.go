package channel

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/internal/ledger"
)

// A Link carries a channel's messages to the peer. Waiting and sending are
// separate so that a Channel can change state and queue the message that says
// so in one step, and so that the goroutine that delivers messages never
// waits.
type Link interface {
	// Ready waits until there is room for output. It returns an error once
	// ctx is done or the connection has ended.
	Ready(ctx context.Context) error

	// Enqueue queues one message, the concatenation of parts, which it copies
	// before it returns: the parts, and the slice that holds them, are the
	// caller's again. It never blocks, and it is called with a Channel's mutex
	// held. It fails only once the connection has failed.
	Enqueue(parts ...[]byte) error
}

// A Flusher is a Link that can send on its caller's goroutine, which saves data
// the detour over another one. A Channel uses it for what is written to it.
type Flusher interface {
	Link

	// Append is Enqueue for a caller who calls Flush soon after: until then
	// the message may stay where it is.
	Append(parts ...[]byte) error

	// Flush sends what is queued, or sees to it that it is sent. It never
	// waits for the peer. It is called without a mutex held.
	Flush()
}

// An Exchanger is a Link that can give away the buffer in which a message is
// delivered, so that what is large need not be copied.
type Exchanger interface {
	Link

	// Exchange gives the caller the buffer that holds the message being
	// delivered, which begins at offset, and takes fresh instead. Both are
	// [BufferSize] bytes long. It returns nil, and takes nothing, if the
	// message is in no buffer of its own.
	Exchange(fresh []byte) (buffer []byte, offset int)
}

// Params are the limits one side sets on a channel. The zero Params are a
// plain byte stream: extended data is discarded and every request refused.
type Params struct {
	// Window is how many bytes the peer may send unread; [DefaultWindow] if
	// zero. A mux may give less.
	Window uint32

	// MaxPacket is how many bytes of data the peer may put into one message;
	// [DefaultMaxPacket] if zero. There is no use in more than the transport
	// takes, which is 256 KiB with everything around the data.
	MaxPacket uint32

	// Requests is how many requests may wait to be taken, and how many of
	// those that want an answer may be without one. The peer is refused more.
	// If zero, every request is.
	Requests int

	// OnRequest, unless nil, takes the requests, of which [Channel.Requests]
	// then yields none: it is called with each, one after the other in the
	// order they came, and at last with nil, when the channel has closed. It
	// runs on a goroutine that lives while there is something to take, so that
	// a channel whose peer asks for nothing needs none.
	OnRequest func(*Request)

	// Extended keeps extended data of type 1 for [Channel.Stderr] to read.
	// It counts against the same window as the other data (RFC 4254, section
	// 5.2), so that a reader who leaves one of the two lying stops both. If
	// false, extended data is thrown away as it comes.
	Extended bool
}

// What a zero Params stands for.
const (
	DefaultWindow    = 2 << 20
	DefaultMaxPacket = 32 << 10
)

// An End is one side's view of a channel: the number it gave the channel, how
// much it takes unread, and how much in one message (RFC 4254, section 5.1).
type End struct{ ID, Window, MaxPacket uint32 }

// A Channel is a flow-controlled duplex stream within a connection, and a
// [net.Conn]. All methods are safe for concurrent use.
type Channel struct {
	kind          string
	link          Link
	flusher       Flusher   // link, if it is one
	exchanger     Exchanger // link, if it is one
	local, remote End

	readDeadline, writeDeadline deadline

	mu         sync.Mutex // held to copy and to queue, never to wait
	sending    half
	receiving  half
	closed     bool // Close was called
	extended   bool // kept for Stderr
	output     sink
	stderrOut  sink
	err        error // why sending is closed
	sendWindow sendWindow
	recvWindow recvWindow
	more       func(want uint32) uint32 // bytes for recvWindow; see GrowFrom
	room       sync.Cond                // sendWindow, sending, whose turn it is
	input      source
	stderr     source
	done       chan struct{} // made when asked for; closed when sending is
	requests   requestQueue
	replies    ledger.Replies
	waiters    ledger.Waiters
	scratch    [16]byte // holds a message's fixed part while it is queued
	parts      [2][]byte
}

var _ net.Conn = (*Channel)(nil)

// maxWaiting is how many of our own requests may be without an answer.
const maxWaiting = 1024

// New returns the two faces of a channel that both sides have agreed on: one
// for its user, one for its mux. kind is the type it was opened as. Of p,
// Window and MaxPacket are ignored: they are in local.
func New(link Link, kind string, local, remote End, p Params) (*Channel, *Inlet) {
	c := &Channel{
		kind:       kind,
		link:       link,
		local:      local,
		remote:     remote,
		extended:   p.Extended,
		requests:   requestQueue{limit: p.Requests, take: p.OnRequest},
		sendWindow: newSendWindow(remote),
		recvWindow: newRecvWindow(local.Window),
	}
	c.flusher, _ = link.(Flusher)
	c.exchanger, _ = link.(Exchanger)
	c.stderrOut.extended = true
	c.room.L, c.input.ready.L, c.stderr.ready.L = &c.mu, &c.mu, &c.mu
	c.replies = ledger.Replies{Limit: p.Requests, Emit: c.sendReply}
	c.waiters.Limit = maxWaiting
	return c, &Inlet{c}
}

// Type returns the channel type: "session", "direct-tcpip" and so on.
func (c *Channel) Type() string { return c.kind }

// Done returns a channel that is closed when nothing more can be sent: Close
// was called, the peer closed the channel, or the connection ended. Data and
// requests that had arrived by then can still be read, unless Close was
// called.
func (c *Channel) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.sending == closed {
			close(c.done)
		}
	}
	return c.done
}

// SetDeadline sets the deadlines of reads and writes, as [net.Conn] describes.
func (c *Channel) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of Read and WriteTo, here and on Stderr.
// After it they fail with [os.ErrDeadlineExceeded].
func (c *Channel) SetReadDeadline(t time.Time) error {
	if c.isClosed() {
		return errClosed
	}
	c.readDeadline.set(t, c.wakeReaders)
	return nil
}

// SetWriteDeadline sets the deadline of Write, here and on Stderr, and of
// Notify. After it they fail with [os.ErrDeadlineExceeded].
func (c *Channel) SetWriteDeadline(t time.Time) error {
	if c.isClosed() {
		return errClosed
	}
	c.writeDeadline.set(t, c.wakeWriters)
	return nil
}

func (c *Channel) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *Channel) wakeReaders() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.input.ready.Broadcast()
	c.stderr.ready.Broadcast()
}

func (c *Channel) wakeWriters() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room.Broadcast()
}

// An Addr is the address of one end of a Channel.
type Addr struct {
	Type string // of the channel
	ID   uint32 // the number that end gave it
}

// Network returns "ssh".
func (a Addr) Network() string { return "ssh" }

// String returns the type and number, as in "session/3".
func (a Addr) String() string { return fmt.Sprintf("%s/%d", a.Type, a.ID) }

// LocalAddr returns an [Addr].
func (c *Channel) LocalAddr() net.Addr { return Addr{c.kind, c.local.ID} }

// RemoteAddr returns an [Addr].
func (c *Channel) RemoteAddr() net.Addr { return Addr{c.kind, c.remote.ID} }
