package server

import (
	"math"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// maxTerm is the length in bytes of the longest terminal type.
const maxTerm = 128

// handle decides on one request of the session's client (RFC 4254, section 6).
// ok is the answer, should one be wanted; a Handler is to be run once that has
// been given. What is malformed or unknown is refused, and so is all but
// events such as signals and window changes once the session has started.
func (s *Session) handle(r *channel.Request) (h Handler, ok bool) {
	switch r.Type {
	case "window-change":
		return nil, s.resize(r.Payload)
	case "signal":
		return nil, s.signal(r.Payload)
	case "break":
		return nil, s.takeBreak(r.Payload)
	case "eow@openssh.com": // OpenSSH PROTOCOL, section 2.2
		s.unread.Store(true)
		return nil, true
	}
	if s.started {
		// "Only one of these requests can succeed per channel" (RFC 4254,
		// section 6.5), and the others would come too late.
		return nil, false
	}
	switch r.Type {
	case "env":
		return nil, s.setenv(r.Payload)
	case "pty-req":
		return nil, s.allocate(r.Payload)
	case agentRequest, agentRequestOpenSSH:
		return nil, s.lendAgent(r.Type, r.Payload)
	case "shell":
		h = s.shell(r.Payload)
	case "exec":
		h = s.exec(r.Payload)
	case "subsystem":
		h = s.startSubsystem(r.Payload)
	}
	s.started = h != nil
	return h, s.started
}

// resize handles "window-change" (RFC 4254, section 6.7).
func (s *Session) resize(p []byte) bool {
	m, err := wire.ParseWindowChange(p)
	if err != nil {
		return false
	}
	w := Window{clamp(m.Columns), clamp(m.Rows), clamp(m.Width), clamp(m.Height)}
	s.mu.Lock()
	has := s.pty != nil
	if has {
		s.pty.Window = w
	}
	s.mu.Unlock()
	if has {
		s.resized(w)
	}
	return has
}

// clamp brings a size into the range that terminals have.
func clamp(n uint32) int { return int(min(n, math.MaxUint16)) }

// signal handles "signal" (RFC 4254, section 6.9). Who may run one command
// only may not interfere with it either.
func (s *Session) signal(p []byte) bool {
	m, err := wire.ParseSignalRequest(p)
	if err != nil || !s.started || s.forced {
		return false
	}
	s.signalled(channel.Signal(m.Name))
	return true
}

// Lengths of breaks (RFC 4335, section 3). Those above the most are cut to it,
// and those below the least become that.
const (
	leastBreak = 500 * time.Millisecond
	mostBreak  = 3 * time.Second
)

// takeBreak handles "break" (RFC 4335, section 3). Who may run one command only
// may not interfere with it.
func (s *Session) takeBreak(p []byte) bool {
	m, err := wire.ParseBreak(p)
	if _, terminal := s.Pty(); err != nil || !terminal || !s.started || s.forced {
		return false
	}
	length := time.Duration(m.Milliseconds) * time.Millisecond
	if length > 0 {
		length = min(max(length, leastBreak), mostBreak)
	}
	return s.broken(length)
}

// setenv handles "env" (RFC 4254, section 6.4).
func (s *Session) setenv(p []byte) bool {
	m, err := wire.ParseEnvRequest(p)
	return err == nil && s.env.set(s.conn.server.AcceptEnv, m.Name, m.Value)
}

// allocate handles "pty-req" (RFC 4254, section 6.2).
func (s *Session) allocate(p []byte) bool {
	m, err := wire.ParsePtyRequest(p)
	if err != nil || !s.conn.mayHavePty() {
		return false
	}
	modes, err := channel.ParseModes(m.Modes)
	if err != nil || len(m.Term) > maxTerm || printable(m.Term) != m.Term {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pty != nil {
		return false
	}
	w := Window{clamp(m.Columns), clamp(m.Rows), clamp(m.Width), clamp(m.Height)}
	s.pty = &Pty{Term: m.Term, Window: w, Modes: modes}
	return true
}

// shell handles "shell" (RFC 4254, section 6.5), whose payload is empty.
func (s *Session) shell(p []byte) Handler {
	if len(p) > 0 {
		return nil
	}
	return s.start("")
}

// exec handles "exec" (RFC 4254, section 6.5).
func (s *Session) exec(p []byte) Handler {
	m, err := wire.ParseExecRequest(p)
	// What follows a NUL would be seen here and not by the program.
	if err != nil || strings.ContainsRune(m.Command, 0) {
		return nil
	}
	return s.start(m.Command)
}

// start returns the handler of a shell or command.
func (s *Session) start(command string) Handler {
	s.setKeyEnvironment()
	s.force(command)
	return s.conn.server.Session
}

// force sets the command to the one asked for, unless the user may run but one
// (PROTOCOL.certkeys, "force-command").
func (s *Session) force(asked string) {
	if s.conn.forced == nil {
		s.command = asked
		return
	}
	s.forced, s.command = true, *s.conn.forced
	if asked != "" {
		s.env.variables = append(s.env.variables, "SSH_ORIGINAL_COMMAND="+asked)
	}
}

// startSubsystem handles "subsystem" (RFC 4254, section 6.5).
func (s *Session) startSubsystem(p []byte) Handler {
	m, err := wire.ParseSubsystemRequest(p)
	if err != nil {
		return nil
	}
	h := s.conn.server.Subsystems[m.Name]
	if h == nil {
		return nil
	}
	if s.conn.forced != nil {
		return s.start(m.Name)
	}
	s.setKeyEnvironment()
	s.subsystem = m.Name
	return h
}

// setKeyEnvironment sets the variables that the user's key sets, which the
// client's give way to.
func (s *Session) setKeyEnvironment() {
	s.env.variables = append(s.env.variables, s.conn.permissions().Environment()...)
}
