//go:build !race

package transport

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
)

// Under the race detector a sync.Pool drops things on purpose.

func TestPacketRoundTripDoesNotAllocate(t *testing.T) {
	for _, mode := range cipher.Default() {
		t.Run(mode.Name, func(t *testing.T) {
			cc := clientConfig()
			cc.Ciphers = []cipher.Mode{mode}
			c, s := newPair(t, cc, serverConfig())
			requireNoAllocations(t, c, s, make([]byte, 32<<10))
		})
	}
}

func TestCompressedRoundTripDoesNotAllocate(t *testing.T) {
	for _, size := range []int{20, 32 << 10} {
		c, s := compressedPair(t, compressionDelayed)
		requireNoAllocations(t, c, s, compressible(size))
	}
}

// requireNoAllocations sends p from c to s over and over.
func requireNoAllocations(t *testing.T, c, s *Conn, p []byte) {
	t.Helper()
	p[0] = testMessage
	parts := [][]byte{p[:9], p[9:]}
	ctx := context.Background()
	allocs := testing.AllocsPerRun(500, func() {
		c.Ready(ctx)
		c.Enqueue(parts...)
		if _, err := s.ReadPacket(); err != nil {
			t.Error(err)
		}
	})
	require.Zero(t, allocs)
}
