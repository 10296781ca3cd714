package sftp

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A window bounds what a client has asked for and not been answered, in bytes
// of data that travel in either direction: 0 <= used, and used > limit only by
// the one request that always fits, and by those that end what others began.
//
// The limit follows the path: it is twice what fits onto it, which is the best
// rate of late times the shortest round trip. While the window is what limits
// the rate, so that a round trip takes no longer for more, each round doubles
// it. Once more in flight only queues somewhere, neither the best rate nor the
// shortest trip changes, and the limit stays.
type window struct {
	mu       sync.Mutex
	limit    int64
	used     int64
	requests int
	waiters  []*waiter // first come, first served

	trip  time.Duration       // the shortest from a request to its answer
	rates [lateRounds]float64 // of the rounds of late, in bytes a second
	turn  int                 // which of them is next
	held  float64             // the best rate when trip was last begun anew
	round round
}

// A round is one measurement: the time in which as much is answered as was
// under way at its start, and no less than a round trip.
type round struct {
	start    time.Time
	bytes    int64 // to be answered until its end
	answered int64
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

// lateRounds is for how long a rate is remembered.
const lateRounds = 16

// requestCost is what a request takes from the window besides its data.
const requestCost = 256

func newWindow() *window { return &window{limit: minWindow} }

// fits reports whether n more bytes fit. Callers hold w.mu.
func (w *window) fits(n int64) bool {
	return w.requests < maxRequests && (w.used+n <= w.limit || w.used == 0)
}

func (w *window) take(n int64) {
	if w.used == 0 {
		w.round = round{start: time.Now()} // the path was idle, which says nothing about it
	}
	w.used += n
	w.requests++
}

// tryAcquire takes n bytes if that needs no waiting.
func (w *window) tryAcquire(n int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiters) > 0 || !w.fits(n) {
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

// answered returns n bytes that were taken for a request, which was sent then
// and has its answer.
func (w *window) answered(n int64, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measure(n, sent)
	w.giveBack(n)
}

// release returns n bytes of a request that has no answer.
func (w *window) release(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
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
func (w *window) measure(n int64, sent time.Time) {
	now := time.Now()
	if trip := max(now.Sub(sent), time.Microsecond); w.trip == 0 || trip < w.trip {
		w.trip = trip
	}
	r := &w.round
	r.answered += n
	elapsed := now.Sub(r.start)
	if r.answered < r.bytes || elapsed < w.trip {
		return
	}
	w.rates[w.turn] = float64(r.answered) / elapsed.Seconds()
	w.turn = (w.turn + 1) % lateRounds
	w.round = round{start: now, bytes: w.used}
	w.adapt()
}

// adapt draws the conclusion of the rounds. A path that has become half as
// fast may be another one, whose round trip is not known.
func (w *window) adapt() {
	best := slices.Max(w.rates[:])
	if w.turn == 0 {
		if best < w.held/2 {
			w.trip = 0
		}
		w.held = best
	}
	w.limit = min(max(int64(2*best*w.trip.Seconds()), minWindow), maxWindow)
	if w.trip == 0 {
		w.limit = minWindow
	}
}

// allowance returns the limit as it is.
func (w *window) allowance() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit
}
