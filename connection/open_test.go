package connection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

func TestOpen(t *testing.T) {
	m, p := serve(t, nil)
	defer p.stop()
	opened := make(chan *channel.Channel)
	go func() {
		c, err := m.Open(t.Context(), "direct-tcpip", []byte("extra"), channel.Params{Window: 100, MaxPacket: 10})
		if err != nil {
			t.Errorf("open: %v", err)
		}
		opened <- c
	}()
	p.expect(&wire.ChannelOpen{Type: "direct-tcpip", Window: 100, MaxPacket: 10, Extra: []byte("extra")})
	p.send(&wire.ChannelOpenConfirmation{Sender: 1000, Window: 3, MaxPacket: 2, Extra: []byte("ignored")})
	p.send(&wire.ChannelData{Data: []byte("at once")})
	c := <-opened
	require.Equal(t, "direct-tcpip", c.Type())
	require.Equal(t, channel.Addr{Type: "direct-tcpip", ID: 1000}, c.RemoteAddr())
	text := make([]byte, 7)
	_, err := io.ReadFull(c, text)
	require.NoError(t, err)
	require.Equal(t, "at once", string(text))
	_, err = c.Write([]byte("abc"))
	require.NoError(t, err)
	p.expect(&wire.ChannelData{Recipient: 1000, Data: []byte("ab")}) // K17
	p.expect(&wire.ChannelData{Recipient: 1000, Data: []byte("c")})
}

func TestOpenRefused(t *testing.T) {
	m, p := serve(t, nil)
	defer p.stop()
	opening := make(chan error)
	go func() {
		_, err := m.Open(t.Context(), "x", nil, channel.Params{})
		opening <- err
	}()
	p.next()
	p.send(&wire.ChannelOpenFailure{Reason: 2, Message: "no\nroute", Language: "en"})
	var refused *channel.OpenError
	require.ErrorAs(t, <-opening, &refused)
	require.Equal(t, channel.OpenError{Reason: channel.ConnectFailed, Message: "no\nroute"}, *refused)
	require.Zero(t, m.used())
}

// A number stays taken until the peer has answered, whoever still waits.
func TestOpenGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := serve(t, nil)
		impatient := errors.New("no patience")
		giveUp := func() uint32 {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, impatient)
			defer cancel()
			_, err := m.Open(ctx, "x", nil, channel.Params{})
			require.Equal(t, impatient, err)
			msg, err := wire.ParseChannelOpen(p.next())
			require.NoError(t, err)
			return msg.Sender
		}
		first, second := giveUp(), giveUp()
		require.NotEqual(t, first, second)
		require.Equal(t, 2, m.used())

		p.send(&wire.ChannelOpenFailure{Recipient: first})
		p.sync()
		require.Equal(t, 1, m.used())

		p.send(&wire.ChannelOpenConfirmation{Recipient: second, Sender: 1000, MaxPacket: 1})
		p.send(&wire.ChannelData{Recipient: second, Data: []byte("late too")})
		p.expect(&wire.ChannelEOF{Recipient: 1000})
		p.expect(&wire.ChannelClose{Recipient: 1000})
		p.send(&wire.ChannelClose{Recipient: second})
		p.sync()
		require.Zero(t, m.used())
		require.Equal(t, newBudget(defaultChannels).left, m.windows.remaining())

		p.mu.Lock()
		p.full = -1
		p.mu.Unlock()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, impatient)
		defer cancel()
		_, err := m.Open(ctx, "x", nil, channel.Params{})
		require.Equal(t, impatient, err, "waiting for room in the output")
		p.silent()
		require.Zero(t, m.used())
		p.stop()
	})
}

func TestOpenPrefersTheAnswer(t *testing.T) {
	ours, _ := newPipe()
	m := New(ours, nil)
	o, err := m.sendOpen("x", nil, channel.Params{})
	require.NoError(t, err)
	require.NoError(t, m.dispatch((&wire.ChannelOpenConfirmation{MaxPacket: 1}).Append(nil)))
	require.False(t, m.abandon(o), "the channel is there: it must not be lost")
}

func TestOpenOnADeadOutput(t *testing.T) {
	ours, theirs := newPipe()
	m := New(ours, nil)
	theirs.err = errLost
	_, err := m.Open(t.Context(), "x", nil, channel.Params{})
	require.Equal(t, errLost, err)
	_, err = m.sendOpen("x", nil, channel.Params{})
	require.Equal(t, errLost, err)
	require.Zero(t, m.table.used())
	require.Equal(t, newBudget(defaultChannels).left, m.windows.remaining())
	_, err = m.ask("x", nil)
	require.Equal(t, errLost, err)

	theirs.err = nil
	m = New(ours, &Config{Opens: 1})
	require.NoError(t, m.dispatch((&wire.ChannelOpen{MaxPacket: 1}).Append(nil)))
	o, err := m.Accept(t.Context())
	require.NoError(t, err)
	theirs.err = errLost
	_, err = o.Accept(channel.Params{})
	require.Equal(t, errLost, err)
	require.Zero(t, m.used())
}

