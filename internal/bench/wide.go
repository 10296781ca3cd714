package main

import "time"

// wideDelay is what a packet takes to the other end in the figure wan-100ms.
const wideDelay = 50 * time.Millisecond

// wideDownload measures one channel from the server to the client over a path
// that is as long as it is wide: only the window limits.
func wideDownload(st stack) sample {
	return func(b *bench) (float64, error) {
		c, err := b.connectVia(st, gcm, func(address string) (string, func(), error) {
			r, err := newRelay(address, wideDelay)
			if err != nil {
				return "", nil, err
			}
			return r.address(), r.close, nil
		})
		if err != nil {
			return 0, err
		}
		defer c.close()
		return c.fetch(b.bytes(4))
	}
}
