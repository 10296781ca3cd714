package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestHalfString(t *testing.T) {
	require.Equal(t, "open eof closed", fmt.Sprint(open, " ", eof, " ", closed))
}

func TestCloseWrite(t *testing.T) {
	c, in, l := taped(100, Params{})
	require.NoError(t, c.CloseWrite())
	require.NoError(t, c.CloseWrite())
	require.Equal(t, [][]byte{(&wire.ChannelEOF{Recipient: remoteID}).Append(nil)}, l.take(), "K17: to the peer's number, once")

	_, err := c.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorContains(t, err, "CloseWrite")
	deliverData(t, in, "still open for reading")
	require.Equal(t, "still open for reading", read(t, c))
	require.NoError(t, c.Notify("exit-status", nil), "RFC 4254 5.3: requests may follow EOF")

	require.NoError(t, c.Close())
	require.ErrorIs(t, c.CloseWrite(), net.ErrClosed)
	require.Equal(t, []wire.Number{wire.NumberChannelRequest, wire.NumberChannelClose}, l.numbers(), "one EOF is enough")
}

func TestClose(t *testing.T) {
	c, in, l := taped(100, Params{Requests: 1, Extended: true})
	deliverData(t, in, "dropped")
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.Equal(t, []wire.Number{wire.NumberChannelEOF, wire.NumberChannelClose}, l.numbers())
	<-c.Done()
	require.Zero(t, c.input.buffer.chunkCount(), "K4: what waits for the peer's CLOSE is small")

	_, err := c.Read(make([]byte, 1))
	require.Equal(t, errClosed, err)
	_, err = c.WriteTo(io.Discard)
	require.Equal(t, errClosed, err)
	_, err = c.Write([]byte("x"))
	require.Equal(t, errClosed, err)
	_, err = c.Stderr().Write(nil)
	require.Equal(t, errClosed, err)
	require.Equal(t, errClosed, c.Notify("x", nil))
	require.Equal(t, errClosed, c.Request(t.Context(), "x", nil))
	require.Equal(t, errClosed, c.SetDeadline(time.Now()))
	require.Equal(t, errClosed, c.SetReadDeadline(time.Now()))
	require.Equal(t, errClosed, c.SetWriteDeadline(time.Now()))
	require.ErrorIs(t, errClosed, net.ErrClosed)
	require.Empty(t, l.take(), "RFC 4254 5.3: nothing follows CLOSE")

	// K12: what the peer had sent before it read our CLOSE.
	deliverData(t, in, "late")
	deliver(t, in, &wire.ChannelExtendedData{Type: 1, Data: []byte("late")})
	deliver(t, in, &wire.ChannelData{Data: make([]byte, 64<<10)})
	deliver(t, in, &wire.ChannelWindowAdjust{Bytes: 1<<32 - 1})
	deliver(t, in, &wire.ChannelRequest{Type: "late", WantReply: true})
	deliver(t, in, &wire.ChannelSuccess{})
	deliverEOF(t, in)
	deliverClose(t, in)
	require.Empty(t, l.take())
	require.Zero(t, c.input.buffer.size)
}

func TestPeerCloses(t *testing.T) {
	c, in, l := taped(100, Params{Requests: 1, Extended: true})
	deliverData(t, in, "out")
	deliver(t, in, &wire.ChannelExtendedData{Type: 1, Data: []byte("err")})
	deliver(t, in, &wire.ChannelRequest{Type: "exit-status"})
	deliverClose(t, in)
	require.Equal(t, [][]byte{(&wire.ChannelClose{Recipient: remoteID}).Append(nil)}, l.take(), "RFC 4254 5.3: answered at once")
	<-c.Done()

	_, err := c.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorContains(t, err, "by the peer")
	require.Equal(t, errClosedByPeer, c.CloseWrite())
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Hour)), "there is data to read")

	require.Equal(t, "out", read(t, c), "K12: what came before CLOSE can be read")
	_, err = c.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	text, err := io.ReadAll(c.Stderr())
	require.NoError(t, err)
	require.Equal(t, "err", string(text))
	var types []string
	for r := range c.Requests(t.Context()) {
		types = append(types, r.Type)
	}
	require.Equal(t, []string{"exit-status"}, types)

	require.NoError(t, c.Close())
	require.Empty(t, l.take())
	_, err = c.Read(make([]byte, 1))
	require.Equal(t, errClosed, err)
}

