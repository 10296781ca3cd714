package server_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/wire"
)

// A witness is a client that looks at each message of one session, and at what
// may come when (RFC 4254, sections 5.3 and 6.10).
type witness struct {
	t              *testing.T
	p              *peer
	sent           bool // our CLOSE
	stdout, stderr bytes.Buffer
	end            string // exit-status or exit-signal, as it came
	eof, closed    bool
	window         uint32
}

// see takes one message.
func (w *witness) see(packet []byte) {
	w.t.Helper()
	require.False(w.t, w.closed, "%s after CLOSE", wire.Describe(packet))
	switch wire.Number(packet[0]) {
	case wire.NumberChannelData:
		m, err := wire.ParseChannelData(packet)
		require.NoError(w.t, err)
		require.False(w.t, w.eof, "data after EOF")
		w.stdout.Write(m.Data)
		w.grant(len(m.Data))
	case wire.NumberChannelExtendedData:
		m, err := wire.ParseChannelExtendedData(packet)
		require.NoError(w.t, err)
		require.False(w.t, w.eof, "data after EOF")
		w.stderr.Write(m.Data)
		w.grant(len(m.Data))
	case wire.NumberChannelRequest:
		m, err := wire.ParseChannelRequest(packet)
		require.NoError(w.t, err)
		require.Empty(w.t, w.end, "%s after the end", m.Type)
		require.False(w.t, m.WantReply, "RFC 4254 6.10")
		if m.Type != "eow@openssh.com" {
			w.end = m.Type
		}
	case wire.NumberChannelEOF:
		require.False(w.t, w.eof, "a second EOF")
		w.eof = true
	case wire.NumberChannelClose:
		require.True(w.t, w.eof, "CLOSE without EOF")
		w.closed = true
	}
}

// grant keeps the window open, and small.
func (w *witness) grant(n int) {
	if w.sent {
		return
	}
	m := wire.ChannelWindowAdjust{Recipient: 0, Bytes: uint32(n)}
	require.NoError(w.t, w.p.conn.Enqueue(m.Append(nil)))
}

// run runs a command in a session, and returns when the server has closed it.
func (w *witness) run() {
	w.t.Helper()
	open := wire.ChannelOpen{Type: "session", Window: w.window, MaxPacket: 1000}
	exec := wire.ExecRequest{Command: "x"}
	request := wire.ChannelRequest{Type: "exec", Data: exec.Append(nil)}
	for _, packet := range [][]byte{open.Append(nil), request.Append(nil)} {
		require.NoError(w.t, w.p.conn.Enqueue(packet))
	}
	for !w.closed {
		packet, err := w.p.conn.ReadPacket()
		require.NoError(w.t, err)
		w.see(packet)
	}
	if !w.sent {
		m := wire.ChannelClose{}
		require.NoError(w.t, w.p.conn.Enqueue(m.Append(nil)))
	}
}

// A deed is something that a program may do.
type deed struct {
	name string
	do   func(s *server.Session, w *expected)
}

// expected is what a client must get to see of a program.
type expected struct {
	stdout, stderr string
	quiet          bool // it has closed its output
	end            string
}

func (e *expected) exit(how string) {
	if e.end == "" {
		e.end = how
	}
}

var deeds = []deed{
	{"output", func(s *server.Session, e *expected) {
		text := strings.Repeat("o", rand.IntN(3000))
		if _, err := s.Write([]byte(text)); err == nil {
			e.stdout += text
		}
	}},
	{"errors", func(s *server.Session, e *expected) {
		text := strings.Repeat("e", rand.IntN(3000))
		if _, err := s.Stderr().Write([]byte(text)); err == nil {
			e.stderr += text
		}
	}},
	{"closes its output", func(s *server.Session, e *expected) { s.CloseWrite(); e.quiet = true }},
	{"closes its input", func(s *server.Session, e *expected) {
		if e.end == "" {
			s.CloseRead()
		}
	}},
	{"waits", func(*server.Session, *expected) { time.Sleep(time.Millisecond) }},
	{"a thread of its own writes", func(s *server.Session, _ *expected) {
		go s.Stderr().Write(nil)
	}},
	{"exits", func(s *server.Session, e *expected) { s.Exit(3); e.exit("exit-status") }},
	{"dies", func(s *server.Session, e *expected) {
		s.ExitSignal(channel.SIGTERM, false, "")
		e.exit("exit-signal")
	}},
}

