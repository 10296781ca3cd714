package splice

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// How long to wait before accepting again after a failure that passes, at
// first and at most.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// passing are the failures of accept(2) that say nothing about the listener:
// there is no descriptor or memory just now, or a client gave up.
var passing = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR,
}

func passes(err error) bool {
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}

// Serve accepts connections on l until ctx is done or l fails for good, and
// hands each to handle on a goroutine of its own. When ctx is done l is closed,
// and so are the connections. Serve returns when every handle has: with the
// cause of ctx, or else with the error of l, which it has closed either way.
// A connection is closed when its handle returns.
func Serve(ctx context.Context, l net.Listener, handle func(ctx context.Context, nc net.Conn)) error {
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var serving sync.WaitGroup
	defer serving.Wait()
	pause := leastPause
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = leastPause
			serving.Go(func() {
				defer nc.Close()
				defer context.AfterFunc(ctx, func() { nc.Close() })()
				handle(ctx, nc)
			})
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !passes(err):
			return err
		default:
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, mostPause)
		}
	}
}

// JoinUntil is [Join] that ends when ctx is done, if not before.
func JoinUntil(ctx context.Context, a, b net.Conn) {
	defer context.AfterFunc(ctx, func() {
		a.Close()
		b.Close()
	})()
	Join(a, b)
}
