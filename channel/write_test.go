package channel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestWrite(t *testing.T) {
	c, _, l := taped(100, Params{})
	n, err := c.Write([]byte("data"))
	require.NoError(t, err)
	require.Equal(t, 4, n)
	n, err = c.Stderr().Write([]byte("stderr"))
	require.NoError(t, err)
	require.Equal(t, 6, n)
	n, err = c.Write(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, [][]byte{
		(&wire.ChannelData{Recipient: remoteID, Data: []byte("data")}).Append(nil),
		(&wire.ChannelExtendedData{Recipient: remoteID, Type: 1, Data: []byte("stderr")}).Append(nil),
	}, l.take(), "K17: to the peer's number")
	require.EqualValues(t, 90, c.sendWindow.credit, "RFC 4254 5.2: one window for both")
}

func TestWriteSplitsIntoMessages(t *testing.T) {
	l := new(tape)
	c, _ := New(l, "session", localEnd(Params{}), End{remoteID, 1 << 20, 10}, Params{})
	n, err := c.Write([]byte("0123456789abcdefghijXYZ"))
	require.NoError(t, err)
	require.Equal(t, 23, n)
	var pieces []string
	for _, p := range l.take() {
		m, err := wire.ParseChannelData(p)
		require.NoError(t, err)
		pieces = append(pieces, string(m.Data))
	}
	require.Equal(t, []string{"0123456789", "abcdefghij", "XYZ"}, pieces)
}

func TestWriteWaitsForWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(3, Params{})
		var writing sync.WaitGroup
		writing.Go(func() {
			n, err := c.Write([]byte("012345"))
			require.NoError(t, err)
			require.Equal(t, 6, n)
		})
		synctest.Wait()
		require.Len(t, l.take(), 1)
		deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 0}) // K7: no harm in it
		deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 2})
		synctest.Wait()
		require.Equal(t, "34", string(l.take()[0][9:]))
		deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 2})
		writing.Wait()
		require.Equal(t, "5", string(l.take()[0][9:]))
		require.EqualValues(t, 1, c.sendWindow.credit)
	})
}

func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(3, Params{})
		start := time.Now()
		require.NoError(t, c.SetWriteDeadline(start.Add(time.Second)))
		n, err := c.Write([]byte("0123"))
		require.Equal(t, 3, n)
		require.Equal(t, os.ErrDeadlineExceeded, err)
		require.Equal(t, time.Second, time.Since(start))
		n, err = c.Write(nil)
		require.Zero(t, n)
		require.Equal(t, os.ErrDeadlineExceeded, err)

		require.NoError(t, c.SetDeadline(time.Time{}))
		deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 10})
		_, err = c.Write([]byte("4"))
		require.NoError(t, err)

		l.block = make(chan struct{})
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err = c.Write([]byte("5"))
		require.Equal(t, os.ErrDeadlineExceeded, err, "waiting for the link")
		require.Equal(t, os.ErrDeadlineExceeded, c.Notify("x", nil))
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(-1)))
		require.Equal(t, os.ErrDeadlineExceeded, c.Notify("x", nil))
	})
}

func TestWriteDeadlineWhileAnotherWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		var writers sync.WaitGroup
		for range 3 {
			writers.Go(func() {
				_, err := c.Write([]byte("x"))
				require.Equal(t, os.ErrDeadlineExceeded, err)
			})
		}
		synctest.Wait()
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		writers.Wait()

		require.NoError(t, c.SetWriteDeadline(time.Time{}))
		deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 1})
		_, err := c.Write([]byte("x"))
		require.NoError(t, err, "the writers before have let go")
		require.Len(t, l.take(), 1)
	})
}

