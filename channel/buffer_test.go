package channel

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// chunkCount returns how many chunks b holds.
func (b *buffer) chunkCount() int {
	n := 0
	for c := b.head; c != nil; c = c.next {
		n++
	}
	return n
}

func TestBufferEmpty(t *testing.T) {
	var b buffer
	require.Zero(t, b.read(make([]byte, 10)))
	b.write(nil)
	require.Zero(t, b.chunkCount(), "nothing costs nothing")
	b.reset()
	require.Zero(t, b.size)
}

func TestBufferGivesChunksBack(t *testing.T) {
	var b buffer
	b.write(make([]byte, 3*BufferSize+1))
	require.Equal(t, 4, b.chunkCount())
	require.Equal(t, BufferSize, b.read(make([]byte, BufferSize)))
	require.Equal(t, 3, b.chunkCount())
	require.Equal(t, 2*BufferSize+1, b.read(make([]byte, 4*BufferSize)))
	require.Zero(t, b.chunkCount(), "an idle channel holds none")
	require.Nil(t, b.tail)
}

func TestBufferUnpop(t *testing.T) {
	var b buffer
	b.write([]byte("first"))
	c := b.pop()
	require.Zero(t, b.size)
	b.write([]byte(" second"))
	c.start += 2
	b.unpop(c)
	require.Equal(t, len("rst second"), b.size)
	p := make([]byte, 20)
	require.Equal(t, "rst second", string(p[:b.read(p)]))

	b.write([]byte("only"))
	b.unpop(b.pop())
	b.write([]byte(" one"))
	require.Equal(t, "only one", string(p[:b.read(p)]), "tail follows head")
	require.Zero(t, b.chunkCount())
}

// K10: 2 million one-byte packets take the memory of 2 million bytes.
func TestBufferPacksSmallWrites(t *testing.T) {
	var b buffer
	for range 2 << 20 {
		b.write([]byte{1})
	}
	require.LessOrEqual(t, b.chunkCount()*BufferSize, 2<<20+2*BufferSize)
	b.reset()
	require.Zero(t, b.chunkCount())
}

// A parcel is an Exchanger that delivers one message, or one that lies in no
// buffer of its own if it is nil.
type parcel struct {
	void
	message []byte
}

func (p parcel) Exchange(fresh []byte) ([]byte, int) {
	if p.message == nil {
		return nil, 0
	}
	const offset = 5
	buffer := make([]byte, BufferSize)
	copy(buffer[offset:], p.message)
	return buffer, offset
}

func TestBufferAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var b buffer
	var model []byte
	next := byte(0)
	for range 20000 {
		switch rng.IntN(6) {
		case 0, 1:
			p := make([]byte, rng.IntN(3*BufferSize)>>rng.IntN(16))
			for i := range p {
				next += 7
				p[i] = next
			}
			b.write(p)
			model = append(model, p...)
		case 2, 3:
			p := make([]byte, rng.IntN(3*BufferSize)>>rng.IntN(12))
			n := b.read(p)
			require.Equal(t, min(len(p), len(model)), n)
			require.True(t, bytes.Equal(model[:n], p[:n]))
			model = model[n:]
		case 4:
			p := make([]byte, rng.IntN(33<<10))
			for i := range p {
				next += 7
				p[i] = next
			}
			if b.exchange(parcel{message: append([]byte{1, 2, 3}, p...)}, len(p), 3) {
				model = append(model, p...)
			} else {
				require.Less(t, len(p), BufferSize/2)
			}
		case 5:
			if b.size == 0 {
				continue
			}
			c := b.pop()
			n := rng.IntN(len(c.unread()))
			require.True(t, bytes.Equal(model[:n], c.unread()[:n]))
			c.start += n
			b.unpop(c)
			model = model[n:]
		}
		require.Equal(t, len(model), b.size)
		require.LessOrEqual(t, b.chunkCount(), 2*len(model)/BufferSize+3)
		require.Equal(t, b.head == nil, b.tail == nil)
	}
}

func TestBufferAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the pool drops chunks under -race")
	}
	var b buffer
	p := make([]byte, 100<<10)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		b.write(p)
		b.read(p)
	}))
}
