package channel

import "sync"

// A chunk is a piece of a buffer: the unread bytes are data[start:end].
type chunk struct {
	next       *chunk
	start, end int
	data       [chunkSize]byte
}

// chunkSize makes a chunk exactly 32 KiB.
const chunkSize = 32<<10 - 24

// chunks holds those that are in no buffer: an idle channel has none.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newChunk() *chunk { return chunks.Get().(*chunk) }

func (c *chunk) unread() []byte { return c.data[c.start:c.end] }

// free gives c back. Nobody may use it afterwards.
func (c *chunk) free() {
	c.next, c.start, c.end = nil, 0, 0
	chunks.Put(c)
}

// A buffer is a queue of bytes in chunks. Data is copied in once and out once,
// whatever the sizes of the packets it comes in: a stream of one-byte packets
// fills chunks as densely as one of large packets, so that a buffer holds at
// most two chunks more than its bytes.
type buffer struct {
	head, tail *chunk // head is read from, tail written to; both nil if empty
	size       int
}

// write appends a copy of p.
func (b *buffer) write(p []byte) {
	b.size += len(p)
	for len(p) > 0 {
		if b.tail == nil || b.tail.end == chunkSize {
			b.grow()
		}
		n := copy(b.tail.data[b.tail.end:], p)
		b.tail.end += n
		p = p[n:]
	}
}

func (b *buffer) grow() {
	c := newChunk()
	if b.tail == nil {
		b.head = c
	} else {
		b.tail.next = c
	}
	b.tail = c
}

// read moves bytes to p and returns how many.
func (b *buffer) read(p []byte) int {
	n := 0
	for n < len(p) && b.head != nil {
		m := copy(p[n:], b.head.unread())
		n += m
		b.size -= m
		b.head.start += m
		if b.head.start == b.head.end {
			b.pop().free()
		}
	}
	return n
}

// pop takes the first chunk out of b, which must not be empty.
func (b *buffer) pop() *chunk {
	c := b.head
	b.head = c.next
	if b.head == nil {
		b.tail = nil
	}
	b.size -= c.end - c.start
	c.next = nil
	return c
}

// unpop puts back in front what pop took.
func (b *buffer) unpop(c *chunk) {
	c.next = b.head
	b.head = c
	if b.tail == nil {
		b.tail = c
	}
	b.size += c.end - c.start
}

// reset empties b and gives its chunks back.
func (b *buffer) reset() {
	for b.head != nil {
		b.pop().free()
	}
}
