package connection

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestGlobalRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := serve(t, nil)
		type answer struct {
			payload string
			err     error
		}
		answers := make(chan answer, 3)
		for _, name := range []string{"first", "second", "third"} {
			go func() {
				payload, err := m.Request(t.Context(), name, []byte("payload"))
				answers <- answer{string(payload), err}
			}()
			p.expect(&wire.GlobalRequest{Type: name, WantReply: true, Data: []byte("payload")})
		}
		p.send(&wire.RequestSuccess{Data: []byte("port")})
		require.Equal(t, answer{"port", nil}, <-answers)
		p.send(&wire.RequestFailure{})
		require.Equal(t, answer{"", ErrRefused}, <-answers)
		p.stop()
		require.ErrorIs(t, (<-answers).err, errLost)
	})
}

func TestGlobalRequestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := serve(t, nil)
		impatient := errors.New("no patience")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, impatient)
		defer cancel()
		_, err := m.Request(ctx, "slow", nil)
		require.Equal(t, impatient, err)
		p.next()
		answer := make(chan error)
		go func() {
			_, err := m.Request(t.Context(), "second", nil)
			answer <- err
		}()
		p.next()
		p.send(&wire.RequestSuccess{}) // to the one that gave up
		p.send(&wire.RequestFailure{})
		require.Equal(t, ErrRefused, <-answer)

		for range maxWaiting {
			_, err := m.Request(ctx, "x", nil)
			require.Equal(t, impatient, err)
			_, _ = m.ask("x", nil)
		}
		_, err = m.ask("x", nil)
		require.Equal(t, errUnanswered, err)
		p.stop()
	})
}

func TestGlobalNotify(t *testing.T) {
	m, p := serve(t, nil)
	require.NoError(t, m.Notify("no-more-sessions@openssh.com", []byte("payload")))
	p.expect(&wire.GlobalRequest{Type: "no-more-sessions@openssh.com", Data: []byte("payload")})
	p.stop()
}

// K2: CVE-2026-39830.
func TestUnsolicitedGlobalAnswers(t *testing.T) {
	m, p := serve(t, nil)
	for range repeat(100_000) {
		p.send(&wire.RequestSuccess{Data: []byte("unsolicited")})
		p.send(&wire.RequestFailure{})
	}
	p.sync()
	answer := make(chan error)
	go func() {
		_, err := m.Request(t.Context(), "x", nil)
		answer <- err
	}()
	p.next()
	p.send(&wire.RequestFailure{})
	require.Equal(t, ErrRefused, <-answer)
	p.stop()
}

func TestGlobalReplies(t *testing.T) {
	m, p := serve(t, &Config{Requests: 3})
	p.send(&wire.GlobalRequest{Type: "a", WantReply: true, Data: []byte("payload")})
	p.send(&wire.GlobalRequest{Type: "b", WantReply: true})
	p.send(&wire.GlobalRequest{Type: "c"})
	var requests []*Request
	for r := range m.Requests(t.Context()) {
		if requests = append(requests, r); len(requests) == 3 {
			break
		}
	}
	a, b, c := requests[0], requests[1], requests[2]
	require.Equal(t, "a payload true", a.Type+" "+string(a.Payload)+" true")
	payload := []byte("second")
	require.NoError(t, b.Reply(true, payload))
	clear(payload)
	require.NoError(t, c.Reply(true, nil))
	p.silent()
	require.NoError(t, a.Reply(true, []byte("first")))
	p.expect(&wire.RequestSuccess{Data: []byte("first")}) // RFC 4254 4: in order
	p.expect(&wire.RequestSuccess{Data: []byte("second")})
	for _, r := range requests {
		require.Equal(t, errAnswered, r.Reply(true, nil))
	}
	p.silent()
	p.stop()
}

// L7 and K1: nobody takes the requests, nobody reads the answers.
func TestGlobalRequestFlood(t *testing.T) {
	ours, theirs := newPipe()
	m := New(ours, &Config{Requests: 16})
	packet := (&wire.GlobalRequest{Type: "keepalive@openssh.com", WantReply: true}).Append(nil)
	requireFlat(t, func() {
		for range repeat(1_000_000) {
			require.NoError(t, m.dispatch(packet))
		}
	})
	require.Empty(t, theirs.queue, "the refusals wait for the answers before them")
	require.Len(t, m.requests, 16)
	packet = (&wire.GlobalRequest{Type: "x"}).Append(nil)
	require.NoError(t, m.dispatch(packet), "dropped")
	require.Len(t, m.requests, 16)
}

func TestGlobalRequestsTakenButNotAnswered(t *testing.T) {
	m, p := serve(t, &Config{Requests: 1})
	for range 3 {
		p.send(&wire.GlobalRequest{Type: "x", WantReply: true})
	}
	for r := range m.Requests(t.Context()) {
		p.send(&wire.GlobalRequest{Type: "one too many", WantReply: true})
		p.send(&wire.GlobalRequest{Type: "no answer wanted"})
		for next := range m.Requests(t.Context()) {
			require.Equal(t, "no answer wanted", next.Type)
			break
		}
		require.NoError(t, r.Reply(true, nil))
		break
	}
	p.expect(&wire.RequestSuccess{})
	for range 3 {
		p.expect(&wire.RequestFailure{})
	}
	p.stop()
}

func TestGlobalRequestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := serve(t, &Config{Requests: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range m.Requests(ctx) {
			t.Error("no request came")
		}
		var taking sync.WaitGroup
		taking.Go(func() {
			for range m.Requests(context.Background()) {
				t.Error("no request came")
			}
		})
		synctest.Wait()
		p.stop()
		taking.Wait()
	})
}
