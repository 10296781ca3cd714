package connection

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// watched returns a Mux that keeps an eye on a peer, and that ends when it is
// given up.
func watched(t *testing.T, k KeepAlive) (*Mux, *peer) {
	ours, theirs := newPipe()
	m := New(ours, nil)
	p := &peer{theirs, t, m, make(chan error, 1)}
	m.Watch(k, func() { p.close(errLost) })
	go func() { p.served <- m.Serve() }()
	return m, p
}

var question = &wire.GlobalRequest{Type: "keepalive@openssh.com", WantReply: true}

func TestKeepAlivePatience(t *testing.T) {
	for _, test := range []struct {
		name string
		k    KeepAlive
		want time.Duration
	}{
		{"the zero KeepAlive has no limit", KeepAlive{}, 0},
		{"a count of three", KeepAlive{Interval: 15 * time.Second}, 45 * time.Second},
		{"its own count", KeepAlive{Interval: time.Second, Count: 7}, 7 * time.Second},
		{"time to answer", KeepAlive{Interval: time.Second, Count: 1}, 2 * time.Second},
		{"without limit", KeepAlive{Interval: time.Second, Count: -1}, 0},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, test.k.Patience()) })
	}
}

// O4: a peer that says nothing is asked, and given up within what the count
// allows; whoever waits for it learns.
func TestDeadPeer(t *testing.T) {
	for _, test := range []struct {
		name      string
		count     int
		questions int
		after     time.Duration
	}{
		{"default", 0, 2, 30 * time.Second},
		{"5", 5, 4, 50 * time.Second},
		{"1", 1, 1, 20 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				m, p := watched(t, KeepAlive{Interval: 10 * time.Second, Count: test.count})
				waiting := make(chan error)
				go func() {
					_, err := m.Request(t.Context(), "x", nil)
					waiting <- err
				}()
				p.expect(&wire.GlobalRequest{Type: "x", WantReply: true})
				for n := range test.questions {
					p.expect(question)
					require.Equal(t, time.Duration(n+1)*10*time.Second, time.Since(began))
				}
				require.ErrorIs(t, <-waiting, errLost)
				require.Equal(t, test.after, time.Since(began))
				require.Equal(t, errLost, <-p.served)
			})
		})
	}
}

// Any packet is a sign of life, and the silence is counted from it.
func TestKeepAliveCountsFromTheLastPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := watched(t, KeepAlive{Interval: 10 * time.Second})
		for range 20 {
			time.Sleep(9 * time.Second)
			p.send(&wire.GlobalRequest{Type: "x"})
		}
		synctest.Wait()
		p.silent() // nobody needs to be asked who talks
		last := time.Now()
		p.expect(question)
		require.Equal(t, 10*time.Second, time.Since(last))
		p.expect(question)
		p.send(&wire.RequestFailure{})
		last = time.Now()
		p.expect(question)
		require.Equal(t, 10*time.Second, time.Since(last), "the answer counts too")
		require.Equal(t, errLost, <-p.served)
		require.Equal(t, 30*time.Second, time.Since(last))
	})
}

// With a negative count the peer is asked for ever.
func TestKeepAliveWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := watched(t, KeepAlive{Interval: time.Minute, Count: -1})
		began := time.Now()
		for range 100 {
			p.expect(question)
		}
		require.Equal(t, 100*time.Minute, time.Since(began))
		require.Equal(t, errLost, p.stop())
	})
}

// The zero KeepAlive asks nothing.
func TestKeepAliveOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := watched(t, KeepAlive{Count: 3})
		time.Sleep(24 * time.Hour)
		p.silent()
		p.stop()
	})
}

// After the end nothing rings any more.
func TestKeepAliveEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := newPipe()
		m := New(ours, nil)
		p := &peer{theirs, t, m, make(chan error, 1)}
		m.Watch(KeepAlive{Interval: time.Second}, func() { t.Error("given up after the end") })
		go func() { p.served <- m.Serve() }()
		p.stop()
		m.watch.ring() // one that was under way
		time.Sleep(time.Minute)
	})
}

// A question may be a request of a channel, where there is one.
func TestKeepAliveByChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := watched(t, KeepAlive{Interval: time.Second, ByChannel: true})
		p.expect(question)
		p.send(&wire.RequestFailure{})
		c, id := p.open(channel.Params{})
		p.expect(&wire.ChannelRequest{Recipient: 1000 + id, Type: "keepalive@openssh.com", WantReply: true})
		p.send(&wire.ChannelFailure{Recipient: id})
		p.expect(&wire.ChannelRequest{Recipient: 1000 + id, Type: "keepalive@openssh.com", WantReply: true})
		require.NoError(t, c.Close())
		p.next() // EOF
		p.next() // CLOSE
		p.send(&wire.ChannelClose{Recipient: id})
		p.expect(question)
		p.stop()
	})
}

// A hearingPipe has heard something until a certain time.
type hearingPipe struct {
	*pipe
	until time.Time
}

func (c *hearingPipe) Heard() time.Time {
	if now := time.Now(); now.Before(c.until) {
		return now
	}
	return c.until
}

// Messages that the Conn keeps to itself are signs of life.
func TestKeepAliveHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := newPipe()
		m := New(&hearingPipe{ours, time.Now().Add(4500 * time.Millisecond)}, nil)
		p := &peer{theirs, t, m, make(chan error, 1)}
		m.Watch(KeepAlive{Interval: time.Second}, func() { p.close(errLost) })
		go func() { p.served <- m.Serve() }()
		began := time.Now()
		p.expect(question)
		require.Equal(t, 5500*time.Millisecond, time.Since(began))
		require.Equal(t, errLost, <-p.served)
		require.Equal(t, 7500*time.Millisecond, time.Since(began))
	})
}

// F12: a program that was stopped for long does not blame its peer for it.
func TestKeepAliveAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := watched(t, KeepAlive{Interval: time.Second})
		m.watch.timer.Stop()
		m.watch.asked = 2
		time.Sleep(10 * time.Minute)
		m.watch.ring()
		p.expect(question)
		p.expect(question)
		require.Equal(t, errLost, <-p.served)
	})
}
