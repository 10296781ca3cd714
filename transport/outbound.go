package transport

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	mathrand "math/rand/v2"
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
// text, and the goroutine that seals and writes them.
//
//	enqueue: mu{ frame the payload at the end of pending }
//	writer:  mu{ swap pending and spare } -> seal each packet in place -> one Write
//
// The fields above the line are guarded by mu, which is never held across I/O
// or a callback. Those below belong to the writer.
type outbound struct {
	mu   sync.Mutex
	work sync.Cond // pending is not empty, or closing

	pending  []byte            // framed packets
	preamble int               // bytes at the start of pending that are no packet: our version line
	switches []keySwitch       // where in pending the keys change
	frame    cipher.Framing    // of the next packet to be queued
	padding  *mathrand.ChaCha8 // padding must be unpredictable, and costs no system call
	meter    meter             // since the last key exchange
	replies  int               // bytes queued that nobody waited for room to send
	deferred deferred          // what must wait for the end of a key exchange
	gate     gate
	kexInit  []byte  // ours, of the exchange under way or the last one
	waiters  waiters // for room or for the end of a key exchange
	err      error   // why nothing more is sent
	closing  bool    // the writer is to finish

	sealer cipher.Sealer
	seq    uint32
	spare  []byte
	traced func(seq uint32, payload []byte)
}

// A keySwitch changes keys at an offset of the queue: after our NEWKEYS.
type keySwitch struct {
	at       int
	sealer   cipher.Sealer
	resetSeq bool // strict key exchange
}

// A gate says how far a key exchange has come on the sending side:
//
//	open --our KEXINIT--> shut --our NEWKEYS--> draining --peer's NEWKEYS--> open
//
// Messages of the layers above wait while it is shut (RFC 4253, section 7.1).
// While it is draining they flow, but no new exchange may begin.
type gate byte

const (
	gateOpen gate = iota
	gateShut
	gateDraining
)

// deferred is a list of payloads, each behind its length.
type deferred struct {
	bytes   []byte
	replies int
}

func (d *deferred) append(parts [][]byte, size int) {
	d.bytes = wire.AppendUint32(d.bytes, uint32(size))
	for _, p := range parts {
		d.bytes = append(d.bytes, p...)
	}
}

// payloads yields the payloads in the order they were appended. They alias
// the list.
func (d *deferred) payloads(yield func([]byte) bool) {
	for r := wire.NewReader(d.bytes); r.Len() > 0; {
		if !yield(r.Blob()) {
			return
		}
	}
}

func newOutbound(traced func(seq uint32, payload []byte)) *outbound {
	var seed [32]byte
	rand.Read(seed[:])
	sealer, _ := cipher.None()
	o := &outbound{sealer: sealer, frame: sealer.Framing(), traced: traced, padding: mathrand.NewChaCha8(seed)}
	o.work.L = &o.mu
	return o
}

// frameLocked appends one packet to the queue (RFC 4253, section 6).
func (o *outbound) frameLocked(parts [][]byte) {
	size := sizeOf(parts)
	f := o.frame
	pad := f.Block - (4+1+size-f.Clear)%f.Block
	if pad < 4 {
		pad += f.Block
	}
	b := o.roomLocked(4 + 1 + size + pad + f.Tag)
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(1+size+pad))
	b = append(b, byte(pad))
	for _, p := range parts {
		b = append(b, p...)
	}
	b = b[:len(b)+pad+f.Tag]
	o.padding.Read(b[len(b)-pad-f.Tag : len(b)-f.Tag])
	o.pending = b
	o.meter.add(len(b) - start)
	o.work.Signal()
}

// start queues our version line and KEXINIT, ahead of everything else, and the
// packets of a guess.
func (o *outbound) start(version string, kexInit []byte, guess ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	o.pending = append(o.pending, version+"\r\n"...)
	o.preamble = len(o.pending)
	o.gate, o.kexInit = gateShut, kexInit
	for _, payload := range append([][]byte{kexInit}, guess...) {
		o.frameLocked([][]byte{payload})
	}
}

// roomLocked returns pending with space for n more bytes.
func (o *outbound) roomLocked(n int) []byte {
	need := len(o.pending) + n
	if need <= cap(o.pending) {
		return o.pending
	}
	var grown []byte
	switch {
	case need <= smallBuffer:
		grown = make([]byte, 0, smallBuffer)
	case need <= queueBuffer:
		grown = queueBuffers.Get().(*[queueBuffer]byte)[:0]
	default:
		grown = make([]byte, 0, 2*need)
	}
	grown = append(grown, o.pending...)
	recycleQueue(o.pending)
	return grown
}

// queueBuffer holds what Ready lets pass and one packet more.
const queueBuffer = highWater + 64<<10

