package ledger

import (
	"bytes"
	"context"
	"errors"
)

// ErrFull is returned for a request when too many are without an answer.
var ErrFull = errors.New("ledger: too many requests without an answer")

// Waiters hands the peer's answers to those who wait for them, in the order in
// which they asked. The zero Waiters lets nobody wait. The caller's mutex
// guards it.
type Waiters struct {
	// Limit is how many requests may be without an answer, those included
	// whose callers have given up.
	Limit int

	queue []*Waiter
	err   error
}

// A Waiter waits for the answer to one request.
type Waiter struct {
	done    chan struct{} // closed when the fields below are final
	ok      bool
	payload []byte
	err     error
}

// Add enters a request. Send the request before the mutex is released, and
// only if Add returns no error: the error is [ErrFull], or that of Abort.
// If the request cannot be sent after all, nothing after it can be either:
// call Abort.
func (ws *Waiters) Add() (*Waiter, error) {
	if ws.err != nil {
		return nil, ws.err
	}
	if len(ws.queue) >= ws.Limit {
		return nil, ErrFull
	}
	w := &Waiter{done: make(chan struct{})}
	ws.queue = append(ws.queue, w)
	return w, nil
}

// Deliver gives an answer to the request that has waited longest. It copies
// payload. It reports false if no request is without an answer: the peer then
// answered what nobody asked, and the answer is to be discarded.
func (ws *Waiters) Deliver(ok bool, payload []byte) bool {
	if len(ws.queue) == 0 {
		return false
	}
	w := ws.queue[0]
	ws.queue[0] = nil
	ws.queue = ws.queue[1:]
	w.ok, w.payload = ok, bytes.Clone(payload)
	close(w.done)
	return true
}

// Abort ends all waiting, and each Add from then on, with err.
func (ws *Waiters) Abort(err error) {
	if ws.err == nil {
		ws.err = err
	}
	for _, w := range ws.queue {
		w.err = ws.err
		close(w.done)
	}
	ws.queue = nil
}

// Wait returns the answer. It returns the cause of ctx if that ends first: the
// Waiter then keeps its place and the answer is dropped when it comes. Wait is
// called without the mutex. The caller owns the payload.
func (w *Waiter) Wait(ctx context.Context) (ok bool, payload []byte, err error) {
	select {
	case <-w.done:
	case <-ctx.Done():
		select {
		case <-w.done: // both: an answer that is here is not thrown away
		default:
			return false, nil, context.Cause(ctx)
		}
	}
	return w.ok, w.payload, w.err
}
