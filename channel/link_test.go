package channel

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// A tape is a Link that keeps what is sent for a test to look at.
type tape struct {
	mu    sync.Mutex
	sent  [][]byte
	err   error         // of Enqueue and Ready
	block chan struct{} // if not nil, Ready waits for it
}

func (l *tape) Ready(ctx context.Context) error {
	l.mu.Lock()
	block, err := l.block, l.err
	l.mu.Unlock()
	if err != nil || block == nil {
		return err
	}
	select {
	case <-block:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *tape) Enqueue(parts ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.sent = append(l.sent, slices.Concat(parts...))
	return nil
}

func (l *tape) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// take returns the messages sent since the last call.
func (l *tape) take() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent := l.sent
	l.sent = nil
	return sent
}

// numbers returns the message numbers sent since the last call of take.
func (l *tape) numbers() []wire.Number {
	var numbers []wire.Number
	for _, p := range l.take() {
		numbers = append(numbers, wire.Number(p[0]))
	}
	return numbers
}

// A message is any of the structs of package wire.
type message interface{ Append(b []byte) []byte }

// K17: the two sides' numbers differ, so that one taken for the other shows.
const (
	localID  = 7
	remoteID = 1007
)

// taped returns a channel on a tape, whose peer gives it the window given and
// takes 32 KiB in one message.
func taped(window uint32, p Params) (*Channel, *Inlet, *tape) {
	l := new(tape)
	c, in := New(l, "session", localEnd(p), End{remoteID, window, 32 << 10}, p)
	return c, in, l
}

func localEnd(p Params) End {
	e := End{localID, p.Window, p.MaxPacket}
	if e.Window == 0 {
		e.Window = DefaultWindow
	}
	if e.MaxPacket == 0 {
		e.MaxPacket = DefaultMaxPacket
	}
	return e
}

func deliver(t testing.TB, in *Inlet, m message) {
	t.Helper()
	require.NoError(t, in.Deliver(m.Append(nil)))
}

func deliverData(t testing.TB, in *Inlet, data string) {
	t.Helper()
	deliver(t, in, &wire.ChannelData{Recipient: localID, Data: []byte(data)})
}

func deliverEOF(t testing.TB, in *Inlet) {
	t.Helper()
	deliver(t, in, &wire.ChannelEOF{Recipient: localID})
}

func deliverClose(t testing.TB, in *Inlet) {
	t.Helper()
	deliver(t, in, &wire.ChannelClose{Recipient: localID})
}

// read returns the next data of c, which must be there.
func read(t testing.TB, c *Channel) string {
	t.Helper()
	p := make([]byte, 64)
	n, err := c.Read(p)
	require.NoError(t, err)
	return string(p[:n])
}

// A lane is a Link to another channel in the same process.
type lane struct {
	mu     sync.Mutex
	queue  [][]byte
	bytes  int
	moved  chan struct{} // closed at the next change
	closed bool
}

func newLane() *lane { return &lane{moved: make(chan struct{})} }

var errLaneClosed = errors.New("lane closed")

func (l *lane) change() {
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *lane) Ready(ctx context.Context) error {
	for {
		l.mu.Lock()
		full, closed, moved := l.bytes > 256<<10, l.closed, l.moved
		l.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case closed:
			return errLaneClosed
		case !full:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

func (l *lane) Enqueue(parts ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLaneClosed
	}
	p := slices.Concat(parts...)
	l.queue = append(l.queue, p)
	l.bytes += len(p)
	l.change()
	return nil
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.change()
}

// carry delivers messages until the lane is closed.
func (l *lane) carry(t testing.TB, in *Inlet) {
	for {
		l.mu.Lock()
		queue, closed, moved := l.queue, l.closed, l.moved
		l.queue, l.bytes = nil, 0
		if len(queue) > 0 && !closed {
			l.change()
		}
		l.mu.Unlock()
		for _, p := range queue {
			if err := in.Deliver(p); err != nil && !errors.Is(err, errLaneClosed) {
				t.Errorf("deliver: %v", err)
			}
		}
		if closed {
			return
		}
		if len(queue) == 0 {
			<-moved
		}
	}
}

// pair returns two channels connected to each other, and what ends them and
// the goroutines between them.
func pair(t testing.TB, p1, p2 Params) (c1, c2 *Channel, stop func()) {
	l1, l2 := newLane(), newLane()
	e1, e2 := localEnd(p1), localEnd(p2)
	e2.ID = remoteID
	c1, in1 := New(l1, "session", e1, e2, p1)
	c2, in2 := New(l2, "session", e2, e1, p2)
	var carriers sync.WaitGroup
	carriers.Go(func() { l1.carry(t, in2) })
	carriers.Go(func() { l2.carry(t, in1) })
	return c1, c2, func() {
		l1.close()
		l2.close()
		in1.Abort(errLaneClosed)
		in2.Abort(errLaneClosed)
		carriers.Wait()
	}
}
