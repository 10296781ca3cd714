package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/wire"
)

// A callback that takes its time holds up the requests of its own session, and
// nothing else; none of them runs twice at once.
func TestSlowCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []string
		busy := false
		slow := func(event string) {
			mu.Lock()
			if busy {
				t.Errorf("%s while another runs", event)
			}
			busy = true
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy = false
			events = append(events, event)
			mu.Unlock()
		}
		srv := newServer(handler(func(s *server.Session) {
			if s.Command() == "quick" {
				fmt.Fprint(s, "done")
				return
			}
			s.OnSignal(func(sig channel.Signal) { slow("signal " + string(sig)) })
			s.OnResize(func(w server.Window) { slow(fmt.Sprint("size ", w.Columns)) })
			s.OnBreak(func(length time.Duration) { slow(fmt.Sprint("break ", length)) })
			io.Copy(io.Discard, s)
		}))
		srv.AllowPty = true
		p := login(t, srv)
		s := p.session()
		pty := wire.PtyRequest{Term: "xterm", Columns: 1}
		require.NoError(t, s.ask("pty-req", pty.Append(nil)))
		s.exec("slow")
		time.Sleep(1500 * time.Millisecond) // the first size
		sig := wire.SignalRequest{Name: "USR1"}
		size := wire.WindowChange{Columns: 2}
		brk := wire.Break{Milliseconds: 700}
		for name, payload := range map[string][]byte{"signal": sig.Append(nil), "window-change": size.Append(nil), "break": brk.Append(nil)} {
			require.NoError(t, s.Notify(name, payload))
		}
		began := time.Now()
		require.Equal(t, "done", p.session().exec("quick").finish().stdout)
		require.Zero(t, time.Since(began))
		time.Sleep(4 * time.Second)
		mu.Lock()
		require.Equal(t, "size 1", events[0])
		require.ElementsMatch(t, []string{"signal USR1", "size 2", "break 700ms"}, events[1:])
		mu.Unlock()
		require.NoError(t, s.CloseWrite())
		s.finish()
		p.conn.Close()
		<-p.served
	})
}

// Requests beyond those that a slow callback leaves room for are refused, in
// their turn.
func TestRequestFlood(t *testing.T) {
	release := make(chan struct{})
	srv := newServer(handler(func(s *server.Session) {
		s.OnSignal(func(channel.Signal) { <-release })
		io.Copy(io.Discard, s)
	}))
	p := login(t, srv)
	s := p.session().exec("x")
	var answers []*channel.Answer
	sig := wire.SignalRequest{Name: "USR1"}
	for range 300 {
		a, err := s.Ask(t.Context(), "signal", sig.Append(nil))
		require.NoError(t, err)
		answers = append(answers, a)
	}
	_, err := p.mux.Request(t.Context(), "sync", nil) // all of them have come
	require.Error(t, err)
	close(release)
	refused := 0
	for _, a := range answers {
		if err := a.Wait(t.Context()); err != nil {
			require.ErrorIs(t, err, channel.ErrRefused)
			refused++
		}
	}
	require.Greater(t, refused, 0)
	require.Less(t, refused, 300-60, "as many as there is room for are taken")
	require.NoError(t, s.CloseWrite())
	s.finish()
}

// The end of a client by silence is the end of its sessions: their context is
// done, and reads and writes say why.
func TestDeadClientEndsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type outcome struct{ ctx, read, write error }
		outcomes := make(chan outcome, 1)
		srv := newServer(handler(func(s *server.Session) {
			var o outcome
			_, o.read = s.Read(make([]byte, 1))
			<-s.Context().Done()
			o.ctx = s.Context().Err()
			_, o.write = s.Write([]byte("x"))
			outcomes <- o
		}))
		srv.KeepAlive = connection.KeepAlive{Interval: time.Minute, Count: 2}
		p := authenticated(t, srv)
		open := wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}
		shell := wire.ChannelRequest{Type: "shell"}
		require.NoError(t, p.conn.WritePacket(open.Append(nil)))
		require.NoError(t, p.conn.WritePacket(shell.Append(nil)))
		began := time.Now()
		o := <-outcomes
		require.Equal(t, 2*time.Minute, time.Since(began))
		require.Equal(t, context.Canceled, o.ctx)
		for _, err := range []error{o.read, o.write, <-p.served} {
			require.ErrorIs(t, err, server.ErrDeadPeer)
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
		p.conn.Close()
	})
}

// KeepAlive keeps nobody from shutting down, and an idle time runs although the
// client answers questions.
func TestKeepAliveAndOtherTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nothing)
		srv.KeepAlive = connection.KeepAlive{Interval: time.Second}
		srv.IdleTimeout = time.Minute
		p := login(t, srv)
		require.ErrorIs(t, <-p.served, server.ErrIdle)
		p = login(t, srv)
		time.Sleep(10 * time.Second)
		require.NoError(t, srv.Shutdown(t.Context()))
		require.ErrorIs(t, <-p.served, server.ErrServerClosed)
	})
}

// Questions without a limit keep the path open, and the client too.
func TestKeepAliveWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nothing)
		srv.KeepAlive = connection.KeepAlive{Interval: time.Second, Count: -1}
		p := authenticated(t, srv)
		time.Sleep(10 * time.Minute)
		select {
		case err := <-p.served:
			t.Fatal(err)
		default:
		}
		p.conn.Close()
		require.NotErrorIs(t, <-p.served, server.ErrDeadPeer)
	})
}

// What a handler says of its flow when the client is gone is an error, and
// nothing worse.
func TestFlowAfterTheEnd(t *testing.T) {
	errs := make(chan error, 3)
	srv := newServer(handler(func(s *server.Session) {
		<-s.Context().Done()
		errs <- s.CloseRead()
		errs <- s.AllowXonXoff(true)
		errs <- s.CloseWrite()
	}))
	s := login(t, srv).session().exec("x")
	require.NoError(t, s.Close())
	for range 3 {
		require.ErrorIs(t, <-errs, net.ErrClosed)
	}
}

// A handler that stops reading gets no more than a window, however much a client
// has to say; once it has told the client, that stops.
func TestCloseReadStopsTheClient(t *testing.T) {
	told := make(chan struct{})
	srv := newServer(handler(func(s *server.Session) {
		first := make([]byte, 5)
		io.ReadFull(s, first)
		s.CloseRead()
		n, err := io.Copy(io.Discard, s) // up to the client's EOF
		fmt.Fprintf(s, "%s %t %v", first, n < 1<<30, err)
	}))
	s := login(t, srv).session().exec("x")
	go func() {
		for r := range s.Requests(context.Background()) {
			if r.Type == "eow@openssh.com" {
				close(told)
				return
			}
		}
	}()
	_, err := io.WriteString(s, "first")
	for err == nil {
		select {
		case <-told:
			err = errors.New("told")
		default:
			_, err = io.WriteString(s, strings.Repeat("x", 1000))
		}
	}
	require.EqualError(t, err, "told")
	require.NoError(t, s.CloseWrite())
	require.Equal(t, "first true <nil>", text(s))
}
