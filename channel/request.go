package channel

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/whelk-ssh/whelk/internal/ledger"
	"github.com/whelk-ssh/whelk/wire"
)

// Request sends a request (RFC 4254, section 5.4) and waits for the answer; a
// refusal is [ErrRefused]. If ctx is done first Request returns its cause; the
// answer, when it comes, is dropped and not taken for that to another request.
// Requests can be sent after CloseWrite.
func (c *Channel) Request(ctx context.Context, name string, payload []byte) error {
	a, err := c.Ask(ctx, name, payload)
	if err != nil {
		return err
	}
	return a.Wait(ctx)
}

// Ask is Request in two steps: it sends the request, for others to be sent
// behind it before its answer is waited for.
func (c *Channel) Ask(ctx context.Context, name string, payload []byte) (*Answer, error) {
	if err := c.link.Ready(ctx); err != nil {
		return nil, c.requestError(err)
	}
	w, err := c.ask(name, payload)
	if err != nil {
		return nil, err
	}
	return &Answer{w}, nil
}

// An Answer is the answer to a request, which may be on its way.
type Answer struct{ waiter *ledger.Waiter }

// Wait waits for the answer and returns as Request does. It may be called at
// any time, and need not be called.
func (a *Answer) Wait(ctx context.Context) error {
	ok, _, err := a.waiter.Wait(ctx)
	if err == nil && !ok {
		return ErrRefused
	}
	return err
}

// ask queues a request and takes the place of its answer in one step.
func (c *Channel) ask(name string, payload []byte) (*ledger.Waiter, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := c.waiters.Add() // fails with c.err once sending is closed
	if errors.Is(err, ledger.ErrFull) {
		return nil, errUnanswered
	}
	if err != nil {
		return nil, err
	}
	m := wire.ChannelRequest{Recipient: c.remote.ID, Type: name, WantReply: true}
	if err := c.enqueue(m.Append(nil), payload); err != nil {
		c.waiters.Abort(err) // or the next answer would be taken for one to this
		return nil, err
	}
	return w, nil
}

