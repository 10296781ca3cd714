package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
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
	"github.com/whelk-ssh/whelk/wire"
)

// CVE-2025-32433, CVE-2018-7750, CVE-2018-1000805: nothing of the connection
// protocol before authentication.
func TestE7ConnectionProtocolBeforeAuthentication(t *testing.T) {
	open := wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}
	request := wire.ChannelRequest{Type: "exec", Data: wire.AppendString(nil, "touch /tmp/owned")}
	global := wire.GlobalRequest{Type: "tcpip-forward", WantReply: true}
	messages := map[string][][]byte{
		"channel open and exec": {open.Append(nil), request.Append(nil)},
		"exec":                  {request.Append(nil)},
		"global request":        {global.Append(nil)},
	}
	for number := 80; number < 128; number++ { // E8
		messages[fmt.Sprintf("message %d", number)] = [][]byte{{byte(number), 0, 0, 0, 0}}
	}
	for name, attack := range messages {
		for _, when := range []string{"before service", "after service", "after a failure"} {
			t.Run(name+" "+when, func(t *testing.T) {
				var ran atomic.Int32
				srv := newServer(handler(func(*server.Session) { ran.Add(1) }))
				srv.Requests = map[string]func(context.Context, *server.Conn, *connection.Request){
					"tcpip-forward": func(context.Context, *server.Conn, *connection.Request) { ran.Add(1) },
				}
				p := connect(t, srv)
				require.NoError(t, p.conn.Handshake(context.Background()))
				if when != "before service" {
					require.NoError(t, p.conn.RequestService("ssh-userauth"))
				}
				if when == "after a failure" {
					p.try("alice", "wrong")
				}
				for _, m := range attack {
					_ = p.conn.WritePacket(m)
				}
				p.disconnected(transport.ReasonProtocolError)
				require.Error(t, <-p.served)
				require.Zero(t, ran.Load())
			})
		}
	}
}

// try sends one password and returns the answer's number.
func (p *peer) try(user, password string) wire.Number {
	p.t.Helper()
	fields := wire.PasswordFields{Password: password}
	m := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: "password", Fields: fields.Append(nil)}
	require.NoError(p.t, p.conn.WritePacket(m.Append(nil)))
	answer, err := p.conn.ReadPacket()
	require.NoError(p.t, err)
	return wire.Number(answer[0])
}

// What ends a connection, and what the client is told.
func TestReasons(t *testing.T) {
	for _, test := range []struct {
		name   string
		attack func(p *peer)
		reason transport.Reason
		want   any // what the error of ServeConn is, by errors.As
	}{
		{"4.3: a service other than ssh-userauth", func(p *peer) {
			require.NoError(p.t, p.conn.Handshake(context.Background()))
			require.NoError(p.t, p.conn.RequestService("ssh-connection"))
		}, transport.ReasonServiceNotAvailable, new(*transport.Error)},
		{"H13: authentication for another service", func(p *peer) {
			m := wire.UserauthRequest{User: "alice", Service: "foo", Method: "none"}
			require.NoError(p.t, p.handshake().conn.WritePacket(m.Append(nil)))
		}, transport.ReasonServiceNotAvailable, new(*userauth.ServiceError)},
		{"E9, CVE-2018-10933: USERAUTH_SUCCESS from a client", func(p *peer) {
			require.NoError(p.t, p.handshake().conn.WritePacket([]byte{byte(wire.NumberUserauthSuccess)}))
		}, transport.ReasonProtocolError, new(*userauth.ProtocolError)},
		{"4.3: too many failures", func(p *peer) {
			p.handshake()
			for range 5 {
				require.Equal(p.t, wire.NumberUserauthFailure, p.try("alice", "wrong"))
			}
			m := wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "publickey?"}
			require.NoError(p.t, p.conn.WritePacket(m.Append(nil)))
		}, transport.ReasonNoMoreAuthMethods, new(*userauth.LimitError)},
		{"4.3: data for a channel that never was", func(p *peer) {
			m := wire.ChannelData{Recipient: 7, Data: []byte("x")}
			require.NoError(p.t, p.login().conn.Enqueue(m.Append(nil)))
		}, transport.ReasonProtocolError, new(*connection.Error)},
		{"a truncated message", func(p *peer) {
			require.NoError(p.t, p.login().conn.Enqueue([]byte{byte(wire.NumberChannelOpen), 0}))
		}, transport.ReasonProtocolError, new(*connection.Error)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, newServer(nothing))
			test.attack(p)
			p.disconnected(test.reason)
			require.ErrorAs(t, <-p.served, test.want)
		})
	}
}

