package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/wire"
)

// A Conn is one end of an SSH transport: an ordered, confidential and
// authentic stream of packets. One goroutine at a time reads; any may write.
// The reading goroutine must not call WritePacket or Ready while others may be
// writing: it answers with Enqueue, and so never waits for a peer that is
// waiting for it.
type Conn struct {
	nc     net.Conn
	config Config

	out *outbound // shared: see there
	in  inbound   // the reader's, as is all down to the line
	peerSession
	quickAck func() // nil if there is no way to

	ctx           context.Context // done when the connection has failed
	cancel        context.CancelFunc
	exchanges     atomic.Int64 // finished
	alarms        alarms
	written       sync.WaitGroup // until the net.Conn is closed
	authenticated atomic.Bool
	granted       atomic.Bool               // USERAUTH_SUCCESS has gone by, or is about to
	heard         atomic.Pointer[time.Time] // see Heard
	role          role

	started bool // guarded by stateMu
	stateMu sync.Mutex
	state   State
}

// peerSession is what the reader remembers of the peer between packets.
type peerSession struct {
	phase       phase
	strict      bool // strict key exchange is in force, for good
	firstAfter  bool // the next packet is the first after the first NEWKEYS
	lateExtInfo bool // EXT_INFO came during authentication: SUCCESS must follow
	sawLate     bool
	wrongGuess  bool      // the packets we sent on a guess were to be ignored
	versions    [2]string // by role
	service     string    // asked for and not yet accepted
	accepted    string    // what a client asked for, on a server
	hostKeyBlob []byte    // of the first exchange; it may not change
}

// Client returns the client's end of a transport over nc, which it owns from
// then on: [Conn.Close] closes it. Nothing is sent before [Conn.Handshake].
func Client(nc net.Conn, config *Config) *Conn { return newConn(nc, config, client) }

// Server returns the server's end of a transport over nc, which it owns from
// then on: [Conn.Close] closes it. Nothing is sent before [Conn.Handshake].
func Server(nc net.Conn, config *Config) *Conn { return newConn(nc, config, server) }

func newConn(nc net.Conn, config *Config, r role) *Conn {
	c := &Conn{nc: nc, role: r, config: config.clone(r)}
	c.written.Add(1)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.out = newOutbound(c.config.Trace.PacketSent)
	c.out.send, c.out.try = c.send, tryWriter(nc)
	c.quickAck = quickAcker(nc)
	_, opener := cipher.None()
	c.in = inbound{conn: nc, idle: c.beforeRead, granted: &c.granted, opener: opener, frame: opener.Framing(), clear: true}
	if c.in.draw = drawReader(nc, &c.in); c.in.draw == nil {
		c.in.buf = make([]byte, smallBuffer)
	}
	return c
}

// ReadPacket returns the next payload for the layer above. It answers
// transport messages itself, and runs key re-exchange when one is due.
// The payload is valid until the next call. After an error, which is an
// *Error or a *DisconnectError and a [net.ErrClosed], every later call returns
// the same one.
func (c *Conn) ReadPacket() ([]byte, error) {
	for {
		payload, err := c.readOpen()
		if err != nil {
			return nil, c.fail(err)
		}
		number := wire.Number(payload[0])
		if categoryOf(number) == categoryUpper {
			if c.service != "" {
				return nil, c.fail(protocolErrorf("%v before service %q was accepted", number, c.service))
			}
			return payload, nil
		}
		if err := c.takeService(payload); err != nil {
			return nil, c.fail(err)
		}
	}
}

// beforeRead sends what the reader has queued before it may have to wait.
// Until authentication has ended, which takes as long as the round trips take,
// it hurries the acknowledgements too.
func (c *Conn) beforeRead() {
	c.out.flush()
	if c.quickAck != nil && !c.authenticated.Load() {
		c.quickAck()
	}
}

