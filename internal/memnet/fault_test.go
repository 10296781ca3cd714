package memnet

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCut ends a connection after each number of bytes, within and between the
// writes.
func TestCut(t *testing.T) {
	tests := []struct {
		name        string
		kind        Kind
		read, write error
		reverse     string // what the client still reads
	}{
		{"FIN", FIN, nil, syscall.EPIPE, "under way"},
		{"RST", Reset, syscall.ECONNRESET, syscall.ECONNRESET, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for at := range int64(9) {
				client, server := Link{Up: Path{Faults: []Fault{{Kind: test.kind, At: at}}}}.Pipe()
				_, _ = server.Write([]byte("under way"))
				n, err := client.Write([]byte("1234"))
				require.Equal(t, int(min(at, 4)), n)
				if at < 4 {
					require.ErrorIs(t, err, test.write)
				}
				if at >= 4 {
					require.NoError(t, err)
					_, err = client.Write([]byte("5678"))
					require.Equal(t, at < 8, err != nil)
				}
				got, err := io.ReadAll(server)
				require.Equal(t, "12345678"[:at], string(got))
				require.ErrorIs(t, err, test.read)
				_, err = server.Write([]byte("x"))
				require.ErrorIs(t, err, test.write)

				got, err = io.ReadAll(client)
				require.ErrorIs(t, err, test.read)
				if at > 0 {
					require.Equal(t, test.reverse, string(got))
				}
			}
		})
	}
}

// A cut is seen by those who wait, in both directions and at both ends.
func TestCutWakesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{
			Up:   Path{Faults: []Fault{{Kind: Reset, At: 3}}},
			Down: Path{Buffer: 1},
		}.Pipe()
		ends := make(chan error, 2)
		go func() { _, err := io.Copy(io.Discard, server); ends <- err }()
		go func() { _, err := server.Write([]byte("too much")); ends <- err }()
		synctest.Wait()
		mustWrite(t, client, "123")
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.ErrorIs(t, <-ends, syscall.ECONNRESET)
		require.ErrorIs(t, <-ends, syscall.ECONNRESET)
	})
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Buffer: 10, Faults: []Fault{{Kind: Stall, At: 3}}}}.Pipe()
		mustWrite(t, client, "12345")
		mustRead(t, server, "123")
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err := server.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)

		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Hour)))
		n, err := client.Write(make([]byte, 20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 8, n, "the lost bytes fill the buffer")
		mustWrite(t, server, "the other direction is well")
		mustRead(t, client, "the other direction is well")

		require.NoError(t, client.Close())
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "nor does the end arrive")
	})
}

func TestStallFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Faults: []Fault{{Kind: Stall}}}}.Pipe()
		mustWrite(t, client, "nothing of this")
		require.NoError(t, server.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err := server.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

func TestStallThenReset(t *testing.T) {
	client, server := Link{Up: Path{Faults: []Fault{{Kind: Reset, At: 6}, {Kind: Stall, At: 3}}}}.Pipe()
	n, err := client.Write([]byte("12345678"))
	require.Equal(t, 6, n)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	got, err := io.ReadAll(server)
	require.Equal(t, "123", string(got))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestFlip(t *testing.T) {
	for at := range int64(8) {
		for bit := range uint8(8) {
			client, server := Link{Up: Path{Faults: []Fault{{Kind: Flip, At: at, Bit: bit}}}}.Pipe()
			mustWrite(t, client, "\x00\x00\x00")
			mustWrite(t, client, "\x00\x00\x00\x00\x00\x00")
			got := make([]byte, 9)
			_, err := io.ReadFull(server, got)
			require.NoError(t, err)
			want := make([]byte, 9)
			want[at] = 1 << bit
			require.Equal(t, want, got)
		}
	}
}

func TestTapSeesWhatWasWritten(t *testing.T) {
	var tap bytes.Buffer
	client, server := Link{Up: Path{Tap: &tap, Faults: []Fault{{Kind: Flip}, {Kind: Stall, At: 2}}}}.Pipe()
	mustWrite(t, client, "AB")
	mustWrite(t, client, "CD")
	mustRead(t, server, "@B")
	require.Equal(t, "ABCD", tap.String())
}

func TestMaxRead(t *testing.T) {
	client, server := Link{Up: Path{MaxRead: 1}}.Pipe()
	mustWrite(t, client, "abc")
	p := make([]byte, 3)
	for range p {
		n, err := server.Read(p)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
}
