package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A stream is a [Path] in use. Bytes lost to a stall are counted as sent and
// fill the buffer, but never enter the queue.
//
// Nobody waits with mu locked, and the channels are all that anybody waits on,
// so that a synctest bubble can tell when everybody does.
type stream struct {
	path    Path
	reverse *stream // of the other direction; never locked together with this

	mu             sync.Mutex
	queue          queue
	sent, received int64
	stalled        bool
	end            ending
	reader, writer side
}

// An ending is what a read returns, from a certain time on, once it has
// returned everything else.
type ending struct {
	err error // nil before the end
	at  time.Time
}

// A side is one end of a stream.
type side struct {
	err      error // why calls fail, if they do
	deadline time.Time
	turn     chan struct{} // is full while a call is in progress
	wake     chan struct{} // is full if that call should look again
}

func newSide() side {
	return side{turn: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
}

func (s *side) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// wait returns after a signal, or at the time given unless it is zero.
func (s *side) wait(until time.Time) {
	if until.IsZero() {
		<-s.wake
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	}
}

// failure returns why a call fails at once, or nil.
func (s *side) failure(now time.Time) error {
	if s.err == nil && !s.deadline.IsZero() && !now.Before(s.deadline) {
		return os.ErrDeadlineExceeded
	}
	return s.err
}

// connect returns the two streams of a connection.
func connect(up, down Path) (*stream, *stream) {
	s := &stream{path: up, reader: newSide(), writer: newSide()}
	s.reverse = &stream{path: down, reverse: s, reader: newSide(), writer: newSide()}
	_, _ = s.write(nil) // a fault may be due after no bytes at all
	_, _ = s.reverse.write(nil)
	return s, s.reverse
}

func (s *stream) read(p []byte) (int, error) {
	s.reader.turn <- struct{}{}
	defer func() { <-s.reader.turn }()
	for {
		s.mu.Lock()
		n, until, err := s.take(p, time.Now())
		s.mu.Unlock()
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		s.reader.wait(until)
	}
}

// take reads what has arrived. If there is nothing it returns when to look
// again.
func (s *stream) take(p []byte, now time.Time) (n int, until time.Time, err error) {
	if err := s.reader.failure(now); err != nil || len(p) == 0 {
		return 0, until, err
	}
	until = s.queue.advance(now)
	if s.path.MaxRead > 0 {
		p = p[:min(len(p), s.path.MaxRead)]
	}
	if n = s.queue.pop(p); n > 0 {
		s.received += int64(n)
		s.writer.signal()
		return n, until, nil
	}
	if s.end.err != nil && !s.stalled && until.IsZero() {
		if !now.Before(s.end.at) {
			return 0, until, s.end.err
		}
		until = s.end.at
	}
	if d := s.reader.deadline; !d.IsZero() && (until.IsZero() || d.Before(until)) {
		until = d
	}
	return 0, until, nil
}

func (s *stream) write(p []byte) (n int, err error) {
	s.writer.turn <- struct{}{}
	defer func() { <-s.writer.turn }()
	for {
		s.mu.Lock()
		until := s.writer.deadline
		m, cut, err := s.put(p[n:], time.Now())
		s.mu.Unlock()
		if cut != 0 {
			s.reverse.sever(cut)
		}
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
		if m == 0 {
			s.writer.wait(until)
		}
	}
}

// put writes what there is room for, up to the next fault. It returns the kind
// of a fault that ends the connection here.
func (s *stream) put(p []byte, now time.Time) (n int, cut Kind, err error) {
	if err := s.writer.failure(now); err != nil {
		return 0, 0, err
	}
	kinds := []Kind{FIN, Reset, Stall}
	if s.stalled {
		kinds = kinds[:2]
	}
	fault, ok := s.path.faultFrom(s.sent, kinds...)
	n = int(min(int64(len(p)), s.path.buffer()-(s.sent-s.received)))
	if ok {
		n = int(min(int64(n), fault.At-s.sent))
	}
	s.pass(p[:n], now)
	if !ok || s.sent < fault.At {
		return n, 0, nil
	}
	if fault.Kind == Stall {
		s.stalled = true
		return n, 0, nil
	}
	s.finish(fault.Kind, now)
	return n, fault.Kind, nil
}

// pass sends p on its way.
func (s *stream) pass(p []byte, now time.Time) {
	if len(p) == 0 {
		return
	}
	if s.path.Tap != nil {
		_, _ = s.path.Tap.Write(p)
	}
	if !s.stalled {
		copied := s.queue.push(p, now, s.path.Latency)
		for _, f := range s.path.Faults {
			if i := f.At - s.sent; f.Kind == Flip && 0 <= i && i < int64(len(p)) {
				copied[i] ^= 1 << (f.Bit & 7)
			}
		}
	}
	s.sent += int64(len(p))
	s.reader.signal()
}

// finish ends the stream after what has been written.
func (s *stream) finish(kind Kind, now time.Time) {
	read, write := kind.errors()
	if s.end.err == nil || kind == Reset {
		s.end = ending{read, now.Add(s.path.Latency)}
		s.stalled = s.stalled && kind != Reset
	}
	if s.writer.err == nil {
		s.writer.err = write
	}
	s.signal()
}

// sever ends the stream because of a fault in the other direction.
func (s *stream) sever(kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.finish(kind, now)
	if kind == Reset {
		s.queue.clear()
		s.end.at = now
	}
}

// closeWriter ends the stream in good order, and lets writes fail with err. It
// fails if the connection is closed.
func (s *stream) closeWriter(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer.err == net.ErrClosed {
		return net.ErrClosed
	}
	if s.writer.err == nil || err == net.ErrClosed {
		s.writer.err = err
	}
	if s.end.err == nil {
		s.end = ending{io.EOF, time.Now().Add(s.path.Latency)}
	}
	s.signal()
	return nil
}

// closeReader drops what has not been read, and lets the writer's calls fail.
func (s *stream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reader.err = net.ErrClosed
	if s.writer.err == nil {
		s.writer.err = syscall.EPIPE
	}
	s.queue.clear()
	s.signal()
}

func (s *stream) signal() {
	s.reader.signal()
	s.writer.signal()
}

// setDeadline sets the deadline of one side, and fails if it is closed.
func (s *stream) setDeadline(end *side, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end.err == net.ErrClosed {
		return net.ErrClosed
	}
	end.deadline = t
	end.signal()
	return nil
}
