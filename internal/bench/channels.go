package main

import (
	"fmt"
	"time"
)

// manyChannels is how many channels there are at once on one connection.
const manyChannels = 1000

// channels measures so many channels that the client writes to at the same
// time, 1,000 MiB on all of them together, until the server has said for each
// that everything arrived. Opening them is not counted.
func channels(st stack, n int) sample {
	return func(b *bench) (float64, error) {
		c, err := b.connect(st, gcm)
		if err != nil {
			return 0, err
		}
		defer c.close()
		each := max(b.bytes(1)*1000/1024/int64(n)/block, 1) * block
		streams := make(chan *stream, n)
		for range n {
			s, err := c.start(fmt.Sprintf("sink %d", each))
			if err != nil {
				return 0, err
			}
			streams <- s
		}
		start := time.Now()
		err = repeat(n, n, func() error { return (<-streams).send(each) })
		return rate(each*int64(n), start), err
	}
}
