package memnet

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
)

func TestConn(t *testing.T) {
	links := []struct {
		name string
		link Link
	}{
		{"zero", Link{}},
		{"small buffers", Link{Up: Path{Buffer: 64}, Down: Path{Buffer: 64}}},
		{"reads of one byte", Link{Up: Path{MaxRead: 1}, Down: Path{MaxRead: 1}}},
		{"latency", Link{Up: Path{Latency: time.Millisecond}, Down: Path{Latency: time.Millisecond}}},
	}
	for _, test := range links {
		t.Run(test.name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				client, server := test.link.Pipe()
				return client, server, func() { _, _ = client.Close(), server.Close() }, nil
			})
		})
	}
}

func mustWrite(t *testing.T, c *Conn, s string) {
	t.Helper()
	n, err := c.Write([]byte(s))
	require.NoError(t, err)
	require.Equal(t, len(s), n)
}

func mustRead(t *testing.T, c *Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func TestWritesRunAhead(t *testing.T) {
	client, server := Pipe()
	both := bytes.Repeat([]byte("x"), 256<<10)
	mustWrite(t, client, string(both))
	mustWrite(t, server, string(both))
	require.NoError(t, client.SetWriteDeadline(time.Now().Add(-time.Second)))
	_, err := client.Write([]byte("y"))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	mustRead(t, server, string(both))
	mustRead(t, client, string(both))
	require.Equal(t, int64(256<<10), client.BytesWritten())
	require.Equal(t, int64(256<<10), client.BytesRead())
}

// Every wait is durable: the bubble's clock runs ahead only because it is.
func TestWaitsAreDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Buffer: 4}}.Pipe()
		var all sync.WaitGroup
		all.Go(func() { mustRead(t, server, "12345678") })
		all.Go(func() { mustRead(t, client, "pong") })
		time.Sleep(time.Hour)
		all.Go(func() { mustWrite(t, client, "12345678") })
		all.Go(func() { mustWrite(t, server, "pong") })
		all.Wait()

		all.Go(func() {
			_, err := client.Write([]byte("12345"))
			require.ErrorIs(t, err, net.ErrClosed)
		})
		all.Go(func() {
			_, err := client.Read(make([]byte, 1))
			require.ErrorIs(t, err, net.ErrClosed)
		})
		synctest.Wait()
		require.NoError(t, client.Close())
		all.Wait()
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := Link{Up: Path{Buffer: 2}}.Pipe()
		start := time.Now()
		require.NoError(t, client.SetDeadline(start.Add(time.Minute)))
		_, err := client.Read(make([]byte, 1))
		requireTimeout(t, err)
		require.Equal(t, time.Minute, time.Since(start))
		n, err := client.Write([]byte("xyz"))
		requireTimeout(t, err)
		require.Zero(t, n, "the deadline has passed, room or not")

		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err = client.Write([]byte("xyz"))
		requireTimeout(t, err)
		require.Equal(t, 2, n)

		require.NoError(t, client.SetDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Hour)
			_ = client.SetReadDeadline(time.Now())
		}()
		_, err = client.Read(make([]byte, 1))
		requireTimeout(t, err)
		require.Equal(t, 2*time.Minute+time.Hour, time.Since(start))
	})
}

func requireTimeout(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Latency: 50 * time.Millisecond}}.Pipe()
		start := time.Now()
		mustWrite(t, client, "one")
		time.Sleep(10 * time.Millisecond)
		mustWrite(t, client, "two")
		require.NoError(t, client.CloseWrite())
		mustWrite(t, server, "back")
		mustRead(t, client, "back")
		require.Equal(t, 10*time.Millisecond, time.Since(start), "latency is that of one direction")
		mustRead(t, server, "one")
		require.Equal(t, 50*time.Millisecond, time.Since(start))
		mustRead(t, server, "two")
		require.Equal(t, 60*time.Millisecond, time.Since(start))
		_, err := server.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.Equal(t, 60*time.Millisecond, time.Since(start))
	})
}

func TestLatencyOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Latency: time.Second}}.Pipe()
		start := time.Now()
		require.NoError(t, client.CloseWrite())
		_, err := server.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestCloseWrite(t *testing.T) {
	client, server := Pipe()
	mustWrite(t, client, "request")
	require.NoError(t, client.CloseWrite())
	_, err := client.Write([]byte("more"))
	require.ErrorIs(t, err, syscall.EPIPE)
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "request", string(got))
	mustWrite(t, server, "answer")
	mustRead(t, client, "answer")
	require.NoError(t, client.CloseWrite(), "twice is once")
	require.NoError(t, client.Close())
	require.ErrorIs(t, client.CloseWrite(), net.ErrClosed)
}

func TestClose(t *testing.T) {
	client, server := Pipe()
	mustWrite(t, client, "last words")
	mustWrite(t, server, "unread")
	require.NoError(t, client.Close())
	require.ErrorIs(t, client.Close(), net.ErrClosed)
	require.ErrorIs(t, client.SetDeadline(time.Now()), net.ErrClosed)
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = client.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)

	_, err = server.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.EPIPE)
	var op *net.OpError
	require.True(t, errors.As(err, &op))
	require.Equal(t, "write memory 192.0.2.2:22->192.0.2.1:49152: broken pipe", err.Error())
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "last words", string(got))
	require.NoError(t, server.Close())
}

func TestZeroLengthCalls(t *testing.T) {
	client, _ := Pipe()
	n, err := client.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = client.Write(nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestAddresses(t *testing.T) {
	client, server := Pipe()
	require.Equal(t, "192.0.2.1:49152", client.LocalAddr().String())
	require.Equal(t, "192.0.2.2:22", client.RemoteAddr().String())
	require.Equal(t, client.LocalAddr(), server.RemoteAddr())
	require.Equal(t, client.RemoteAddr(), server.LocalAddr())
}

// Writes of any size at any time come out as they went in.
func TestStreamKeepsItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(30) {
			rng := rand.New(rand.NewPCG(seed, 0))
			path := Path{Buffer: 1 + rng.IntN(5000), Latency: time.Duration(rng.IntN(3)) * time.Millisecond, MaxRead: rng.IntN(700)}
			client, server := Link{Up: path}.Pipe()
			sent := make([]byte, 50_000)
			for i := range sent {
				sent[i] = byte(rng.Uint32())
			}
			go func() {
				for p := sent; len(p) > 0; {
					n, _ := client.Write(p[:min(len(p), 1+int(seed)*100)])
					p = p[n:]
				}
				_ = client.CloseWrite()
			}()
			got, err := io.ReadAll(server)
			require.NoError(t, err)
			require.True(t, bytes.Equal(sent, got), "seed %d", seed)
		}
	})
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := Link{Up: Path{Buffer: 7}}.Pipe()
		for _, letter := range []byte("abcd") {
			go func() { _, _ = client.Write(bytes.Repeat([]byte{letter}, 100)) }()
		}
		for range 4 {
			got := make([]byte, 100)
			_, err := io.ReadFull(server, got)
			require.NoError(t, err)
			require.Equal(t, bytes.Repeat(got[:1], 100), got)
		}
	})
}

// A packet that passes must not cost the layers above an allocation here.
func TestTransferDoesNotAllocate(t *testing.T) {
	client, server := Pipe()
	p := make([]byte, 32<<10)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_, _ = client.Write(p)
		_, _ = io.ReadFull(server, p)
	}))
}

func BenchmarkTransfer(b *testing.B) {
	client, server := Pipe()
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	go func() { _, _ = io.Copy(io.Discard, server) }()
	for b.Loop() {
		_, _ = client.Write(p)
	}
	_ = client.Close()
}