var queueBuffers = sync.Pool{New: func() any { return new([queueBuffer]byte) }}

func recycleQueue(b []byte) {
	if cap(b) == queueBuffer {
		queueBuffers.Put((*[queueBuffer]byte)(b[:queueBuffer]))
	}
}

// put queues a message of a layer above, or defers it while keys are
// exchanged. It returns without waiting, and reports whether the keys of this
// direction have done their work.
func (o *outbound) put(parts [][]byte) (due bool, err error) {
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
	reply := 0
	if n := numberOf(parts); n != wire.NumberChannelData && n != wire.NumberChannelExtendedData {
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
// the state of the gate.
func (o *outbound) putNow(parts ...[]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.frameLocked(parts)
	return nil
}

// dueLocked reports whether the keys of this direction should change.
func (o *outbound) dueLocked() bool { return o.gate == gateOpen && o.meter.due() }

// beginExchange queues our KEXINIT and shuts the gate, unless an exchange is
// under way already. It returns the KEXINIT in force and whether it is the one
// given.
func (o *outbound) beginExchange(kexInit []byte) (inForce []byte, began bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && o.gate == gateOpen {
		o.gate = gateShut
		o.kexInit = kexInit
		o.frameLocked([][]byte{kexInit})
		began = true
	}
	return o.kexInit, began
}

// switchKeys queues our NEWKEYS, makes sealer the one for all that follows for
// as long as m allows, and lets through what had to wait, after the message
// first if there is one.
func (o *outbound) switchKeys(sealer cipher.Sealer, resetSeq bool, m meter, first []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.frameLocked([][]byte{{byte(wire.NumberNewKeys)}})
	o.switches = append(o.switches, keySwitch{at: len(o.pending), sealer: sealer, resetSeq: resetSeq})
	o.frame = sealer.Framing()
	o.meter = m
	o.gate = gateDraining
	if first != nil {
		o.frameLocked([][]byte{first})
	}
	for payload := range o.deferred.payloads {
		o.frameLocked([][]byte{payload})
	}
	o.deferred = deferred{}
	o.wakeLocked()
	return nil
}

// endExchange records that the peer's NEWKEYS has arrived. It reports whether
// the next exchange is due already.
func (o *outbound) endExchange() (due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = gateOpen
	return o.dueLocked()
}

// run seals and writes what is queued until the connection ends. It is the
// writer goroutine.
func (o *outbound) run(w io.Writer) error {
	for {
		batch, preamble, switches, ok := o.takeBatch()
		if !ok {
			return nil
		}
		o.seal(batch[preamble:], preamble, switches)
		if _, err := w.Write(batch); err != nil {
			return err
		}
		o.giveBack(batch)
	}
}

// takeBatch waits for packets and takes them all. It returns false when the
// connection is closing and everything was written.
func (o *outbound) takeBatch() (batch []byte, preamble int, switches []keySwitch, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 {
		if o.closing {
			return nil, 0, nil, false
		}
		o.work.Wait()
	}
	batch, preamble, switches = o.pending, o.preamble, o.switches
	o.pending, o.preamble, o.switches = o.spare, 0, nil
	o.spare = nil
	o.replies = o.deferred.replies
	o.wakeLocked()
	return batch, preamble, switches, true
}

// seal protects the packets of a batch in place. offset is that of the first
// packet within the queue.
func (o *outbound) seal(packets []byte, offset int, switches []keySwitch) {
	for len(packets) > 0 {
		switches = o.switchAt(offset, switches)
		n := 4 + packetLength(packets) + o.sealer.Framing().Tag
		packet := packets[:n]
		if o.traced != nil {
			end := n - o.sealer.Framing().Tag - int(packet[4])
			o.traced(o.seq, packet[5:end])
		}
		o.sealer.Seal(o.seq, packet)
		o.seq++
		packets, offset = packets[n:], offset+n
	}
	o.switchAt(offset, switches) // NEWKEYS was the last of the batch
}

// switchAt changes keys if they change at offset.
func (o *outbound) switchAt(offset int, switches []keySwitch) []keySwitch {
	for len(switches) > 0 && switches[0].at == offset {
		o.sealer = switches[0].sealer
		if switches[0].resetSeq {
			o.seq = 0
		}
		switches = switches[1:]
	}
	return switches
}

// giveBack keeps a written batch's buffer for the next one, or returns a large
// one to the pool if nothing waits to be written.
func (o *outbound) giveBack(batch []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(batch) > smallBuffer && len(o.pending) == 0 {
		recycleQueue(batch)
		return
	}
	if cap(batch) <= queueBuffer {
		o.spare = batch[:0]
	}
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
	o.work.Signal()
	o.wakeLocked() // each wakes the next
	return true
}

// failure returns why nothing more is sent, or nil.
func (o *outbound) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
