package connection

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
)

// A stream is one direction of a channel as the model sees it: what was
// written and what was read must hash alike, unless either end closed early.
type stream struct {
	written, read hash.Hash
	sent, got     int64
	cut           atomic.Bool // the writer or the reader gave up
}

func newStream() *stream { return &stream{written: sha256.New(), read: sha256.New()} }

// An end is one side of a channel in the random test.
type end struct {
	c       *channel.Channel
	out, in *stream
	rng     *rand.Rand
	closes  bool // without waiting for the other
}

// write sends random pieces, with a request here and there, and ends its
// direction.
func (e *end) write(t *testing.T) {
	p := make([]byte, 100_000)
	for range e.rng.IntN(30) {
		piece := p[:e.rng.IntN(len(p))>>e.rng.IntN(12)]
		for i := range piece {
			piece[i] = byte(e.rng.Uint32())
		}
		n, err := e.c.Write(piece)
		e.out.written.Write(piece[:n])
		e.out.sent += int64(n)
		if err != nil {
			require.ErrorIs(t, err, net.ErrClosed)
			e.out.cut.Store(true)
			return
		}
		if e.rng.IntN(4) == 0 {
			err := e.c.Request(context.Background(), "random", piece)
			require.True(t, err == nil || errors.Is(err, channel.ErrRefused) || errors.Is(err, net.ErrClosed), "%v", err)
		}
	}
	if e.closes {
		_ = e.c.Close()
		e.in.cut.Store(true)
		return
	}
	_ = e.c.CloseWrite()
}

// read takes what comes until the end, in one of three ways.
func (e *end) read(t *testing.T) {
	var r io.Reader = e.c
	if e.rng.IntN(2) == 0 {
		r = struct{ io.Reader }{e.c} // hides WriteTo
	}
	pause := e.rng.IntN(20) == 0
	n, err := io.Copy(writer(func(p []byte) {
		e.in.read.Write(p)
		if pause {
			time.Sleep(time.Microsecond)
		}
	}), r)
	e.in.got = n
	if err != nil {
		require.ErrorIs(t, err, net.ErrClosed)
		e.in.cut.Store(true)
	}
}

func (e *end) answer() {
	for r := range e.c.Requests(context.Background()) {
		_ = r.Reply(len(r.Payload)%2 == 0)
	}
}

type writer func([]byte)

func (f writer) Write(p []byte) (int, error) { f(p); return len(p), nil }

// A game has two Muxes to play channels between.
type game struct {
	m1, m2 *Mux
	mu     sync.Mutex // one open at a time: the ends must belong together
}

func (g *game) connect(t *testing.T, params channel.Params) (c1, c2 *channel.Channel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return connect(t, g.m1, g.m2, params)
}

// play plays both ends of a channel and compares what they saw.
func (g *game) play(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	params := channel.Params{Window: 1 << (10 + rng.IntN(12)), MaxPacket: 1 << (6 + rng.IntN(12)), Requests: rng.IntN(3)}
	c1, c2 := g.connect(t, params)
	there, back := newStream(), newStream()
	ends := []*end{
		{c: c1, out: there, in: back, rng: rng, closes: rng.IntN(4) == 0},
		{c: c2, out: back, in: there, rng: rand.New(rand.NewPCG(seed, 2))},
	}
	var playing sync.WaitGroup
	for _, e := range ends {
		reader := &end{c: e.c, in: e.in, rng: rand.New(rand.NewPCG(seed, 3))}
		var halves sync.WaitGroup
		halves.Go(func() { e.write(t) })
		playing.Go(func() { reader.read(t); halves.Wait(); _ = e.c.Close() })
		playing.Go(e.answer)
	}
	playing.Wait()
	for _, s := range []*stream{there, back} {
		require.LessOrEqual(t, s.got, s.sent)
		if s == there || !s.cut.Load() {
			// What c1 wrote before it closed arrives, as c2 never closes first.
			require.Equal(t, s.sent, s.got, "seed %d", seed)
			require.Equal(t, s.written.Sum(nil), s.read.Sum(nil), "seed %d", seed)
		}
	}
}

func TestAgainstModel(t *testing.T) {
	config := &Config{Opens: 8, Requests: 8}
	m1, m2, stop := join(t, config, config)
	g := &game{m1: m1, m2: m2}
	for round := range 4 {
		var channels sync.WaitGroup
		for lane := range 8 {
			channels.Go(func() {
				for i := range 5 {
					g.play(t, uint64(round*1000+lane*100+i))
				}
			})
		}
		channels.Wait()
	}
	stop()
	for _, m := range []*Mux{m1, m2} {
		require.ErrorIs(t, m.Err(), net.ErrClosed, fmt.Sprint(m.Err()))
	}
}
