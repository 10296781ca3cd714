package channel

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func deliverRequest(t testing.TB, in *Inlet, name string, wantReply bool) {
	t.Helper()
	deliver(t, in, &wire.ChannelRequest{Recipient: localID, Type: name, WantReply: wantReply, Data: []byte("payload")})
}

// take returns n of the channel's requests.
func take(t *testing.T, c *Channel, n int) []*Request {
	t.Helper()
	var taken []*Request
	for r := range c.Requests(t.Context()) {
		if taken = append(taken, r); len(taken) == n {
			break
		}
	}
	require.Len(t, taken, n)
	return taken
}

func TestNotify(t *testing.T) {
	c, _, l := taped(0, Params{})
	require.NoError(t, c.Notify("window-change", []byte("payload")))
	want := wire.ChannelRequest{Recipient: remoteID, Type: "window-change", Data: []byte("payload")}
	require.Equal(t, [][]byte{want.Append(nil)}, l.take())
}

func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		answers := make(chan error, 3)
		for _, name := range []string{"first", "second", "third"} {
			go func() { answers <- c.Request(t.Context(), name, []byte("payload")) }()
			synctest.Wait()
			want := wire.ChannelRequest{Recipient: remoteID, Type: name, WantReply: true, Data: []byte("payload")}
			require.Equal(t, [][]byte{want.Append(nil)}, l.take())
		}
		deliver(t, in, &wire.ChannelSuccess{})
		require.NoError(t, <-answers)
		deliver(t, in, &wire.ChannelFailure{})
		require.Equal(t, ErrRefused, <-answers)
		deliverClose(t, in)
		require.Equal(t, errClosedByPeer, <-answers)
	})
}

// golang/go#79763, and K2: giving up keeps the place in the order of answers.
func TestRequestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		impatient := errors.New("no patience")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, impatient)
		defer cancel()
		require.Equal(t, impatient, c.Request(ctx, "slow", nil))
		answer := make(chan error)
		go func() { answer <- c.Request(t.Context(), "second", nil) }()
		synctest.Wait()
		deliver(t, in, &wire.ChannelSuccess{}) // to the one that gave up
		deliver(t, in, &wire.ChannelFailure{})
		require.Equal(t, ErrRefused, <-answer)

		l.block = make(chan struct{})
		ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, impatient)
		defer cancel()
		require.Equal(t, impatient, c.Request(ctx, "not sent", nil))
		require.Len(t, l.take(), 2)
		deliverClose(t, in)
		require.Equal(t, errClosedByPeer, c.Request(ctx, "not sent", nil), "the better reason")
	})
}

// K2: CVE-2026-39830, and the spin that its fix brought.
func TestUnsolicitedAnswersAreDropped(t *testing.T) {
	c, in, l := taped(0, Params{})
	success, failure := (&wire.ChannelSuccess{}).Append(nil), (&wire.ChannelFailure{}).Append(nil)
	require.Zero(t, testing.AllocsPerRun(100000/slowdown, func() {
		_ = in.Deliver(success)
		_ = in.Deliver(failure)
	}))
	require.Empty(t, l.take())
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{})
		deliver(t, in, &wire.ChannelSuccess{})
		answer := make(chan error)
		go func() { answer <- c.Request(t.Context(), "x", nil) }()
		synctest.Wait() // a goroutine that spins never lets this return
		deliver(t, in, &wire.ChannelFailure{})
		require.Equal(t, ErrRefused, <-answer, "the answer is not the one that came before the question")
	})
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Request(t.Context(), "x", nil), net.ErrClosed)
}

