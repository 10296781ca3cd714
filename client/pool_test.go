package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/server/sshtest"
)

// A net is a server that goes by any name, and a pool of clients of it.
type hosts struct {
	*client.Pool
	srv     *sshtest.Server
	dialed  atomic.Int32
	dialing func(ctx context.Context, host string) error // before each dial
}

var errNoHost = errors.New("there is no such host")

// pool returns a pool that dials a second. No host is called "none".
func pool(t *testing.T, p *client.Pool) *hosts {
	t.Helper()
	n := &hosts{Pool: p, srv: sshtest.NewServer(server.HandlerFunc(program))}
	p.Dial = func(ctx context.Context, host string) (*client.Client, error) {
		n.dialed.Add(1)
		if n.dialing != nil {
			if err := n.dialing(ctx, host); err != nil {
				return nil, err
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if host == "none" {
			return nil, errNoHost
		}
		nc, err := n.srv.Dial(ctx)
		if err != nil {
			return nil, err
		}
		config := n.srv.ClientConfig()
		config.User = host
		return client.New(ctx, nc, n.srv.Addr(), config)
	}
	return n
}

// program does what its command says.
func program(s *server.Session) {
	word, rest, _ := strings.Cut(s.Command(), " ")
	switch word {
	case "whoami":
		io.WriteString(s, s.User())
	case "fail":
		io.WriteString(s.Stderr(), "it does not work")
		s.Exit(3)
	case "hang":
		<-s.Context().Done()
	case "sleep":
		d, _ := time.ParseDuration(rest)
		time.Sleep(d)
	case "hangup":
		s.Conn().Close()
	}
}

// inPool runs a test of a pool in a bubble, in which nothing may be left of it.
func inPool(t *testing.T, p *client.Pool, test func(*testing.T, *hosts)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := pool(t, p)
		test(t, n)
		require.NoError(t, n.Close())
		require.NoError(t, n.Close())
		_, err := n.Get(t.Context(), "a")
		require.ErrorIs(t, err, client.ErrPoolClosed)
		require.ErrorIs(t, err, net.ErrClosed)
		n.srv.Close()
	})
}

// get returns a client that works.
func (n *hosts) get(t *testing.T, host string) *client.PoolClient {
	t.Helper()
	c, err := n.Get(t.Context(), host)
	require.NoError(t, err)
	out, err := c.Command("whoami").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, host, string(out))
	return c
}

// requireDialed checks how often the pool has dialed.
func (n *hosts) requireDialed(t *testing.T, want int) {
	t.Helper()
	require.EqualValues(t, want, n.dialed.Load())
}

func TestPoolReuses(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		first := n.get(t, "a")
		second := n.get(t, "a")
		require.Same(t, first.Client, second.Client)
		first.Close()
		first.Close()
		second.Close()
		third := n.get(t, "a")
		require.Same(t, first.Client, third.Client)
		n.requireDialed(t, 1)
		other := n.get(t, "b")
		require.NotSame(t, third.Client, other.Client)
		n.requireDialed(t, 2)
		third.Close()
		other.Close()
	})
}

func TestPoolDialsOnce(t *testing.T) {
	inPool(t, &client.Pool{Sharing: 100}, func(t *testing.T, n *hosts) {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				c, err := n.Get(context.Background(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				c.Close()
			})
		}
		all.Wait()
		n.requireDialed(t, 1)
	})
}

// All that wait for one dial fail with it, and the next Get tries again.
func TestPoolDialFails(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := n.Get(context.Background(), "none"); !errors.Is(err, errNoHost) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		n.requireDialed(t, 1)
		_, err := n.Get(t.Context(), "none")
		require.ErrorIs(t, err, errNoHost)
		n.requireDialed(t, 2)
	})
}

func TestPoolReplacesTheDead(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		c := n.get(t, "a")
		require.Error(t, c.Command("hangup").Run(t.Context()))
		c.Wait()
		another := n.get(t, "a") // while the first is still lent
		require.NotSame(t, c.Client, another.Client)
		c.Close()
		require.Error(t, another.Command("hangup").Run(t.Context()))
		another.Wait()
		another.Close()
		n.get(t, "a").Close()
		n.requireDialed(t, 3)
	})
}