// H14: requests to authenticate after success are ignored.
func TestH14AuthenticationAfterSuccess(t *testing.T) {
	p := login(t, newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") })))
	m := wire.UserauthRequest{User: "root", Service: "ssh-connection", Method: "none"}
	for range 1000 {
		require.NoError(t, p.conn.WritePacket(m.Append(nil)))
	}
	require.Equal(t, outcome{stdout: "ok"}, p.session().exec("x").finish())
}

func TestGrace(t *testing.T) {
	for _, test := range []struct {
		name string
		stop func(p *peer) // does not get as far as it should
	}{
		{"a client that says nothing", func(*peer) {}},
		{"a client that stops after the key exchange", func(p *peer) { require.NoError(p.t, p.conn.Handshake(context.Background())) }},
		{"a client that never authenticates", func(p *peer) { p.handshake() }},
		{"a client that keeps trying", func(p *peer) {
			p.handshake()
			for range 5 {
				time.Sleep(20 * time.Second)
				p.try("alice", "wrong")
			}
		}},
	} {
		t.Run("O1 "+test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				p := connect(t, newServer(nothing))
				test.stop(p)
				err := <-p.served
				require.ErrorIs(t, err, server.ErrHandshakeTimeout)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.Less(t, time.Since(begin)-2*time.Minute, 2*time.Second)
				require.GreaterOrEqual(t, time.Since(begin), 2*time.Minute)
			})
		})
	}
}

// Connections that log in at the very moment their time is up.
func TestO1GraceRace(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(nothing)
			srv.HandshakeTimeout = time.Second
			srv.Auth.Checks = []userauth.Check{userauth.CheckPassword(func(context.Context, *userauth.Attempt, string) (userauth.Decision, error) {
				time.Sleep(time.Second)
				return userauth.Accept(nil), nil
			})}
			p := connect(t, srv).handshake()
			fields := wire.PasswordFields{Password: "x"}
			m := wire.UserauthRequest{User: "alice", Service: "ssh-connection", Method: "password", Fields: fields.Append(nil)}
			_ = p.conn.WritePacket(m.Append(nil))
			_, _ = p.conn.ReadPacket()
			p.conn.Close()
			require.Error(t, <-p.served)
		})
	}
}

// The time to authenticate is over once that has happened.
func TestGraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := login(t, newServer(handler(func(s *server.Session) { io.WriteString(s, "ok") })))
		time.Sleep(time.Hour)
		require.Equal(t, outcome{stdout: "ok"}, p.session().exec("x").finish())
		p.conn.Close()
		<-p.served
	})
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(handler(func(s *server.Session) { time.Sleep(time.Hour) }))
		srv.IdleTimeout = time.Minute
		begin := time.Now()
		p := login(t, srv)
		time.Sleep(50 * time.Second)
		p.session().exec("x").finish()
		require.GreaterOrEqual(t, time.Since(begin), time.Hour, "a session that does nothing is no idle connection")
		p.disconnected(transport.ReasonByApplication)
		require.ErrorIs(t, <-p.served, server.ErrIdle)
		require.InDelta(t, (time.Hour + 110*time.Second).Seconds(), time.Since(begin).Seconds(), 1.5)
	})
}