func TestAccept(t *testing.T) {
	m, p := serve(t, &Config{Opens: 2})
	defer p.stop()
	p.send(&wire.ChannelOpen{Type: "session", Sender: 1000, Window: 5, MaxPacket: 5, Extra: []byte("extra")})
	o, err := m.Accept(t.Context())
	require.NoError(t, err)
	p.sync() // the packet is gone by now
	require.Equal(t, "session", o.Type)
	require.Equal(t, "extra", string(o.Extra))
	c, err := o.Accept(channel.Params{Window: 7, MaxPacket: 6})
	require.NoError(t, err)
	p.expect(&wire.ChannelOpenConfirmation{Recipient: 1000, Sender: 0, Window: 7, MaxPacket: 6})
	require.Equal(t, channel.Addr{Type: "session", ID: 0}, c.LocalAddr())
	_, err = o.Accept(channel.Params{})
	require.Equal(t, errAnswered, err)
	require.Equal(t, errAnswered, o.Reject(channel.ConnectFailed, ""))

	p.send(&wire.ChannelOpen{Type: "y", Sender: 1001, MaxPacket: 5})
	o, err = m.Accept(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.Reject(channel.UnknownChannelType, "no y here"))
	p.expect(&wire.ChannelOpenFailure{Recipient: 1001, Reason: 3, Message: "no y here"})
	require.Equal(t, errAnswered, o.Reject(channel.ConnectFailed, ""))
	require.Equal(t, 1, m.used())

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errLost)
	_, err = m.Accept(ctx)
	require.Equal(t, errLost, err)
}

// K9, K11: what is refused, and with which reason.
func TestOpensRefused(t *testing.T) {
	m, p := serve(t, &Config{Opens: 2, Channels: 3})
	defer p.stop()
	open := func(id, maxPacket uint32) { p.send(&wire.ChannelOpen{Sender: id, Window: 1, MaxPacket: maxPacket}) }
	open(1000, 0)
	p.expect(&wire.ChannelOpenFailure{Recipient: 1000, Reason: 2, Message: "maximum packet size is zero"})
	open(1001, 1)
	open(1002, 1<<32-1)
	open(1003, 1)
	p.expect(&wire.ChannelOpenFailure{Recipient: 1003, Reason: 4, Message: "too many channels wait to be opened"})
	for range 2 {
		o, err := m.Accept(t.Context())
		require.NoError(t, err)
		_, err = o.Accept(channel.Params{})
		require.NoError(t, err)
		p.next()
	}
	open(1004, 1)
	open(1005, 1)
	p.expect(&wire.ChannelOpenFailure{Recipient: 1005, Reason: 4, Message: "too many channels"})
	_, err := m.Open(t.Context(), "x", nil, channel.Params{})
	require.ErrorContains(t, err, "all 3 channels are in use")
	p.silent()
	o, err := m.Accept(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.Reject(channel.ResourceShortage, ""))
	p.expect(&wire.ChannelOpenFailure{Recipient: 1004, Reason: 4})
	c, _ := p.open(channel.Params{})
	require.NotNil(t, c, "there is room again")
}

// heap returns the bytes in use.
func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// requireFlat fails if f makes the heap grow by more than 1 MiB.
func requireFlat(t *testing.T, f func()) {
	t.Helper()
	before := heap()
	f()
	require.Less(t, heap(), before+1<<20)
}

// repeat scales a large number of rounds down for the race detector.
func repeat(n int) int {
	if raceEnabled {
		return n / 20
	}
	return n
}

// K3: CVE-2026-39827, golang/go#35127: a rejected channel leaves nothing.
func TestRejectedOpensLeaveNothing(t *testing.T) {
	ours, theirs := newPipe()
	m := New(ours, &Config{Opens: 1})
	packet := (&wire.ChannelOpen{Type: "session", Sender: 1000, MaxPacket: 1, Extra: make([]byte, 100)}).Append(nil)
	requireFlat(t, func() {
		for range repeat(1_000_000) {
			require.NoError(t, m.dispatch(packet))
			o, err := m.Accept(t.Context())
			require.NoError(t, err)
			require.NoError(t, o.Reject(channel.AdministrativelyProhibited, "no"))
			theirs.queue, theirs.bytes = theirs.queue[:0], 0
		}
	})
	require.Zero(t, m.used())
}

