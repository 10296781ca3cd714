package channel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// adjusts returns how much has been granted since the last look at l.
func adjusts(t *testing.T, l *tape) (messages int, total uint32) {
	for _, p := range l.take() {
		m, err := wire.ParseChannelWindowAdjust(p)
		require.NoError(t, err)
		require.EqualValues(t, remoteID, m.Recipient, "K17")
		messages++
		total += m.Bytes
	}
	return messages, total
}

func TestReadGrantsInLargeSteps(t *testing.T) {
	c, in, l := taped(0, Params{Window: 1000})
	deliverData(t, in, strings.Repeat("x", 1000))
	p := make([]byte, 1)
	for range 499 {
		_, err := c.Read(p)
		require.NoError(t, err)
	}
	require.Empty(t, l.take(), "design.md 3.3: never per read")
	_, err := c.Read(p)
	require.NoError(t, err)
	messages, total := adjusts(t, l)
	require.Equal(t, 1, messages)
	require.EqualValues(t, 500, total)
}

func TestReadGrantsNothingAfterEOF(t *testing.T) {
	c, in, l := taped(0, Params{Window: 10})
	deliverData(t, in, "0123456789")
	deliverEOF(t, in)
	require.Equal(t, "0123456789", read(t, c))
	require.Empty(t, l.take())
}

func TestReadOfNothing(t *testing.T) {
	c, in, _ := taped(0, Params{})
	n, err := c.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	deliverData(t, in, "x")
	_, err = c.Read(nil)
	require.NoError(t, err)
	require.Equal(t, "x", read(t, c))
}

func TestDataAfterEOFIsThrownAway(t *testing.T) {
	c, in, l := taped(0, Params{Window: 10})
	deliverEOF(t, in)
	deliverEOF(t, in) // K12
	deliverData(t, in, "0123456")
	_, err := c.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err, "RFC 4254 5.3")
	require.Empty(t, l.take())
	require.ErrorIs(t, in.Deliver((&wire.ChannelData{Data: make([]byte, 4)}).Append(nil)), errOverrun, "and the window still counts")
}

// K10: 2 million one-byte messages nobody reads.
func TestSmallMessagesTakeTheWindowsMemory(t *testing.T) {
	c, in, _ := taped(0, Params{})
	p := (&wire.ChannelData{Data: []byte{1}}).Append(nil)
	for range 2 << 20 {
		if err := in.Deliver(p); err != nil {
			t.Fatal(err)
		}
	}
	require.LessOrEqual(t, c.input.buffer.chunkCount()*BufferSize, DefaultWindow+2*BufferSize)
	require.ErrorIs(t, in.Deliver(p), errOverrun)
	require.NoError(t, c.Close())
	require.Zero(t, c.input.buffer.chunkCount())
}

// K10: messages without data cost no window, and so must cost nothing else.
func TestEmptyMessagesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{})
		p := (&wire.ChannelData{}).Append(nil)
		var waiting sync.WaitGroup
		waiting.Go(func() {
			n, err := c.Read(make([]byte, 1))
			require.NoError(t, err)
			require.Equal(t, 1, n, "an empty message is no reason to return")
		})
		synctest.Wait()
		require.Zero(t, testing.AllocsPerRun(1000, func() { _ = in.Deliver(p) }))
		require.Zero(t, c.input.buffer.chunkCount())
		deliverData(t, in, "x")
		waiting.Wait()
	})
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{Extended: true})
		start := time.Now()
		require.NoError(t, c.SetReadDeadline(start.Add(time.Second)))
		for _, r := range []io.Reader{c, c.Stderr()} {
			_, err := r.Read(make([]byte, 1))
			require.Equal(t, os.ErrDeadlineExceeded, err)
		}
		_, err := c.WriteTo(io.Discard)
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.Equal(t, time.Second, time.Since(start))

		deliverData(t, in, "x")
		_, err = c.Read(make([]byte, 1))
		require.Equal(t, os.ErrDeadlineExceeded, err, "net.Conn: until the deadline is moved")
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		require.Equal(t, "x", read(t, c))
	})
}

// limited takes n bytes and then fails.
type limited struct {
	bytes.Buffer
	n   int
	err error
}

func (w *limited) Write(p []byte) (int, error) {
	if len(p) <= w.n {
		w.n -= len(p)
		return w.Buffer.Write(p)
	}
	n, _ := w.Buffer.Write(p[:w.n])
	w.n = 0
	return n, w.err
}

func TestWriteTo(t *testing.T) {
	c, in, l := taped(0, Params{})
	var want bytes.Buffer
	for i := range 40 {
		piece := strings.Repeat(string(rune('a'+i%26)), 10000)
		want.WriteString(piece)
		deliverData(t, in, piece)
	}
	deliverEOF(t, in)
	var got bytes.Buffer
	n, err := io.Copy(&got, c)
	require.NoError(t, err)
	require.EqualValues(t, want.Len(), n)
	require.True(t, bytes.Equal(want.Bytes(), got.Bytes()))
	require.Empty(t, l.take(), "no grants after EOF")
	require.Zero(t, c.input.buffer.chunkCount())
}