// F7: whatever a program does and in whatever order, the client gets what it has
// written before it ended, then how it ended, EOF and CLOSE, once each, and
// nothing else. Windows are smaller than the output.
func TestOrderWhateverTheProgramDoes(t *testing.T) {
	for round := range 300 {
		var done []string
		synctest.Test(t, func(t *testing.T) {
			var want expected
			finished := make(chan struct{})
			srv := newServer(handler(func(s *server.Session) {
				defer close(finished)
				for range rand.IntN(8) {
					d := deeds[rand.IntN(len(deeds))]
					done = append(done, d.name)
					d.do(s, &want)
				}
				want.exit("exit-status")
				if rand.IntN(8) == 0 {
					done = append(done, "panics")
					panic("at the end")
				}
			}))
			w := &witness{t: t, p: authenticated(t, srv), window: uint32(rand.IntN(2000))}
			if w.window < 500 {
				w.window = 500
			}
			w.run()
			<-finished
			require.Equal(t, want.end, w.end, "%v", done)
			require.Equal(t, want.stdout, w.stdout.String(), "%v", done)
			require.Equal(t, want.stderr, w.stderr.String(), "%v", done)
			w.p.conn.Close()
			<-w.p.served
		})
		if t.Failed() {
			t.Fatalf("round %d: %v", round, done)
		}
	}
}

// A client that closes a session at any moment gets EOF and CLOSE, and no more:
// the connection and its other sessions live on.
func TestClientClosesAtAnyMoment(t *testing.T) {
	for round := range 100 {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(handler(func(s *server.Session) {
				var e expected
				for range 50 {
					if d := deeds[rand.IntN(5)]; d.name != "closes its input" {
						d.do(s, &e)
					}
				}
			}))
			p := login(t, srv)
			s := p.session().exec("x")
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			require.NoError(t, s.Close())
			synctest.Wait()
			other := p.session().exec("x")
			require.Equal(t, 0, other.finish().status, "round %d", round)
			p.conn.Close()
			<-p.served
		})
	}
}

// What a session answers to each request, before it has a program, while that
// runs, and when it is another's: RFC 4254, section 6.5, "only one of these
// requests can succeed per channel".
func TestRequestsByState(t *testing.T) {
	text := func(s ...string) (b []byte) {
		for _, part := range s {
			b = wire.AppendString(b, part)
		}
		return b
	}
	terminal := wire.PtyRequest{Term: "xterm"}
	size := wire.WindowChange{Columns: 1, Rows: 1}
	brk := wire.Break{}
	for _, test := range []struct {
		name                    string
		payload                 []byte
		bare, terminal, running bool // what is answered
	}{
		{"env", text("GOOD", "1"), true, true, false},
		{"env", text("BAD", "1"), false, false, false},
		{"env", text("GOOD"), false, false, false},
		{"env", text("GOOD=", "1"), false, false, false},
		{"env", text("GOOD", "a\x00b"), false, false, false},
		{"pty-req", terminal.Append(nil), true, false, false},
		{"pty-req", []byte{1}, false, false, false},
		{"window-change", size.Append(nil), false, true, true},
		{"window-change", []byte{1}, false, false, false},
		{"signal", text("INT"), false, false, true},
		{"signal", []byte{1}, false, false, false},
		{"break", brk.Append(nil), false, false, true},
		{"eow@openssh.com", nil, true, true, true},
		{"shell", []byte("x"), false, false, false},
		{"exec", []byte{1}, false, false, false},
		{"exec", text("a\x00b"), false, false, false},
		{"exec", text("another"), true, true, false},
		{"shell", nil, true, true, false},
		{"subsystem", text("sub"), true, true, false},
		{"subsystem", text("nonesuch"), false, false, false},
		{"subsystem", []byte{1}, false, false, false},
		{"x11-req", text("x"), false, false, false},
		{"auth-agent-req@openssh.com", nil, false, false, false},
		{"keepalive@openssh.com", nil, false, false, false},
		{"exit-status", []byte{0, 0, 0, 0}, false, false, false},
		{"xon-xoff", []byte{1}, false, false, false},
		{"", nil, false, false, false},
	} {
		t.Run(fmt.Sprintf("%s %q", test.name, test.payload), func(t *testing.T) {
			ready := make(chan struct{}, 1)
			program := handler(func(s *server.Session) {
				s.OnBreak(func(time.Duration) {})
				ready <- struct{}{}
				<-s.Context().Done()
			})
			srv := newServer(program)
			srv.AllowPty, srv.AcceptEnv = true, []string{"GOOD"}
			srv.Subsystems = map[string]server.Handler{"sub": program}
			p := login(t, srv)
			answer := func(s *session) bool {
				err := s.ask(test.name, test.payload)
				if err != nil {
					require.ErrorIs(t, err, channel.ErrRefused)
				}
				return err == nil
			}
			require.Equal(t, test.bare, answer(p.session()), "before anything else")
			s := p.session()
			require.NoError(t, s.ask("pty-req", terminal.Append(nil)))
			require.Equal(t, test.terminal, answer(s), "with a terminal")
			s = p.session()
			require.NoError(t, s.ask("pty-req", terminal.Append(nil)))
			for len(ready) > 0 {
				<-ready
			}
			s.exec("x")
			<-ready
			require.Equal(t, test.running, answer(s), "while the program runs")
		})
	}
}

