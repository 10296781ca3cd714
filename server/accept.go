package server

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// How long to wait before accepting again after a failure that passes, at
// first and at most.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// passing are the failures of accept(2) that say nothing about the listener:
// there is no descriptor or memory just now, or a client gave up.
var passing = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR,
}

func passes(err error) bool {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return true
	}
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// accept serves connections until l fails for good.
func (s *Server) accept(l net.Listener) error {
	pause := leastPause
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = leastPause
			s.start(nc)
		case s.tracker.closing():
			return ErrServerClosed
		case !passes(err):
			return err
		default:
			s.logger().Warn("accepting again after a failure", "err", err, "pause", pause)
			time.Sleep(pause)
			pause = min(2*pause, mostPause)
		}
	}
}

// start serves a connection on a goroutine of its own, if it is admitted.
func (s *Server) start(nc net.Conn) {
	c, err := s.admit(context.Background(), nc)
	if err != nil {
		nc.Close() // then the address is there, if only that of a proxy
		s.logger().Info("connection turned away", "remote", address(nc.RemoteAddr()), "err", err)
		return
	}
	go c.serve()
}
