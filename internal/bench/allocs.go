package main

import (
	"fmt"
	"runtime"
)

// allocations measures how often both ends together allocate for each 32 KiB
// they move, once they are at it.
func allocations(st stack) sample {
	return func(b *bench) (float64, error) {
		c, err := b.connect(st, gcm)
		if err != nil {
			return 0, err
		}
		defer c.close()
		n := b.bytes(4)
		s, err := c.start(fmt.Sprintf("sink %d", n))
		if err != nil {
			return 0, err
		}
		var before, after runtime.MemStats
		if err := s.send(n); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&before)
		if err := s.send(n); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / float64(n/block), nil
	}
}
