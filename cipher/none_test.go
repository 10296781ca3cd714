package cipher_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
)

func TestNone(t *testing.T) {
	sealer, opener := cipher.None()
	require.Equal(t, cipher.Framing{Head: 4, Block: 8}, sealer.Framing())
	require.Equal(t, sealer.Framing(), opener.Framing())
	for n := range 301 {
		requireRoundTrip(t, sealer, opener, 0, counting(0, n))
		plain := frame(sealer.Framing(), counting(0, n))
		packet := bytes.Clone(plain)
		sealer.Seal(uint32(n), packet)
		require.Equal(t, plain, packet, "RFC 4253 6: in the clear")
		require.Zero(t, len(packet)%8)
	}
}

// Attacks B1, B2: whatever a length claims, there is nothing to over-read.
func TestNoneShort(t *testing.T) {
	_, opener := cipher.None()
	for n := range 8 {
		body, err := opener.Open(make([]byte, n), 0, make([]byte, n))
		require.Equal(t, cipher.ErrAuthentication, err)
		require.Nil(t, body)
	}
	for _, length := range []uint32{0, 1, 5, 35000, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		head := []byte{byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)}
		require.Equal(t, length, opener.Length(0, head))
	}
}

func TestNoneAllocations(t *testing.T) {
	p := frame(cipher.Framing{Head: 4, Block: 8}, make([]byte, 100))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		sealer, opener := cipher.None()
		sealer.Seal(0, p)
		if _, _, err := open(opener, 0, p); err != nil {
			t.Error(err)
		}
	}))
}
