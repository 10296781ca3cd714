package main

import (
	"crypto/rand"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testDelay = 50 * time.Millisecond

// relayed returns the ends of a connection through a relay, and when it was
// dialed.
func relayed(t *testing.T) (client, server *net.TCPConn, dialed time.Time) {
	t.Helper()
	l, err := loopback()
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	r, err := newRelay(l.Addr().String(), testDelay)
	require.NoError(t, err)
	t.Cleanup(r.close)
	dialed = time.Now()
	near, err := net.Dial("tcp", r.address())
	require.NoError(t, err)
	t.Cleanup(func() { near.Close() })
	far, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { far.Close() })
	return near.(*net.TCPConn), far.(*net.TCPConn), dialed
}

// The server hears of a connection when the ACK of TCP's handshake would have
// come, and the client of what the server says to that one way later. What a
// client says at once comes with the ACK, not after it.
func TestRelayConnects(t *testing.T) {
	l, err := loopback()
	require.NoError(t, err)
	defer l.Close()
	r, err := newRelay(l.Addr().String(), testDelay)
	require.NoError(t, err)
	defer r.close()
	dialed := time.Now()
	client, err := net.Dial("tcp", r.address())
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Write([]byte("c"))
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	require.GreaterOrEqual(t, time.Since(dialed), 3*testDelay)
	_, err = server.Write([]byte("s"))
	require.NoError(t, err)
	_, err = io.ReadFull(server, make([]byte, 1))
	require.NoError(t, err)
	require.Less(t, time.Since(dialed), 4*testDelay, "the first bytes were delayed twice")
	_, err = io.ReadFull(client, make([]byte, 1))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(dialed), 4*testDelay)
}

// Packets are on their way at the same time: many take no longer than one.
func TestRelayDelays(t *testing.T) {
	client, server, _ := relayed(t)
	for _, direction := range []struct{ from, to *net.TCPConn }{{client, server}, {server, client}} {
		start := time.Now()
		for range 10 {
			_, err := direction.from.Write([]byte("x"))
			require.NoError(t, err)
			time.Sleep(time.Millisecond)
		}
		buffer := make([]byte, 1)
		_, err := io.ReadFull(direction.to, buffer)
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(start), testDelay)
		_, err = io.ReadFull(direction.to, make([]byte, 9))
		require.NoError(t, err)
		require.Less(t, time.Since(start), 5*testDelay)
	}
}

// What nobody reads yet is read by the relay, whatever the sockets hold, and
// arrives in order and complete, and the end after it.
func TestRelayOrder(t *testing.T) {
	client, server, _ := relayed(t)
	sent := make([]byte, 32<<20)
	rand.Read(sent)
	_, err := client.Write(sent)
	require.NoError(t, err, "the relay does not take everything")
	require.NoError(t, client.CloseWrite())
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.True(t, string(sent) == string(got), "%d bytes arrived of %d, or others", len(got), len(sent))
	// The other direction is still open.
	_, err = server.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(client, make([]byte, 1))
	require.NoError(t, err)
}

func TestRelayCloses(t *testing.T) {
	client, server, _ := relayed(t)
	require.NoError(t, client.Close())
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A relay that closes takes its connections with it.
func TestRelayEnds(t *testing.T) {
	l, err := loopback()
	require.NoError(t, err)
	defer l.Close()
	r, err := newRelay(l.Addr().String(), time.Millisecond)
	require.NoError(t, err)
	client, err := net.Dial("tcp", r.address())
	require.NoError(t, err)
	defer client.Close()
	server, err := l.Accept()
	require.NoError(t, err)
	defer server.Close()
	r.close()
	client.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = client.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = net.Dial("tcp", r.address())
	require.Error(t, err)
}
