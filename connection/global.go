package connection

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/whelk-ssh/whelk/internal/ledger"
	"github.com/whelk-ssh/whelk/wire"
)

// Request sends a global request (RFC 4254, section 4) and waits for the
// answer, whose payload it returns, the caller's own; a refusal is
// [ErrRefused]. If ctx is done first Request returns its cause; the answer,
// when it comes, is dropped and not taken for that to another request.
func (m *Mux) Request(ctx context.Context, name string, payload []byte) (reply []byte, err error) {
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	w, err := m.ask(name, payload)
	if err != nil {
		return nil, err
	}
	ok, reply, err := w.Wait(ctx)
	if err == nil && !ok {
		err = ErrRefused
	}
	return reply, err
}

// ask queues a request and takes the place of its answer in one step.
func (m *Mux) ask(name string, payload []byte) (*ledger.Waiter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w, err := m.waiters.Add() // fails with m.err after the end
	if errors.Is(err, ledger.ErrFull) {
		return nil, errUnanswered
	}
	if err != nil {
		return nil, err
	}
	msg := wire.GlobalRequest{Type: name, WantReply: true}
	if err := m.conn.Enqueue(msg.Append(nil), payload); err != nil {
		m.waiters.Abort(err) // or the next answer would be taken for one to this
		return nil, err
	}
	return w, nil
}

// Notify sends a global request that wants no answer. It waits for room in the
// output.
func (m *Mux) Notify(name string, payload []byte) error {
	if err := m.wait(context.Background()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	msg := wire.GlobalRequest{Type: name}
	return m.conn.Enqueue(msg.Append(nil), payload)
}

// requestSuccess handles SSH_MSG_REQUEST_SUCCESS.
func (m *Mux) requestSuccess(p []byte) error {
	msg, err := wire.ParseRequestSuccess(p)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// An answer to nothing is dropped: it hurts nobody.
	m.waiters.Deliver(true, msg.Data)
	return nil
}

// requestFailure handles SSH_MSG_REQUEST_FAILURE.
func (m *Mux) requestFailure(p []byte) error {
	if _, err := wire.ParseRequestFailure(p); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters.Deliver(false, nil)
	return nil
}

// A Request is a global request from the peer (RFC 4254, section 4). If
// WantReply is true it is to be answered with Reply, which may be done in any
// order and by any goroutine; requests whose type nobody here knows are to be
// refused.
type Request struct {
	Type      string
	Payload   []byte // the receiver's own
	WantReply bool

	m        *Mux
	slot     *ledger.Slot // nil if no answer is wanted
	answered bool         // guarded by m.mu
}

// Requests yields the peer's global requests until the connection has ended or
// ctx is done. More than one goroutine may take them; each request is yielded
// once.
func (m *Mux) Requests(ctx context.Context) iter.Seq[*Request] {
	return func(yield func(*Request) bool) {
		var ended <-chan struct{}
		if m.requests == nil { // OnRequest takes them
			ended = m.Done()
		}
		for ctx.Err() == nil {
			select {
			case r, ok := <-m.requests:
				if !ok || !yield(r) {
					return
				}
			case <-ended:
				return
			case <-ctx.Done():
			}
		}
	}
}

// globalRequest handles SSH_MSG_GLOBAL_REQUEST. A request there is no room for
// is answered with SSH_MSG_REQUEST_FAILURE, in its turn.
func (m *Mux) globalRequest(p []byte) error {
	msg, err := wire.ParseGlobalRequest(p)
	if err != nil {
		return err
	}
	r, err := m.takeRequest(&msg)
	if r != nil && m.onRequest != nil {
		m.onRequest(r)
	}
	return connFailed(err)
}

// takeRequest makes a Request of a message, and queues it if it is for
// Requests. It returns nil if there was no room.
func (m *Mux) takeRequest(msg *wire.GlobalRequest) (*Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.requests) == m.maxRequests {
		if msg.WantReply {
			return nil, m.replies.Refuse()
		}
		return nil, nil
	}
	r := &Request{Type: msg.Type, Payload: bytes.Clone(msg.Data), WantReply: msg.WantReply, m: m}
	if msg.WantReply {
		var err error
		if r.slot, err = m.replies.Add(); r.slot == nil {
			return nil, err
		}
	}
	if m.onRequest == nil {
		m.requests <- r // has room, and nobody else fills it
	}
	return r, nil
}

// Reply answers the request: SSH_MSG_REQUEST_SUCCESS with payload, or
// SSH_MSG_REQUEST_FAILURE. It never blocks: an answer that would overtake that
// to an earlier request is kept until its turn. It does not keep payload. If
// no answer is wanted, it does nothing. A second call is an error.
func (r *Request) Reply(ok bool, payload []byte) error {
	m := r.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.answered {
		return errAnswered
	}
	r.answered = true
	if m.err != nil {
		return m.err
	}
	if r.slot == nil {
		return nil
	}
	return r.slot.Answer(ok, payload)
}

// sendReply is what the ledger calls to send an answer. Callers hold m.mu.
func (m *Mux) sendReply(ok bool, payload []byte) error {
	if ok {
		msg := wire.RequestSuccess{Data: payload}
		return m.conn.Enqueue(msg.Append(nil))
	}
	msg := wire.RequestFailure{}
	return m.conn.Enqueue(msg.Append(nil))
}
