package server_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

func TestSessionStreamsAreSeparate(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		in, err := io.ReadAll(s)
		fmt.Fprintf(s, "out %s %v", in, err)
		fmt.Fprintf(s.Stderr(), "err %s", s.Command())
	}))
	s := login(t, srv).session().exec("do it")
	_, err := s.Write([]byte("in"))
	require.NoError(t, err)
	require.NoError(t, s.CloseWrite())
	require.Equal(t, outcome{stdout: "out in <nil>", stderr: "err do it"}, s.finish())
}

func TestSessionEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler func(*server.Session)
		want    outcome
	}{
		{"returning is status 0", func(*server.Session) {}, outcome{}},
		{"RFC 4254 6.10: exit-status", func(s *server.Session) { s.Exit(3) }, outcome{status: 3}},
		{"a status of more than 8 bits is sent as it is", func(s *server.Session) { s.Exit(70000) }, outcome{status: 70000}},
		{"a negative status", func(s *server.Session) { s.Exit(-1) }, outcome{status: 255}},
		{"RFC 4254 6.10: exit-signal", func(s *server.Session) { s.ExitSignal(channel.SIGSEGV, true, "oops") }, outcome{status: -1, signal: "SEGV"}},
		{"a panic is status 255", func(*server.Session) { panic("no") }, outcome{status: 255}},
		{"runtime.Goexit is status 255", func(*server.Session) { runtime.Goexit() }, outcome{status: 255}},
		{"a panic after Exit changes nothing", func(s *server.Session) { s.Exit(4); panic("late") }, outcome{status: 4}},
		{"F7: all output comes ahead of the status", func(s *server.Session) {
			io.WriteString(s, strings.Repeat("x", 300<<10))
			s.Exit(5)
		}, outcome{stdout: strings.Repeat("x", 300<<10), status: 5}},
		{"an early end of output", func(s *server.Session) {
			io.WriteString(s, "x")
			s.CloseWrite()
			s.Exit(6)
		}, outcome{stdout: "x", status: 6}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, run(t, newServer(handler(test.handler)), "x"))
		})
	}
}

func TestExitTwice(t *testing.T) {
	errs := make(chan error, 4)
	srv := newServer(handler(func(s *server.Session) {
		errs <- s.Exit(1)
		errs <- s.Exit(2)
		errs <- s.ExitSignal(channel.SIGHUP, false, "")
		_, err := s.Write([]byte("late"))
		errs <- err
	}))
	require.Equal(t, outcome{status: 1}, run(t, srv, "x"))
	require.NoError(t, <-errs)
	require.ErrorIs(t, <-errs, server.ErrExited)
	require.ErrorIs(t, <-errs, server.ErrExited)
	require.Error(t, <-errs)
}

// The order of the last messages, seen from the wire: exit-status, EOF, CLOSE.
func TestOrderAtTheEnd(t *testing.T) {
	p := login(t, newServer(handler(func(s *server.Session) { io.WriteString(s, "bye") })))
	s := p.session().exec("x")
	var got []string
	for r := range s.Requests(context.Background()) {
		got = append(got, r.Type)
	}
	require.Equal(t, []string{"exit-status"}, got)
	require.Equal(t, "bye", text(s), "EOF, not an error, ends the data")
}

func TestPanicCostsOneSession(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		if s.Command() == "panic" {
			panic("\x1b[31mred")
		}
		io.Copy(s, s)
	}))
	l := logged(srv)
	p := login(t, srv)
	living := p.session().exec("cat")
	require.Equal(t, 255, p.session().exec("panic").finish().status)
	_, err := living.Write([]byte("still here"))
	require.NoError(t, err)
	require.NoError(t, living.CloseWrite())
	require.Equal(t, outcome{stdout: "still here"}, living.finish())
	require.Contains(t, l.String(), "level=ERROR")
	require.Contains(t, l.String(), "session_test.go", "the stack")
	require.Contains(t, l.String(), "user=alice")
	require.NotContains(t, l.String(), "\x1b")
}

func TestPanicInCallbackCostsOneSession(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		s.OnSignal(func(channel.Signal) { panic("callback") })
		<-s.Context().Done()
	}))
	l := logged(srv)
	s := login(t, srv).session().exec("x")
	m := wire.SignalRequest{Name: "INT"}
	require.NoError(t, s.Notify("signal", m.Append(nil)))
	require.Equal(t, outcome{status: 255}, s.finish())
	require.Contains(t, l.String(), "callback")
}

