package transport

// maxFlush is how much is sent on the caller's goroutine. With more queued it
// is worth while to let the writer seal on another core.
const maxFlush = 8 << 10

// flush sends what is queued if that takes no waiting, and otherwise leaves it
// to the writer. It never waits, and anybody may call it who holds no lock.
func (o *outbound) flush() {
	b, ok := o.takeShort()
	if !ok {
		return
	}
	b = o.seal(b)
	n, _ := o.try(b.packets) // the writer will meet the same error
	o.flushed(b, n)
}

// takeShort makes the caller the sender if the queue is short and nobody else
// sends. A sender looks at the queue again when it is done, so nothing is left
// lying.
func (o *outbound) takeShort() (batch, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sending || o.queue.size == 0 {
		return batch{}, false
	}
	if o.try == nil || o.queue.size > maxFlush || len(o.unsent) > 0 || o.closing {
		o.kickLocked()
		return batch{}, false
	}
	return o.takeLocked(), true
}

// flushed ends the caller's time as sender. What was not written of b after n
// bytes, and what was queued in the meantime, is the writer's.
func (o *outbound) flushed(b batch, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settleLocked()
	o.sending = false
	if n < len(b.packets) {
		o.unsent = b.packets[n:]
	} else {
		b.free()
	}
	o.kickLocked()
}