func TestPoolDiscard(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		first, second := n.get(t, "a"), n.get(t, "a")
		first.Discard()
		require.ErrorIs(t, second.Wait(), net.ErrClosed)
		require.NotSame(t, first.Client, n.get(t, "a").Client)
		second.Close()
	})
}

func TestPoolClosesTheIdle(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		kept    time.Duration
	}{
		{"default", 0, time.Minute},
		{"given", time.Hour, time.Hour},
		{"at once", -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inPool(t, &client.Pool{IdleTimeout: test.timeout}, func(t *testing.T, n *hosts) {
				c := n.get(t, "a")
				time.Sleep(2 * time.Hour) // in use is not idle
				require.NoError(t, c.Command("whoami").Run(t.Context()))
				c.Close()
				if test.kept > 0 {
					time.Sleep(test.kept / 2)
					n.get(t, "a").Close() // begins anew
					time.Sleep(test.kept - time.Second)
					synctest.Wait()
					n.get(t, "a").Close()
					n.requireDialed(t, 1)
				}
				start := time.Now()
				c.Wait()
				require.InDelta(t, test.kept.Seconds(), time.Since(start).Seconds(), 2)
				n.get(t, "a").Close()
				n.requireDialed(t, 2)
			})
		})
	}
}

// MaxSessions of a server bounds what one connection can do: then there are more
// of them, up to PerHost, and then one waits.
func TestPoolBoundsPerHost(t *testing.T) {
	inPool(t, &client.Pool{Sharing: 2, PerHost: 2}, func(t *testing.T, n *hosts) {
		var lent []*client.PoolClient
		for range 4 {
			lent = append(lent, n.get(t, "a"))
		}
		n.requireDialed(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := n.Get(ctx, "a")
		var late *client.ContextError
		require.ErrorAs(t, err, &late)
		require.True(t, late.Timeout())
		require.ErrorContains(t, err, "waiting for room in the pool for a")
		n.get(t, "b").Close()

		got := make(chan *client.PoolClient)
		go func() {
			c, _ := n.Get(context.Background(), "a")
			got <- c
		}()
		synctest.Wait()
		lent[0].Close()
		require.Same(t, lent[0].Client, (<-got).Client)
	})
}

// In all there are MaxClients: the one that is idle for longest goes first, and
// if there is none one waits.
func TestPoolBoundsAll(t *testing.T) {
	inPool(t, &client.Pool{MaxClients: 2}, func(t *testing.T, n *hosts) {
		a := n.get(t, "a")
		a.Close()
		time.Sleep(time.Second)
		b := n.get(t, "b")
		b.Close()
		c := n.get(t, "c")
		require.ErrorIs(t, a.Wait(), net.ErrClosed, "the oldest")
		n.get(t, "b").Close()
		n.requireDialed(t, 3)

		d := n.get(t, "d")
		b.Wait()
		got := make(chan error)
		go func() {
			e, err := n.Get(context.Background(), "e")
			if err == nil {
				e.Close()
			}
			got <- err
		}()
		time.Sleep(time.Hour)
		select {
		case <-got:
			t.Fatal("there is a third")
		default:
		}
		c.Close()
		require.NoError(t, <-got)
		d.Close()
	})
}

// A dead one takes up no room, though it was not given back.
func TestPoolDeadTakesNoRoom(t *testing.T) {
	inPool(t, &client.Pool{MaxClients: 1}, func(t *testing.T, n *hosts) {
		a := n.get(t, "a")
		require.Error(t, a.Command("hangup").Run(t.Context()))
		a.Wait()
		n.get(t, "b").Close()
		a.Close()
	})
}

func TestPoolReset(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		idle, lent := n.get(t, "idle"), n.get(t, "lent")
		idle.Close()
		n.Reset()
		require.ErrorIs(t, idle.Wait(), net.ErrClosed)
		require.NoError(t, lent.Command("whoami").Run(t.Context()), "who has one keeps it")
		another := n.get(t, "lent")
		require.NotSame(t, lent.Client, another.Client)
		lent.Close()
		require.ErrorIs(t, lent.Wait(), net.ErrClosed)
		another.Close()
		n.requireDialed(t, 3)

		got := make(chan *client.PoolClient) // one that is being dialed counts as lent
		go func() {
			c, _ := n.Get(context.Background(), "late")
			got <- c
		}()
		synctest.Wait()
		n.Reset()
		late := <-got
		require.NoError(t, late.Command("whoami").Run(t.Context()))
		late.Close()
		late.Wait()
	})
}

