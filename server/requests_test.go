package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

const (
	waitFor = 5 * time.Second
	tick    = time.Millisecond
)

func contextWithValue(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, key{}, "v")
}

// generous is a server that allows all there is.
func generous(h server.Handler) *server.Server {
	srv := newServer(h)
	srv.AllowPty = true
	srv.AcceptEnv = []string{"*"}
	srv.Subsystems = map[string]server.Handler{"sub": h}
	return srv
}

// payloads are well-formed requests.
func payloads() map[string][]byte {
	pty := wire.PtyRequest{Term: "vt100", Columns: 80, Rows: 24, Modes: channel.Modes{{Opcode: channel.ECHO, Value: 1}}.Append(nil)}
	env := wire.EnvRequest{Name: "LANG", Value: "C"}
	exec := wire.ExecRequest{Command: "true"}
	sub := wire.SubsystemRequest{Name: "sub"}
	change := wire.WindowChange{Columns: 1, Rows: 2}
	signal := wire.SignalRequest{Name: "TERM"}
	x11 := wire.X11Request{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "00"}
	return map[string][]byte{
		"pty-req": pty.Append(nil), "env": env.Append(nil), "exec": exec.Append(nil), "shell": nil,
		"subsystem": sub.Append(nil), "window-change": change.Append(nil), "signal": signal.Append(nil),
		"x11-req": x11.Append(nil), "auth-agent-req@openssh.com": nil, "xon-xoff": {1}, "break": {0, 0, 0, 1},
		"exit-status": {0, 0, 0, 0}, "unknown@example.com": nil, "": nil,
	}
}

// K13: each request cut off at each byte, and with a byte too many, is refused
// and hurts nobody.
func TestK13TruncatedRequests(t *testing.T) {
	var ran atomic.Int32
	p := login(t, generous(handler(func(*server.Session) { ran.Add(1) })))
	s := p.session()
	for name, whole := range payloads() {
		for n := range len(whole) {
			require.ErrorIs(t, s.ask(name, whole[:n]), channel.ErrRefused, "%s, %d bytes", name, n)
		}
		require.ErrorIs(t, s.ask(name, append(bytes.Clone(whole), 0)), channel.ErrRefused, "%s, a byte too many", name)
	}
	require.Zero(t, ran.Load())
	require.Equal(t, outcome{}, s.exec("true").finish(), "and the session is as good as before")
}

// What may be asked for when.
func TestRequestsByPhase(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after bool
	}{
		{"pty-req", true, false},
		{"env", true, false},
		{"exec", true, false}, // K15: a second start, RFC 4254 6.5
		{"shell", true, false},
		{"subsystem", true, false},
		{"window-change", false, false}, // there is no terminal
		{"signal", false, true},
		{"x11-req", false, false}, // L6
		{"auth-agent-req@openssh.com", false, false},
		{"xon-xoff", false, false},
		{"break", false, false},
		{"exit-status", false, false},
		{"unknown@example.com", false, false},
		{"", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			wait := make(chan struct{})
			defer close(wait)
			p := login(t, generous(handler(func(*server.Session) { <-wait })))
			payload := payloads()[test.name]
			require.Equal(t, test.before, p.session().ask(test.name, payload) == nil, "before the start")
			require.Equal(t, test.after, p.session().exec("x").ask(test.name, payload) == nil, "after the start")
		})
	}
}

// Design rule 8: what was not allowed is refused.
func TestZeroServerAllowsNothing(t *testing.T) {
	p := login(t, newServer(nil))
	_, err := p.mux.Open(context.Background(), "session", nil, channel.Params{})
	var refused *channel.OpenError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, channel.UnknownChannelType, refused.Reason)

	p = login(t, newServer(nothing))
	for _, name := range []string{"pty-req", "env", "subsystem", "window-change"} {
		require.ErrorIs(t, p.session().ask(name, payloads()[name]), channel.ErrRefused, name)
	}
	srv := newServer(nil)
	srv.Subsystems = map[string]server.Handler{"sub": nothing}
	p = login(t, srv)
	require.ErrorIs(t, p.session().ask("exec", payloads()["exec"]), channel.ErrRefused)
	require.ErrorIs(t, p.session().ask("shell", nil), channel.ErrRefused)
	require.NoError(t, p.session().ask("subsystem", payloads()["subsystem"]))
}

