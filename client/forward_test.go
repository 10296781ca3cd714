package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/server"
)

// here listens on the loopback of this machine.
func here(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// answering is a service that reads to the end, and answers with what it got.
func answering(t *testing.T) string {
	t.Helper()
	l := here(t)
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				all, _ := io.ReadAll(nc)
				nc.Write(all)
			}()
		}
	}()
	return l.Addr().String()
}

// exchange says something, says that there is no more, and returns the answer.
func exchange(nc net.Conn, text string) (string, error) {
	if _, err := io.WriteString(nc, text); err != nil {
		return "", err
	}
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	got, err := io.ReadAll(nc)
	return string(got), err
}

func TestForward(t *testing.T) {
	srv := forwarding()
	origins := make(chan string, 1)
	srv.Forwarding.Open = func(_ context.Context, _ *server.Conn, e server.Endpoint) bool {
		origins <- e.Origin
		return true
	}
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	l, service := here(t), answering(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	forwarded := make(chan error)
	go func() {
		forwarded <- client.Forward(ctx, l, func(ctx context.Context) (net.Conn, error) { return c.DialContext(ctx, "tcp", service) })
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	got, err := exchange(nc, "half-closed")
	require.NoError(t, err)
	require.Equal(t, "half-closed", got)
	require.Equal(t, nc.LocalAddr().String(), <-origins, "RFC 4254, section 7.2")
	nc, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	<-origins
	why := errors.New("enough")
	cancel(why)
	require.Equal(t, why, <-forwarded)
	_, err = nc.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = net.Dial("tcp", l.Addr().String())
	require.Error(t, err)
}

// From a listener at the server back to here.
func TestForwardRemote(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	service := answering(t)
	forwarded := make(chan error)
	go func() {
		forwarded <- client.Forward(t.Context(), l, func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", service)
		})
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	got, err := exchange(nc, "half-closed")
	require.NoError(t, err)
	require.Equal(t, "half-closed", got)
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-forwarded, net.ErrClosed)
}

// A thousand at once, on one connection.
func TestForwardMany(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, service := here(t), answering(t)
	go client.Forward(t.Context(), l, func(ctx context.Context) (net.Conn, error) { return c.DialContext(ctx, "tcp", service) })
	var all sync.WaitGroup
	var failed atomic.Int32
	var connected, finish sync.WaitGroup
	connected.Add(1000)
	finish.Add(1)
	for i := range 1000 {
		all.Go(func() {
			nc, err := net.Dial("tcp", l.Addr().String())
			connected.Done()
			if err != nil {
				failed.Add(1)
				return
			}
			defer nc.Close()
			finish.Wait()
			if got, err := exchange(nc, fmt.Sprint(i)); err != nil || got != fmt.Sprint(i) {
				failed.Add(1)
			}
		})
	}
	connected.Wait()
	finish.Done()
	all.Wait()
	require.Zero(t, failed.Load())
}

// A peer that vanishes takes its connections with it, and no more.
func TestForwardVanishes(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, service := here(t), here(t)
	go client.Forward(t.Context(), l, func(ctx context.Context) (net.Conn, error) { return c.DialContext(ctx, "tcp", service.Addr().String()) })
	for _, end := range []string{"who came", "whom it was for"} {
		near, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		far, err := service.Accept()
		require.NoError(t, err)
		gone, other := near, far
		if end != "who came" {
			gone, other = far, near
		}
		require.NoError(t, gone.(*net.TCPConn).SetLinger(0)) // a reset
		require.NoError(t, gone.Close())
		other.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = other.Read(make([]byte, 1))
		require.Error(t, err)
		var timeout net.Error
		require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "%s has vanished", end)
		other.Close()
	}
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err := service.Accept()
	require.NoError(t, err)
	defer far.Close()
	require.NoError(t, c.Close())
	_, err = near.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestForwardSOCKS(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, service := here(t), answering(t)
	forwarded := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { forwarded <- client.ForwardSOCKS(ctx, l, c.DialContext) }()
	_, port, err := net.SplitHostPort(service)
	require.NoError(t, err)
	n, err := net.LookupPort("tcp", port)
	require.NoError(t, err)
	nc, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	_, err = nc.Write([]byte{4, 1, byte(n >> 8), byte(n), 127, 0, 0, 1, 0})
	require.NoError(t, err)
	answer := make([]byte, 8)
	_, err = io.ReadFull(nc, answer)
	require.NoError(t, err)
	require.EqualValues(t, 90, answer[1])
	got, err := exchange(nc, "through")
	require.NoError(t, err)
	require.Equal(t, "through", got)
	nc, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(nc, "GET / HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	_, err = nc.Read(answer)
	require.Error(t, err)
	cancel()
	require.ErrorIs(t, <-forwarded, context.Canceled)
}

// What a program is told of the reason.
func TestForwardSOCKSRefuses(t *testing.T) {
	for _, test := range []struct {
		err  error
		code byte
	}{
		{&client.DialError{Err: &channel.OpenError{Reason: channel.AdministrativelyProhibited}}, 2},
		{&client.DialError{Err: &channel.OpenError{Reason: channel.ConnectFailed}}, 4},
		{&client.DialError{Err: &channel.OpenError{Reason: channel.ResourceShortage}}, 1},
		{syscall.ECONNREFUSED, 5},
		{errors.New("whatever"), 1},
	} {
		l := here(t)
		go client.ForwardSOCKS(t.Context(), l, func(context.Context, string, string) (net.Conn, error) { return nil, test.err })
		nc, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		_, err = io.WriteString(nc, "\x05\x01\x00\x05\x01\x00\x03\x01h\x00\x50")
		require.NoError(t, err)
		got, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Equal(t, test.code, got[3], "RFC 1928, section 6: %v", test.err)
	}
}

// A driver of a database begins with a question that is no part of its
// protocol, waits for one byte, and goes on: here without a driver.
func TestDatabaseDriver(t *testing.T) {
	l := here(t)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		request := make([]byte, 8)
		io.ReadFull(nc, request) // SSLRequest of PostgreSQL's protocol 3
		nc.Write([]byte("N"))
		head := make([]byte, 4)
		io.ReadFull(nc, head)
		io.ReadFull(nc, make([]byte, binary.BigEndian.Uint32(head)-4))
		nc.Write([]byte("R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"))
	}()
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	nc, err := c.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = nc.Write([]byte{0, 0, 0, 8, 4, 210, 22, 47})
	require.NoError(t, err)
	answer := make([]byte, 1)
	_, err = io.ReadFull(nc, answer)
	require.NoError(t, err)
	require.Equal(t, "N", string(answer))
	startup := "\x00\x03\x00\x00user\x00alice\x00\x00"
	_, err = nc.Write(append([]byte{0, 0, 0, byte(len(startup) + 4)}, startup...))
	require.NoError(t, err)
	ready := make([]byte, 15)
	_, err = io.ReadFull(nc, ready)
	require.NoError(t, err)
	require.Equal(t, "Z\x00\x00\x00\x05I", string(ready[9:]))
}