func TestSessionContext(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(p *peer, s *session)
	}{
		{"the client closes the session", func(_ *peer, s *session) { s.Close() }},
		{"the client goes away", func(p *peer, _ *session) { p.conn.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			ended := make(chan error, 1)
			srv := newServer(handler(func(s *server.Session) {
				<-s.Context().Done()
				_, err := s.Write([]byte("x"))
				ended <- err
			}))
			p := login(t, srv)
			test.end(p, p.session().exec("x"))
			require.Error(t, <-ended)
		})
	}
}

type key struct{}

func TestConnContext(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		fmt.Fprintf(s, "%v %v", s.Context().Value(key{}), s.Conn().Context().Value(key{}))
	}))
	srv.ConnContext = contextWithValue
	require.Equal(t, "v v", run(t, srv, "x").stdout)
}

func TestConnTellsAboutItself(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		c := s.Conn()
		fmt.Fprintf(s, "%s %s %v %s %s %v", s.User(), c.User(), c.Grant().Methods, c.RemoteAddr(), c.LocalAddr(), c.State().StrictKeyExchange)
	}))
	require.Equal(t, "alice alice [password] 192.0.2.1:49152 192.0.2.2:22 true", run(t, srv, "x").stdout)
}

// A handler that closes its own connection, and one that asks something of the
// client.
func TestConnOfHandler(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		_, err := s.Conn().Mux().Request(s.Context(), "anything@example.com", nil)
		fmt.Fprint(s, err)
		if s.Command() == "close" {
			s.Conn().Close()
		}
	}))
	p := login(t, srv)
	require.Equal(t, "connection: the peer refused the request", p.session().exec("x").finish().stdout)
	p.session().exec("close")
	p.disconnected(11)
}

func TestSignals(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		io.ReadAll(s) // the first signals come before there is a callback
		got := make(chan channel.Signal, 40)
		s.OnSignal(func(sig channel.Signal) { got <- sig })
		io.WriteString(s, "ready")
		for sig := range got {
			fmt.Fprintf(s, " %q", sig)
			if sig == "KILL" {
				return
			}
		}
	}))
	s := login(t, srv).session().exec("x")
	send := func(name string) {
		m := wire.SignalRequest{Name: name}
		require.NoError(t, s.ask("signal", m.Append(nil)))
	}
	send("INT")
	send("\x1b")
	require.NoError(t, s.CloseWrite())
	ready := make([]byte, 5)
	_, err := io.ReadFull(s, ready)
	require.NoError(t, err)
	send("USR1")
	last := wire.SignalRequest{Name: "KILL"} // the session may end ahead of an answer
	require.NoError(t, s.Notify("signal", last.Append(nil)))
	require.Equal(t, outcome{stdout: ` "INT" "\x1b" "USR1" "KILL"`}, s.finish())
}

// Signals that nobody asks for are bounded and stop nothing.
func TestSignalFlood(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		io.ReadAll(s)
		n := 0
		s.OnSignal(func(channel.Signal) { n++ })
		fmt.Fprint(s, n)
	}))
	s := login(t, srv).session().exec("x")
	m := wire.SignalRequest{Name: "HUP"}
	for range 1000 {
		require.NoError(t, s.Notify("signal", m.Append(nil)))
	}
	// Some were refused, because too many waited; then they are taken again.
	require.Eventually(t, func() bool { return s.ask("signal", m.Append(nil)) == nil }, waitFor, tick)
	require.NoError(t, s.CloseWrite())
	require.Equal(t, "16", s.finish().stdout)
}

func TestPtyAndResize(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		p, ok := s.Pty()
		icanon, _ := p.Modes.Lookup(channel.ICANON)
		fmt.Fprintf(s, "%v %s %v %d;", ok, p.Term, p.Window, icanon)
		sizes := make(chan server.Window, 8)
		s.OnResize(func(w server.Window) { sizes <- w })
		for w := range sizes {
			fmt.Fprintf(s, "%v;", w)
			if w.Columns == 9 {
				p, _ := s.Pty()
				fmt.Fprint(s, p.Window)
				return
			}
		}
	}))
	srv.AllowPty = true
	s := login(t, srv).session()
	pty := wire.PtyRequest{Term: "xterm", Columns: 80, Rows: 24, Width: 640, Height: 480, Modes: channel.Modes{{Opcode: channel.ICANON, Value: 1}}.Append(nil)}
	require.NoError(t, s.ask("pty-req", pty.Append(nil)))
	change := wire.WindowChange{Columns: 100, Rows: 1 << 31}
	require.NoError(t, s.ask("window-change", change.Append(nil)), "before the shell starts")
	s.exec("x")
	before := make([]byte, len("true xterm {100 65535 0 0} 1;{100 65535 0 0};"))
	_, err := io.ReadFull(s, before)
	require.NoError(t, err)
	change = wire.WindowChange{Columns: 9, Rows: 8, Width: 7, Height: 6}
	require.NoError(t, s.Notify("window-change", change.Append(nil)))
	require.Equal(t, "true xterm {100 65535 0 0} 1;{100 65535 0 0};{9 8 7 6};{9 8 7 6}", string(before)+s.finish().stdout)
}

