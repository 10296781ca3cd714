package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer is what one call of Emit sent.
type answer struct {
	ok      bool
	payload string
}

var refusal = answer{}

// record returns an Emit that appends to sent.
func record(sent *[]answer) func(bool, []byte) error {
	return func(ok bool, payload []byte) error {
		*sent = append(*sent, answer{ok, string(payload)})
		return nil
	}
}

func mustAdd(t *testing.T, r *Replies) *Slot {
	t.Helper()
	s, err := r.Add()
	require.NoError(t, err)
	require.NotNil(t, s)
	return s
}

func TestRepliesKeepTheOrderOfRequests(t *testing.T) {
	var sent []answer
	r := Replies{Limit: 3, Emit: record(&sent)}
	first, second, third := mustAdd(t, &r), mustAdd(t, &r), mustAdd(t, &r)

	require.NoError(t, third.Answer(true, []byte("3")))
	require.NoError(t, second.Answer(false, nil))
	require.Empty(t, sent, "RFC 4254 4: nothing may overtake the first request")
	require.NoError(t, first.Answer(true, []byte("1")))
	require.Equal(t, []answer{{true, "1"}, {false, ""}, {true, "3"}}, sent)

	require.NoError(t, mustAdd(t, &r).Answer(true, []byte("4")))
	require.Equal(t, answer{true, "4"}, sent[3], "an empty ledger holds nothing back")
}

func TestRepliesRefuseBeyondLimitInTurn(t *testing.T) {
	var sent []answer
	r := Replies{Limit: 2, Emit: record(&sent)}
	first, second := mustAdd(t, &r), mustAdd(t, &r)
	for range 3 {
		s, err := r.Add()
		require.NoError(t, err)
		require.Nil(t, s)
	}
	require.Empty(t, sent)
	require.NoError(t, first.Answer(true, nil))
	require.Equal(t, []answer{{ok: true}}, sent, "the refusals come after the second answer")
	require.NoError(t, mustAdd(t, &r).Answer(true, []byte("last")))
	require.NoError(t, second.Answer(true, nil))
	require.Equal(t, []answer{{ok: true}, {ok: true}, refusal, refusal, refusal, {true, "last"}}, sent)
}

func TestRepliesZeroValueRefuses(t *testing.T) {
	var sent []answer
	r := Replies{Emit: record(&sent)}
	s, err := r.Add()
	require.NoError(t, err)
	require.Nil(t, s)
	require.Equal(t, []answer{refusal}, sent)
}

func TestRepliesAnswerOnce(t *testing.T) {
	var sent []answer
	r := Replies{Limit: 2, Emit: record(&sent)}
	first, second := mustAdd(t, &r), mustAdd(t, &r)
	require.NoError(t, second.Answer(true, []byte("kept")))
	require.ErrorIs(t, second.Answer(false, nil), ErrAnswered, "held back is answered too")
	require.NoError(t, first.Answer(true, nil))
	require.ErrorIs(t, first.Answer(true, nil), ErrAnswered)
	require.Equal(t, []answer{{ok: true}, {true, "kept"}}, sent)
}

func TestRepliesCopyWhatTheyHoldBack(t *testing.T) {
	var sent []answer
	r := Replies{Limit: 2, Emit: record(&sent)}
	first, second := mustAdd(t, &r), mustAdd(t, &r)
	payload := []byte("before")
	require.NoError(t, second.Answer(true, payload))
	copy(payload, "after!")
	require.NoError(t, first.Answer(true, payload))
	require.Equal(t, []answer{{true, "after!"}, {true, "before"}}, sent)
}

func TestRepliesClose(t *testing.T) {
	var sent []answer
	r := Replies{Limit: 1, Emit: record(&sent)}
	s := mustAdd(t, &r)
	r.Close()
	r.Close()
	require.ErrorIs(t, s.Answer(true, nil), ErrAnswered)
	late, err := r.Add()
	require.NoError(t, err)
	require.Nil(t, late)
	require.NoError(t, r.Refuse())
	require.Empty(t, sent)
}