// K14: pty-req.
func TestK14Terminals(t *testing.T) {
	many := func(n int) []byte {
		var modes channel.Modes
		for range n {
			modes = append(modes, channel.Mode{Opcode: channel.ECHO, Value: 1})
		}
		return modes.Append(nil)
	}
	for _, test := range []struct {
		name    string
		request wire.PtyRequest
		ok      bool
	}{
		{"as usual", wire.PtyRequest{Term: "xterm", Columns: 80, Rows: 24, Modes: many(1)}, true},
		{"nothing known", wire.PtyRequest{}, true},
		{"sizes of 2^32-1", wire.PtyRequest{Columns: 1<<32 - 1, Rows: 1<<32 - 1, Width: 1<<32 - 1, Height: 1<<32 - 1}, true},
		{"130 modes", wire.PtyRequest{Modes: many(130)}, true},
		{"10000 modes", wire.PtyRequest{Modes: many(10000)}, false},
		{"no TTY_OP_END", wire.PtyRequest{Modes: many(1)[:5]}, true},
		{"opcode 160", wire.PtyRequest{Modes: []byte{160, 1, 2}}, true},
		{"opcode 255", wire.PtyRequest{Modes: []byte{255}}, true},
		{"a mode cut short", wire.PtyRequest{Modes: []byte{1, 0, 0}}, false},
		{"a terminal type of 10000 bytes", wire.PtyRequest{Term: strings.Repeat("x", 10000)}, false},
		{"a terminal type with a NUL", wire.PtyRequest{Term: "x\x00y"}, false},
		{"a terminal type with an escape", wire.PtyRequest{Term: "\x1b[2J"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			sizes := make(chan server.Window, 1)
			s := login(t, generous(handler(func(s *server.Session) {
				p, _ := s.Pty()
				sizes <- p.Window
			}))).session()
			require.Equal(t, test.ok, s.ask("pty-req", test.request.Append(nil)) == nil)
			s.exec("x")
			w := <-sizes
			require.LessOrEqual(t, max(w.Columns, w.Rows, w.Width, w.Height), 65535)
			require.GreaterOrEqual(t, min(w.Columns, w.Rows, w.Width, w.Height), 0)
		})
	}
}

func TestPtyTwice(t *testing.T) {
	s := login(t, generous(nothing)).session()
	require.NoError(t, s.ask("pty-req", payloads()["pty-req"]))
	require.ErrorIs(t, s.ask("pty-req", payloads()["pty-req"]), channel.ErrRefused)
}

// PROTOCOL.certkeys: permit-pty.
func TestPermitPty(t *testing.T) {
	for _, test := range []struct {
		name  string
		given *userauth.Permissions
		ok    bool
	}{
		{"without limits", nil, true},
		{"permitted", &userauth.Permissions{Extensions: map[string]string{"permit-pty": ""}}, true},
		{"not permitted", &userauth.Permissions{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := login(t, accepting(generous(nothing), test.given)).session()
			require.Equal(t, test.ok, s.ask("pty-req", payloads()["pty-req"]) == nil)
		})
	}
}

// L1: environment variables.
func TestL1Environment(t *testing.T) {
	for _, test := range []struct {
		name     string
		accept   []string
		set, got []string
	}{
		{"nothing is accepted unless named", nil, []string{"LANG=C", "LD_PRELOAD=x"}, nil},
		{"exact names", []string{"LANG", "A"}, []string{"LANG=C", "LANGUAGE=x", "A=", "B=x"}, []string{"LANG=C", "A="}},
		{"endings", []string{"LC_*"}, []string{"LC_ALL=C", "LC_=1", "LC=x", "XLC_=x"}, []string{"LC_ALL=C", "LC_=1"}},
		{"CVE-2014-2532: a * elsewhere is no wildcard", []string{"*_X"}, []string{"A_X=1", "*_X=2"}, []string{"*_X=2"}},
		{"names that are none", []string{"*"}, []string{"=x", "A\x00B=x"}, nil},
		{"values with a NUL", []string{"*"}, []string{"A=x\x00y"}, nil},
		{"a value may hold anything else", []string{"*"}, []string{"A=b=c\n\x1b"}, []string{"A=b=c\n\x1b"}},
		{"too large", []string{"*"}, []string{"A=" + strings.Repeat("x", 4096), "B=1"}, []string{"B=1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, fmt.Sprintf("%q", test.got), environmentOf(t, test.accept, test.set))
		})
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("V%d=x", i))
	}
	require.Equal(t, fmt.Sprintf("%q", many[:64]), environmentOf(t, []string{"*"}, many), "64 at most")
}

// environmentOf returns what a session sees of the variables set.
func environmentOf(t *testing.T, accept, set []string) string {
	srv := newServer(handler(func(s *server.Session) { fmt.Fprintf(s, "%q", s.Env()) }))
	srv.AcceptEnv = accept
	s := login(t, srv).session()
	for _, variable := range set {
		i := strings.IndexByte(variable, '=')
		m := wire.EnvRequest{Name: variable[:i], Value: variable[i+1:]}
		_ = s.ask("env", m.Append(nil))
	}
	return s.exec("env").finish().stdout
}

func TestCommandWithNUL(t *testing.T) {
	s := login(t, newServer(nothing)).session()
	m := wire.ExecRequest{Command: "ls\x00; rm -rf /"}
	require.ErrorIs(t, s.ask("exec", m.Append(nil)), channel.ErrRefused)
}