func TestWriteToLeavesWhatIsNotTaken(t *testing.T) {
	full := errors.New("disk full")
	for _, want := range []error{full, io.ErrShortWrite} {
		w := &limited{n: 4, err: full}
		if want == io.ErrShortWrite {
			w.err = nil
		}
		c, in, _ := taped(0, Params{})
		deliverData(t, in, "taken, not taken")
		n, err := c.WriteTo(w)
		require.ErrorIs(t, err, want)
		require.EqualValues(t, 4, n)
		deliverData(t, in, ", after")
		require.Equal(t, "n, not taken, after", read(t, c))
		require.Equal(t, "take", w.String())
	}
}

// A writer that calls back may close the channel, and may wait for data.
type callback func(p []byte)

func (f callback) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestWriteToHoldsNoLock(t *testing.T) {
	c, in, _ := taped(0, Params{})
	deliverData(t, in, "x")
	n, err := c.WriteTo(callback(func([]byte) {
		deliverData(t, in, "y")
		require.Equal(t, "y", read(t, c))
		require.NoError(t, c.Close())
	}))
	require.EqualValues(t, 1, n)
	require.Equal(t, errClosed, err)
	require.Zero(t, c.input.buffer.chunkCount())
}

func TestSeveralReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{})
		var readers sync.WaitGroup
		total := make(chan int, 8)
		for range 8 {
			readers.Go(func() {
				p := make([]byte, 100)
				sum := 0
				for {
					n, err := c.Read(p)
					sum += n
					if err != nil {
						require.Equal(t, io.EOF, err)
						total <- sum
						return
					}
				}
			})
		}
		for range 100 {
			deliverData(t, in, strings.Repeat("x", 999))
		}
		deliverEOF(t, in)
		readers.Wait()
		sum := 0
		for range 8 {
			sum += <-total
		}
		require.Equal(t, 99900, sum)
	})
}

// Data in, and data out to its reader, allocate nothing.
func TestDeliverAndReadAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the pool drops chunks under -race")
	}
	c, in, _ := taped(0, Params{Extended: true})
	c.link = void{}
	p := make([]byte, 32<<10)
	data := (&wire.ChannelData{Data: p}).Append(nil)
	stderr := (&wire.ChannelExtendedData{Type: 1, Data: p}).Append(nil)
	other := (&wire.ChannelExtendedData{Type: 2, Data: p}).Append(nil)
	errs := c.Stderr()
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = in.Deliver(data)
		_, _ = io.ReadFull(c, p)
		_ = in.Deliver(stderr)
		_, _ = io.ReadFull(errs, p)
		_ = in.Deliver(other)
	}))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = in.Deliver(data)
		_, _ = c.WriteTo(once{})
	}))
	require.Zero(t, c.input.buffer.size)
}

// RFC 4254, section 5.2: what arrives in a buffer of its own is read out of that
// very buffer, be it data or extended data, and counts like any other.
func TestExchangedDataIsNotCopied(t *testing.T) {
	for _, test := range []struct {
		name   string
		m      message
		source func(c *Channel) *source
	}{
		{"SSH_MSG_CHANNEL_DATA", &wire.ChannelData{Data: make([]byte, 32<<10)}, func(c *Channel) *source { return &c.input }},
		{"SSH_MSG_CHANNEL_EXTENDED_DATA", &wire.ChannelExtendedData{Type: wire.ExtendedDataStderr, Data: make([]byte, 32<<10)}, func(c *Channel) *source { return &c.stderr }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := test.m.Append(nil)
			copy(p[len(p)-4:], "last")
			buffer := make([]byte, BufferSize)
			copy(buffer[7:], p)
			l := &lender{buffer: buffer}
			c, in := New(l, "session", localEnd(Params{}), End{remoteID, 0, 0}, Params{Extended: true})
			require.NoError(t, in.Deliver(p))
			require.NotNil(t, l.fresh, "nothing was given for the buffer")
			require.NotSame(t, &buffer[0], &l.fresh[0])
			got, err := c.takeChunk(test.source(c))
			require.NoError(t, err)
			require.Len(t, got.unread(), 32<<10)
			require.Same(t, &buffer[7+len(p)-1], &got.unread()[32<<10-1])
			require.Equal(t, "last", string(got.unread()[32<<10-4:]))
			require.EqualValues(t, 32<<10, c.recvWindow.unread)
		})
	}
}

// A lender is an Exchanger that lends one buffer.
type lender struct {
	void
	buffer, fresh []byte
}

func (l *lender) Exchange(fresh []byte) ([]byte, int) {
	buffer := l.buffer
	l.buffer, l.fresh = nil, fresh
	return buffer, 7
}

// once takes one write.
type once struct{}

func (once) Write(p []byte) (int, error) { return len(p), io.ErrClosedPipe }

// void is a Link that takes everything.
type void struct{}

func (void) Ready(ctx context.Context) error { return ctx.Err() }

func (void) Enqueue(...[]byte) error { return nil }