// Who does not wait any more does not end the dial of those who do.
func TestPoolContexts(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error), make(chan error)
		go func() {
			_, err := n.Get(ctx, "a")
			first <- err
		}()
		synctest.Wait()
		go func() {
			c, err := n.Get(context.Background(), "a")
			if err == nil {
				err = c.Close()
			}
			second <- err
		}()
		synctest.Wait()
		cancel()
		err := <-first
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "connecting to a")
		require.NoError(t, <-second)
		n.requireDialed(t, 1)

		var stopped error
		n.dialing = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			stopped = context.Cause(ctx)
			return stopped
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = n.Get(ctx, "b")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Error(t, stopped, "nobody waits any more")
	})
}

// A Dial that ends well although nobody waits any more leaves nothing behind.
func TestPoolUnwanted(t *testing.T) {
	for _, how := range []string{"cancel", "close"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := pool(t, &client.Pool{})
				dial, made := n.Dial, (*client.Client)(nil)
				n.Dial = func(_ context.Context, host string) (*client.Client, error) {
					c, err := dial(context.Background(), host)
					made = c
					return c, err
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				failed := make(chan error)
				go func() {
					_, err := n.Get(ctx, "a")
					failed <- err
				}()
				synctest.Wait()
				if how == "cancel" {
					cancel()
					require.ErrorIs(t, <-failed, context.Canceled)
				} else {
					go n.Close()
					<-failed
				}
				n.Close()
				require.ErrorIs(t, made.Wait(), net.ErrClosed)
				n.srv.Close()
			})
		})
	}
}

func TestPoolCloseEndsAll(t *testing.T) {
	inPool(t, &client.Pool{MaxClients: 1}, func(t *testing.T, n *hosts) {
		lent := n.get(t, "a")
		waiting := make(chan error)
		go func() {
			_, err := n.Get(context.Background(), "b")
			waiting <- err
		}()
		synctest.Wait()
		n.Close()
		require.ErrorIs(t, <-waiting, client.ErrPoolClosed)
		require.ErrorIs(t, lent.Wait(), net.ErrClosed)
		require.NoError(t, lent.Close())
	})
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		dialing := make(chan error)
		go func() {
			_, err := n.Get(context.Background(), "a")
			dialing <- err
		}()
		synctest.Wait()
		n.Close()
		require.ErrorIs(t, <-dialing, client.ErrPoolClosed)
	})
}

func TestPoolWithoutDial(t *testing.T) {
	_, err := new(client.Pool).Get(t.Context(), "a")
	require.ErrorIs(t, err, client.ErrNoDial)
	require.NoError(t, new(client.Pool).Close())
	new(client.Pool).Reset()
}

// Whatever comes in whatever order, no more are open than may be, everybody is
// served, and nothing is left.
func TestPoolUnderLoad(t *testing.T) {
	inPool(t, &client.Pool{MaxClients: 4, Sharing: 2, PerHost: 2, IdleTimeout: 3 * time.Second}, func(t *testing.T, n *hosts) {
		var all sync.WaitGroup
		var served atomic.Int32
		for i := range 60 {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 0))
				for range 5 {
					c, err := n.Get(context.Background(), fmt.Sprintf("host%d", rng.IntN(6)))
					if err != nil {
						t.Error(err)
						return
					}
					switch rng.IntN(10) {
					case 0:
						c.Command("hangup").Run(context.Background())
					case 1:
						c.Discard()
					case 2:
						n.Reset()
					default:
						time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
					}
					served.Add(1)
					c.Close()
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 300, served.Load())
		time.Sleep(time.Minute)
	})
}