// O7: a panic in a callback costs one connection.
func TestO7PanicInCallbacks(t *testing.T) {
	boom := func() { panic("boom") }
	for _, test := range []struct {
		name string
		set  func(srv *server.Server)
	}{
		{"ConnContext", func(srv *server.Server) {
			srv.ConnContext = func(context.Context, net.Conn) context.Context { boom(); return nil }
		}},
		{"a check", func(srv *server.Server) {
			srv.Auth.Checks = []userauth.Check{userauth.CheckPassword(func(context.Context, *userauth.Attempt, string) (userauth.Decision, error) {
				boom()
				return userauth.Accept(nil), nil
			})}
		}},
		{"the banner", func(srv *server.Server) {
			srv.Auth.Banner = func(context.Context, string) string { boom(); return "" }
		}},
		{"the report", func(srv *server.Server) {
			srv.Auth.Report = func(context.Context, *userauth.Attempt, error) { boom() }
		}},
		{"the trace", func(srv *server.Server) {
			srv.Transport.Trace = &transport.Trace{PacketRead: func(uint32, []byte) { boom() }}
		}},
		{"a host key", func(srv *server.Server) { srv.HostKeys = []hostkey.Signer{panicking{testkeys.Ed25519()}} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := newServer(nothing)
			l := logged(srv)
			test.set(srv)
			p := connect(t, srv)
			client := userauth.Client{User: "alice", Methods: []userauth.Method{
				userauth.Password(func(context.Context) (string, error) { return "secret", nil })}}
			err := p.conn.Handshake(context.Background())
			if err == nil {
				err = p.conn.RequestService("ssh-userauth")
			}
			if err == nil {
				err = client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID})
			}
			require.ErrorIs(t, err, net.ErrClosed)
			var panicked *server.PanicError
			require.ErrorAs(t, <-p.served, &panicked)
			require.Equal(t, "boom", panicked.Value)
			require.EqualError(t, panicked, "server: panic: boom")
			require.Contains(t, l.String(), "conn_test.go")
		})
	}
}

// What ends its goroutine lets nobody in, and nobody wait.
func TestGoexitBeforeAuthentication(t *testing.T) {
	srv := newServer(nothing)
	srv.ConnContext = func(context.Context, net.Conn) context.Context { runtime.Goexit(); return nil }
	p := connect(t, srv)
	require.Error(t, p.conn.Handshake(context.Background()))
	require.EqualError(t, <-p.served, "server: panic: runtime.Goexit")
}

type panicking struct{ hostkey.Signer }

func (panicking) Sign(context.Context, string, []byte) (*hostkey.Signature, error) { panic("boom") }

// H3: what a grant demands and nobody enforces ends the connection.
func TestUnknownCriticalOption(t *testing.T) {
	srv := accepting(newServer(nothing), &userauth.Permissions{CriticalOptions: map[string]string{"source-address": ""}})
	p := login(t, srv)
	p.disconnected(transport.ReasonByApplication)
	var restricted *server.RestrictionError
	require.ErrorAs(t, <-p.served, &restricted)
	require.Equal(t, "source-address", restricted.Option)
	require.ErrorContains(t, restricted, `"source-address"`)
}

// O5: nothing stays of a connection, however it ends, and one goroutine is all
// that an idle one costs.
func TestOneGoroutinePerIdleConnection(t *testing.T) {
	const conns = 50
	srv := newServer(handler(func(s *server.Session) { io.Copy(s, s) }))
	srv.MaxStartups.PerSource = -1
	before := runtime.NumGoroutine()
	var peers []*peer
	for range conns {
		p := login(t, srv)
		s := p.session().exec("x")
		require.NoError(t, s.CloseWrite())
		s.finish()
		_, _ = p.mux.Request(context.Background(), "unknown@example.com", nil)
		peers = append(peers, p)
	}
	// On this side too a connection has a reader.
	goroutines(t, before+conns*2)
	for _, p := range peers {
		p.conn.Close()
		<-p.served
	}
	goroutines(t, before)
}

