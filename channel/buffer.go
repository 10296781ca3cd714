package channel

import "sync"

// A chunk is a piece of a buffer: the unread bytes are data[start:end].
type chunk struct {
	next       *chunk
	start, end int
	data       []byte // of BufferSize
}

// BufferSize is how long the buffers of an [Exchanger] are.
const BufferSize = 40 << 10

// chunks holds those that are in no buffer: an idle channel has none.
var chunks = sync.Pool{New: func() any { return &chunk{data: make([]byte, BufferSize)} }}

func newChunk() *chunk { return chunks.Get().(*chunk) }

func (c *chunk) unread() []byte { return c.data[c.start:c.end] }

// free gives c back. Nobody may use it afterwards.
func (c *chunk) free() {
	c.next, c.start, c.end = nil, 0, 0
	chunks.Put(c)
}

// A buffer is a queue of bytes in chunks. A stream of one-byte packets fills
// chunks as densely as one of large packets, which come with chunks of their
// own: a buffer takes at most twice the memory of its bytes and two chunks more.
type buffer struct {
	head, tail *chunk // head is read from, tail written to; both nil if empty
	size       int
}

// write appends a copy of p.
func (b *buffer) write(p []byte) {
	b.size += len(p)
	for len(p) > 0 {
		if b.tail == nil || b.tail.end == BufferSize {
			b.push(newChunk())
		}
		n := copy(b.tail.data[b.tail.end:], p)
		b.tail.end += n
		p = p[n:]
	}
}

// exchange appends n bytes that lie at offset of the message which from is
// delivering, without copying them. It reports false if that cannot be done, or
// would waste more memory than it saves time.
func (b *buffer) exchange(from Exchanger, n, offset int) bool {
	if n < BufferSize/2 {
		return false
	}
	c := newChunk()
	data, start := from.Exchange(c.data)
	if data == nil {
		c.free()
		return false
	}
	c.data, c.start, c.end = data, start+offset, start+offset+n
	b.push(c)
	b.size += n
	return true
}

// push appends a chunk.
func (b *buffer) push(c *chunk) {
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
