package server

import (
	"sync"

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