// O5: an idle session costs the goroutine of its handler, one whose client has
// asked for nothing none, and its end leaves none behind.
func TestOneGoroutinePerIdleSession(t *testing.T) {
	const sessions = 20
	srv := newServer(handler(func(s *server.Session) { io.Copy(s, s) }))
	before := runtime.NumGoroutine()
	p := login(t, srv)
	for range sessions {
		p.session()
	}
	goroutines(t, before+2)
	var running []*session
	for range sessions {
		running = append(running, p.session().exec("x"))
	}
	goroutines(t, before+2+sessions)
	for _, s := range running {
		require.NoError(t, s.Close())
	}
	goroutines(t, before+2)
	p.conn.Close()
	<-p.served
	goroutines(t, before)
}

// goroutines waits until there are no more than n.
func goroutines(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(waitFor); runtime.NumGoroutine() > n; time.Sleep(tick) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			t.Fatalf("%d goroutines, not %d:\n%s", runtime.NumGoroutine(), n, stacks)
		}
	}
}

func TestServeConnContext(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { <-s.Context().Done() }))
	near, far := memnet.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.ServeConn(ctx, far) }()
	p := &peer{t: t, conn: transport.Client(near, &transport.Config{Verifier: hostkey.InsecureAcceptAny()}), served: served, ended: make(chan error, 1)}
	p.login().session().exec("x")
	cancel()
	p.disconnected(transport.ReasonByApplication)
	require.ErrorIs(t, <-served, net.ErrClosed)
}

// P1: text of clients in logs.
func TestP1Logs(t *testing.T) {
	srv := newServer(handler(func(*server.Session) { panic("x") }))
	l := logged(srv)
	p := connect(t, srv).handshake()
	p.try("mallory\u202e\u2066", "x")
	p.conn.Close()
	<-p.served
	p = login(t, srv)
	p.session().exec("\x1b]0;title\a\u202e").finish()
	require.NoError(t, p.conn.Disconnect(transport.ReasonByApplication, "\x1b[2J\u202e"))
	p.conn.Close()
	<-p.served
	require.False(t, strings.ContainsAny(l.String(), "\x1b\a\u202e\u2066"), l.String())
	require.Contains(t, l.String(), `mallory`)
	require.Equal(t, 3, l.lines("remote=192.0.2.1:49152 user=alice"), l.String())
}

func TestPeerThatIsNotSSH(t *testing.T) {
	for _, said := range []string{"", "GET / HTTP/1.1\r\n\r\n", "SSH-1.5-old\r\n", strings.Repeat("x", 1000), "SSH-2.0-\r\n"} {
		t.Run(fmt.Sprintf("%.12q", said), func(t *testing.T) {
			near, far := memnet.Pipe()
			served := make(chan error, 1)
			go func() { served <- newServer(nothing).ServeConn(context.Background(), far) }()
			_, err := io.WriteString(near, said)
			require.NoError(t, err)
			require.NoError(t, near.CloseWrite())
			go io.Copy(io.Discard, near)
			require.ErrorIs(t, <-served, net.ErrClosed)
			near.Close()
		})
	}
}

