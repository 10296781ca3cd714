package mac

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 4231 4.6: HMAC cut to 128 bits. RFC 2104, section 5: the leftmost bits stay.
func TestTruncated(t *testing.T) {
	key := bytes.Repeat([]byte{0x0c}, 20)
	data := []byte("Test With Truncation")
	seq := binary.BigEndian.Uint32(data)
	for _, tt := range []struct {
		name string
		mac  MAC
		want string
	}{
		{"SHA-256", newHMAC(sha256.New, 16, key), "a3b6167473100ee06e0c796c2955552b"},
		{"SHA-512", newHMAC(sha512.New, 16, key), "415fad6271580a531d4179bc891d87a6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, hex.EncodeToString(tt.mac.Append(nil, seq, data[4:])))
		})
	}
}
