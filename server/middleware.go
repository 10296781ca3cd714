package server

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Chain returns h behind middleware: functions that make a [Handler] of another
// one. The first is the outermost, so that
//
//	server.Chain(h, server.LogSessions, server.AllowUsers("alice"))
//
// logs the sessions of those who are not allowed, too.
func Chain(h Handler, middleware ...func(Handler) Handler) Handler {
	for _, wrap := range slices.Backward(middleware) {
		h = wrap(h)
	}
	return h
}

// LogSessions is middleware that logs when a session begins and how it ended,
// by [Session.Logger]. What a client typed is in the log: its command, that is, and
// not its input.
func LogSessions(next Handler) Handler {
	return HandlerFunc(func(s *Session) {
		log := s.Logger()
		_, pty := s.Pty()
		log.Info("session began", "command", printable(s.Command()), "subsystem", printable(s.Subsystem()), "pty", pty)
		start := time.Now()
		returned := false
		defer func() {
			status, _ := s.Exited() // 0 if the handler leaves it to its return
			if !returned {
				status = failed // it panicked
			}
			log.Info("session ended", "status", status, "took", time.Since(start).Round(time.Millisecond))
		}()
		next.ServeSSH(s)
		returned = true
	})
}

// AllowUsers returns middleware that serves the users named, and refuses others,
// who have logged in all the same: it is for a [Handler] of some users among
// those of the [Server].
func AllowUsers(names ...string) func(Handler) Handler {
	return func(next Handler) Handler {
		return HandlerFunc(func(s *Session) {
			if !slices.Contains(names, s.User()) {
				refuse(s, "this is not for you")
				return
			}
			next.ServeSSH(s)
		})
	}
}

// LimitSessions returns middleware that serves at most n sessions at a time, of
// all connections together and of all Handlers that it makes, and refuses those
// beyond. [Server].MaxSessions is for those of one connection.
func LimitSessions(n int) func(Handler) Handler {
	slots := make(chan struct{}, max(n, 0))
	return func(next Handler) Handler {
		return HandlerFunc(func(s *Session) {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				next.ServeSSH(s)
			default:
				refuse(s, "too many sessions are open: try again later")
			}
		})
	}
}

// LimitTime returns middleware that ends a session after d, as if the client
// had closed it: the [Session]'s context is done and its methods fail. The
// client gets a line about it and exit status 255.
func LimitTime(d time.Duration) func(Handler) Handler {
	return func(next Handler) Handler {
		return HandlerFunc(func(s *Session) {
			defer time.AfterFunc(d, func() {
				refuse(s, fmt.Sprintf("this session has taken %v, which is the most it may", d))
				s.end()
			}).Stop()
			next.ServeSSH(s)
		})
	}
}

// LimitIdle returns middleware that ends a session, as [LimitTime] does, in which
// nothing was read or written for d. A client that does not read what there is
// for it is idle too.
func LimitIdle(d time.Duration) func(Handler) Handler {
	return func(next Handler) Handler {
		return HandlerFunc(func(s *Session) {
			idle := &idleTimer{length: d, timer: time.AfterFunc(d, func() {
				refuse(s, fmt.Sprintf("this session was idle for %v, which is the longest it may", d))
				s.end()
			})}
			s.idle.Store(idle)
			defer idle.timer.Stop()
			next.ServeSSH(s)
		})
	}
}

// An idleTimer runs while nothing is read or written.
type idleTimer struct {
	length time.Duration
	timer  *time.Timer
}

// refuse ends a session with an error for its user. It does not wait long for a
// client that does not read.
func refuse(s *Session, why string) {
	defer time.AfterFunc(courtesy, func() { s.Exit(failed) }).Stop()
	end := "\n"
	if _, pty := s.Pty(); pty {
		end = "\r\n" // the client's terminal is raw
	}
	io.WriteString(stderr{s}, why+end)
	s.Exit(failed)
}
