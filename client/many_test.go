package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
)

func names(n int) (hosts []string) {
	for i := range n {
		hosts = append(hosts, fmt.Sprintf("host%02d", i))
	}
	return hosts
}

func TestRunOnMany(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		seen := make(map[string]client.Result)
		for r := range n.Run(t.Context(), "whoami", append(names(20), "none")...) {
			seen[r.Host] = r
		}
		require.Len(t, seen, 21)
		for _, host := range names(20) {
			require.NoError(t, seen[host].Err)
			require.Equal(t, host, string(seen[host].Stdout))
			require.GreaterOrEqual(t, seen[host].Took, time.Second)
		}
		require.ErrorIs(t, seen["none"].Err, errNoHost, "and it does not concern the others")

		for r := range n.Run(t.Context(), "fail", "host03") {
			var exit *client.ExitError
			require.ErrorAs(t, r.Err, &exit)
			require.Equal(t, 3, exit.Status)
			require.Equal(t, "it does not work", string(r.Stderr))
			require.Less(t, r.Took, time.Second, "the connection was there")
		}
		n.requireDialed(t, 21)
		for range n.Run(t.Context(), "whoami") {
			t.Fatal("there is no host")
		}
	})
}

// No more at once than Parallel, results as they come, and all in the time that
// takes.
func TestRunIsBounded(t *testing.T) {
	inPool(t, &client.Pool{Parallel: 4}, func(t *testing.T, n *hosts) {
		start := time.Now()
		var running, most atomic.Int32
		var order []string
		for host, err := range n.Each(t.Context(), names(12), func(_ context.Context, host string, _ *client.Client) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if host == "host00" {
				time.Sleep(10 * time.Second)
			}
			time.Sleep(time.Second)
			return nil
		}) {
			require.NoError(t, err)
			order = append(order, host)
		}
		require.EqualValues(t, 4, most.Load())
		require.Len(t, order, 12)
		require.Equal(t, "host00", order[11], "the slow one is the last")
		require.Equal(t, 12*time.Second, time.Since(start))
	})
}

// Who leaves the loop stops the rest and waits for it.
func TestRunUntilTheFirstFailure(t *testing.T) {
	inPool(t, &client.Pool{Parallel: 3}, func(t *testing.T, n *hosts) {
		var begun, ended atomic.Int32
		broken := errors.New("broken")
		for _, err := range n.Each(t.Context(), names(100), func(ctx context.Context, host string, c *client.Client) error {
			begun.Add(1)
			defer ended.Add(1)
			if host == "host04" {
				return broken
			}
			if host > "host04" {
				return c.Command("hang").Run(ctx)
			}
			return nil
		}) {
			if err != nil {
				require.ErrorIs(t, err, broken)
				break
			}
		}
		require.Equal(t, begun.Load(), ended.Load())
		require.Less(t, begun.Load(), int32(10))
	})
}

// When the context is done everybody has a result all the same.
func TestRunContext(t *testing.T) {
	inPool(t, &client.Pool{Parallel: 5}, func(t *testing.T, n *hosts) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start, results := time.Now(), 0
		for r := range n.Run(ctx, "hang", names(20)...) {
			results++
			require.ErrorIs(t, r.Err, context.DeadlineExceeded)
		}
		require.Equal(t, 20, results)
		require.Equal(t, time.Minute, time.Since(start))
		synctest.Wait()
	})
}

// One host, named more than once, is dialed once.
func TestRunOnOneOften(t *testing.T) {
	inPool(t, &client.Pool{}, func(t *testing.T, n *hosts) {
		results := 0
		for r := range n.Run(t.Context(), "whoami", "a", "a", "a") {
			require.NoError(t, r.Err)
			results++
		}
		require.Equal(t, 3, results)
		n.requireDialed(t, 1)
	})
}
