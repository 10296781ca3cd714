package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

func TestZeroServerRefuses(t *testing.T) {
	key := []hostkey.Signer{testkeys.Ed25519()}
	check := []userauth.Check{server.AuthorizedKeys()}
	for _, test := range []struct {
		name  string
		srv   *server.Server
		field string
	}{
		{"zero", &server.Server{}, "HostKeys"},
		{"no host key", &server.Server{Auth: userauth.Server{Checks: check}}, "HostKeys"},
		{"a nil host key", &server.Server{HostKeys: []hostkey.Signer{nil}, Auth: userauth.Server{Checks: check}}, "HostKeys"},
		{"no check", &server.Server{HostKeys: key}, "Auth.Checks"},
		{"a nil check", &server.Server{HostKeys: key, Auth: userauth.Server{Checks: []userauth.Check{nil}}}, "Auth.Checks"},
	} {
		t.Run("H16 "+test.name, func(t *testing.T) {
			near, far := memnet.Pipe()
			for _, err := range []error{
				test.srv.ListenAndServe(), test.srv.Serve(memnet.Listen()), test.srv.ServeConn(context.Background(), far),
			} {
				var bad *server.ConfigError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, test.field, bad.Field)
			}
			_, err := near.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "the connection is closed")
		})
	}
}

// serve runs srv on a listener in memory.
func serve(srv *server.Server) (l *memnet.Listener, served chan error) {
	l, served = memnet.Listen(), make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	return l, served
}

// dial connects to a listener.
func dial(t *testing.T, l *memnet.Listener) *peer {
	t.Helper()
	nc, err := l.Dial(context.Background())
	require.NoError(t, err)
	p := &peer{t: t, ended: make(chan error, 1)}
	p.conn = transport.Client(nc, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	t.Cleanup(func() { p.conn.Close() })
	return p
}

func TestServeAndShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		srv := newServer(handler(func(s *server.Session) {
			<-finish
			io.WriteString(s, "done")
		}))
		l, served := serve(srv)
		busy, idle, silent := dial(t, l).login(), dial(t, l).login(), dial(t, l)
		require.NoError(t, silent.conn.Handshake(context.Background()))
		s, unstarted := busy.session().exec("x"), busy.session()
		synctest.Wait() // all that was written has arrived

		down := make(chan error, 1)
		go func() { down <- srv.Shutdown(context.Background()) }()
		require.ErrorIs(t, <-served, server.ErrServerClosed, "Serve returns at once")
		idle.disconnected(transport.ReasonByApplication)
		silent.disconnected(transport.ReasonByApplication)
		_, err := l.Dial(context.Background())
		require.Error(t, err, "nobody listens")

		_, err = busy.mux.Open(context.Background(), "session", nil, channel.Params{})
		var refused *channel.OpenError
		require.ErrorAs(t, err, &refused, "a busy connection gets no further session")
		require.Equal(t, channel.ResourceShortage, refused.Reason)
		synctest.Wait()
		require.Empty(t, down, "a session is running")

		close(finish)
		require.Equal(t, outcome{stdout: "done"}, s.finish())
		synctest.Wait()
		require.Empty(t, down, "a session is open")
		require.NoError(t, unstarted.Close())
		busy.disconnected(transport.ReasonByApplication)
		require.NoError(t, <-down)

		require.ErrorIs(t, srv.Serve(memnet.Listen()), server.ErrServerClosed)
		require.ErrorIs(t, srv.ListenAndServe(), server.ErrServerClosed)
		_, far := memnet.Pipe()
		require.ErrorIs(t, srv.ServeConn(context.Background(), far), server.ErrServerClosed)
		require.NoError(t, srv.Shutdown(context.Background()), "again")
	})
}

// What a session wrote last reaches a client that reads slowly, though the
// connection is closed right after.
func TestShutdownLosesNothing(t *testing.T) {
	const size = 1 << 20
	wrote := make(chan struct{})
	srv := newServer(handler(func(s *server.Session) {
		io.WriteString(s, strings.Repeat("x", size))
		close(wrote)
	}))
	l, _ := serve(srv)
	s := dial(t, l).login().session().exec("x")
	down := make(chan error, 1)
	<-wrote
	go func() { down <- srv.Shutdown(context.Background()) }()
	require.Len(t, s.finish().stdout, size)
	require.NoError(t, <-down)
}

func TestShutdownContextAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(handler(func(s *server.Session) {
			<-s.Context().Done()
			time.Sleep(time.Minute) // cleans up
		}))
		l, served := serve(srv)
		p := dial(t, l).login()
		p.session().exec("x")
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		require.ErrorIs(t, srv.Shutdown(ctx), context.DeadlineExceeded)
		require.ErrorIs(t, <-served, server.ErrServerClosed)
		begin := time.Now()
		require.NoError(t, srv.Close())
		require.Less(t, time.Since(begin), time.Second, "Close waits for nobody")
		p.disconnected(transport.ReasonByApplication)
		require.NoError(t, srv.Shutdown(context.Background()), "Shutdown waits for the handler")
		require.GreaterOrEqual(t, time.Since(begin), time.Minute)
		require.NoError(t, srv.Close(), "again")
	})
}

// A client that does not answer, and one that reads nothing, hold up a
// shutdown for a moment and not for ever.
func TestShutdownOfHostileClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nothing)
		p := connect(t, srv).handshake()
		require.Equal(t, byte(52), byte(p.try("alice", "secret")))
		begin := time.Now()
		require.NoError(t, srv.Shutdown(context.Background()))
		require.Less(t, time.Since(begin), 15*time.Second)
		require.ErrorIs(t, <-p.served, server.ErrServerClosed)
	})
}

