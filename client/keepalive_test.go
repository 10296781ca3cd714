package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/internal/memnet"
)

// vanish dials p over a network on which, of what the server sends, the bytes
// from the offset at on never arrive.
func (p *peer) vanish(t *testing.T, config *Config, at int64) *Client {
	link := memnet.Link{
		Down: memnet.Path{Faults: []memnet.Fault{{Kind: memnet.Stall, At: at}}},
	}
	clientEnd, serverEnd := link.Pipe()
	go p.serve(serverEnd)
	c, err := New(context.Background(), clientEnd, testAddress, config)
	require.NoError(t, err)
	return c
}

// O4: a server that is gone is noticed within the interval and the count, by
// everybody who waits for anything.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.KeepAlive = connection.KeepAlive{Interval: 15 * time.Second}
		c := newPeer().vanish(t, config, 3000)
		began := time.Now()
		waiting := map[string]func() error{
			"Run":       func() error { return c.Command("sleep").Run(context.Background()) },
			"Subsystem": func() error { _, err := c.Subsystem(context.Background(), "cat"); return err },
			"Request":   func() error { _, err := c.Mux().Request(context.Background(), "x", nil); return err },
			"Open": func() error {
				_, err := c.Mux().Open(context.Background(), "session", nil, channel.Params{})
				return err
			},
			"Wait": c.Wait,
		}
		type outcome struct {
			name  string
			err   error
			after time.Duration
		}
		outcomes := make(chan outcome)
		for name, f := range waiting {
			go func() {
				for {
					if err := f(); err != nil && !errors.Is(err, connection.ErrRefused) { // it may still be answered
						outcomes <- outcome{name, err, time.Since(began)}
						return
					}
				}
			}()
		}
		for range waiting {
			o := <-outcomes
			require.ErrorIs(t, o.err, ErrDeadPeer, o.name)
			require.ErrorIs(t, o.err, net.ErrClosed, o.name)
			require.ErrorIs(t, o.err, os.ErrDeadlineExceeded, o.name)
			require.LessOrEqual(t, o.after, 46*time.Second, o.name)
			require.ErrorContains(t, o.err, "no answer for 45s", o.name)
		}
		_, err := c.Command("true").Output(context.Background())
		require.ErrorIs(t, err, ErrDeadPeer)
		c.Close()
		time.Sleep(time.Second)
	})
}

// A server that answers is kept, however long it has nothing to say.
func TestKeepAliveKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.KeepAlive = connection.KeepAlive{Interval: time.Second, Count: 2}
		c, err := newPeer().dial(config)
		require.NoError(t, err)
		cmd := c.Command("sleep")
		require.NoError(t, cmd.Start(t.Context()))
		time.Sleep(3 * time.Hour) // with key exchanges in between
		out, err := c.Command("echo here").Output(context.Background())
		require.NoError(t, err)
		require.Equal(t, "here\n", string(out))
		require.GreaterOrEqual(t, c.State().KeyExchangesFinished, 3)
		c.Close()
		time.Sleep(time.Second)
	})
}

// O6: a server that reads nothing but goes on sending ends as soon, by the
// write that finds it out.
func TestKeepAliveStalledWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		config.KeepAlive = connection.KeepAlive{Interval: 10 * time.Second}
		clientEnd, serverEnd := memnet.Link{Up: memnet.Path{Buffer: 8 << 10, Faults: []memnet.Fault{{Kind: memnet.Stall, At: 6000}}}}.Pipe()
		p := newPeer()
		p.programs["talk"] = func(s *session, _ []string) {
			for {
				if _, err := s.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}
		go p.serve(serverEnd)
		c, err := New(context.Background(), clientEnd, testAddress, config)
		require.NoError(t, err)
		cmd := c.Command("talk")
		cmd.Stdin = io.LimitReader(zeros{}, 1<<30)
		began := time.Now()
		require.ErrorIs(t, cmd.Run(context.Background()), ErrDeadPeer)
		require.LessOrEqual(t, time.Since(began), 31*time.Second)
		require.ErrorContains(t, c.Wait(), "it took nothing of what it was sent for 30s")
		c.Close()
		time.Sleep(2 * time.Second)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
