package server

import (
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/channel"
)

// maxEarly is how many signals wait for OnSignal.
const maxEarly = 16

// events are what a client tells a running session. The callbacks run on the
// goroutine that takes the session's requests, one at a time: a slow one keeps
// nobody else waiting, and requests beyond those the channel has room for are
// refused.
type events struct {
	calls    sync.Mutex // held during a callback; guards what follows
	onSignal func(channel.Signal)
	onResize func(Window)
	onBreak  func(time.Duration)
	early    []channel.Signal // came before OnSignal
}

// OnSignal arranges for f to be called for each signal that the client sends,
// in order. For signals that have come already f is called before OnSignal
// returns. Without a call to OnSignal signals do nothing. The name of a signal
// is the client's and may be anything. f is never called by two goroutines at
// once; it should not wait for long, and must not call OnSignal or OnResize.
func (s *Session) OnSignal(f func(channel.Signal)) {
	s.calls.Lock()
	defer s.calls.Unlock()
	s.onSignal = f
	for _, sig := range s.early {
		f(sig)
	}
	s.early = nil
}

// OnResize arranges for f to be called when the size of the client's terminal
// changes, and calls it once with the size there is. Without a terminal it is
// never called. The same holds for f as in [Session.OnSignal].
func (s *Session) OnResize(f func(Window)) {
	s.calls.Lock()
	defer s.calls.Unlock()
	s.onResize = f
	if p, ok := s.Pty(); ok {
		f(p.Window)
	}
}

// OnBreak arranges for f to be called when the client asks for a break of the
// given length on its terminal's line (RFC 4335); zero leaves the length to f.
// Without a call to OnBreak, or without a terminal, breaks are refused. The same
// holds for f as in [Session.OnSignal].
func (s *Session) OnBreak(f func(length time.Duration)) {
	s.calls.Lock()
	defer s.calls.Unlock()
	s.onBreak = f
}

// signalled passes a signal on.
func (s *Session) signalled(sig channel.Signal) {
	s.calls.Lock()
	defer s.calls.Unlock()
	switch {
	case s.onSignal != nil:
		s.onSignal(sig)
	case len(s.early) < maxEarly:
		s.early = append(s.early, sig)
	}
}

// resized passes a size on.
func (s *Session) resized(w Window) {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.onResize != nil {
		s.onResize(w)
	}
}

// broken passes a break on, and reports whether anybody wants it.
func (s *Session) broken(length time.Duration) bool {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.onBreak == nil {
		return false
	}
	s.onBreak(length)
	return true
}
