package transport

import (
	"testing"

	"github.com/whelk-ssh/whelk/cipher"
)

// BenchmarkConn sends packets of 32 KiB from one end to the other over TCP on
// this machine.
func BenchmarkConn(b *testing.B) {
	for _, mode := range cipher.Default() {
		b.Run(mode.Name, func(b *testing.B) {
			cc := clientConfig()
			cc.Ciphers = []cipher.Mode{mode}
			c, s := newPair(b, cc, serverConfig())
			p := make([]byte, 32<<10)
			p[0] = testMessage
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			done := make(chan error, 1)
			n := b.N
			go func() {
				var err error
				for range n {
					if _, err = s.ReadPacket(); err != nil {
						break
					}
				}
				done <- err
				orNextError(s, nil)
			}()
			go orNextError(c, nil)
			b.ResetTimer()
			for range n {
				if err := c.WritePacket(p); err != nil {
					b.Fatal(err)
				}
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	for range b.N {
		c, s := newPair(b, clientConfig(), serverConfig())
		c.Close()
		s.Close()
	}
}
