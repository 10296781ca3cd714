package client

import (
	"bytes"
	"context"
	"iter"
	"sync"
	"time"
)

// A Result is how a command ended on one of many hosts.
type Result struct {
	Host   string
	Stdout []byte
	Stderr []byte
	Err    error         // of connecting, or as [Cmd.Run] returns it
	Took   time.Duration // to connect and to run
}

// Run runs a command on many hosts, on [Pool].Parallel of them at once, and
// yields one Result for each, in the order they come. That one host fails does
// not concern the others. Whoever has seen enough leaves the loop: what still
// runs is then stopped, and is so when the loop has ended. When ctx is done the
// hosts that are left have a [*ContextError].
func (p *Pool) Run(ctx context.Context, command string, hosts ...string) iter.Seq[Result] {
	return many(ctx, p.Parallel, hosts, func(ctx context.Context, host string) Result {
		start := time.Now()
		var stdout, stderr bytes.Buffer
		err := p.with(ctx, host, func(c *Client) error {
			cmd := c.Command(command)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			return cmd.Run(ctx)
		})
		return Result{Host: host, Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Err: err, Took: time.Since(start)}
	})
}

// Each is [Pool.Run] for more than a command: it calls f with a Client of each
// host, which is the pool's and not to be closed, and yields the host and what f
// returned, or why there is no Client. Calls of f are concurrent.
func (p *Pool) Each(ctx context.Context, hosts []string, f func(ctx context.Context, host string, c *Client) error) iter.Seq2[string, error] {
	type outcome struct {
		host string
		err  error
	}
	outcomes := many(ctx, p.Parallel, hosts, func(ctx context.Context, host string) outcome {
		return outcome{host, p.with(ctx, host, func(c *Client) error { return f(ctx, host, c) })}
	})
	return func(yield func(string, error) bool) {
		for o := range outcomes {
			if !yield(o.host, o.err) {
				return
			}
		}
	}
}

// with calls f with a Client.
func (p *Pool) with(ctx context.Context, host string, f func(*Client) error) error {
	c, err := p.Get(ctx, host)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c.Client)
}

// many calls f for each host, for as many at once as parallel says, and yields
// what it returns as soon as it does.
func many[R any](ctx context.Context, parallel int, hosts []string, f func(context.Context, string) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results, enough := make(chan R), make(chan struct{})
		var workers sync.WaitGroup
		defer func() {
			close(enough)
			cancel()
			workers.Wait()
		}()
		queue := make(chan string, len(hosts))
		for _, host := range hosts {
			queue <- host
		}
		close(queue)
		for range min(positive(parallel, defaultParallel), len(hosts)) {
			workers.Go(func() {
				for host := range queue {
					select {
					case <-enough:
						return
					default:
					}
					select {
					case results <- f(ctx, host):
					case <-enough:
						return
					}
				}
			})
		}
		for range hosts {
			if !yield(<-results) {
				return
			}
		}
	}
}
