package cipher

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Wherever xorPayload runs, it is the keystream that x/crypto/chacha20 makes,
// and the AEAD of RFC 8439 makes it as well.
func TestPayloadKeystream(t *testing.T) {
	s, err := newChaChaPoly(Keys{Key: bytes.Repeat([]byte{0x5c}, 64)})
	require.NoError(t, err)
	c := s.(*chachaPoly)
	for _, size := range []int{0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1<<18 + 1} {
		c.setNonce(uint32(size))
		plain, got, aead := make([]byte, size), make([]byte, size+16), make([]byte, size, size+16)
		c.xor(&c.payloadKey, 1, plain, plain)
		c.xorPayload(got[:size], got[:size])
		require.True(t, bytes.Equal(plain, got[:size]), "size %d", size)
		require.True(t, bytes.Equal(plain, c.aead.Seal(aead[:0], c.nonce[:], aead, nil)[:size]), "AEAD, size %d", size)
	}
}

// BenchmarkKeystream is why xorPayload goes through the AEAD.
func BenchmarkKeystream(b *testing.B) {
	s, err := newChaChaPoly(Keys{Key: make([]byte, 64)})
	require.NoError(b, err)
	c := s.(*chachaPoly)
	for _, size := range []int{64, 128, 192, 256, 320, 384, 512, 1024, 32 << 10} {
		p := make([]byte, size+16)
		b.Run("aead/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				c.aead.Seal(p[:0], c.nonce[:], p[:size], nil)
			}
		})
		b.Run("chacha20/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				c.xor(&c.payloadKey, 1, p[:size], p[:size])
			}
		})
	}
}
