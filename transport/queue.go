package transport

import (
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/cipher"
)

// A batch is packets that are sealed and written together.
type batch struct {
	packets  []byte   // framed in plain text, behind the preamble
	preamble int      // bytes at the start that are no packet: our version line
	changes  []change // where in packets their protection changes
	replies  int      // bytes that were queued without waiting for room
}

// deflates reports whether compression begins within b.
func (b *batch) deflates() bool {
	return slices.ContainsFunc(b.changes, func(c change) bool { return c.deflate })
}

// A change is how packets are protected from an offset of a batch on: after our
// NEWKEYS, or where delayed compression begins.
type change struct {
	at       int
	sealer   cipher.Sealer // the same as before if nil
	resetSeq bool          // strict key exchange
	deflate  bool          // they are a stream of compressed data
}

// A queue is what waits to be sent. It is kept in batches because they are
// still in the processor's cache when they are written, and because it may
// become long: [outbound.ready] lets everybody pass who asks while there is
// room, and a thousand channels may do so at once.
type queue struct {
	full []batch // oldest first
	last batch   // being filled
	size int     // bytes in all of them
}

// begin queues our version line, ahead of everything else.
func (q *queue) begin(line string) {
	q.grown(append(q.room(len(line)), line...))
	q.last.preamble = len(line)
}

// room returns the packets of the last batch with space for n more bytes. Once
// they are appended, grown takes the result.
func (q *queue) room(n int) []byte {
	packets := q.last.packets
	need := len(packets) + n
	if need <= cap(packets) {
		return packets
	}
	if need > batchSize && len(packets) > 0 {
		q.full = append(q.full, q.last)
		q.last = batch{}
		return newPackets(n)
	}
	larger := append(newPackets(need), packets...)
	freePackets(packets)
	return larger
}

// grown makes packets those of the last batch.
func (q *queue) grown(packets []byte) {
	q.size += len(packets) - len(q.last.packets)
	q.last.packets = packets
}

// change has what follows protected in another way.
func (q *queue) change(c change) {
	c.at = len(q.last.packets)
	q.last.changes = append(q.last.changes, c)
}

// take takes the oldest batch out of the queue.
func (q *queue) take() (b batch) {
	if n := len(q.full); n > 0 {
		b = q.full[0]
		copy(q.full, q.full[1:])
		q.full[n-1] = batch{}
		q.full = q.full[:n-1]
	} else {
		b, q.last = q.last, batch{}
		if cap(q.full) > keptBatches {
			q.full = nil
		}
	}
	q.size -= len(b.packets)
	return b
}

// free gives the packets of b back, which nobody may use afterwards.
func (b *batch) free() { freePackets(b.packets) }

const (
	batchSize   = 136 << 10 // four messages of 32 KiB of data, and some of their acknowledgements
	smallBatch  = 4 << 10
	keptBatches = 8
)

// Buffers that are in no queue: a connection at rest holds none for what it
// sends.
var (
	batches      = sync.Pool{New: func() any { return new([batchSize]byte) }}
	smallBatches = sync.Pool{New: func() any { return new([smallBatch]byte) }}
)

// newPackets returns an empty buffer for at least n bytes.
func newPackets(n int) []byte {
	switch {
	case n <= smallBatch:
		return smallBatches.Get().(*[smallBatch]byte)[:0]
	case n <= batchSize:
		return batches.Get().(*[batchSize]byte)[:0]
	}
	return make([]byte, 0, n)
}

func freePackets(b []byte) {
	switch cap(b) {
	case smallBatch:
		smallBatches.Put((*[smallBatch]byte)(b[:smallBatch]))
	case batchSize:
		batches.Put((*[batchSize]byte)(b[:batchSize]))
	}
}