func TestRequestsWithoutAnswerAreBounded(t *testing.T) {
	c, _, l := taped(0, Params{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range maxWaiting {
		require.Equal(t, context.Canceled, c.Request(ctx, "x", nil))
	}
	require.Equal(t, errUnanswered, c.Request(ctx, "x", nil))
	require.Len(t, l.take(), maxWaiting)
}

func TestRequestOnADeadLink(t *testing.T) {
	broken := errors.New("broken")
	c, in, l := taped(0, Params{Requests: 2})
	deliverRequest(t, in, "x", true)
	l.fail(broken)
	require.Equal(t, broken, c.Request(t.Context(), "x", nil))
	require.Equal(t, broken, c.Notify("x", nil))
	_, err := c.ask("x", nil)
	require.Equal(t, broken, err, "failed between Ready and Enqueue")
	_, err = c.ask("x", nil)
	require.Equal(t, broken, err, "no answer can be told from the next any more")
	require.Equal(t, broken, take(t, c, 1)[0].Reply(true))

	_, in, l = taped(0, Params{})
	l.fail(broken)
	require.Equal(t, broken, in.Deliver((&wire.ChannelRequest{WantReply: true}).Append(nil)), "not the peer's fault")
}

func TestReplyInTheOrderOfRequests(t *testing.T) {
	c, in, l := taped(0, Params{Requests: 4})
	for _, name := range []string{"a", "b", "c"} {
		deliverRequest(t, in, name, true)
	}
	deliverRequest(t, in, "d", false)
	requests := take(t, c, 4)
	a, b, d := requests[0], requests[1], requests[3]
	require.Equal(t, Request{Type: "a", Payload: []byte("payload"), WantReply: true}, Request{Type: a.Type, Payload: a.Payload, WantReply: a.WantReply})

	require.NoError(t, requests[2].Reply(true))
	require.NoError(t, b.Reply(false))
	require.NoError(t, d.Reply(true))
	require.Empty(t, l.take(), "RFC 4254 5.4: replies are in order")
	require.NoError(t, a.Reply(true))
	require.Equal(t, [][]byte{
		(&wire.ChannelSuccess{Recipient: remoteID}).Append(nil),
		(&wire.ChannelFailure{Recipient: remoteID}).Append(nil),
		(&wire.ChannelSuccess{Recipient: remoteID}).Append(nil),
	}, l.take(), "K17: to the peer's number")
	for _, r := range requests {
		require.Equal(t, errAnswered, r.Reply(true))
	}
	require.Empty(t, l.take())
}

func TestReplyAfterTheEnd(t *testing.T) {
	c, in, l := taped(0, Params{Requests: 2})
	deliverRequest(t, in, "answered", true)
	deliverRequest(t, in, "notified", false)
	requests := take(t, c, 2)
	deliverClose(t, in)
	l.take()
	for _, r := range requests {
		require.Equal(t, errClosedByPeer, r.Reply(true))
		require.Equal(t, errAnswered, r.Reply(true))
	}
	require.Empty(t, l.take())
}

func TestZeroParamsRefuseEveryRequest(t *testing.T) {
	c, in, l := taped(0, Params{})
	ctx, cancel := context.WithCancel(t.Context())
	var taking sync.WaitGroup
	taking.Go(func() {
		for range c.Requests(ctx) {
			t.Error("no request may come")
		}
	})
	runtime.Gosched()
	deliverRequest(t, in, "exec", true)
	deliverRequest(t, in, "exec", false)
	require.Equal(t, []wire.Number{wire.NumberChannelFailure}, l.numbers())
	cancel()
	taking.Wait()
}

// K1: CVE-2026-78662 and CVE-2026-56855. Nobody takes the requests; the
// goroutine that delivers them does not notice, and memory stays as it is.
func TestRequestFlood(t *testing.T) {
	c, in, l := taped(0, Params{Requests: 16})
	p := (&wire.ChannelRequest{Type: "flood", WantReply: true}).Append(nil)
	const flood = 1_000_000 / slowdown
	for range flood {
		require.NoError(t, in.Deliver(p))
	}
	require.Empty(t, l.take(), "the refusals wait for the answers before them")
	require.Len(t, c.requests.waiting, 16)
	for i, r := range take(t, c, 16) {
		require.NoError(t, r.Reply(true))
		if i < 15 {
			require.Equal(t, []wire.Number{wire.NumberChannelSuccess}, l.numbers())
		}
	}
	sent := l.numbers()
	require.Equal(t, wire.NumberChannelSuccess, sent[0])
	require.Len(t, sent, flood-15)
	require.False(t, slices.Contains(sent[1:], wire.NumberChannelSuccess))
	require.NoError(t, c.Close())
}

// Requests that are taken and never answered are bounded too.
func TestTakenRequestsStillCount(t *testing.T) {
	c, in, l := taped(0, Params{Requests: 2})
	deliverRequest(t, in, "a", true)
	deliverRequest(t, in, "b", true)
	requests := take(t, c, 2)
	deliverRequest(t, in, "c", true)
	require.Empty(t, c.requests.waiting)
	require.NoError(t, requests[1].Reply(true))
	require.NoError(t, requests[0].Reply(true))
	require.Equal(t, []wire.Number{wire.NumberChannelSuccess, wire.NumberChannelSuccess, wire.NumberChannelFailure}, l.numbers())
}

func TestRequestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{Requests: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range c.Requests(ctx) {
			t.Error("no request came")
		}
		deliverRequest(t, in, "x", false)
		for range c.Requests(ctx) {
			t.Error("the context is done")
		}
		names := make(chan string, 10)
		var takers sync.WaitGroup
		for range 4 {
			takers.Go(func() {
				for r := range c.Requests(t.Context()) {
					names <- r.Type
				}
			})
		}
		synctest.Wait()
		deliverRequest(t, in, "y", false)
		require.NoError(t, c.Close())
		takers.Wait()
		close(names)
		require.ElementsMatch(t, []string{"x", "y"}, slices.Collect(func(yield func(string) bool) {
			for n := range names {
				if !yield(n) {
					return
				}
			}
		}), "each is taken once")
	})
}

func TestOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		resume := make(chan struct{})
		c, in, l := taped(0, Params{Requests: 2, OnRequest: func(r *Request) {
			if r == nil {
				got = append(got, "end")
				return
			}
			got = append(got, r.Type)
			<-resume
			_ = r.Reply(true)
		}})
		deliverRequest(t, in, "a", true)
		synctest.Wait()
		deliverRequest(t, in, "b", true)
		deliverRequest(t, in, "c", true)
		require.Equal(t, []string{"a"}, got, "one at a time, while the goroutine that delivers goes on")
		close(resume)
		synctest.Wait()
		require.Equal(t, []string{"a", "b"}, got, "in order, and no more than there is room for")
		require.Equal(t, []wire.Number{wire.NumberChannelSuccess, wire.NumberChannelSuccess, wire.NumberChannelFailure}, l.numbers())
		require.False(t, c.requests.serving, "nobody waits for the next")

		deliverRequest(t, in, "d", false)
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "d", "end"}, got, "what came before the end, and the end")
		for range c.Requests(t.Context()) {
			t.Error("OnRequest takes them all")
		}
	})
}

func TestOnRequestEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*testing.T, *Channel, *Inlet)
	}{
		{"Close", func(t *testing.T, c *Channel, _ *Inlet) { require.NoError(t, c.Close()); require.NoError(t, c.Close()) }},
		{"RFC 4254 5.3: the peer's CLOSE", func(t *testing.T, c *Channel, in *Inlet) { deliverClose(t, in); require.NoError(t, c.Close()) }},
		{"the connection's end", func(t *testing.T, c *Channel, in *Inlet) { in.Abort(net.ErrClosed); in.Abort(net.ErrClosed) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends := 0
				c, in, _ := taped(0, Params{OnRequest: func(r *Request) {
					require.Nil(t, r)
					ends++
				}})
				test.end(t, c, in)
				deliverRequest(t, in, "late", false)
				synctest.Wait()
				require.Equal(t, 1, ends)
			})
		})
	}
}
