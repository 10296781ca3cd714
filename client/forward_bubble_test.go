package client_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// inBubble runs f with a client of srv, in a bubble that fails the test if a
// goroutine is left behind by either.
func inBubble(t *testing.T, srv *server.Server, f func(t *testing.T, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		served := make(chan error, 1)
		go func() { served <- srv.ServeConn(context.Background(), far) }()
		c, err := client.New(t.Context(), near, "host", &client.Config{
			User: "alice", Auth: []userauth.Method{userauth.PublicKey(testkeys.Ed25519())}, HostKeys: hostkey.Pin(testkeys.ECDSA256().PublicKey()),
		})
		require.NoError(t, err)
		f(t, c)
		require.NoError(t, c.Close())
		<-served
		time.Sleep(time.Minute) // for what still has to be noticed
	})
}

// Whatever is under way when the connection ends, ends with it: connections that
// are being made, that are there, and that nobody accepts.
func TestForwardingLeavesNothingBehind(t *testing.T) {
	l := memnet.Listen()
	srv := forwarding()
	srv.Forwarding.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		if address == "never:1" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return l.Dial(ctx)
	}
	inBubble(t, srv, func(t *testing.T, c *client.Client) {
		go c.DialContext(context.Background(), "tcp", "never:1")
		nc, err := c.DialContext(t.Context(), "tcp", "h:1")
		require.NoError(t, err)
		far, err := l.Accept()
		require.NoError(t, err)
		go nc.Read(make([]byte, 1))
		go far.Read(make([]byte, 1))
		here := memnet.Listen()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			ended <- client.Forward(ctx, here, func(ctx context.Context) (net.Conn, error) { return c.DialContext(ctx, "tcp", "h:1") })
		}()
		_, err = here.Dial(t.Context())
		require.NoError(t, err)
		_, err = l.Accept()
		require.NoError(t, err)
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// A server that never answers a request to listen, or to stop, holds nobody up.
func TestListenAtADeafServer(t *testing.T) {
	srv := lenient(func(*server.Session) {})
	never := func(ctx context.Context, _ *server.Conn, _ *connection.Request) { <-ctx.Done() }
	srv.Requests = map[string]requestFunc{
		"tcpip-forward":        func(_ context.Context, _ *server.Conn, r *connection.Request) { r.Reply(true, nil) },
		"cancel-tcpip-forward": never, "streamlocal-forward@openssh.com": never,
	}
	inBubble(t, srv, func(t *testing.T, c *client.Client) {
		l, err := c.Listen(t.Context(), "tcp", "localhost:80")
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, l.Close())
		require.Equal(t, 2*time.Second, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.ListenUnix(ctx, "/s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A program that does not say who it is does not keep its channel for ever.
func TestX11GreetingIsLimited(t *testing.T) {
	took := make(chan time.Duration, 1)
	srv := graphical(func(s *server.Session) {
		ch, err := s.DialX11(s.Context(), nil)
		if err != nil {
			return
		}
		start := time.Now()
		ch.Read(make([]byte, 1))
		took <- time.Since(start)
	})
	inBubble(t, srv, func(t *testing.T, c *client.Client) {
		cmd := c.Command("")
		cmd.X11 = &client.X11{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }}
		require.NoError(t, cmd.Run(t.Context()))
	})
	require.Equal(t, 30*time.Second, <-took)
}
