package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// handshakes measures how many connections can be made a second, so many at a
// time: TCP, key exchange, authentication by public key, close.
func handshakes(st stack, atOnce int) sample {
	return func(b *bench) (float64, error) {
		l, err := loopback()
		if err != nil {
			return 0, err
		}
		stop, err := st.serve(l, b.keys, gcm)
		if err != nil {
			return 0, err
		}
		defer stop()
		n := max(b.count(640), atOnce)
		start := time.Now()
		err = repeat(n, atOnce, func() error {
			c, err := st.dial(l.Addr().String(), b.keys, gcm)
			if err != nil {
				return err
			}
			return c.Close()
		})
		return float64(n) / time.Since(start).Seconds(), err
	}
}

// repeat calls f n times, on so many goroutines, and returns the first error.
func repeat(n, goroutines int, f func() error) error {
	var done atomic.Int64
	var failed sync.Once
	var first error
	var workers sync.WaitGroup
	for range goroutines {
		workers.Go(func() {
			for done.Add(1) <= int64(n) {
				if err := f(); err != nil {
					failed.Do(func() { first = err })
					return
				}
			}
		})
	}
	workers.Wait()
	return first
}
