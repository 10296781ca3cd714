package connection

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// A pipe is one end of a transport that stays in memory: a Conn. It spoils
// each packet at the next ReadPacket, as reading into the same buffer would.
type pipe struct {
	peer *pipe

	mu            sync.Mutex
	queue         [][]byte // to be read here
	bytes         int
	err           error         // why nothing more comes
	moved         chan struct{} // closed at the next change
	last          []byte
	unimplemented []wire.Number
	full          int // bytes the peer may have in queue and still be Ready
}

// newPipe returns the two ends.
func newPipe() (*pipe, *pipe) {
	a := &pipe{moved: make(chan struct{}), full: 256 << 10}
	b := &pipe{moved: make(chan struct{}), full: 256 << 10, peer: a}
	a.peer = b
	return a, b
}

func (c *pipe) change() {
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *pipe) ReadPacket() ([]byte, error) {
	for {
		p, moved, err := c.poll()
		if moved == nil {
			return p, err
		}
		<-moved
	}
}

// poll returns the next packet, or else what to wait for.
func (c *pipe) poll() ([]byte, chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.last {
		c.last[i] = 0xee
	}
	if len(c.queue) == 0 && c.err == nil {
		return nil, c.moved, nil
	}
	if len(c.queue) == 0 {
		return nil, nil, c.err
	}
	p := c.queue[0]
	c.queue = c.queue[1:]
	c.bytes -= len(p)
	c.last = p
	if c.bytes <= c.full && c.bytes+len(p) > c.full {
		c.change()
	}
	return p, nil, nil
}

func (c *pipe) Ready(ctx context.Context) error {
	for {
		c.peer.mu.Lock()
		full, err, moved := c.peer.bytes > c.peer.full, c.peer.err, c.peer.moved
		c.peer.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case !full:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

func (c *pipe) Enqueue(parts ...[]byte) error {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	if c.peer.err != nil {
		return c.peer.err
	}
	p := slices.Concat(parts...)
	c.peer.queue = append(c.peer.queue, p)
	c.peer.bytes += len(p)
	c.peer.change()
	return nil
}

func (c *pipe) Unimplemented() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unimplemented = append(c.unimplemented, wire.Number(c.last[0]))
	return nil
}

// close ends both directions; what has been sent can still be read.
func (c *pipe) close(err error) {
	for _, end := range []*pipe{c, c.peer} {
		end.mu.Lock()
		if end.err == nil {
			end.err = err
		}
		end.change()
		end.mu.Unlock()
	}
}

var errLost = errors.New("connection lost")

type message interface{ Append(b []byte) []byte }

// A peer is the other end of a Mux's Conn in the hands of a test. The numbers
// it gives channels are 1000 and more (K17).
type peer struct {
	*pipe
	t      testing.TB
	m      *Mux
	served chan error
}

// serve returns a Mux that serves a peer.
func serve(t testing.TB, config *Config) (*Mux, *peer) {
	ours, theirs := newPipe()
	m := New(ours, config)
	p := &peer{theirs, t, m, make(chan error, 1)}
	go func() { p.served <- m.Serve() }()
	return m, p
}

func (p *peer) send(m message) {
	p.t.Helper()
	require.NoError(p.t, p.Enqueue(m.Append(nil)))
}

// next returns what the Mux sends next.
func (p *peer) next() []byte {
	p.t.Helper()
	packet, err := p.ReadPacket()
	require.NoError(p.t, err)
	return packet
}

// expect fails unless the Mux sends m next.
func (p *peer) expect(m message) {
	p.t.Helper()
	require.Equal(p.t, m.Append(nil), p.next())
}

// silent fails if the Mux has sent anything.
func (p *peer) silent() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(p.t, p.queue)
}

// sync returns once the Mux has handled all that was sent, by a request that
// is refused.
func (p *peer) sync() {
	p.t.Helper()
	p.send(&wire.GlobalRequest{Type: "sync", WantReply: true})
	p.expect(&wire.RequestFailure{})
}

// stop ends the connection and waits for Serve to return.
func (p *peer) stop() error {
	p.close(errLost)
	return <-p.served
}

// open has the Mux open a channel that the peer calls 1000 and more.
func (p *peer) open(params channel.Params) (*channel.Channel, uint32) {
	p.t.Helper()
	opened := make(chan *channel.Channel, 1)
	go func() {
		c, err := p.m.Open(context.Background(), "session", nil, params)
		if err != nil {
			p.t.Errorf("open: %v", err)
		}
		opened <- c
	}()
	m, err := wire.ParseChannelOpen(p.next())
	require.NoError(p.t, err)
	p.send(&wire.ChannelOpenConfirmation{Recipient: m.Sender, Sender: 1000 + m.Sender, Window: 1 << 20, MaxPacket: 1 << 15})
	return <-opened, m.Sender
}

// join returns two Muxes on one pipe, and what ends them.
func join(t testing.TB, c1, c2 *Config) (m1, m2 *Mux, stop func()) {
	p1, p2 := newPipe()
	m1, m2 = New(p1, c1), New(p2, c2)
	var serving sync.WaitGroup
	for _, m := range []*Mux{m1, m2} {
		serving.Go(func() {
			if err := m.Serve(); err != io.ErrUnexpectedEOF {
				t.Errorf("serve: %v", err)
			}
		})
	}
	return m1, m2, func() {
		p1.close(io.ErrUnexpectedEOF)
		serving.Wait()
	}
}

// connect returns the two ends of a channel from m1 to m2.
func connect(t testing.TB, m1, m2 *Mux, params channel.Params) (c1, c2 *channel.Channel) {
	accepted := make(chan *channel.Channel, 1)
	go func() {
		o, err := m2.Accept(context.Background())
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		c, err := o.Accept(params)
		if err != nil {
			t.Errorf("accept: %v", err)
		}
		accepted <- c
	}()
	c1, err := m1.Open(context.Background(), "test", nil, params)
	require.NoError(t, err)
	return c1, <-accepted
}