// readOpen returns the next message for the layers above or for the service
// calls, and deals with all others.
func (c *Conn) readOpen() ([]byte, error) {
	for {
		payload, act, err := c.readMessage()
		if err != nil {
			return nil, err
		}
		number := wire.Number(payload[0])
		if err := c.checkOrder(number); err != nil {
			return nil, err
		}
		switch {
		case act == deliver || categoryOf(number) == categoryService:
			return payload, nil
		case act == begin:
			err = c.exchangeAgain(payload)
		case act == unimplemented:
			err = c.Unimplemented()
		default:
			err = c.takeMessage(number, payload)
		}
		if err != nil {
			return nil, err
		}
	}
}

// readMessage reads one packet and looks up what its phase says of it.
func (c *Conn) readMessage() ([]byte, action, error) {
	if err := c.out.failure(); err != nil {
		return nil, fail, err
	}
	payload, err := c.in.next()
	if err != nil {
		return nil, fail, lost(err)
	}
	number := wire.Number(payload[0])
	if c.config.Trace.PacketRead != nil {
		c.config.Trace.PacketRead(c.in.seq-1, payload)
	}
	if !c.authenticated.Load() {
		if err := c.in.charge(payload, c.config.Budget); err != nil {
			return nil, fail, err
		}
	}
	act := actionFor(c.phase, number)
	if act != deliver {
		c.hear()
	}
	switch act {
	case fail:
		return nil, fail, outOfPlace(c.phase, number)
	case end:
		return nil, end, c.peerDisconnect(payload)
	}
	return payload, act, c.checkMeter()
}

// checkOrder enforces the rules about what must follow what, and notices the
// end of authentication.
func (c *Conn) checkOrder(number wire.Number) error {
	first := c.firstAfter
	c.firstAfter = false
	switch {
	case c.lateExtInfo && number != wire.NumberUserauthSuccess:
		// RFC 8308, section 2.4.
		return protocolErrorf("%v between a second EXT_INFO and USERAUTH_SUCCESS", number)
	case number == wire.NumberExtInfo && !first && !c.mayComeLate():
		return protocolErrorf("%v where RFC 8308, section 2.4, does not allow it", number)
	case number == wire.NumberExtInfo && !first:
		c.lateExtInfo, c.sawLate = true, true
	case number == wire.NumberUserauthSuccess && c.role == client:
		c.lateExtInfo = false
		c.granted.Store(true)
		c.out.startDelayed()
		c.Authenticated()
	case number == wire.NumberKexInit && !c.authenticated.Load():
		return protocolErrorf("key re-exchange before authentication")
	}
	return nil
}

// mayComeLate reports whether a server may send its second EXT_INFO here.
func (c *Conn) mayComeLate() bool {
	return c.role == client && !c.authenticated.Load() && !c.sawLate
}

// takeMessage deals with the messages that are nobody else's.
func (c *Conn) takeMessage(number wire.Number, payload []byte) error {
	switch number {
	case wire.NumberExtInfo:
		return c.takeExtInfo(payload)
	case wire.NumberPing:
		return c.takePing(payload)
	}
	return nil // IGNORE, DEBUG, UNIMPLEMENTED, PONG: seen by the trace
}

// Ready waits until no keys are being exchanged and there is room for output,
// or until ctx is done. It is safe for concurrent use, but not by the goroutine
// that reads.
func (c *Conn) Ready(ctx context.Context) error { return c.out.ready(ctx) }

// Enqueue queues one packet, its payload the concatenation of parts, which it
// copies. It never blocks. It fails, and the connection with it, once a peer
// has provoked far more replies than it has read ([ErrBackedUp]). It is safe
// for concurrent use.
func (c *Conn) Enqueue(parts ...[]byte) error {
	return c.put(parts, true)
}

// Append is Enqueue for a caller who calls Flush soon after: until then the
// packet may stay in the queue.
func (c *Conn) Append(parts ...[]byte) error { return c.put(parts, false) }

