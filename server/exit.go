package server

import (
	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// failed is the exit status of a session that could not come to an end of its
// own, as ssh(1) has it for its errors.
const failed = 255

// Exit ends the session: the client gets what was written before, the status,
// and the end of the channel, in this order (RFC 4254, sections 6.10 and 5.3).
// After it Read and Write fail. Statuses are 0 to 255 on most systems; a
// negative one, as of a process that a signal killed, becomes 255. A second
// call returns [ErrExited].
func (s *Session) Exit(status int) error {
	if status < 0 {
		status = failed
	}
	m := wire.ExitStatus{Status: uint32(status)}
	return s.exit(status, "exit-status", m.Append(nil))
}

// ExitSignal ends the session as [Session.Exit] does, with the signal that
// killed the program (RFC 4254, section 6.10). core tells whether it dumped
// core; the message is for people.
func (s *Session) ExitSignal(signal channel.Signal, core bool, message string) error {
	m := wire.ExitSignal{Signal: string(signal), Core: core, Message: message}
	return s.exit(failed, "exit-signal", m.Append(nil))
}

// Exited returns what Exit was called with, and whether it or ExitSignal was
// called. The status after ExitSignal is 255.
func (s *Session) Exited() (status int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.exited
}

// exit sends how the program ended, and closes the channel.
func (s *Session) exit(status int, name string, payload []byte) error {
	s.mu.Lock()
	again := s.exited
	if !again {
		s.exited, s.status = true, status
	}
	s.mu.Unlock()
	if again {
		return ErrExited
	}
	err := s.ch.Notify(name, payload)
	if closing := s.ch.Close(); err == nil { // EOF and CLOSE
		err = closing
	}
	return err
}