func TestSubsystems(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { fmt.Fprintf(s, "shell %q %q", s.Subsystem(), s.Command()) }))
	srv.Subsystems = map[string]server.Handler{
		"echo": handler(func(s *server.Session) { fmt.Fprintf(s, "subsystem %q %q", s.Subsystem(), s.Command()) }),
	}
	p := login(t, srv)
	m := wire.SubsystemRequest{Name: "sftp"}
	s := p.session()
	require.ErrorIs(t, s.ask("subsystem", m.Append(nil)), channel.ErrRefused)
	m.Name = "echo"
	require.NoError(t, s.ask("subsystem", m.Append(nil)), "after a refusal another may be asked for")
	require.Equal(t, outcome{stdout: `subsystem "echo" ""`}, s.finish())
	s = p.session()
	require.NoError(t, s.ask("shell", nil))
	require.Equal(t, outcome{stdout: `shell "" ""`}, s.finish())
}

// PROTOCOL.certkeys: force-command. K15: signals with a forced command.
func TestForcedCommand(t *testing.T) {
	srv := accepting(newServer(handler(func(s *server.Session) {
		got := "none"
		s.OnSignal(func(sig channel.Signal) { got = string(sig) })
		io.ReadAll(s)
		fmt.Fprintf(s, "%q %q %v %s", s.Command(), s.Subsystem(), s.Env(), got)
	})), &userauth.Permissions{CriticalOptions: map[string]string{"force-command": "only this"}})
	srv.Subsystems = map[string]server.Handler{"sub": nothing}
	p := login(t, srv)
	for _, test := range []struct{ request, asked, original string }{
		{"exec", "rm -rf /", "[SSH_ORIGINAL_COMMAND=rm -rf /]"},
		{"subsystem", "sub", "[SSH_ORIGINAL_COMMAND=sub]"},
		{"shell", "", "[]"},
	} {
		t.Run(test.request, func(t *testing.T) {
			s := p.session()
			var payload []byte
			if test.asked != "" {
				payload = wire.AppendString(nil, test.asked)
			}
			require.NoError(t, s.ask(test.request, payload))
			require.ErrorIs(t, s.ask("signal", wire.AppendString(nil, "TERM")), channel.ErrRefused)
			require.NoError(t, s.CloseWrite())
			require.Equal(t, `"only this" "" `+test.original+" none", s.finish().stdout)
		})
	}
}

func TestMaxSessions(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { io.Copy(s, s) }))
	srv.MaxSessions = 2
	p := login(t, srv)
	first, _ := p.session().exec("x"), p.session() // one that runs, one that does not
	_, err := p.mux.Open(context.Background(), "session", nil, channel.Params{})
	var refused *channel.OpenError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, channel.ResourceShortage, refused.Reason)
	require.NoError(t, first.CloseWrite())
	require.Equal(t, outcome{}, first.finish())
	require.Eventually(t, func() bool {
		_, err := p.mux.Open(context.Background(), "session", nil, channel.Params{})
		return err == nil
	}, waitFor, tick, "a place is free again")
}

// A session whose client opens it and asks for nothing ends with it.
func TestSessionNeverStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nothing)
		p := login(t, srv)
		s := p.session()
		require.NoError(t, s.Close())
		p.conn.Close()
		require.Error(t, <-p.served)
		require.NoError(t, srv.Shutdown(context.Background()))
	})
}

// A client whose own reader has gone says so, and the handler finds out as a
// program does from a broken pipe.
func TestClientThatReadsNoFurther(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) {
		var err error
		for err == nil {
			_, err = s.Write([]byte("y\n"))
		}
		fmt.Fprint(s.Stderr(), err)
	}))
	s := login(t, srv).session().exec("yes")
	require.NoError(t, s.Notify("eow@openssh.com", nil), "OpenSSH PROTOCOL 2.2")
	require.Equal(t, server.ErrUnread.Error(), s.finish().stderr)
}

