package transport

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/wire"
)

const (
	// highWater is how many bytes may be queued before Ready waits.
	highWater = 256 << 10

	// maxReplies is how many bytes of replies may be queued before the peer
	// that provokes them is cut off: those that Ready let pass, and 256 KiB.
	maxReplies = highWater + 256<<10

	// lastWords is how long a disconnect may take to reach the socket.
	lastWords = time.Second
)

// An outbound is the sending direction: a queue of framed packets in plain
// text, and whoever seals and writes them.
//
//	enqueue: mu{ frame the payload at the end of the queue }
//	sender:  mu{ take a batch of the queue } -> seal each packet in place -> one Write
//
// With compression a packet is sealed in the place that is left of it.
//
// There is one sender at a time: the writer, a goroutine that lives while there
// is something to send, or a caller of flush who found the queue short and
// nobody sending, and saves the way over another goroutine. The fields down to
// the empty line are guarded by mu, which is never held across I/O or a
// callback. Those behind it belong to the sender.
type outbound struct {
	mu sync.Mutex

	queue    queue
	frame    cipher.Framing // of the next packet to be queued
	meter    meter          // since the last key exchange
	replies  int            // bytes queued that nobody waited for room to send
	deferred deferred       // what must wait for the end of a key exchange
	delayed  bool           // compression waits for USERAUTH_SUCCESS
	gate     gate
	kexInit  []byte  // ours, of the exchange under way or the last one
	waiters  waiters // for room or for the end of a key exchange
	sending  bool    // there is a sender
	unsent   []byte  // sealed, and left over by a flush that would have had to wait
	err      error   // why nothing more is sent
	started  bool    // the handshake has begun: there may be senders
	closing  bool    // the last sender closes the connection

	keysQueued int // our NEWKEYS that were queued

	sealer     cipher.Sealer
	seq        uint32
	deflater   *deflater // nil unless packets are compressed
	keysSealed int       // our NEWKEYS that were sealed
	saved      int       // bytes that compression has saved since, and the meter has counted
	traced     func(seq uint32, payload []byte)
	send       func()                      // runs the writer, on a goroutine of its own
	try        func(p []byte) (int, error) // writes what can be written without waiting; nil if there is no way to
}

func newOutbound(traced func(seq uint32, payload []byte)) *outbound {
	sealer, _ := cipher.None()
	return &outbound{sealer: sealer, frame: sealer.Framing(), traced: traced}
}

// paddings are sources of padding, which must be unpredictable and costs no
// system call. They are shared: a connection at rest needs none of their state.
var paddings = sync.Pool{New: func() any {
	var seed [32]byte
	rand.Read(seed[:])
	return mathrand.NewChaCha8(seed)
}}

func readPadding(p []byte) {
	source := paddings.Get().(*mathrand.ChaCha8)
	source.Read(p)
	paddings.Put(source)
}

// frameLocked appends one packet to the queue (RFC 4253, section 6).
func (o *outbound) frameLocked(parts [][]byte) {
	size := sizeOf(parts)
	b := o.queue.room(4 + 1 + size + paddingLength(size, o.frame) + o.frame.Tag)
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	b = endPacket(b, start, o.frame)
	o.queue.grown(b)
	o.meter.add(len(b) - start)
}

// paddingLength is how much padding a payload of size bytes needs.
func paddingLength(size int, f cipher.Framing) int {
	n := f.Block - (4+1+size-f.Clear)%f.Block
	if n < 4 {
		n += f.Block
	}
	return n
}

// endPacket completes the packet in b[start:], which is five bytes for the
// lengths and the payload.
func endPacket(b []byte, start int, f cipher.Framing) []byte {
	end := len(b)
	n := paddingLength(end-start-5, f)
	binary.BigEndian.PutUint32(b[start:], uint32(end-start-4+n))
	b[start+4] = byte(n)
	b = slices.Grow(b, n+f.Tag)[:end+n+f.Tag]
	readPadding(b[end : end+n])
	return b
}

// begin lets the queue be sent from here on.
func (o *outbound) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started = true
	o.kickLocked()
}

// start queues our version line and KEXINIT, ahead of everything else, and the
// packets of a guess.
func (o *outbound) start(version string, kexInit []byte, guess ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	o.queue.begin(version + "\r\n")
	o.gate, o.kexInit = gateShut, kexInit
	for _, payload := range append([][]byte{kexInit}, guess...) {
		o.frameLocked([][]byte{payload})
	}
}

