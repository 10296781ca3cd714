package server_test

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// named is middleware that writes when it is entered and left.
func named(name string) func(server.Handler) server.Handler {
	return func(next server.Handler) server.Handler {
		return handler(func(s *server.Session) {
			fmt.Fprintf(s, "<%s>", name)
			next.ServeSSH(s)
			fmt.Fprintf(s, "</%s>", name)
		})
	}
}

func TestChain(t *testing.T) {
	h := handler(func(s *server.Session) { io.WriteString(s, s.Command()) })
	for _, test := range []struct {
		name       string
		middleware []func(server.Handler) server.Handler
		want       string
	}{
		{"none", nil, "x"},
		{"one", []func(server.Handler) server.Handler{named("a")}, "<a>x</a>"},
		{"the first is outermost", []func(server.Handler) server.Handler{named("a"), named("b")}, "<a><b>x</b></a>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, run(t, newServer(server.Chain(h, test.middleware...)), "x").stdout)
		})
	}
}

func TestLogSessions(t *testing.T) {
	for _, test := range []struct {
		name string
		h    func(*server.Session)
		want []string
	}{
		{"returns", func(*server.Session) {}, []string{"session began", `command="make all"`, "session ended", "status=0", "user=alice", "remote=192.0.2.1:", "conn=1", "session=1"}},
		{"exits", func(s *server.Session) { s.Exit(3) }, []string{"status=3"}},
		{"killed", func(s *server.Session) { s.ExitSignal("KILL", false, "") }, []string{"status=255"}},
		{"panics", func(*server.Session) { panic("oops") }, []string{"status=255"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := newServer(server.Chain(handler(test.h), server.LogSessions))
			l := logged(srv)
			run(t, srv, "make all")
			require.Eventually(t, func() bool { return l.lines("session ended") == 1 }, waitFor, tick)
			for _, want := range test.want {
				require.Contains(t, l.String(), want)
			}
		})
	}
}

func TestAllowUsers(t *testing.T) {
	served := handler(func(s *server.Session) { io.WriteString(s, "in") })
	require.Equal(t, outcome{stdout: "in"}, run(t, newServer(server.AllowUsers("bob", "alice")(served)), "x"))
	for _, names := range [][]string{nil, {"bob"}, {"Alice"}} {
		o := run(t, newServer(server.AllowUsers(names...)(served)), "x")
		require.Equal(t, outcome{stderr: "this is not for you\n", status: 255}, o)
	}
}

func TestLimitSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		limit := server.LimitSessions(2)
		srv := newServer(limit(handler(func(*server.Session) { <-done })))
		p, q := login(t, srv), login(t, srv)
		first, second := p.session().exec("x"), q.session().exec("x")
		synctest.Wait()
		require.Equal(t, 255, q.session().exec("x").finish().status, "of all connections")
		require.Equal(t, 255, p.session().exec("x").finish().status)
		close(done)
		require.Zero(t, first.finish().status)
		require.Zero(t, second.finish().status)
		synctest.Wait()
		require.Zero(t, p.session().exec("x").finish().status, "there is room again")
		p.conn.Close()
		q.conn.Close()
		synctest.Wait()
	})
}

func TestLimitSessionsOfNone(t *testing.T) {
	require.Equal(t, 255, run(t, newServer(server.LimitSessions(-1)(nothing)), "x").status)
}

func TestLimitTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		srv := newServer(server.LimitTime(time.Minute)(handler(func(s *server.Session) {
			<-s.Context().Done()
			ended = time.Since(start)
		})))
		p := login(t, srv)
		o := p.session().exec("x").finish()
		require.Equal(t, 255, o.status)
		require.Contains(t, o.stderr, "1m0s")
		synctest.Wait()
		require.Equal(t, time.Minute, ended)
		p.conn.Close()
		synctest.Wait()
	})
}

// A client that does not read is not waited for.
func TestLimitTimeOfDeafClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var err error
		ended := make(chan struct{})
		srv := newServer(server.LimitTime(time.Minute)(handler(func(s *server.Session) {
			defer close(ended)
			for err == nil {
				_, err = s.Stderr().Write(make([]byte, 1<<16))
			}
		})))
		p := login(t, srv)
		start := time.Now()
		p.session().exec("x")
		<-ended
		require.Error(t, err)
		require.Less(t, time.Since(start), time.Minute+5*time.Second)
		p.conn.Close()
		synctest.Wait()
	})
}

func TestLimitIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		srv := newServer(server.LimitIdle(time.Minute)(handler(func(s *server.Session) {
			if s.Command() == "talk" {
				for range 5 {
					time.Sleep(50 * time.Second)
					io.WriteString(s.Stderr(), ".")
				}
				io.WriteString(s, ".")
			}
			io.Copy(io.Discard, s)
		})))
		p := login(t, srv)
		o := p.session().exec("talk").finish()
		require.Equal(t, 255, o.status)
		require.Contains(t, o.stderr, ".....this session was idle for 1m0s")
		require.Equal(t, 250*time.Second+time.Minute, time.Since(start))

		start = time.Now()
		s := p.session().exec("listen")
		time.Sleep(50 * time.Second)
		s.Write([]byte("x"))
		require.Equal(t, 255, s.finish().status)
		require.Equal(t, 110*time.Second, time.Since(start), "input counts")
		p.conn.Close()
		synctest.Wait()
	})
}
