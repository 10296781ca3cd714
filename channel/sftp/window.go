package sftp

import (
	"context"
	"sync"
	"time"
)

// A window bounds what a client has asked for and not been answered, in bytes
// of data that travel in either direction: 0 <= used, and used > limit only by
// the one request that always fits.
//
// The limit follows the path. A round is the time in which as much is answered
// as was outstanding at its start, one round trip if nothing queues. When a
// round in which somebody had to wait for the window brought clearly more bytes
// a second than the best before it, the limit doubles; after some that did not,
// more in flight would only queue somewhere, and the limit stays. From time to
// time it is tried again, since paths change.
type window struct {
	mu       sync.Mutex
	limit    int64
	used     int64
	requests int
	waiters  []*waiter // first come, first served
	round    round
	best     float64 // bytes a second
	flat     int     // rounds in sequence that brought no more
}

// A round is one measurement.
type round struct {
	start    time.Time
	bytes    int64 // to be answered until its end
	answered int64
	starved  bool // somebody waited
}

// A waiter waits for n bytes.
type waiter struct {
	n     int64
	admit chan struct{} // closed when it has them
}

// The limits of a window. The first is what OpenSSH's sftp has in flight when
// it knows nothing, the last what a gigabit a second needs over half a second.
const (
	minWindow   = 2 << 20
	maxWindow   = 64 << 20
	maxRequests = 1024 // outstanding at a time, however small
)

// How a window decides.
const (
	growthWorth = 1.15 // times the best rate, to double the limit
	flatRounds  = 3    // without growth, until it stays
	retryRounds = 64   // until growth is tried again
	staleBest   = 0.8  // of the best rate is what has to be exceeded then
)

// requestCost is what a request takes from the window besides its data.
const requestCost = 256

func newWindow() *window { return &window{limit: minWindow} }

// fits reports whether n more bytes fit. Callers hold w.mu.
func (w *window) fits(n int64) bool {
	return w.requests < maxRequests && (w.used+n <= w.limit || w.used == 0)
}

func (w *window) take(n int64) {
	if w.used == 0 {
		w.round = round{} // the path was idle, which says nothing about it
	}
	w.used += n
	w.requests++
}

// tryAcquire takes n bytes if that needs no waiting.
func (w *window) tryAcquire(n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiters) > 0 || !w.fits(n) {
		w.round.starved = true
		return false
	}
	w.take(n)
	return true
}

// force takes n bytes whether or not they fit.
func (w *window) force(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.take(n)
}

// acquire takes n bytes, waiting for them until ctx is done.
func (w *window) acquire(ctx context.Context, n int64) error {
	w.mu.Lock()
	if len(w.waiters) == 0 && w.fits(n) {
		w.take(n)
		w.mu.Unlock()
		return nil
	}
	w.round.starved = true
	me := &waiter{n: n, admit: make(chan struct{})}
	w.waiters = append(w.waiters, me)
	w.mu.Unlock()
	select {
	case <-me.admit:
		return nil
	case <-ctx.Done():
		return w.giveUp(ctx, me)
	}
}

// giveUp takes me out of the waiters, or returns what it was given meanwhile.
func (w *window) giveUp(ctx context.Context, me *waiter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiters {
		if other == me {
			w.waiters = append(w.waiters[:i], w.waiters[i+1:]...)
			w.admit()
			return context.Cause(ctx)
		}
	}
	w.giveBack(me.n)
	return context.Cause(ctx)
}

// release returns n bytes that have been answered.
func (w *window) release(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measure(n)
	w.giveBack(n)
}

func (w *window) giveBack(n int64) {
	w.used -= n
	w.requests--
	w.admit()
}

// admit lets waiters in. Callers hold w.mu.
func (w *window) admit() {
	for len(w.waiters) > 0 && w.fits(w.waiters[0].n) {
		first := w.waiters[0]
		w.waiters = w.waiters[1:]
		w.take(first.n)
		close(first.admit)
	}
}

// measure counts n bytes as answered, and ends the round with them if it is
// due. Callers hold w.mu.
func (w *window) measure(n int64) {
	r := &w.round
	if r.start.IsZero() {
		*r = round{start: time.Now(), bytes: w.used, starved: r.starved}
		return
	}
	r.answered += n
	if r.answered < r.bytes {
		return
	}
	now := time.Now()
	if elapsed := now.Sub(r.start).Seconds(); r.starved && elapsed > 0 {
		w.adapt(float64(r.answered) / elapsed)
	}
	w.round = round{start: now, bytes: w.used}
}

// adapt draws the conclusion of a round at the rate.
func (w *window) adapt(rate float64) {
	if rate < w.best*growthWorth {
		w.flat++
		if w.flat >= retryRounds {
			w.flat, w.best = 0, w.best*staleBest
		}
		return
	}
	if w.flat < flatRounds {
		w.limit = min(w.limit*2, maxWindow)
	}
	w.best, w.flat = rate, 0
}

// allowance returns the limit as it is.
func (w *window) allowance() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit
}
