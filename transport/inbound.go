package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/internal/inflate"
)

// maxPacketLength is the largest packet_length accepted. RFC 4253, section 6.1,
// asks for 35000 at least; OpenSSH takes 256 KiB.
const maxPacketLength = 256 << 10

// maxPayload is the largest payload sent: what fits maxPacketLength whatever
// the padding.
const maxPayload = maxPacketLength - 512

const (
	smallBuffer  = 1 << 10   // held by a reader at rest, if it has to hold any
	mediumBuffer = 8 << 10   // enough for a key exchange
	largeBuffer  = 128 << 10 // held while data flows
)

// BufferSize is how long the buffers of [Conn.Exchange] are: enough for 32 KiB
// of data with everything around it.
const BufferSize = 40 << 10

// Buffers that no connection needs.
var (
	smallBuffers  = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	mediumBuffers = sync.Pool{New: func() any { return new([mediumBuffer]byte) }}
	largeBuffers  = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
	ownBuffers    = sync.Pool{New: func() any { return new([BufferSize]byte) }}
)

var errLongLine = errors.New("transport: line too long")

// An inbound is the receiving direction. Only the goroutine that reads touches
// it. The invariant is r <= w <= len(buf): buf[r:w] has arrived and is not
// taken yet. The buffer grows with what arrived, never with what a length
// field claims.
type inbound struct {
	conn io.Reader
	draw func() (int, error) // reads into space, and rests while there is nothing to read; nil if there is no way to
	idle func()              // called before each read, which may have to wait
	buf  []byte
	r, w int

	own   *[BufferSize]byte // what large packets are opened into; nil until there is one
	inOwn bool              // the packet last returned is there

	inflater *inflate.Decoder // nil unless packets are compressed
	delayed  bool             // compression waits for USERAUTH_SUCCESS
	granted  *atomic.Bool     // which has gone by

	opener cipher.Opener
	frame  cipher.Framing
	seq    uint32 // of the next packet
	total  int    // size of the packet at r with its tag, once known; else 0
	clear  bool   // no keys are in force
	much   bool   // what draw read last was as much as a medium buffer holds

	meter meter  // since the last key exchange
	spent Budget // used up before authentication
}

// A meter counts what one set of keys has protected. Until there are keys it
// has no limit, and they are never due for change.
type meter struct {
	bytes, maxBytes     int64
	packets, maxPackets uint32
}

func (m *meter) add(n int) {
	m.bytes += int64(n)
	m.packets++
}

// due reports whether the keys should change.
func (m *meter) due() bool {
	return m.maxBytes > 0 && (m.bytes >= m.maxBytes || m.packets >= m.maxPackets)
}

