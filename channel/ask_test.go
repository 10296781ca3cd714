package channel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// Requests go out behind each other, and each gets its own answer.
func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		var answers []*Answer
		for _, name := range []string{"pty-req", "env", "shell"} {
			a, err := c.Ask(t.Context(), name, []byte("payload"))
			require.NoError(t, err)
			answers = append(answers, a)
		}
		var want [][]byte
		for _, name := range []string{"pty-req", "env", "shell"} {
			m := wire.ChannelRequest{Recipient: remoteID, Type: name, WantReply: true, Data: []byte("payload")}
			want = append(want, m.Append(nil))
		}
		require.Equal(t, want, l.take())
		deliver(t, in, &wire.ChannelFailure{})
		deliver(t, in, &wire.ChannelSuccess{})
		require.NoError(t, answers[1].Wait(t.Context()), "in whatever order they are looked at")
		require.Equal(t, ErrRefused, answers[0].Wait(t.Context()))
		require.Equal(t, ErrRefused, answers[0].Wait(t.Context()), "an answer stays")
		late := make(chan error)
		go func() { late <- answers[2].Wait(t.Context()) }()
		synctest.Wait()
		deliverClose(t, in)
		require.Equal(t, errClosedByPeer, <-late)
	})
}

// Who does not wait any more keeps the place of the answer, and may come back.
func TestAskAndGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, _ := taped(0, Params{})
		first, err := c.Ask(t.Context(), "first", nil)
		require.NoError(t, err)
		_, err = c.Ask(t.Context(), "nobody waits", nil)
		require.NoError(t, err)
		third, err := c.Ask(t.Context(), "third", nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, context.DeadlineExceeded, first.Wait(ctx))
		deliver(t, in, &wire.ChannelSuccess{})
		deliver(t, in, &wire.ChannelFailure{})
		deliver(t, in, &wire.ChannelSuccess{})
		require.NoError(t, third.Wait(t.Context()))
		require.NoError(t, first.Wait(t.Context()))
	})
}

// Ask fails as Request does.
func TestAskFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(c *Channel, in *Inlet, l *tape)
		want  error
	}{
		{"we have closed", func(c *Channel, _ *Inlet, _ *tape) { c.Close() }, net.ErrClosed},
		{"the peer has closed", func(_ *Channel, in *Inlet, _ *tape) {
			m := wire.ChannelClose{Recipient: localID}
			in.Deliver(m.Append(nil))
		}, net.ErrClosed},
		{"the connection has ended", func(_ *Channel, in *Inlet, _ *tape) { in.Abort(errors.ErrUnsupported) }, errors.ErrUnsupported},
		{"the link fails", func(_ *Channel, _ *Inlet, l *tape) { l.fail(errors.ErrUnsupported) }, errors.ErrUnsupported},
		{"too many are without an answer", func(c *Channel, in *Inlet, _ *tape) {
			for range maxWaiting {
				in.Ask("x")
			}
		}, errUnanswered},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, in, l := taped(0, Params{})
			test.spoil(c, in, l)
			_, err := c.Ask(t.Context(), "x", nil)
			require.ErrorIs(t, err, test.want)
			require.ErrorIs(t, c.Request(t.Context(), "x", nil), test.want)
			require.ErrorIs(t, in.Ask("x"), test.want)
		})
	}
}

// A question of the mux's does not wait for room, and takes its place among the
// answers to the others.
func TestInletAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, in, l := taped(0, Params{})
		l.block = make(chan struct{})
		require.NoError(t, in.Ask("keepalive@openssh.com"))
		want := wire.ChannelRequest{Recipient: remoteID, Type: "keepalive@openssh.com", WantReply: true}
		require.Equal(t, [][]byte{want.Append(nil)}, l.take())
		close(l.block)
		a, err := c.Ask(t.Context(), "x", nil)
		require.NoError(t, err)
		deliver(t, in, &wire.ChannelFailure{}) // to the question
		deliver(t, in, &wire.ChannelSuccess{})
		require.NoError(t, a.Wait(t.Context()))
	})
}

// RFC 4254, section 5.4: answers come in the order of the requests, both ways at
// once and however the two sides take their time.
func TestAnswersKeepTheirOrder(t *testing.T) {
	for round := range 200 {
		synctest.Test(t, func(t *testing.T) {
			c, in, l := taped(0, Params{Requests: 100})
			var ours []*Answer      // asked
			var theirs []*Request   // taken, not answered
			var wanted, told []bool // what the peer is to be told, and is
			var due []bool          // what we are to be told
			answered := 0
			for step := range 100 {
				switch rand.IntN(4) {
				case 0:
					a, err := c.Ask(t.Context(), fmt.Sprint(step), nil)
					require.NoError(t, err)
					ours, due = append(ours, a), append(due, rand.IntN(2) == 0)
				case 1:
					if answered < len(ours) {
						if due[answered] {
							deliver(t, in, &wire.ChannelSuccess{})
						} else {
							deliver(t, in, &wire.ChannelFailure{})
						}
						answered++
					}
				case 2:
					if len(theirs) < 8 {
						deliverRequest(t, in, fmt.Sprint(len(wanted)), true)
						theirs = append(theirs, take(t, c, 1)...)
						wanted = append(wanted, false)
					}
				case 3:
					if n := len(theirs); n > 0 {
						i := rand.IntN(n)
						var number int
						fmt.Sscan(theirs[i].Type, &number)
						wanted[number] = rand.IntN(2) == 0
						require.NoError(t, theirs[i].Reply(wanted[number]))
						theirs = append(theirs[:i], theirs[i+1:]...)
					}
				}
			}
			for _, r := range theirs {
				require.NoError(t, r.Reply(false))
			}
			for _, number := range l.numbers() {
				switch number {
				case wire.NumberChannelSuccess:
					told = append(told, true)
				case wire.NumberChannelFailure:
					told = append(told, false)
				}
			}
			require.Equal(t, wanted, told, "round %d", round)
			for i, a := range ours[:answered] {
				require.Equal(t, due[i], a.Wait(t.Context()) == nil, "round %d", round)
			}
		})
	}
}