// put queues a message of a layer above, or defers it while keys are
// exchanged. It returns without waiting, and reports whether the keys of this
// direction have done their work. Unless wake is set, the caller flushes.
func (o *outbound) put(parts [][]byte, wake bool) (due bool, err error) {
	size := sizeOf(parts)
	if size == 0 || size > maxPayload {
		return false, ErrPacketSize
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return false, o.err
	}
	// Data is bounded by windows and by Ready. Everything else may be an answer
	// that the peer provoked, and is bounded here.
	reply, number := 0, numberOf(parts)
	if number != wire.NumberChannelData && number != wire.NumberChannelExtendedData {
		reply = size
	}
	if o.replies += reply; o.replies > maxReplies {
		return false, ErrBackedUp
	}
	if o.gate == gateShut {
		o.deferred.append(parts, size)
		o.deferred.replies += reply
		return false, nil
	}
	o.frameLocked(parts)
	o.queue.last.replies += reply
	if number == wire.NumberUserauthSuccess {
		o.startDelayedLocked()
	}
	if wake {
		o.kickLocked()
	}
	return o.dueLocked(), nil
}

func sizeOf(parts [][]byte) int {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	return size
}

// numberOf returns the message number of a payload in parts.
func numberOf(parts [][]byte) wire.Number {
	for _, p := range parts {
		if len(p) > 0 {
			return wire.Number(p[0])
		}
	}
	return 0
}

// putNow queues a message that belongs to the transport and goes out whatever
// the state of the gate. It is for the reader, who flushes before it waits.
func (o *outbound) putNow(parts ...[]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.frameLocked(parts)
	return nil
}

// kickLocked sees to it that what is queued is sent, and that a connection that
// is closing is closed. A sender that is at work does both when it is done.
func (o *outbound) kickLocked() {
	if o.started && !o.sending && (o.queue.size > 0 || len(o.unsent) > 0 || o.closing) {
		o.sending = true
		go o.send()
	}
}

// run seals and writes until nothing is queued. It is what the writer goroutine
// does, which lives as long. It returns true if the connection is closing: the
// caller then stays the sender, the last one.
func (o *outbound) run(w io.Writer) (closing bool, err error) {
	for {
		unsent, b, ok, closing := o.takeBatch()
		if !ok {
			return closing, nil
		}
		if len(unsent) > 0 {
			if _, err := w.Write(unsent); err != nil {
				return false, err
			}
		}
		b = o.seal(b)
		if _, err := w.Write(b.packets); err != nil {
			return false, err
		}
		b.free()
	}
}

// takeBatch takes what an earlier sender sealed and left over and the oldest
// batch, for the writer. If that is nothing the writer is no longer the sender,
// unless the connection is closing.
func (o *outbound) takeBatch() (unsent []byte, b batch, ok, closing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settleLocked()
	if o.queue.size > 0 || len(o.unsent) > 0 {
		unsent, o.unsent = o.unsent, nil
		return unsent, o.takeLocked(), true, false
	}
	o.sending = o.closing
	return nil, batch{}, false, o.closing
}

// takeLocked makes the caller the sender of the oldest batch.
func (o *outbound) takeLocked() batch {
	b := o.queue.take()
	o.sending = true
	o.replies -= b.replies
	o.wakeLocked()
	return b
}

// seal protects the packets of a batch, in place unless some of them are
// compressed.
func (o *outbound) seal(b batch) batch {
	packets, offset, changes := b.packets[b.preamble:], b.preamble, b.changes
	var smaller []byte // the batch, when there is compression
	if o.deflater != nil || b.deflates() {
		smaller = append(newPackets(len(b.packets)), b.packets[:b.preamble]...)
	}
	for len(packets) > 0 {
		changes = o.changeAt(offset, changes)
		n := 4 + packetLength(packets) + o.sealer.Framing().Tag
		packet := packets[:n]
		if o.traced != nil {
			end := n - o.sealer.Framing().Tag - int(packet[4])
			o.traced(o.seq, packet[5:end])
		}
		if smaller != nil {
			start := len(smaller)
			smaller = o.deflate(smaller, packet)
			packet = smaller[start:]
		}
		o.sealer.Seal(o.seq, packet)
		o.seq++
		packets, offset = packets[n:], offset+n
	}
	o.changeAt(offset, changes) // NEWKEYS was the last of the batch
	if smaller != nil {
		b.free()
		b.packets = smaller
	}
	return b
}

// changeAt makes what changes at offset change.
func (o *outbound) changeAt(offset int, changes []change) []change {
	for len(changes) > 0 && changes[0].at == offset {
		c := changes[0]
		if c.sealer != nil {
			o.sealer = c.sealer
			o.keysSealed++
			o.saved = 0
		}
		if c.resetSeq {
			o.seq = 0
		}
		o.startDeflating(c.deflate)
		changes = changes[1:]
	}
	return changes
}

// stop ends the direction: nothing more can be queued after last, which is a
// DISCONNECT or nil. It reports whether it was the first to do so.
func (o *outbound) stop(err error, last []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return false
	}
	o.err = err
	if last != nil {
		o.frameLocked([][]byte{last})
	}
	o.closing = true
	o.deferred = deferred{}
	o.kickLocked()
	o.wakeLocked() // each wakes the next
	return true
}

// failure returns why nothing more is sent, or nil.
func (o *outbound) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