func TestCloseReportsADeadLink(t *testing.T) {
	broken := errors.New("broken")
	c, in, l := taped(100, Params{})
	l.fail(broken)
	require.Equal(t, broken, in.Deliver((&wire.ChannelClose{}).Append(nil)), "the link's error is not the peer's fault")
	require.NoError(t, c.Close(), "closed already")

	c, _, l = taped(100, Params{})
	l.fail(broken)
	require.Equal(t, broken, c.Close())
	_, err := c.Read(make([]byte, 1))
	require.Equal(t, errClosed, err, "closed all the same")
}

// Every blocked call returns when the channel ends, however it ends.
func TestEndWakesEveryone(t *testing.T) {
	lost := errors.New("connection lost")
	for _, test := range []struct {
		name              string
		end               func(*Channel, *Inlet)
		reading, waiting  error
		requestsAndWrites error
	}{
		{"Close", func(c *Channel, _ *Inlet) { _ = c.Close() }, errClosed, errClosed, errClosed},
		{"CLOSE", func(_ *Channel, in *Inlet) { _ = in.Deliver((&wire.ChannelClose{}).Append(nil)) }, io.EOF, errClosedByPeer, errClosedByPeer},
		{"Abort", func(_ *Channel, in *Inlet) { in.Abort(lost) }, lost, lost, lost},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, in, _ := taped(0, Params{Requests: 1, Extended: true})
				var blocked sync.WaitGroup
				for _, r := range []io.Reader{c, c, c.Stderr()} {
					blocked.Go(func() {
						_, err := r.Read(make([]byte, 1))
						require.ErrorIs(t, err, test.reading)
					})
				}
				blocked.Go(func() {
					_, err := c.WriteTo(io.Discard)
					if test.reading != io.EOF {
						require.ErrorIs(t, err, test.reading)
					}
				})
				for _, w := range []io.Writer{c, c, c.Stderr()} {
					blocked.Go(func() {
						_, err := w.Write([]byte("x"))
						require.ErrorIs(t, err, test.waiting)
						require.ErrorIs(t, err, net.ErrClosed)
					})
				}
				blocked.Go(func() {
					err := c.Request(context.Background(), "x", nil)
					require.ErrorIs(t, err, test.waiting)
				})
				blocked.Go(func() {
					for range c.Requests(context.Background()) {
						t.Error("no request came")
					}
				})
				blocked.Go(func() { <-c.Done() })
				synctest.Wait()
				test.end(c, in)
				blocked.Wait()
			})
		})
	}
}

func TestCloseWakesAWriteThatWaitsForTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, l := taped(100, Params{})
		l.block = make(chan struct{})
		go func() {
			time.Sleep(time.Second)
			_ = c.Close()
		}()
		_, err := c.Write([]byte("x"))
		require.Equal(t, errClosed, err)
		require.Equal(t, []wire.Number{wire.NumberChannelEOF, wire.NumberChannelClose}, l.numbers(), "Close does not wait for the link")
	})
}

func TestCloseWriteWakesAWriteThatWaitsForWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _ := taped(1, Params{})
		go func() {
			time.Sleep(time.Second)
			_ = c.CloseWrite()
		}()
		n, err := c.Write([]byte("xy"))
		require.Equal(t, 1, n)
		require.Equal(t, errEOFSent, err)
	})
}