// RFC 4335: a break is for a session on a terminal, whose handler wants it, and
// lasts from 500 ms to 3 s unless its length is left to us.
func TestBreak(t *testing.T) {
	lengths := make(chan time.Duration, 8)
	ready := make(chan struct{})
	srv := newServer(handler(func(s *server.Session) {
		if s.Command() == "wants" {
			s.OnBreak(func(length time.Duration) { lengths <- length })
		}
		ready <- struct{}{}
		io.Copy(io.Discard, s)
	}))
	srv.AllowPty = true
	p := login(t, srv)
	brk := func(s *session, ms uint32) error {
		m := wire.Break{Milliseconds: ms}
		return s.ask("break", m.Append(nil))
	}
	pty := wire.PtyRequest{Term: "xterm"}
	for _, test := range []struct {
		name    string
		command string
		pty     bool
		want    error
	}{
		{"wanted", "wants", true, nil},
		{"not wanted", "does not", true, channel.ErrRefused},
		{"without a terminal", "wants", false, channel.ErrRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := p.session()
			if test.pty {
				require.NoError(t, s.ask("pty-req", pty.Append(nil)))
			}
			require.Equal(t, channel.ErrRefused, brk(s, 0), "before the program runs")
			s.exec(test.command)
			<-ready
			require.Equal(t, channel.ErrRefused, s.ask("break", []byte{1}), "malformed")
			for _, ms := range []uint32{0, 1, 1000, 1 << 31} {
				require.Equal(t, test.want, brk(s, ms))
			}
			require.NoError(t, s.Close())
		})
	}
	for _, want := range []time.Duration{0, 500 * time.Millisecond, time.Second, 3 * time.Second} {
		require.Equal(t, want, <-lengths)
	}
	require.Empty(t, lengths)
}

// A forced command is not to be interfered with.
func TestBreakOfForcedCommand(t *testing.T) {
	ready := make(chan struct{})
	srv := accepting(newServer(handler(func(s *server.Session) {
		s.OnBreak(func(time.Duration) { t.Error("a break") })
		close(ready)
		io.Copy(io.Discard, s)
	})), &userauth.Permissions{CriticalOptions: map[string]string{"force-command": "only this"},
		Extensions: map[string]string{"permit-pty": ""}})
	srv.AllowPty = true
	s := login(t, srv).session()
	pty := wire.PtyRequest{Term: "xterm"}
	require.NoError(t, s.ask("pty-req", pty.Append(nil)))
	s.exec("x")
	<-ready
	m := wire.Break{}
	require.Equal(t, channel.ErrRefused, s.ask("break", m.Append(nil)))
	require.NoError(t, s.CloseWrite())
	s.finish()
}

// OpenSSH PROTOCOL, section 2.2, and RFC 4254, section 6.8: what a handler has to
// say about its input, to clients that understand.
func TestFlowRequests(t *testing.T) {
	for _, test := range []struct {
		name, software string
		want           []string
	}{
		{"of ours", "", []string{"eow@openssh.com", "xon-xoff true", "xon-xoff false", "exit-status"}},
		{"OpenSSH", "OpenSSH_9.2", []string{"eow@openssh.com", "xon-xoff true", "xon-xoff false", "exit-status"}},
		{"another", "PuTTY_0.81", []string{"xon-xoff true", "xon-xoff false", "exit-status"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := newServer(handler(func(s *server.Session) {
				require.NoError(t, s.CloseRead())
				require.NoError(t, s.AllowXonXoff(true))
				require.NoError(t, s.AllowXonXoff(false))
			}))
			s := connectAs(t, srv, test.software).login().session().exec("x")
			var got []string
			for r := range s.Requests(context.Background()) {
				name := r.Type
				if m, err := wire.ParseXonXoff(r.Payload); err == nil {
					name += fmt.Sprintf(" %t", m.Allowed)
				}
				got = append(got, name)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// RFC 4254 6.10: all that an exit-signal carries.
func TestExitSignalIsComplete(t *testing.T) {
	srv := newServer(handler(func(s *server.Session) { s.ExitSignal(channel.SIGABRT, true, "Aborted") }))
	s := login(t, srv).session().exec("x")
	for r := range s.Requests(context.Background()) {
		m, err := wire.ParseExitSignal(r.Payload)
		require.NoError(t, err)
		require.Equal(t, wire.ExitSignal{Signal: "ABRT", Core: true, Message: "Aborted"}, m)
		require.False(t, r.WantReply, "RFC 4254 6.10")
	}
}
