package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func mustWait(t *testing.T, ws *Waiters) *Waiter {
	t.Helper()
	w, err := ws.Add()
	require.NoError(t, err)
	return w
}

func TestWaitersDeliverToTheOldest(t *testing.T) {
	ws := Waiters{Limit: 2}
	first, second := mustWait(t, &ws), mustWait(t, &ws)
	payload := []byte("one")
	require.True(t, ws.Deliver(true, payload))
	clear(payload)
	require.True(t, ws.Deliver(false, nil))

	ok, got, err := first.Wait(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []byte("one"), got, "the payload of a packet is read over by the next")
	ok, got, err = second.Wait(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	require.Empty(t, got)
}

// CVE-2026-39830: an answer to nothing must not wait for the next request.
func TestWaitersUnsolicitedAnswer(t *testing.T) {
	ws := Waiters{Limit: 1}
	require.False(t, ws.Deliver(true, []byte("unsolicited")))
	w := mustWait(t, &ws)
	require.True(t, ws.Deliver(false, nil))
	ok, _, err := w.Wait(t.Context())
	require.NoError(t, err)
	require.False(t, ok, "the answer is that of the request, not the unsolicited one")
	require.False(t, ws.Deliver(true, nil))
}

func TestWaitersZeroValueDenies(t *testing.T) {
	var ws Waiters
	_, err := ws.Add()
	require.ErrorIs(t, err, ErrFull)
}

func TestWaitersGivingUpKeepsThePlace(t *testing.T) {
	ws := Waiters{Limit: 2}
	gone, stays := mustWait(t, &ws), mustWait(t, &ws)
	cause := errors.New("no patience")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, _, err := gone.Wait(ctx)
	require.ErrorIs(t, err, cause)
	_, err = ws.Add()
	require.ErrorIs(t, err, ErrFull, "an answer is still due for who gave up")

	require.True(t, ws.Deliver(true, []byte("for the one who left")))
	require.True(t, ws.Deliver(true, []byte("for the one who stayed")))
	_, payload, err := stays.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, []byte("for the one who stayed"), payload)
}

func TestWaiterPrefersAnAnswerToAnExpiredContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // select chooses at random
		ws := Waiters{Limit: 1}
		w := mustWait(t, &ws)
		ws.Deliver(true, nil)
		ok, _, err := w.Wait(ctx)
		require.NoError(t, err)
		require.True(t, ok)
	}
}

func TestWaitersAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := errors.New("connection lost")
		ws := Waiters{Limit: 3}
		var woken sync.WaitGroup
		for range 3 {
			w := mustWait(t, &ws)
			woken.Go(func() {
				_, _, err := w.Wait(context.Background())
				require.ErrorIs(t, err, lost)
			})
		}
		time.Sleep(time.Hour)
		ws.Abort(lost)
		ws.Abort(errors.New("a later reason"))
		woken.Wait()
		_, err := ws.Add()
		require.ErrorIs(t, err, lost)
		require.False(t, ws.Deliver(true, nil))
	})
}

// TestWaitersAgainstModel plays random interleavings of asking, answering and
// giving up. The n-th answer must reach the n-th request and no other.
func TestWaitersAgainstModel(t *testing.T) {
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ws := Waiters{Limit: rng.IntN(6)}
		var asked []*Waiter
		answers := 0
		for range 200 {
			switch rng.IntN(3) {
			case 0:
				w, err := ws.Add()
				require.Equal(t, len(asked)-answers >= ws.Limit, errors.Is(err, ErrFull))
				if err == nil {
					asked = append(asked, w)
				}
			case 1:
				due := answers < len(asked)
				require.Equal(t, due, ws.Deliver(answers%2 == 0, []byte(fmt.Sprint(answers))))
				if due {
					answers++
				}
			case 2:
				if answers < len(asked) {
					_, _, err := asked[answers+rng.IntN(len(asked)-answers)].Wait(expired)
					require.ErrorIs(t, err, context.Canceled)
				}
			}
			require.LessOrEqual(t, len(ws.queue), ws.Limit)
		}
		for i, w := range asked[:answers] {
			ok, payload, err := w.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, i%2 == 0, ok)
			require.Equal(t, fmt.Sprint(i), string(payload))
		}
	}
}

// A ledger as its users hold it, under their mutex, with -race watching.
func TestWaitersConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		ws := Waiters{Limit: 64}
		wire := make(chan string, 64)
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				name := fmt.Sprint(i)
				mu.Lock()
				w, err := ws.Add()
				wire <- name
				mu.Unlock()
				require.NoError(t, err)
				_, payload, err := w.Wait(context.Background())
				require.NoError(t, err)
				require.Equal(t, name, string(payload))
			})
		}
		for range 64 {
			name := <-wire
			mu.Lock()
			require.True(t, ws.Deliver(true, []byte(name)))
			mu.Unlock()
		}
		callers.Wait()
	})
}
