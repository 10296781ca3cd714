package sshtest

import (
	"context"
	"slices"

	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// A Session is what became of a shell, a command or a subsystem.
type Session struct {
	User      string
	Command   string   // "" for a shell
	Subsystem string   // "" if none was asked for
	Env       []string // each "NAME=value"
	Term      string   // the type of the terminal
	Pty       bool     // there was one
	Ended     bool
	Status    int // that it ended with; 255 after a signal or a panic
}

// A Login is one attempt to log in.
type Login struct {
	User, Method string
	Err          error // nil if it succeeded
}

// Sessions returns the sessions that had a Handler, in the order they began. A
// client that has seen the end of one finds it in here.
func (s *Server) Sessions() []Session {
	s.mu.Lock()
	running := slices.Clone(s.sessions)
	s.mu.Unlock()
	var all []Session
	for _, r := range running {
		all = append(all, s.describe(r))
	}
	return all
}

// Logins returns the attempts to log in, in order. That of a client which asks
// what methods there are is one, by the name of "none".
func (s *Server) Logins() []Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logins)
}

// A session is one that has been handed to its Handler.
type session struct {
	*server.Session
	returned bool // its Handler has; guarded by Server.mu
}

func (s *Server) describe(r *session) Session {
	pty, has := r.Pty()
	d := Session{
		User: r.User(), Command: r.Command(), Subsystem: r.Subsystem(), Env: r.Env(), Term: pty.Term, Pty: has,
	}
	d.Status, d.Ended = r.Exited()
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Ended = d.Ended || r.returned
	return d
}

// record has the server's functions note what happens.
func (s *Server) record() {
	if h := s.Config.Session; h != nil {
		s.Config.Session = s.recording(h)
	}
	for name, h := range s.Config.Subsystems {
		s.Config.Subsystems[name] = s.recording(h)
	}
	report := s.Config.Auth.Report
	s.Config.Auth.Report = func(ctx context.Context, a *userauth.Attempt, err error) {
		s.mu.Lock()
		s.logins = append(s.logins, Login{User: a.User, Method: a.Method, Err: err})
		s.mu.Unlock()
		if report != nil {
			report(ctx, a, err)
		}
	}
}

// recording returns h with a record of the sessions it serves.
func (s *Server) recording(h server.Handler) server.Handler {
	return server.HandlerFunc(func(served *server.Session) {
		r := &session{Session: served}
		s.mu.Lock()
		s.sessions = append(s.sessions, r)
		s.mu.Unlock()
		h.ServeSSH(served)
		s.mu.Lock()
		r.returned = true
		s.mu.Unlock()
	})
}
