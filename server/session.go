package server

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/whelk-ssh/whelk/channel"
)

// A Session is a shell, command or subsystem asked for by a client (RFC 4254,
// section 6). All methods are safe for concurrent use.
//
//	client          session                         handler
//	  | env, pty-req   |                               |
//	  |--------------->| kept                          |
//	  | exec           |                               |
//	  |--------------->| SUCCESS; ServeSSH ----------->|
//	  | data, EOF      |                               |
//	  |--------------->|------------------------> Read |
//	  |           data |                               |
//	  |<---------------|<----------------- Write, Stderr
//	  | signal, window-change, break                   |
//	  |--------------->|-> OnSignal, OnResize, OnBreak |
//	  |    exit-status, EOF, CLOSE                     |
//	  |<---------------|<----------------- Exit, return|
type Session struct {
	conn *Conn
	ch   *channel.Channel

	number uint64 // among those of conn
	request
	events
	handler sync.WaitGroup // the one there is, while it runs
	unread  atomic.Bool    // the client wants no further output
	idle    atomic.Pointer[idleTimer]

	mu     sync.Mutex
	ctx    context.Context // made when asked for, as is cancel
	cancel context.CancelFunc
	ended  bool // ctx is done, should there be one
	pty    *Pty
	exited bool
	status int // it exited with
}

// A request is what the client asked for. It does not change once the handler
// runs.
type request struct {
	started   bool
	forced    bool   // the command is not the client's choice
	agent     string // type of the channels to the client's agent, or ""
	command   string
	subsystem string
	env       environment
}

// A Pty is the terminal a client has (RFC 4254, section 6.2).
type Pty struct {
	Term   string // what TERM is to be, such as "xterm"; it may be empty
	Window        // as it is now
	Modes  channel.Modes
}

// A Window is the size of a terminal. Sizes above 65535 come as that; 0 means
// unknown.
type Window struct {
	Columns, Rows int // in characters
	Width, Height int // in pixels
}

// Context returns a context that is done when the client has closed the
// session or the connection has ended, and after the handler has returned. Its
// values are those of [Server].ConnContext.
func (s *Session) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(s.conn.ctx)
		if s.ended {
			s.cancel()
		}
	}
	return s.ctx
}

// end makes the context done.
func (s *Session) end() {
	s.mu.Lock()
	s.ended = true
	cancel := s.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// Conn returns the connection that the session belongs to.
func (s *Session) Conn() *Conn { return s.conn }

// Logger returns [Conn.Logger] with the number of the session on its connection
// in "session".
func (s *Session) Logger() *slog.Logger { return s.conn.log.With("session", s.number) }

// User returns the name of the authenticated user.
func (s *Session) User() string { return s.conn.User() }

// Command returns the command line as the client sent it, or the one that the
// user's permissions force; "" is a login shell. It is for a shell to take
// apart, and it is what the client chose to send.
func (s *Session) Command() string { return s.command }

// Subsystem returns the name of the subsystem, or "" if none was asked for.
func (s *Session) Subsystem() string { return s.subsystem }

// Env returns the environment variables that the client set and
// [Server].AcceptEnv admits, each as "NAME=value", in order; then those that the
// user's key sets. If the command was forced, SSH_ORIGINAL_COMMAND is the one
// asked for. The caller owns the slice.
func (s *Session) Env() []string { return slices.Clone(s.env.variables) }

// Pty returns the client's terminal, with the size it has now, and whether the
// client asked for one.
func (s *Session) Pty() (Pty, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pty == nil {
		return Pty{}, false
	}
	p := *s.pty
	p.Modes = slices.Clone(p.Modes)
	return p, true
}

// Read reads what the client sends: standard input. It returns [io.EOF] at its
// end.
func (s *Session) Read(p []byte) (int, error) {
	n, err := s.ch.Read(p)
	s.touch(n)
	return n, err
}

// WriteTo implements [io.WriterTo]: it copies standard input to w without a
// buffer in between.
func (s *Session) WriteTo(w io.Writer) (int64, error) {
	if s.idle.Load() != nil {
		w = touching{s, w}
	}
	return s.ch.WriteTo(w)
}

// touch notes that n bytes were read or written.
func (s *Session) touch(n int) {
	if idle := s.idle.Load(); idle != nil && n > 0 && idle.timer.Stop() {
		idle.timer.Reset(idle.length)
	}
}

// A touching is a writer of what is read from a session.
type touching struct {
	s *Session
	w io.Writer
}

func (t touching) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.s.touch(n)
	return n, err
}

// Write sends p as standard output. It waits while the client does not read,
// and fails with [ErrUnread] once the client has said that it never will.
func (s *Session) Write(p []byte) (int, error) {
	if s.unread.Load() {
		return 0, ErrUnread
	}
	n, err := s.ch.Write(p)
	s.touch(n)
	return n, err
}

// Stderr returns a writer to standard error, like [Session.Write].
func (s *Session) Stderr() io.Writer { return stderr{s} }

type stderr struct{ s *Session }

func (w stderr) Write(p []byte) (int, error) {
	n, err := w.s.ch.Stderr().Write(p)
	w.s.touch(n)
	return n, err
}

// CloseWrite tells the client that there is no further output. It is only
// needed if the session goes on after that.
func (s *Session) CloseWrite() error { return s.ch.CloseWrite() }

// take takes the requests of the session as they come, one at a time, and at
// its end nil. A panic of the user's code in a callback costs the session.
func (s *Session) take(r *channel.Request) {
	if r == nil {
		s.leave()
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.fail(v)
		}
	}()
	h, ok := s.handle(r)
	r.Reply(ok)
	if h != nil {
		s.handler.Go(func() { s.run(h) })
	}
}

// leave waits for the handler of a session whose channel has closed.
func (s *Session) leave() {
	s.end()
	s.handler.Wait()
	s.ch.Close()
	s.conn.finishSession()
	s.conn.handlers.Done()
}

// run runs the handler.
func (s *Session) run(h Handler) {
	returned := false
	defer s.end()
	defer func() {
		switch v := recover(); {
		case v != nil:
			s.fail(v)
		case !returned: // runtime.Goexit
			s.Exit(failed)
		default:
			s.Exit(0)
		}
	}()
	h.ServeSSH(s)
	returned = true
}

// fail ends a session whose handler panicked.
func (s *Session) fail(v any) {
	s.conn.log.Error("panic in a session", "command", printable(s.command), "subsystem", printable(s.subsystem),
		"panic", v, "stack", string(debug.Stack()))
	s.Exit(failed)
}