// A run is one order of events at one end of a channel (F7).
type run struct {
	c  *Channel
	in *Inlet
	l  *tape

	closed, peerClosed bool
	data               int  // messages that arrived before Close
	exit               bool // arrived before Close or CLOSE
}

func (r *run) do(t *testing.T, event string) {
	live := !r.closed && !r.peerClosed
	switch event {
	case "CloseWrite":
		require.Equal(t, live, r.c.CloseWrite() == nil)
	case "Close":
		require.NoError(t, r.c.Close())
		r.closed = true
	case "Write":
		_, err := r.c.Write([]byte("x"))
		require.True(t, err == nil || errors.Is(err, net.ErrClosed))
	case "data":
		deliverData(t, r.in, "x")
		r.data++
	case "exit":
		deliver(t, r.in, &wire.ChannelRequest{Type: "exit-status"})
		r.exit = live
	case "eof":
		deliverEOF(t, r.in)
	case "close":
		deliverClose(t, r.in)
		r.peerClosed = true
	}
}

func (r *run) check(t *testing.T) {
	sent := r.l.numbers()
	require.Equal(t, wire.NumberChannelClose, sent[len(sent)-1])
	for _, n := range []wire.Number{wire.NumberChannelClose, wire.NumberChannelEOF} {
		i := slices.Index(sent, n)
		require.NotContains(t, sent[i+1:], n, "sent once")
		if i >= 0 {
			require.NotContains(t, sent[i+1:], wire.NumberChannelData)
		}
	}
	require.Equal(t, [2]half{closed, closed}, [2]half{r.c.sending, r.c.receiving})
	taken := 0
	for range r.c.Requests(t.Context()) {
		taken++
	}
	require.Equal(t, r.exit, taken == 1, "exit-status")
	data, err := io.ReadAll(r.c)
	if r.closed {
		require.Equal(t, errClosed, err)
		return
	}
	require.NoError(t, err)
	require.Len(t, data, r.data)
}

// interleave calls f with every order of events that keeps that of a and of b.
func interleave(a, b, order []string, f func([]string)) {
	if len(a) == 0 || len(b) == 0 {
		f(slices.Concat(order, a, b))
		return
	}
	interleave(a[1:], b, append(slices.Clip(order), a[0]), f)
	interleave(a, b[1:], append(slices.Clip(order), b[0]), f)
}

// F7: every order of EOF, exit-status and CLOSE of the peer, at every moment
// of our own CloseWrite and Close.
func TestEveryOrderOfClosing(t *testing.T) {
	peer := []string{
		"data exit eof close", "data eof exit close", "exit data eof close", "data exit close",
		"data eof close", "eof exit close", "data close", "exit close", "eof close", "close", "data eof eof close",
	}
	ours := []string{"", "CloseWrite", "Close", "CloseWrite Close", "Close CloseWrite", "Write CloseWrite Write Close Write"}
	orders := 0
	for _, p := range peer {
		for _, o := range ours {
			interleave(strings.Fields(p), strings.Fields(o), nil, func(order []string) {
				orders++
				c, in, l := taped(100, Params{Requests: 4})
				r := &run{c: c, in: in, l: l}
				for _, event := range order {
					r.do(t, event)
				}
				r.check(t)
			})
		}
	}
	require.Greater(t, orders, 1000)
}

// F18: Close from everywhere at once.
func TestConcurrentClose(t *testing.T) {
	for range 200 / slowdown {
		c1, c2, stop := pair(t, Params{Requests: 1}, Params{Requests: 1})
		var closers sync.WaitGroup
		for i := range 20 {
			c := []*Channel{c1, c2}[i%2]
			closers.Go(func() { _, _ = c.Write([]byte("x")) })
			closers.Go(func() { _ = c.CloseWrite() })
			closers.Go(func() { _ = c.Close() })
		}
		closers.Wait()
		<-c1.Done()
		<-c2.Done()
		stop()
	}
}
