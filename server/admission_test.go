package server_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// from has srv serve a connection from an address.
func from(t *testing.T, srv *server.Server, host string) *peer {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", host)
	require.NoError(t, err)
	near, far := memnet.Link{Client: addr}.Pipe()
	p := &peer{t: t, served: make(chan error, 1), ended: make(chan error, 1)}
	go func() { p.served <- srv.ServeConn(context.Background(), far) }()
	p.conn = transport.Client(near, &transport.Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	t.Cleanup(func() { p.conn.Close() })
	return p
}

// Each way to leave without having logged in has its penalty, and none of those
// after.
func TestOffenses(t *testing.T) {
	const here = "192.0.2.7:1"
	wrong := wire.PasswordFields{Password: "wrong"}
	m := wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "password", Fields: wrong.Append(nil)}
	attempt := m.Append(nil)
	for _, test := range []struct {
		name string
		why  string // "" if there is no penalty
		do   func(t *testing.T, srv *server.Server)
	}{
		{"leaves before versions", "did not try to log in", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here)
			p.conn.Close()
			<-p.served
		}},
		{"asks for the methods and leaves", "did not try to log in", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here).handshake()
			client := userauth.Client{User: "alice", Methods: []userauth.Method{userauth.None()}}
			require.Error(t, client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID}))
			p.conn.Close()
			<-p.served
		}},
		{"fails once and leaves", "failed to log in", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here).handshake()
			p.try("alice", "wrong")
			p.conn.Close()
			<-p.served
		}},
		{"uses up its tries", "failed to log in", func(t *testing.T, srv *server.Server) {
			srv.Auth.MaxTries = 1
			p := from(t, srv, here).handshake()
			p.conn.WritePacket(attempt)
			<-p.served
		}},
		{"says nothing", "did not log in in time", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here)
			<-p.served
		}},
		{"causes a panic", "caused a panic", func(t *testing.T, srv *server.Server) {
			srv.Auth.Banner = func(context.Context, string) string { panic("oops") }
			p := from(t, srv, here).handshake()
			p.conn.WritePacket(attempt)
			<-p.served
		}},
		{"is refused", "was refused", func(t *testing.T, srv *server.Server) {
			srv.ConnContext = func(context.Context, net.Conn) context.Context { return nil }
			p := from(t, srv, here)
			require.ErrorIs(t, <-p.served, server.ErrRefused)
			_, err := p.conn.ReadPacket()
			require.Error(t, err)
			srv.ConnContext = nil
		}},
		{"may not come from there", "failed to log in", func(t *testing.T, srv *server.Server) {
			accepting(srv, &userauth.Permissions{CriticalOptions: map[string]string{hostkey.SourceAddress: "192.0.2.8"}})
			p := from(t, srv, here).handshake()
			p.try("alice", "any")
			var restricted *server.RestrictionError
			require.ErrorAs(t, <-p.served, &restricted)
		}},
		{"logs in and vanishes", "", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here).login()
			p.conn.Close()
			<-p.served
		}},
		{"fails, logs in and leaves", "", func(t *testing.T, srv *server.Server) {
			p := from(t, srv, here).handshake()
			p.try("alice", "wrong")
			p.try("alice", "secret")
			p.conn.Close()
			<-p.served
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(nothing)
				srv.Penalties = &server.Penalties{Min: -1}
				l := logged(srv)
				test.do(t, srv)
				synctest.Wait()
				p := from(t, srv, here)
				if test.why == "" {
					p.login().conn.Close()
					synctest.Wait()
					return
				}
				require.Equal(t, 1, l.lines("a penalty begins"), l.String())
				var refused *server.PenaltyError
				require.ErrorAs(t, <-p.served, &refused)
				require.Equal(t, test.why, refused.Why)
				require.Equal(t, netip.MustParsePrefix("192.0.2.7/32"), refused.Source)
				from(t, srv, "192.0.2.8:1").handshake().conn.Close()
				synctest.Wait()
			})
		})
	}
}

