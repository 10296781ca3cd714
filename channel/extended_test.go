package channel

import (
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func extendedData(kind uint32, n int) *wire.ChannelExtendedData {
	return &wire.ChannelExtendedData{Recipient: localID, Type: kind, Data: make([]byte, n)}
}

// K6: CVE-2026-54886, and x/crypto b07833c: data nobody reads must not use up
// the window.
func TestExtendedDataNobodyReads(t *testing.T) {
	for _, test := range []struct {
		name string
		kind uint32
		p    Params
	}{
		{"type 0", 0, Params{Extended: true}},
		{"type 2", 2, Params{Extended: true}},
		{"type 2^32-1", math.MaxUint32, Params{Extended: true}},
		{"stderr not wanted", 1, Params{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.p.Window = 100
			c, in, l := taped(0, test.p)
			granted := uint32(100)
			for range 1000 {
				require.GreaterOrEqual(t, granted, uint32(30), "stalled")
				deliver(t, in, extendedData(test.kind, 30))
				_, more := adjusts(t, l)
				granted += more - 30
			}
			require.Zero(t, c.stderr.buffer.size)
			require.Zero(t, c.input.buffer.size)
			deliverData(t, in, "data passes")
			require.Equal(t, "data passes", read(t, c))
		})
	}
}

func TestStderrSharesTheWindow(t *testing.T) {
	c, in, l := taped(0, Params{Window: 100, Extended: true})
	deliver(t, in, extendedData(1, 60))
	deliverData(t, in, "0123456789012345678901234567890123456789")
	require.ErrorIs(t, in.Deliver(extendedData(1, 1).Append(nil)), errOverrun)
	require.Len(t, read(t, c), 40)
	require.Empty(t, l.take())
	n, err := c.Stderr().Read(make([]byte, 100))
	require.NoError(t, err)
	require.Equal(t, 60, n)
	_, total := adjusts(t, l)
	require.EqualValues(t, 100, total)
}

func TestStderrEndsWithTheChannel(t *testing.T) {
	c, in, _ := taped(0, Params{Extended: true})
	deliver(t, in, extendedData(1, 3))
	deliverEOF(t, in)
	n, err := io.Copy(io.Discard, c.Stderr())
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	_, err = c.Stderr().Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}
