//go:build unix

package transport

import (
	"bytes"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// drawn returns an inbound that draws from one end of a connection, and both
// ends.
func drawn(t *testing.T) (in *inbound, near, far *net.TCPConn) {
	a, b := tcpPair(t)
	t.Cleanup(func() { a.Close(); b.Close() })
	in = new(inbound)
	in.draw = drawReader(a, in)
	require.NotNil(t, in.draw)
	return in, a.(*net.TCPConn), b.(*net.TCPConn)
}

// A reader that waits holds no more than what has arrived asks for.
func TestReaderAtRest(t *testing.T) {
	for _, test := range []struct {
		name          string
		arrived, held int
	}{
		{"nothing", 0, 0},
		{"the beginning of a packet", 10, smallBuffer},
		{"as much as fills a small buffer", smallBuffer, mediumBuffer},
		{"a packet", 32 << 10, largeBuffer},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, near, far := drawn(t)
			sent := bytes.Repeat([]byte("x"), test.arrived)
			_, err := far.Write(sent)
			require.NoError(t, err)
			for in.w < test.arrived {
				n, err := in.read()
				require.NoError(t, err)
				in.w += n
			}
			near.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, err = in.read()
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.Len(t, in.buf, test.held)
			require.Equal(t, string(sent), string(in.buf[in.r:in.w]))

			near.SetReadDeadline(time.Time{})
			_, err = far.Write([]byte("more"))
			require.NoError(t, err)
			n, err := in.read()
			require.NoError(t, err)
			require.Equal(t, string(sent)+"more", string(in.buf[in.r:in.w+n]))
		})
	}
}

// A packet that has been taken leaves no buffer behind, however large it was.
func TestReaderAtRestAfterMuchData(t *testing.T) {
	in, near, far := drawn(t)
	in.own = new([BufferSize]byte)
	go far.Write(make([]byte, 4*largeBuffer))
	for total := 0; total < 4*largeBuffer; {
		n, err := in.read()
		require.NoError(t, err)
		in.w += n
		in.r = in.w
		total += n
	}
	near.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := in.read()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Nil(t, in.buf)
	require.Nil(t, in.own)
}

func TestDrawEnds(t *testing.T) {
	in, _, far := drawn(t)
	require.NoError(t, far.Close())
	_, err := in.read()
	require.Equal(t, io.EOF, err)

	in, _, far = drawn(t)
	require.NoError(t, far.SetLinger(0)) // reset
	require.NoError(t, far.Close())
	_, err = in.read()
	require.ErrorIs(t, err, syscall.ECONNRESET)

	in, near, _ := drawn(t)
	require.NoError(t, near.Close())
	_, err = in.read()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestDrawNeedsABareSocket(t *testing.T) {
	a, b := tcpPair(t)
	require.Nil(t, drawReader(struct{ *net.TCPConn }{a.(*net.TCPConn)}, new(inbound)), "its Read may be another")
	require.NoError(t, b.Close())
	require.NoError(t, a.Close())
	p, _ := net.Pipe()
	require.Nil(t, drawReader(p, new(inbound)))
}