func TestChannels(t *testing.T) {
	srv := newServer(nil)
	l := logged(srv)
	srv.Channels = map[string]func(context.Context, *server.Conn, *connection.Opening){
		"echo@example.com": func(ctx context.Context, c *server.Conn, o *connection.Opening) {
			ch, err := o.Accept(channel.Params{})
			if err == nil {
				defer ch.Close()
				fmt.Fprintf(ch, "%s %s ", c.User(), o.Extra)
				io.Copy(ch, ch)
			}
		},
		"silent@example.com": func(context.Context, *server.Conn, *connection.Opening) {},
		"panic@example.com":  func(context.Context, *server.Conn, *connection.Opening) { panic("channel") },
		"never@example.com":  func(ctx context.Context, _ *server.Conn, _ *connection.Opening) { <-ctx.Done() },
	}
	p := login(t, srv)
	ch, err := p.mux.Open(context.Background(), "echo@example.com", []byte("extra"), channel.Params{})
	require.NoError(t, err)
	_, err = ch.Write([]byte("data"))
	require.NoError(t, err)
	require.NoError(t, ch.CloseWrite())
	require.Equal(t, "alice extra data", text(ch))

	// K16: what a client has no business to open, or nobody serves.
	for kind, reason := range map[string]channel.Reason{
		"session": channel.UnknownChannelType, "direct-tcpip": channel.AdministrativelyProhibited,
		"forwarded-tcpip": channel.UnknownChannelType, "x11": channel.UnknownChannelType,
		"auth-agent@openssh.com": channel.UnknownChannelType, "": channel.UnknownChannelType,
		"silent@example.com": channel.ConnectFailed, "panic@example.com": channel.ConnectFailed,
	} {
		_, err := p.mux.Open(context.Background(), kind, nil, channel.Params{})
		var refused *channel.OpenError
		require.ErrorAs(t, err, &refused, kind)
		require.Equal(t, reason, refused.Reason, kind)
	}
	require.Equal(t, 1, l.lines("panic=channel"))

	// Opens that nobody answers are bounded, and stop nothing.
	ctx, cancel := context.WithCancel(context.Background())
	for range 64 {
		go p.mux.Open(ctx, "never@example.com", nil, channel.Params{})
	}
	require.Eventually(t, func() bool {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := p.mux.Open(short, "never@example.com", nil, channel.Params{})
		var refused *channel.OpenError
		return errors.As(err, &refused) && refused.Reason == channel.ResourceShortage
	}, waitFor, tick)
	cancel()
}

func TestGlobalRequests(t *testing.T) {
	srv := newServer(nothing)
	l := logged(srv)
	hold := make(chan struct{})
	var order []string
	srv.Requests = map[string]func(context.Context, *server.Conn, *connection.Request){
		"echo@example.com": func(_ context.Context, c *server.Conn, r *connection.Request) {
			order = append(order, string(r.Payload))
			r.Reply(true, append([]byte(c.User()+" "), r.Payload...))
		},
		"silent@example.com": func(context.Context, *server.Conn, *connection.Request) {},
		"panic@example.com":  func(context.Context, *server.Conn, *connection.Request) { panic("request") },
		"hold@example.com":   func(context.Context, *server.Conn, *connection.Request) { <-hold },
	}
	p := login(t, srv)
	reply, err := p.mux.Request(context.Background(), "echo@example.com", []byte("hi"))
	require.NoError(t, err)
	require.Equal(t, "alice hi", string(reply))
	for _, name := range []string{"tcpip-forward", "keepalive@openssh.com", "silent@example.com", "panic@example.com", ""} {
		_, err := p.mux.Request(context.Background(), name, nil)
		require.ErrorIs(t, err, connection.ErrRefused, name)
	}
	require.Equal(t, 1, l.lines("panic=request"))

	// L7, K1: a flood that nobody serves stops nothing and is bounded.
	require.NoError(t, p.mux.Notify("hold@example.com", nil))
	for i := range 1000 {
		require.NoError(t, p.mux.Notify("echo@example.com", fmt.Append(nil, i)))
	}
	require.Equal(t, outcome{}, p.session().exec("x").finish())
	close(hold)
	require.Eventually(t, func() bool {
		_, err := p.mux.Request(context.Background(), "echo@example.com", []byte("last"))
		return err == nil
	}, waitFor, tick)
	require.LessOrEqual(t, len(order), 70)
	require.Equal(t, []string{"hi", "0", "1"}, order[:3], "in the order they came")
}

// PROTOCOL, section 2.2.
func TestNoMoreSessions(t *testing.T) {
	p := login(t, newServer(nothing))
	require.NoError(t, p.mux.Notify("no-more-sessions@openssh.com", nil))
	_, err := p.mux.Open(context.Background(), "session", nil, channel.Params{})
	var refused *channel.OpenError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, channel.AdministrativelyProhibited, refused.Reason)
}
