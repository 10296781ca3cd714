package channel

import (
	"context"
	"sync"
	"time"
)

// A deadline is the point in time after which a Channel's reads or writes
// fail. It is a [context.Context] that lasts until then or until the channel
// closes, so that it can be given to a Link without making a context for each
// write, and that can be revived, as [net.Conn] asks for, by a later deadline.
//
// Its mutex is a leaf: nothing is called while it is held, and so a Link may
// use the context whatever locks it holds itself.
type deadline struct {
	mu     sync.Mutex
	at     time.Time // zero if none
	timer  *time.Timer
	number uint64        // of calls to set, by which a late timer knows itself
	done   chan struct{} // made when asked for; closed while over or ended
	over   bool
	ended  bool // for good
}

// set moves the deadline to t; the zero time means none. Once it passes, wake
// is called.
func (d *deadline) set(t time.Time, wake func()) {
	past := d.reset(t, wake)
	if past {
		wake()
	}
}

// reset does the work of set, and reports whether t has passed.
func (d *deadline) reset(t time.Time, wake func()) (past bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return false
	}
	d.stop()
	d.at = t
	if d.over {
		d.over, d.done = false, nil
	}
	if t.IsZero() {
		return false
	}
	left := time.Until(t)
	if left <= 0 {
		d.pass()
		return true
	}
	number := d.number
	d.timer = time.AfterFunc(left, func() {
		if d.expire(number) {
			wake()
		}
	})
	return false
}

// stop disarms the timer, be it that it has fired already.
func (d *deadline) stop() {
	d.number++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// expire marks the deadline as passed unless it was moved since the given call
// of set.
func (d *deadline) expire(number uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.number != number {
		return false
	}
	d.pass()
	return true
}

func (d *deadline) pass() {
	d.close()
	d.over = true
}

// end makes the context end for good.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop()
	d.close()
	d.ended = true
}

// close closes done, if it is not closed.
func (d *deadline) close() {
	if d.done != nil && !d.over && !d.ended {
		close(d.done)
	}
}

// passed reports whether the deadline is over.
func (d *deadline) passed() bool { return d.Err() == context.DeadlineExceeded }

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at, !d.at.IsZero()
}

// Done implements [context.Context].
func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.over || d.ended {
			close(d.done)
		}
	}
	return d.done
}

// Err implements [context.Context].
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended:
		return context.Canceled
	case d.over:
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements [context.Context].
func (d *deadline) Value(any) any { return nil }