func (c *Conn) put(parts [][]byte, wake bool) error {
	success := c.role == server && numberOf(parts) == wire.NumberUserauthSuccess
	if success {
		c.granted.Store(true) // before the client can answer
	}
	due, err := c.out.put(parts, wake)
	if err != nil {
		if errors.Is(err, ErrBackedUp) {
			return c.fail(&Error{Reason: ReasonProtocolError, Err: err})
		}
		return err
	}
	if success {
		c.Authenticated()
	}
	if due && c.authenticated.Load() {
		c.rekey()
	}
	return nil
}

// Flush sends what is queued: on this goroutine if it is little, nobody else
// is sending and the socket takes it at once, and otherwise on the writer's. It
// never waits, and is safe for concurrent use.
func (c *Conn) Flush() { c.out.flush() }

// WritePacket is Ready followed by Append and Flush.
func (c *Conn) WritePacket(parts ...[]byte) error {
	if err := c.Ready(context.Background()); err != nil {
		return err
	}
	defer c.Flush()
	return c.Append(parts...)
}

// Exchange gives the caller the buffer that holds the packet last read, whose
// payload begins at offset, and takes fresh instead, which has to be
// [BufferSize] bytes long and is the Conn's from then on. So data need not be
// copied in order to be kept. It returns nil and takes nothing if the packet
// shares its buffer with others, as small ones do. Only the goroutine that
// reads may call it, once for a packet.
func (c *Conn) Exchange(fresh []byte) (buffer []byte, offset int) { return c.in.exchange(fresh) }

// Unimplemented answers the packet last read with SSH_MSG_UNIMPLEMENTED
// (RFC 4253, section 11.4). Only the goroutine that reads may call it.
func (c *Conn) Unimplemented() error {
	m := wire.Unimplemented{Sequence: c.in.seq - 1}
	return c.Enqueue(m.Append(nil))
}

// Authenticated tells the Conn that the peer is who it claims to be: from then
// on keys may be exchanged again, PING is answered, and [Budget] no longer
// counts. A Conn calls it itself when it sees SSH_MSG_USERAUTH_SUCCESS go by;
// only a program that runs no user authentication needs it.
func (c *Conn) Authenticated() {
	if !c.authenticated.Swap(true) {
		c.alarms.setRekey(c.config.Rekey.Interval, func() { c.rekey() })
	}
}

// Close ends the connection, telling the peer so where that takes no more than
// a second, and closes the net.Conn. It may be called at any time, more than
// once, and by several goroutines.
func (c *Conn) Close() error {
	c.stop(&Error{Reason: ReasonByApplication, Err: errClosed}, "")
	c.stateMu.Lock()
	started := c.started
	c.started = true // a Handshake that comes later must not begin
	c.stateMu.Unlock()
	if !started {
		defer c.written.Done()
		return c.nc.Close()
	}
	c.written.Wait()
	return nil
}

var errClosed = errors.New("transport: connection closed")

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

// Err returns why the connection ended, or nil while it lives.
func (c *Conn) Err() error { return c.out.failure() }

// send is the writer goroutine.
func (c *Conn) send() {
	var w io.Writer = c.nc
	if c.config.StallTimeout > 0 {
		w = insistent{c}
	}
	closing, err := c.out.run(w)
	if err != nil {
		// The peer may have said why it went: give the reader a moment to find
		// out, for its error is the better one.
		select {
		case <-c.ctx.Done():
		case <-time.After(lastWords / 4):
		}
		c.stop(&Error{Reason: ReasonConnectionLost, Err: err}, "")
		closing = true
	}
	if closing {
		c.out.startDeflating(false)
		c.linger()
		c.nc.Close()
		c.written.Done()
	}
}

// linger gives the peer a moment to read why it was disconnected. To close a
// TCP connection with data unread destroys what was sent on it.
func (c *Conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	var failure *Error
	if !ok || !errors.As(c.out.failure(), &failure) ||
		failure.Reason == ReasonByApplication || failure.Reason == ReasonConnectionLost {
		return
	}
	if half.CloseWrite() == nil {
		c.nc.SetReadDeadline(time.Now().Add(lastWords / 2))
		io.CopyN(io.Discard, c.nc, 1<<20)
	}
}
