package main

import (
	"io"
	"time"
)

// echo measures how long one byte takes there and back on an open channel, in
// microseconds.
func echo(st stack) sample {
	return func(b *bench) (float64, error) {
		c, err := b.connect(st, gcm)
		if err != nil {
			return 0, err
		}
		defer c.close()
		s, err := c.start("echo")
		if err != nil {
			return 0, err
		}
		return b.pingPong(s.in, s.out)
	}
}

// pingPong sends bytes, each when the one before has come back, and returns
// the median time.
func (b *bench) pingPong(w io.Writer, r io.Reader) (float64, error) {
	buffer := make([]byte, 1)
	times := make([]float64, b.count(20000))
	for i := range times {
		start := time.Now()
		if _, err := w.Write(buffer); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(r, buffer); err != nil {
			return 0, err
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / 1e3
	}
	return median(times), nil
}
