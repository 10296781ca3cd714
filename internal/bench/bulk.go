package main

import (
	"fmt"
	"time"
)

// rate returns megabytes a second.
func rate(n int64, since time.Time) float64 {
	return float64(n) / time.Since(since).Seconds() / 1e6
}

// upload measures one channel from the client to the server, whose last word
// is waited for.
func upload(st stack, s suite, share int64) sample {
	return func(b *bench) (float64, error) {
		n := b.bytes(share)
		c, err := b.connect(st, s)
		if err != nil {
			return 0, err
		}
		defer c.close()
		str, err := c.start(fmt.Sprintf("sink %d", n))
		if err != nil {
			return 0, err
		}
		start := time.Now()
		err = str.send(n)
		return rate(n, start), err
	}
}

// download measures one channel from the server to the client.
func download(st stack, s suite, share int64) sample {
	return func(b *bench) (float64, error) {
		c, err := b.connect(st, s)
		if err != nil {
			return 0, err
		}
		defer c.close()
		return c.fetch(b.bytes(share))
	}
}

// fetch reads n bytes from the server.
func (s *session) fetch(n int64) (float64, error) {
	start := time.Now()
	str, err := s.start(fmt.Sprintf("source %d", n))
	if err != nil {
		return 0, err
	}
	err = drain(str.out, n)
	return rate(n, start), err
}
