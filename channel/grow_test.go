package channel

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// grants returns the sum of the window adjusts sent since the last call.
func grants(t *testing.T, l *tape) uint32 {
	t.Helper()
	var sum uint32
	for _, p := range l.take() {
		m, err := wire.ParseChannelWindowAdjust(p)
		require.NoError(t, err)
		sum += m.Bytes
	}
	return sum
}

// A peer a round trip away sends all it may, learns of the grants, and so on:
// the window doubles each time, to 16 MiB.
func TestWindowGrowsWithThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		var left uint32 = 12 << 20 // what the mux has to give
		in.GrowFrom(func(want uint32) uint32 {
			n := min(want, left)
			left -= n
			return n
		})
		// The reader reads when all of a flight has come: in between, the end of
		// a grant and a moment without data can coincide.
		gate := make(gate)
		go io.Copy(gate, c)
		window, credit := uint32(DefaultWindow), uint32(DefaultWindow)
		packet := (&wire.ChannelData{Recipient: localID, Data: make([]byte, 32<<10)}).Append(nil)
		for _, want := range []uint32{4 << 20, 8 << 20, 14 << 20, 14 << 20} {
			for ; credit > 0; credit -= 32 << 10 {
				require.NoError(t, in.Deliver(packet))
			}
			reading := make(chan struct{})
			go func() {
				for {
					select {
					case gate <- struct{}{}:
					case <-reading:
						return
					}
				}
			}()
			synctest.Wait()
			close(reading)
			credit = grants(t, l)
			require.Equal(t, window, credit)

			// The grants take their time, and then the first data comes.
			time.Sleep(50 * time.Millisecond)
			require.NoError(t, in.Deliver(packet))
			synctest.Wait()
			credit += grants(t, l) - 32<<10
			require.Equal(t, want-32<<10, credit, "after %d", window)
			window = want
		}
		close(gate)
		require.NoError(t, c.Close())
	})
}

// A gate is a writer that waits to be let through.
type gate chan struct{}

func (g gate) Write(p []byte) (int, error) {
	<-g
	return len(p), nil
}

// A reader who falls behind is what limits: there is no use in a larger window.
func TestWindowOfASlowReaderStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		in.GrowFrom(func(want uint32) uint32 { return want })
		packet := (&wire.ChannelData{Recipient: localID, Data: make([]byte, 32<<10)}).Append(nil)
		p := make([]byte, 64<<10)
		for credit := uint32(DefaultWindow); credit > 0; {
			require.NoError(t, in.Deliver(packet))
			credit -= 32 << 10
			if credit < 1<<20 {
				_, err := io.ReadFull(c, p)
				require.NoError(t, err)
			}
		}
		require.LessOrEqual(t, grants(t, l), uint32(DefaultWindow))
		require.NoError(t, c.Close())
	})
}
