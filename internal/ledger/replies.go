package ledger

import (
	"bytes"
	"errors"
)

// ErrAnswered is returned for an answer to a request that has been answered,
// or whose channel or connection has ended.
var ErrAnswered = errors.New("ledger: the request has been answered or is void")

// Replies sends the answers to the peer's requests in the order in which the
// requests arrived. The zero Replies refuses every request, and needs an Emit
// to do so. The caller's mutex guards it.
type Replies struct {
	// Limit is how many requests may be without an answer sent. Those beyond
	// it are refused.
	Limit int
	// Emit sends one answer. It must not block or call the Replies. It must
	// not keep payload. An error from it closes the Replies.
	Emit func(ok bool, payload []byte) error

	slots  []*Slot // slots[0] is pending
	closed bool
}

// A Slot is the place of one request among the answers.
type Slot struct {
	replies  *Replies // nil once answered
	ok       bool
	payload  []byte
	refusals int // requests refused after this one and before the next slot
}

// Add enters a request that wants an answer, at the moment it arrives. If
// Limit requests are already waiting it refuses this one in its turn and
// returns a nil Slot: there is nothing left to do about the request. So it is
// after Close. The error is that of Emit.
func (r *Replies) Add() (*Slot, error) {
	if r.closed {
		return nil, nil
	}
	if len(r.slots) >= r.Limit {
		return nil, r.Refuse()
	}
	s := &Slot{replies: r}
	r.slots = append(r.slots, s)
	return s, nil
}

// Refuse enters a request that wants an answer and answers it with failure:
// at once if nothing is pending, and in its turn otherwise. It takes no place
// within Limit. The error is that of Emit.
func (r *Replies) Refuse() error {
	if r.closed {
		return nil
	}
	if n := len(r.slots); n > 0 {
		r.slots[n-1].refusals++
		return nil
	}
	return r.emit(false, nil)
}

// Close forgets all requests. Their answers, and requests that come after,
// lead to nothing.
func (r *Replies) Close() {
	for _, s := range r.slots {
		s.replies = nil
	}
	r.slots, r.closed = nil, true
}

// Answer answers the request, and sends every answer that waited only for this
// one. It copies payload if it cannot send it yet. It returns [ErrAnswered] if
// there has been an answer, and otherwise the error of Emit.
func (s *Slot) Answer(ok bool, payload []byte) error {
	r := s.replies
	if r == nil {
		return ErrAnswered
	}
	s.replies, s.ok, s.payload = nil, ok, payload
	if r.slots[0] != s {
		s.payload = bytes.Clone(payload)
		return nil
	}
	return r.flush()
}

// flush sends the longest answered prefix.
func (r *Replies) flush() error {
	for len(r.slots) > 0 && r.slots[0].replies == nil {
		s := r.slots[0]
		r.slots[0] = nil
		r.slots = r.slots[1:]
		if err := r.emit(s.ok, s.payload); err != nil {
			return err
		}
		for range s.refusals {
			if err := r.emit(false, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Replies) emit(ok bool, payload []byte) error {
	err := r.Emit(ok, payload)
	if err != nil {
		r.Close()
	}
	return err
}