// next returns the payload of the next packet. It is valid until the next
// call. An error is a *Error, or what the connection's Read returned.
func (in *inbound) next() ([]byte, error) {
	for {
		if in.total == 0 && in.w-in.r >= in.frame.Head {
			if err := in.measure(); err != nil {
				return nil, err
			}
		}
		if in.total > 0 && in.w-in.r >= in.total {
			return in.open()
		}
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
}

// measure learns the size of the packet at r from its first bytes. The size is
// not authenticated yet, so it must be bounded here.
func (in *inbound) measure() error {
	length := in.opener.Length(in.seq, in.buf[in.r:in.r+in.frame.Head])
	// RFC 4253, section 6: padding_length, at least one byte of payload (an
	// empty one has no message number) and four of padding, in whole blocks.
	if length < 1+1+4 || length > maxPacketLength || (4+int(length)-in.frame.Clear)%in.frame.Block != 0 {
		if in.frame.Discard {
			return in.discard(0)
		}
		return in.corrupt("packet_length %d is impossible: what the peer sends is no SSH, or was damaged on the way", length)
	}
	in.total = 4 + int(length) + in.frame.Tag
	return nil
}

// open unprotects the packet at r.
func (in *inbound) open() ([]byte, error) {
	if in.delayed && in.granted.Load() {
		in.startInflating(startNow)
	}
	packet := in.buf[in.r : in.r+in.total]
	plain, err := in.opener.Open(in.place(packet), in.seq, packet)
	if err != nil && in.frame.Discard {
		return nil, in.discard(in.total - in.frame.Tag)
	}
	if err != nil {
		return nil, in.corrupt("%w", err)
	}
	in.r += in.total
	in.meter.add(in.total)
	in.total = 0
	in.seq++
	padding := int(plain[0])
	// RFC 4253, section 6: "There MUST be at least four bytes of padding."
	if padding < 4 || padding > len(plain)-2 {
		return nil, protocolErrorf("padding_length %d in a packet of %d bytes", padding, len(plain))
	}
	payload := plain[1 : len(plain)-padding]
	if in.inflater != nil {
		return in.inflate(payload)
	}
	return payload, nil
}

// place returns where to open packet. Large ones, which a layer above may want
// to keep, get a buffer of their own, unless what they hold is not yet what that
// layer wants.
func (in *inbound) place(packet []byte) []byte {
	in.inOwn = in.inflater == nil && len(packet) >= BufferSize/2 && len(packet) <= BufferSize
	if !in.inOwn {
		return packet
	}
	if in.own == nil {
		in.own = ownBuffers.Get().(*[BufferSize]byte)
	}
	return in.own[:len(packet)]
}

// exchange gives the buffer of the packet last returned away for fresh, if it
// has one of its own.
func (in *inbound) exchange(fresh []byte) (buffer []byte, offset int) {
	if !in.inOwn || len(fresh) != BufferSize {
		return nil, 0
	}
	buffer = in.own[:]
	in.own, in.inOwn = (*[BufferSize]byte)(fresh), false
	return buffer, 4 + 1 // packet_length and padding_length
}

// discard reads on to the end of the longest packet there is before it returns
// the error for the packet at r, of which Open has seen the bytes before the
// offset opened. Whatever was wrong with the packet, it takes the same number
// of bytes and the same work to find out (CVE-2008-5161; Discarding in the
// documentation of package cipher).
func (in *inbound) discard(opened int) error {
	in.total = maxPacketLength + in.frame.Tag
	for in.w-in.r < in.total {
		if err := in.fill(); err != nil {
			return err
		}
	}
	rest := in.buf[in.r+opened : in.r+in.total]
	_, err := in.opener.Open(rest, in.seq, rest)
	return in.corrupt("%w", err)
}

// corrupt returns the error for a packet that cannot be right. Once there are
// keys it says nothing about how.
func (in *inbound) corrupt(format string, args ...any) error {
	if in.clear {
		return protocolErrorf(format, args...)
	}
	return &Error{Reason: ReasonMACError, Err: errCorrupt}
}

// install makes opener the one for the bytes that follow, for as long as m
// allows.
func (in *inbound) install(opener cipher.Opener, m meter) {
	in.opener, in.frame = opener, opener.Framing()
	in.meter = m
	in.clear = false
}

// fill reads what the connection has.
func (in *inbound) fill() error {
	in.idle()
	n, err := in.read()
	in.w += n
	if n > 0 {
		return nil // a Read that fails will fail again
	}
	in.rest() // perhaps for good
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (in *inbound) read() (int, error) {
	if in.draw != nil {
		n, err := in.draw()
		in.much = n >= mediumBuffer
		return n, err
	}
	in.makeRoom()
	return in.conn.Read(in.buf[in.w:])
}

// space returns where draw reads to.
func (in *inbound) space() []byte {
	switch {
	case in.buf == nil && in.much:
		in.resize(largeBuffer)
	case in.buf == nil:
		in.resize(mediumBuffer)
	}
	in.makeRoom()
	return in.buf[in.w:]
}

// rest gives up as much of the buffer as what has arrived does not need.
func (in *inbound) rest() {
	in.releaseOwn()
	switch n := in.w - in.r; {
	case n == 0:
		recycle(in.buf)
		in.buf, in.r, in.w = nil, 0, 0
	case n < smallBuffer && len(in.buf) > smallBuffer:
		in.resize(smallBuffer)
	}
}

// makeRoom makes len(buf) > w. Without draw a connection at rest holds a small
// buffer: a larger one is taken when it was filled, and goes back when it is
// empty after a Read that did not need it.
func (in *inbound) makeRoom() {
	if in.r == in.w {
		filled := in.w == len(in.buf)
		few := in.w < smallBuffer
		in.r, in.w = 0, 0
		switch {
		case filled && len(in.buf) < largeBuffer:
			in.grow()
		case few && len(in.buf) > smallBuffer && in.draw == nil:
			in.resize(smallBuffer)
			in.releaseOwn()
		}
		return
	}
	if in.r > 0 && in.total > len(in.buf)-in.r || in.w == len(in.buf) && in.r > 0 {
		in.w = copy(in.buf, in.buf[in.r:in.w])
		in.r = 0
	}
	if in.w == len(in.buf) {
		in.grow()
	}
}

func (in *inbound) releaseOwn() {
	if in.own != nil {
		ownBuffers.Put(in.own)
		in.own, in.inOwn = nil, false
	}
}

// grow takes the next larger buffer.
func (in *inbound) grow() {
	switch {
	case len(in.buf) < mediumBuffer:
		in.resize(mediumBuffer)
	case len(in.buf) < largeBuffer:
		in.resize(largeBuffer)
	default:
		in.resize(2 * len(in.buf))
	}
}

// resize moves what has arrived to a buffer of n bytes.
func (in *inbound) resize(n int) {
	old := in.buf
	switch n {
	case smallBuffer:
		in.buf = smallBuffers.Get().(*[smallBuffer]byte)[:]
	case mediumBuffer:
		in.buf = mediumBuffers.Get().(*[mediumBuffer]byte)[:]
	case largeBuffer:
		in.buf = largeBuffers.Get().(*[largeBuffer]byte)[:]
	default:
		in.buf = make([]byte, n)
	}
	in.w = copy(in.buf, old[in.r:in.w])
	in.r = 0
	recycle(old)
}

// recycle gives a buffer that nobody reads any more back to the pool.
func recycle(buf []byte) {
	switch cap(buf) {
	case smallBuffer:
		smallBuffers.Put((*[smallBuffer]byte)(buf))
	case mediumBuffer:
		mediumBuffers.Put((*[mediumBuffer]byte)(buf))
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(buf))
	}
}

// readLine returns the next line without its LF. It does not keep more than
// limit bytes of it; errLongLine comes with what it kept.
func (in *inbound) readLine(limit int) (string, error) {
	for {
		arrived := in.buf[in.r:in.w]
		if i := bytes.IndexByte(arrived, '\n'); i >= 0 && i < limit {
			in.r += i + 1
			return string(arrived[:i]), nil
		}
		if len(arrived) >= limit {
			return string(arrived[:limit]), errLongLine
		}
		if err := in.fill(); err != nil {
			return string(in.buf[in.r:in.w]), err // arrived is no longer ours
		}
	}
}

// charge counts the packet just read, at its length before compression, against
// what a peer may send before it has authenticated.
func (in *inbound) charge(payload []byte, limit Budget) error {
	in.spent.Bytes += int64(len(payload)) + 5
	in.spent.Packets++
	if limit.Bytes >= 0 && in.spent.Bytes > limit.Bytes || limit.Packets >= 0 && in.spent.Packets > limit.Packets {
		return &Error{Reason: ReasonProtocolError,
			Err: fmt.Errorf("%w: %d packets, %d bytes", ErrBudget, in.spent.Packets, in.spent.Bytes)}
	}
	return nil
}

// packetLength reads the packet_length of a packet in plain text.
func packetLength(packet []byte) int { return int(binary.BigEndian.Uint32(packet)) }
