package cipher

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Length decrypts the first block and Open the rest, each byte once.
func TestMtEDecryptsOnce(t *testing.T) {
	var seen counter
	c := newMtE(16, 32, seen.crypt, make(fixedMAC, 32))
	packet := make([]byte, 64+32)
	c.Length(0, packet) // no more of it than the head
	require.Equal(t, counter{1, 16}, seen)
	body, err := c.Open(packet, 0, packet)
	require.NoError(t, err)
	require.Len(t, body, 60)
	require.Equal(t, counter{2, 64}, seen)
}

// RFC 4253 6.4 makes the receiver decrypt before it knows. What it then learns
// is that the packet is nobody's, and nothing of it may be left.
func TestMtEClearsUnauthentic(t *testing.T) {
	var seen counter
	c := newMtE(16, 32, seen.crypt, make(fixedMAC, 32))
	for _, size := range []int{8, 16, 47, 48, 64 + 32} { // too short as well as forged
		packet := bytes.Repeat([]byte{'s'}, size)
		if size >= 16 {
			c.Length(0, packet[:16])
		}
		_, err := c.Open(packet, 0, packet)
		require.Equal(t, ErrAuthentication, err)
		require.Equal(t, make([]byte, size), packet)
	}
}