// Nothing is sent to whom a penalty keeps out, nobody else is, and it ends.
func TestPenaltyKeepsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") }))
		srv.Penalties = &server.Penalties{Exempt: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}
		l := logged(srv)
		fail := func(host string) {
			p := from(t, srv, host).handshake()
			p.try("alice", "wrong")
			p.conn.Close()
			<-p.served
		}
		inside := from(t, srv, "192.0.2.7:9").login()
		for range 4 { // 5 s each, and 15 are not yet enough
			fail("192.0.2.7:1")
			fail("198.51.100.1:1")
		}
		near, far := memnet.Link{Client: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 2}}.Pipe()
		var refused *server.PenaltyError
		require.ErrorAs(t, srv.ServeConn(context.Background(), far), &refused)
		require.InDelta(t, 20, refused.Left.Seconds(), 5)
		require.Empty(t, text(near))
		for range 5 {
			<-from(t, srv, "192.0.2.7:2").served
		}
		require.Equal(t, 1, l.lines(`level=INFO msg="connection turned away"`), "who tries again fills no log")
		require.Equal(t, outcome{stdout: "ok"}, inside.session().exec("x").finish(), "who was in stays")
		require.Equal(t, outcome{stdout: "ok"}, from(t, srv, "198.51.100.1:3").login().session().exec("x").finish())
		time.Sleep(21 * time.Second)
		require.Equal(t, outcome{stdout: "ok"}, from(t, srv, "192.0.2.7:3").login().session().exec("x").finish())
		srv.Close()
		synctest.Wait()
	})
}

// No penalty is the server's own doing.
func TestNoPenaltyForShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nothing)
		srv.Penalties = &server.Penalties{Min: -1}
		l := logged(srv)
		ctx, cancel := context.WithCancel(context.Background())
		near, far := memnet.Pipe()
		defer near.Close()
		served := make(chan error, 1)
		go func() { served <- srv.ServeConn(ctx, far) }()
		p := from(t, srv, "192.0.2.7:1")
		synctest.Wait()
		cancel()
		require.Error(t, <-served)
		srv.Close()
		require.ErrorIs(t, <-p.served, server.ErrServerClosed)
		require.Zero(t, l.lines("a penalty begins"), l.String())
	})
}

// A proxied is a connection whose address is known when the proxy has said what
// it is.
type proxied struct {
	net.Conn
	said <-chan struct{}
}

func (p proxied) RemoteAddr() net.Addr {
	<-p.said
	return p.Conn.RemoteAddr()
}

// A slow accepts one connection that does not know where it comes from.
type slow struct {
	*memnet.Listener
	said  chan struct{}
	taken bool
}

func (l *slow) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil && !l.taken {
		l.taken = true
		return proxied{nc, l.said}, nil
	}
	return nc, err
}

// A connection through a proxy that does not say whose it is keeps nobody else
// waiting, but counts.
func TestO2SlowAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") }))
		srv.MaxStartups = server.Startups{Start: 2, Percent: 100, Full: 2}
		l := &slow{Listener: memnet.Listen(), said: make(chan struct{})}
		go srv.Serve(l)
		first, err := l.Dial(context.Background())
		require.NoError(t, err)
		synctest.Wait()
		p := dial(t, l.Listener).login()
		require.Equal(t, outcome{stdout: "ok"}, p.session().exec("x").finish())

		second, err := l.Dial(context.Background())
		require.NoError(t, err)
		synctest.Wait()
		third, err := l.Dial(context.Background())
		require.NoError(t, err)
		require.Empty(t, text(third), "the first takes up one of two")
		close(l.said)
		_, err = io.ReadFull(first, make([]byte, 8))
		require.NoError(t, err)
		first.Close()
		second.Close()
		srv.Close()
		synctest.Wait()
	})
}

// Several servers may share what they know of whom.
func TestSharedPenalties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &server.Penalties{Min: -1}
		a, b := newServer(nothing), newServer(nothing)
		a.Penalties, b.Penalties = shared, shared
		p := from(t, a, "192.0.2.7:1")
		p.conn.Close()
		<-p.served
		var refused *server.PenaltyError
		require.ErrorAs(t, <-from(t, b, "192.0.2.7:2").served, &refused)
		require.Equal(t, "did not try to log in", refused.Why)
	})
}
