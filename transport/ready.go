package transport

import "context"

// A waiter is one caller of Ready, linked into the queue of waiters.
type waiter struct {
	wake       chan struct{} // buffered: a wake-up is never lost
	queued     bool
	prev, next *waiter
}

// waiters is a queue of callers that wait their turn to send. They are woken
// one at a time, and each wakes the next while there is room, so that a
// thousand busy channels share the connection in turns and cost no more than
// one wake-up a packet. The invariant: while there is room and somebody waits,
// one wake-up is under way.
type waiters struct {
	first, last *waiter
	free        *waiter // not in the queue: kept, as a busy sender waits often
}

func (w *waiters) empty() bool { return w.first == nil }

// take returns a waiter for a caller that begins to wait.
func (w *waiters) take() *waiter {
	x := w.free
	if x == nil {
		return &waiter{wake: make(chan struct{}, 1)}
	}
	w.free = nil
	return x
}

// keep takes back a waiter whose caller waits no more.
func (w *waiters) keep(x *waiter) { w.free = x }

func (w *waiters) push(x *waiter) {
	x.prev, x.next = w.last, nil
	if w.last == nil {
		w.first = x
	} else {
		w.last.next = x
	}
	w.last = x
}

func (w *waiters) remove(x *waiter) {
	if x.prev == nil {
		w.first = x.next
	} else {
		x.prev.next = x.next
	}
	if x.next == nil {
		w.last = x.prev
	} else {
		x.next.prev = x.prev
	}
}

// hasRoomLocked reports whether a message of the layers above may be queued.
func (o *outbound) hasRoomLocked() bool {
	return o.gate != gateShut && o.queue.size < highWater
}

// wakeLocked wakes the next waiter if there is room, or if there will never be
// any.
func (o *outbound) wakeLocked() {
	x := o.waiters.first
	if x == nil || o.err == nil && !o.hasRoomLocked() {
		return
	}
	o.waiters.remove(x)
	x.queued = false
	x.wake <- struct{}{}
}

// ready waits until no keys are being exchanged and there is room for output.
func (o *outbound) ready(ctx context.Context) error {
	o.mu.Lock()
	if o.err != nil || o.hasRoomLocked() && o.waiters.empty() {
		defer o.mu.Unlock()
		return o.err
	}
	x := o.waiters.take()
	x.queued = true
	o.waiters.push(x)
	o.mu.Unlock()

	select {
	case <-x.wake:
	case <-ctx.Done():
		if o.giveUp(x) {
			return context.Cause(ctx)
		}
		<-x.wake // it came just then: pass it on
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiters.keep(x)
	o.wakeLocked()
	if o.err != nil {
		return o.err
	}
	return context.Cause(ctx)
}

// giveUp takes x out of the queue. It reports false if x has left it already,
// because it was woken.
func (o *outbound) giveUp(x *waiter) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !x.queued {
		return false
	}
	o.waiters.remove(x)
	o.waiters.keep(x)
	return true
}