func TestRepliesEmitError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	r := Replies{Limit: 2, Emit: func(bool, []byte) error { calls++; return broken }}
	first, second := mustAdd(t, &r), mustAdd(t, &r)
	require.NoError(t, r.Refuse(), "it is not the turn of this answer yet")
	require.NoError(t, second.Answer(true, nil))
	require.ErrorIs(t, first.Answer(true, nil), broken)
	require.Equal(t, 1, calls, "nothing is sent after a failure")
	require.NoError(t, r.Refuse())
	require.Equal(t, 1, calls)

	r = Replies{Emit: func(bool, []byte) error { return broken }}
	_, err := r.Add()
	require.ErrorIs(t, err, broken)
}

func TestRepliesEmitErrorAmongRefusals(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	r := Replies{Limit: 1, Emit: func(bool, []byte) error {
		if calls++; calls == 3 {
			return broken
		}
		return nil
	}}
	s := mustAdd(t, &r)
	for range 1000 {
		require.NoError(t, r.Refuse())
	}
	require.ErrorIs(t, s.Answer(true, nil), broken)
	require.Equal(t, 3, calls, "a flood of refusals ends where the queue below is full")
}

// K11: a peer that asks and asks while one answer is pending costs a counter.
func TestRepliesRefusalsCostNoMemory(t *testing.T) {
	r := Replies{Limit: 1, Emit: func(bool, []byte) error { return nil }}
	mustAdd(t, &r)
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = r.Add() }))
	require.Len(t, r.slots, 1)
}

// A request as the reference model sees it: it keeps them all, for ever.
type request struct {
	slot     *Slot // nil if refused
	answered bool
	answer   answer
}

// TestRepliesAgainstModel plays random interleavings and compares what was
// sent with the longest answered prefix of all requests.
func TestRepliesAgainstModel(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var sent []answer
		r := Replies{Limit: rng.IntN(6), Emit: record(&sent)}
		var all []*request
		for step := range 200 {
			if rng.IntN(2) == 0 {
				addToModel(t, &r, &all, rng)
			} else {
				answerInModel(t, all, fmt.Sprint(step), rng)
			}
			if want := answeredPrefix(all); !slices.Equal(want, sent) {
				require.Equal(t, want, sent, "seed %d, step %d", seed, step)
			}
			require.LessOrEqual(t, len(r.slots), r.Limit)
		}
	}
}

func addToModel(t *testing.T, r *Replies, all *[]*request, rng *rand.Rand) {
	if rng.IntN(8) == 0 {
		require.NoError(t, r.Refuse())
		*all = append(*all, &request{answered: true})
		return
	}
	waiting := 0
	for _, q := range (*all)[len(answeredPrefix(*all)):] {
		if q.slot != nil {
			waiting++
		}
	}
	s, err := r.Add()
	require.NoError(t, err)
	require.Equal(t, waiting >= r.Limit, s == nil, "%d of %d wait", waiting, r.Limit)
	*all = append(*all, &request{slot: s, answered: s == nil})
}

func answerInModel(t *testing.T, all []*request, payload string, rng *rand.Rand) {
	var pending []*request
	for _, q := range all {
		if !q.answered {
			pending = append(pending, q)
		}
	}
	if len(pending) == 0 {
		return
	}
	q := pending[rng.IntN(len(pending))]
	q.answered, q.answer = true, answer{rng.IntN(2) == 0, payload}
	b := []byte(payload)
	require.NoError(t, q.slot.Answer(q.answer.ok, b))
	clear(b)
	require.ErrorIs(t, q.slot.Answer(true, nil), ErrAnswered)
}

func answeredPrefix(all []*request) []answer {
	var prefix []answer
	for _, q := range all {
		if !q.answered {
			break
		}
		prefix = append(prefix, q.answer)
	}
	return prefix
}

func BenchmarkReplies(b *testing.B) {
	r := Replies{Limit: 64, Emit: func(bool, []byte) error { return nil }}
	slots := make([]*Slot, 64)
	payload := bytes.Repeat([]byte{1}, 4)
	b.ReportAllocs()
	for b.Loop() {
		for i := range slots {
			slots[i], _ = r.Add()
		}
		for i := len(slots) - 1; i >= 0; i-- {
			_ = slots[i].Answer(true, payload)
		}
	}
}