// PROTOCOL, section 2.2: no-more-sessions@openssh.com, with sessions that are
// open and some that are not yet.
func TestNoMoreSessionsIsEnforced(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { fmt.Fprint(s, s.Command()) }))
	p := login(t, srv)
	early := p.session() // runs nothing yet
	_, err := p.mux.Request(t.Context(), "no-more-sessions@openssh.com", nil)
	require.Error(t, err, "there is no answer but that")
	require.Equal(t, "first", early.exec("first").finish().stdout, "it was open before")
	for range 3 {
		_, err := p.mux.Open(t.Context(), "session", nil, channel.Params{})
		var refused *channel.OpenError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, channel.AdministrativelyProhibited, refused.Reason)
	}
}

// The environment that a client may set is nothing unless it is named, and is
// bounded.
func TestEnvironmentPolicy(t *testing.T) {
	for _, test := range []struct {
		name     string
		accepted []string
		sent     []string
		want     []string
	}{
		{"nothing by default", nil, []string{"LANG=C", "PATH=/"}, nil},
		{"exactly", []string{"LANG"}, []string{"LANG=C", "LANGUAGE=de", "lang=x"}, []string{"LANG=C"}},
		{"by its beginning", []string{"LC_*"}, []string{"LC_ALL=C", "LC_=x", "LC=x"}, []string{"LC_ALL=C", "LC_=x"}},
		{"everything", []string{"*"}, []string{"A=1", "LD_PRELOAD=x"}, []string{"A=1", "LD_PRELOAD=x"}},
		{"an empty value", []string{"A"}, []string{"A="}, []string{"A="}},
		{"a value with =", []string{"A"}, []string{"A=b=c"}, []string{"A=b=c"}},
		{"twice", []string{"A"}, []string{"A=1", "A=2"}, []string{"A=1", "A=2"}},
		{"a star elsewhere is none", []string{"A*B"}, []string{"AxB=1", "A*B=2"}, []string{"A*B=2"}},
		{"an empty name", []string{"*"}, []string{"=x"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := make(chan []string, 1)
			srv := newServer(handler(func(s *server.Session) { got <- s.Env() }))
			srv.AcceptEnv = test.accepted
			s := login(t, srv).session()
			for _, v := range test.sent {
				name, value, _ := strings.Cut(v, "=")
				m := wire.EnvRequest{Name: name, Value: value}
				err := s.ask("env", m.Append(nil))
				require.Equal(t, slices.Contains(test.want, v), err == nil, v)
			}
			s.exec("x")
			require.Equal(t, test.want, <-got)
		})
	}
	t.Run("bounded", func(t *testing.T) {
		got := make(chan []string, 2)
		srv := newServer(handler(func(s *server.Session) { got <- s.Env() }))
		srv.AcceptEnv = []string{"*"}
		p := login(t, srv)
		for _, size := range []int{1, 1000} {
			s := p.session()
			for i := range 200 {
				m := wire.EnvRequest{Name: fmt.Sprint("N", i), Value: strings.Repeat("v", size)}
				s.ask("env", m.Append(nil))
			}
			s.exec("x")
			env := <-got
			require.LessOrEqual(t, len(env), 64)
			require.LessOrEqual(t, len(strings.Join(env, "")), 4<<10)
			require.NotEmpty(t, env)
		}
	})
}