// O6: a peer that stops reading does not hold up Close.
func TestO6CloseWithStalledPeer(t *testing.T) {
	var wrote atomic.Int64
	srv := newServer(handler(func(s *server.Session) {
		for {
			n, err := s.Write(make([]byte, 32<<10))
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	near, far := memnet.Link{Down: memnet.Path{Faults: []memnet.Fault{{Kind: memnet.Stall, At: 100 << 10}}}}.Pipe()
	served := make(chan error, 1)
	go func() { served <- srv.ServeConn(context.Background(), far) }()
	p := &peer{t: t, served: served, ended: make(chan error, 1),
		conn: transport.Client(near, &transport.Config{Verifier: hostkey.InsecureAcceptAny()})}
	p.login().session().exec("x")
	for before := int64(-1); wrote.Load() != before; time.Sleep(50 * time.Millisecond) {
		before = wrote.Load() // until the handler is stuck
	}
	begin := time.Now()
	require.NoError(t, srv.Close())
	require.Error(t, <-served)
	require.Less(t, time.Since(begin), 2*time.Second)
	p.conn.Close()
}

func TestCloseFromHandler(t *testing.T) {
	var srv *server.Server
	srv = newServer(handler(func(s *server.Session) { srv.Close() }))
	l, served := serve(srv)
	dial(t, l).login().session().exec("x")
	require.ErrorIs(t, <-served, server.ErrServerClosed)
	require.NoError(t, srv.Shutdown(context.Background()))
}

func TestShutdownBeforeServe(t *testing.T) {
	srv := newServer(nothing)
	require.NoError(t, srv.Shutdown(context.Background()))
	require.ErrorIs(t, srv.Serve(memnet.Listen()), server.ErrServerClosed)
}

// Shutdown and logins at the same moment: every connection ends.
func TestShutdownRace(t *testing.T) {
	for range 20 {
		srv := newServer(nothing)
		var wg sync.WaitGroup
		for range 8 {
			near, far := memnet.Pipe()
			wg.Go(func() { _ = srv.ServeConn(context.Background(), far) })
			wg.Go(func() {
				conn := transport.Client(near, &transport.Config{Verifier: hostkey.InsecureAcceptAny()})
				defer conn.Close()
				if conn.Handshake(context.Background()) != nil || conn.RequestService("ssh-userauth") != nil {
					return
				}
				client := userauth.Client{User: "alice", Methods: []userauth.Method{
					userauth.Password(func(context.Context) (string, error) { return "secret", nil })}}
				if client.Authenticate(context.Background(), conn, userauth.Binding{SessionID: []byte("x")}) == nil {
					_ = connection.New(conn, nil).Serve()
				}
			})
		}
		time.Sleep(time.Millisecond)
		require.NoError(t, srv.Shutdown(context.Background()))
		wg.Wait()
	}
}

// Over the limit a connection is closed before a byte is sent, and others get
// in as soon as there is room.
func TestO2MaxStartups(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") }))
	l := logged(srv)
	srv.MaxStartups = server.Startups{Start: 3, Percent: 100, Full: 3, PerSource: -1}
	listener, _ := serve(srv)
	defer srv.Close()
	var silent []net.Conn
	for range 3 {
		nc, err := listener.Dial(context.Background())
		require.NoError(t, err)
		_, err = io.ReadFull(nc, make([]byte, 8)) // SSH-2.0-
		require.NoError(t, err)
		silent = append(silent, nc)
	}
	for range 10 {
		nc, err := listener.Dial(context.Background())
		require.NoError(t, err)
		require.Empty(t, text(nc))
	}
	require.Eventually(t, func() bool { return l.lines("turned away") == 10 }, waitFor, tick)
	silent[0].Close()
	require.Eventually(t, func() bool { return l.lines("connection ended") == 1 }, waitFor, tick)
	p := dial(t, listener).login()
	for range 3 { // each is past authentication soon after it knows, and counts no more
		require.Eventually(t, func() bool {
			nc, err := listener.Dial(context.Background())
			require.NoError(t, err)
			defer nc.Close()
			_, err = io.ReadFull(nc, make([]byte, 8))
			return err == nil
		}, waitFor, tick)
		require.Eventually(t, func() bool { return l.lines("connection ended") >= 2 }, waitFor, tick)
	}
	require.Equal(t, outcome{stdout: "ok"}, p.session().exec("x").finish())

	near, far := memnet.Pipe()
	for n := 2; n < 3; { // those that try again get in once there is room
		another, err := listener.Dial(context.Background())
		require.NoError(t, err)
		if _, err = io.ReadFull(another, make([]byte, 8)); err == nil {
			n++
		}
	}
	require.ErrorIs(t, srv.ServeConn(context.Background(), far), server.ErrTooManyStartups)
	require.Empty(t, text(near))
}

func TestO2PerSource(t *testing.T) {
	srv := newServer(nothing)
	srv.MaxStartups.PerSource = 2
	listener, _ := serve(srv)
	defer srv.Close()
	link := func(host string) memnet.Link {
		addr, err := net.ResolveTCPAddr("tcp", host)
		require.NoError(t, err)
		return memnet.Link{Client: addr}
	}
	admitted := func(host string) bool {
		nc, err := listener.DialLink(context.Background(), link(host))
		require.NoError(t, err)
		_, err = io.ReadFull(nc, make([]byte, 8))
		return err == nil
	}
	require.True(t, admitted("192.0.2.7:1"))
	require.True(t, admitted("192.0.2.7:2"))
	require.False(t, admitted("192.0.2.7:3"))
	require.True(t, admitted("192.0.2.8:3"))
	require.True(t, admitted("[2001:db8::1]:1"))
	require.True(t, admitted("[2001:db8::2]:1"))
	require.False(t, admitted("[2001:db8::3]:1"), "the same /64")
	require.True(t, admitted("[2001:db8:0:1::3]:1"))
}

// A failing listener fails as told, then accepts, then fails for good.
type failing struct {
	net.Listener
	errs  []error
	calls atomic.Int32
}

func (l *failing) Accept() (net.Conn, error) {
	n := int(l.calls.Add(1)) - 1
	if n < len(l.errs) && l.errs[n] != nil {
		return nil, &net.OpError{Op: "accept", Net: "test", Err: l.errs[n]}
	}
	return l.Listener.Accept()
}

// O3: the accept loop outlives a lack of descriptors, and does not spin.
func TestO3AcceptSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") }))
		logs := logged(srv)
		inner := memnet.Listen()
		l := &failing{Listener: inner}
		for range 20 {
			l.errs = append(l.errs, syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED)
		}
		l.errs = append(l.errs, nil, syscall.EMFILE, nil, errors.New("broken"))
		served := make(chan error, 1)
		begin := time.Now()
		go func() { served <- srv.Serve(l) }()
		require.Equal(t, outcome{stdout: "ok"}, dial(t, inner).login().session().exec("x").finish())
		require.Greater(t, time.Since(begin), 50*time.Second, "with pauses of up to a second")
		require.Less(t, time.Since(begin), 60*time.Second)
		dial(t, inner).login()
		require.ErrorContains(t, <-served, "broken", "an error that does not pass")
		require.Equal(t, 61, logs.lines("accepting again"))
		require.NoError(t, srv.Close())
		require.NoError(t, srv.Shutdown(context.Background()))
	})
}

func TestListenAndServe(t *testing.T) {
	srv := newServer(nothing)
	srv.Addr = "127.0.0.1:0"
	served := make(chan error, 1)
	go func() { served <- srv.ListenAndServe() }()
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, srv.Close())
	require.ErrorIs(t, <-served, server.ErrServerClosed)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	other := newServer(nothing)
	other.Addr = fmt.Sprint(l.Addr())
	require.ErrorIs(t, other.ListenAndServe(), syscall.EADDRINUSE)
}