func TestChurnLeavesNothing(t *testing.T) {
	config := &Config{Opens: 4, Requests: 4}
	m1, m2, stop := join(t, config, config)
	defer stop()
	go func() {
		for {
			o, err := m2.Accept(context.Background())
			if err != nil {
				return
			}
			c, err := o.Accept(channel.Params{Requests: 4})
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Notify("exit-status", []byte{0, 0, 0, 0})
				_ = c.Close()
			}()
		}
	}()
	round := func() {
		c, err := m1.Open(t.Context(), "session", nil, channel.Params{Requests: 4})
		require.NoError(t, err)
		_, err = c.Write([]byte("hello"))
		require.NoError(t, err)
		require.NoError(t, c.CloseWrite())
		text, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "hello", string(text))
		<-c.Done()
		exits := 0
		for range c.Requests(t.Context()) {
			exits++
		}
		require.Equal(t, 1, exits)
		require.NoError(t, c.Close())
	}
	for range 100 {
		round()
	}
	requireFlat(t, func() {
		for range repeat(100_000) {
			round()
		}
	})
	for _, m := range []*Mux{m1, m2} {
		m.mu.Lock()
		require.LessOrEqual(t, len(m.table.slots), 4, "numbers are used again")
		m.mu.Unlock()
	}
}

// K4: a peer that never answers our CLOSE gets a small tombstone, and no more
// of them than channels.
func TestTombstonesAreSmall(t *testing.T) {
	ours, theirs := newPipe()
	m := New(ours, &Config{Channels: 1000})
	before := heap()
	for i := range uint32(1000) {
		o, err := m.sendOpen("session", nil, channel.Params{Requests: 16})
		require.NoError(t, err)
		require.NoError(t, m.dispatch((&wire.ChannelOpenConfirmation{Recipient: i, MaxPacket: 1}).Append(nil)))
		for range 20 {
			require.NoError(t, m.dispatch((&wire.ChannelData{Recipient: i, Data: make([]byte, 1024)}).Append(nil)))
		}
		require.NoError(t, o.opened.Close())
		theirs.queue, theirs.bytes = nil, 0
	}
	require.Less(t, heap(), before+1000*4096)
	_, err := m.sendOpen("session", nil, channel.Params{})
	require.ErrorContains(t, err, "all 1000 channels are in use")
}

// K11: the windows of all channels together stay within 64 MiB.
func TestWindowsStayWithinBudget(t *testing.T) {
	ours, _ := newPipe()
	m := New(ours, nil)
	var total uint64
	var windows []uint32
	for range defaultChannels {
		o, err := m.sendOpen("session", nil, channel.Params{})
		require.NoError(t, err)
		total += uint64(o.local.Window)
		windows = append(windows, o.local.Window)
	}
	require.LessOrEqual(t, total, uint64(64<<20))
	for i := range 8 {
		require.EqualValues(t, channel.DefaultWindow, windows[i], "the first few get all they ask for")
	}
	require.GreaterOrEqual(t, windows[len(windows)-1], uint32(leastWindow))
	for i := range uint32(defaultChannels) {
		require.NoError(t, m.dispatch((&wire.ChannelOpenFailure{Recipient: i}).Append(nil)))
	}
	require.Equal(t, newBudget(defaultChannels).left, m.windows.remaining(), "all of it comes back")
}

func TestBudget(t *testing.T) {
	for _, channels := range []int{1, 10, 1024, 5000, 100000} {
		t.Run(fmt.Sprint(channels), func(t *testing.T) {
			b := newBudget(channels)
			whole := b.left
			most := max(uint64(64<<20), uint64(channels)*(64<<10))
			var taken []*allotment
			var total uint64
			for i := range channels {
				a := b.open([]uint32{2 << 20, 1, 32 << 10, 16 << 20, 1<<32 - 1}[i%5])
				require.Positive(t, a.window)
				total += uint64(a.window) + uint64(a.grow(1<<20))
				taken = append(taken, a)
			}
			require.LessOrEqual(t, total, most)
			for _, a := range taken {
				a.give()
				require.Zero(t, a.grow(1), "a channel that is gone grows no more")
			}
			require.Equal(t, whole, b.left)
		})
	}
}

func TestTable(t *testing.T) {
	var table table
	require.Nil(t, table.lookup(0))
	for i := range uint32(5) {
		require.Equal(t, i, table.add(slot{state: opening}))
	}
	table.remove(1)
	table.remove(3)
	require.Nil(t, table.lookup(1))
	require.Equal(t, 3, table.used())
	require.EqualValues(t, 3, table.add(slot{state: established}), "numbers are used again")
	require.EqualValues(t, 1, table.add(slot{state: established}))
	require.EqualValues(t, 5, table.add(slot{state: established}))
	require.Equal(t, established, table.lookup(3).state)
	require.Nil(t, table.lookup(1<<32-1))
}