// Notify sends a request that wants no answer. It waits for room in the
// connection's output, until the write deadline.
func (c *Channel) Notify(name string, payload []byte) error {
	if err := c.link.Ready(&c.writeDeadline); err != nil {
		return c.requestError(timeout(err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sending == closed {
		return c.err
	}
	m := wire.ChannelRequest{Recipient: c.remote.ID, Type: name}
	return c.enqueue(m.Append(nil), payload)
}

// requestError returns why the channel closed, or err if it has not.
func (c *Channel) requestError(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sending == closed {
		return c.err
	}
	return err
}

// deliverSuccess handles SSH_MSG_CHANNEL_SUCCESS.
func (c *Channel) deliverSuccess(p []byte) error {
	if _, err := wire.ParseChannelSuccess(p); err != nil {
		return err
	}
	// An answer to nothing is dropped: it may be late, and hurts nobody.
	c.waiters.Deliver(true, nil)
	return nil
}

// deliverFailure handles SSH_MSG_CHANNEL_FAILURE.
func (c *Channel) deliverFailure(p []byte) error {
	if _, err := wire.ParseChannelFailure(p); err != nil {
		return err
	}
	c.waiters.Deliver(false, nil)
	return nil
}

// A Request is a request from the peer (RFC 4254, section 5.4). If WantReply
// is true it is to be answered with Reply, which may be done in any order and
// by any goroutine. Requests not answered when the channel closes are
// forgotten.
type Request struct {
	Type      string
	Payload   []byte // the receiver's own
	WantReply bool

	c        *Channel
	slot     *ledger.Slot // nil if no answer is wanted
	answered bool         // guarded by c.mu
}

// A requestQueue holds the requests that nobody has taken.
type requestQueue struct {
	waiting []*Request     // at most limit
	limit   int            // Params.Requests
	take    func(*Request) // Params.OnRequest
	serving bool           // a goroutine works on it, or has come to its end
	changed chan struct{}  // made for those who wait for a change; closed at the next
}

// Requests yields the peer's requests, until the channel has closed and those
// that came before are taken, or ctx is done. More than one goroutine may take
// them; each request is yielded once.
func (c *Channel) Requests(ctx context.Context) iter.Seq[*Request] {
	return func(yield func(*Request) bool) {
		for ctx.Err() == nil {
			r, changed := c.takeRequest()
			switch {
			case changed != nil:
				select {
				case <-changed:
				case <-ctx.Done():
				}
			case r == nil || !yield(r):
				return
			}
		}
	}
}

// takeRequest returns the next request. If there is none yet it returns a
// channel that is closed when that has changed; if there never will be, neither.
func (c *Channel) takeRequest() (*Request, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &c.requests
	switch {
	case len(q.waiting) > 0 && q.take == nil:
		return q.pop(), nil
	case c.sending == closed:
		return nil, nil
	case q.changed == nil:
		q.changed = make(chan struct{})
	}
	return nil, q.changed
}

func (q *requestQueue) pop() *Request {
	r := q.waiting[0]
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return r
}

// announce sees to it that somebody takes note of a request, or of the end.
// Callers hold c.mu.
func (c *Channel) announce() {
	q := &c.requests
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
	if q.take != nil && !q.serving {
		q.serving = true
		go c.serveRequests()
	}
}

// serveRequests calls OnRequest until there is nothing left to call it with.
func (c *Channel) serveRequests() {
	for r, ok := c.nextRequest(); ok; r, ok = c.nextRequest() {
		c.requests.take(r)
		if r == nil {
			return
		}
	}
}

// nextRequest returns the next request, or nil for the end. It reports whether
// there is either.
func (c *Channel) nextRequest() (r *Request, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &c.requests
	if len(q.waiting) > 0 {
		return q.pop(), true
	}
	q.serving = c.sending == closed
	return nil, q.serving
}

// deliverRequest handles SSH_MSG_CHANNEL_REQUEST. A request there is no room
// for is answered with SSH_MSG_CHANNEL_FAILURE, in its turn.
func (c *Channel) deliverRequest(p []byte) error {
	m, err := wire.ParseChannelRequest(p)
	if err != nil {
		return err
	}
	if c.sending == closed {
		return nil
	}
	if len(c.requests.waiting) >= c.requests.limit {
		if m.WantReply {
			return linkFailed(c.replies.Refuse())
		}
		return nil
	}
	r := &Request{Type: m.Type, Payload: bytes.Clone(m.Data), WantReply: m.WantReply, c: c}
	if m.WantReply {
		if r.slot, err = c.replies.Add(); r.slot == nil {
			return linkFailed(err)
		}
	}
	c.requests.waiting = append(c.requests.waiting, r)
	c.announce()
	return nil
}

// Reply answers the request: SSH_MSG_CHANNEL_SUCCESS or
// SSH_MSG_CHANNEL_FAILURE. It never blocks: an answer that would overtake that
// to an earlier request is kept until its turn. If no answer is wanted, it
// does nothing. A second call is an error.
func (r *Request) Reply(ok bool) error {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.answered {
		return errAnswered
	}
	r.answered = true
	if c.sending == closed {
		return c.err
	}
	if r.slot == nil {
		return nil
	}
	return r.slot.Answer(ok, nil)
}

// sendReply is what the ledger calls to send an answer. Callers hold c.mu.
func (c *Channel) sendReply(ok bool, _ []byte) error {
	if ok {
		m := wire.ChannelSuccess{Recipient: c.remote.ID}
		return c.enqueue(m.Append(c.scratch[:0]), nil)
	}
	m := wire.ChannelFailure{Recipient: c.remote.ID}
	return c.enqueue(m.Append(c.scratch[:0]), nil)
}