// The bytes of one Write stay together, whoever else writes, and so do those
// of its stderr.
func TestConcurrentWritesAreNotInterleaved(t *testing.T) {
	c1, c2, stop := pair(t, Params{}, Params{Window: 4096, MaxPacket: 512, Extended: true})
	defer stop()
	var writers sync.WaitGroup
	for i := range 8 {
		w := []io.Writer{c1, c1.Stderr()}[i%2]
		line := strings.Repeat(string(rune('a'+i)), 5000) + "\n"
		writers.Go(func() {
			for range 20 {
				_, err := io.WriteString(w, line)
				require.NoError(t, err)
			}
		})
	}
	var readers sync.WaitGroup
	for _, r := range []io.Reader{c2, c2.Stderr()} {
		readers.Go(func() {
			text, err := io.ReadAll(r)
			require.NoError(t, err)
			lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			require.Len(t, lines, 80)
			for _, line := range lines {
				require.Equal(t, strings.Repeat(line[:1], 5000), line)
			}
		})
	}
	writers.Wait()
	require.NoError(t, c1.CloseWrite())
	readers.Wait()
}

func TestWriteReportsADeadLink(t *testing.T) {
	broken := errors.New("broken")
	c, _, l := taped(10, Params{})
	l.fail(broken)
	_, err := c.Write([]byte("x"))
	require.Equal(t, broken, err)
	n, err := c.writePacket(&c.output, []byte("x")) // failed between Ready and Enqueue
	require.Zero(t, n)
	require.Equal(t, broken, err)
	require.Equal(t, broken, c.CloseWrite())
}

// K5: CVE-2026-39834, a length taken for a uint32 never reaches its end.
func TestK5WriteOf4GiBEnds(t *testing.T) {
	if testing.Short() || strconv.IntSize < 64 {
		t.Skip("4 GiB")
	}
	most := uint64(1<<32 + 1)
	p := make([]byte, most) // never touched, and so never really there
	for _, size := range []uint64{1 << 31, 1 << 32, most} {
		l := &endless{}
		c, _ := New(l, "session", localEnd(Params{}), End{remoteID, 1 << 20, 1 << 30}, Params{})
		l.refill = func(credit uint32) { c.sendWindow.adjust(credit) }
		n, err := c.Write(p[:size])
		require.NoError(t, err)
		require.EqualValues(t, size, n)
		require.Equal(t, size, l.bytes)
	}
}

// endless is a Link that gives back the window data takes.
type endless struct {
	void
	bytes  uint64
	refill func(uint32)
}

func (l *endless) Enqueue(parts ...[]byte) error {
	l.bytes += uint64(len(parts[1]))
	l.refill(uint32(len(parts[1])))
	return nil
}

func TestWriteAllocatesNothing(t *testing.T) {
	l := &endless{}
	c, _ := New(l, "session", localEnd(Params{}), End{remoteID, 2 << 20, 32 << 10}, Params{})
	l.refill = func(n uint32) { c.sendWindow.adjust(n) }
	stderr := c.Stderr()
	p := make([]byte, 100<<10)
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Hour)))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_, _ = c.Write(p)
		_, _ = stderr.Write(p)
	}))
	require.Nil(t, c.parts[1], "the caller's bytes are not kept")
}

// K7: window adjusts cost nothing.
func TestWindowAdjustsAllocateNothing(t *testing.T) {
	_, in, _ := taped(0, Params{})
	p := (&wire.ChannelWindowAdjust{Recipient: localID, Bytes: 1}).Append(nil)
	require.Zero(t, testing.AllocsPerRun(100000/slowdown, func() { _ = in.Deliver(p) }))
}

// K9: a peer that takes one byte at a time is slow, and gets everything.
func TestMaxPacketOf1(t *testing.T) {
	c1, c2, stop := pair(t, Params{}, Params{MaxPacket: 1, Window: 100})
	defer stop()
	want := bytes.Repeat([]byte("slow"), 1000)
	go func() {
		_, _ = c1.Write(want)
		_ = c1.Close()
	}()
	got, err := io.ReadAll(c2)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	<-c2.Done() // CLOSE comes behind EOF
	_, err = c2.Write(nil)
	require.ErrorIs(t, err, net.ErrClosed)
}
