package mac

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"strings"
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

// RFC 2202, sections 2 and 3, the cases with keys of the size that SSH has and
// at least four bytes of data. Section 3, case 5, has the tag cut to 96 bits.
func TestRFC2202(t *testing.T) {
	for _, tt := range []struct {
		name, algorithm string
		key             []byte
		data, want      string
	}{
		{"RFC 2202 2 case 1", "hmac-md5", bytes.Repeat([]byte{0x0b}, 16), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"},
		{"RFC 2202 2 case 2", "hmac-md5", []byte("Jefe"), "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"},
		{"RFC 2202 2 case 3", "hmac-md5", bytes.Repeat([]byte{0xaa}, 16), strings.Repeat("\xdd", 50), "56be34521d144c88dbb8c733f0e8b3f6"},
		{"RFC 2202 3 case 1", "hmac-sha1", bytes.Repeat([]byte{0x0b}, 20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
		{"RFC 2202 3 case 2", "hmac-sha1", []byte("Jefe"), "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{"RFC 2202 3 case 3", "hmac-sha1-etm@openssh.com", bytes.Repeat([]byte{0xaa}, 20), strings.Repeat("\xdd", 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
		{"RFC 2202 3 case 5", "hmac-sha1-96", bytes.Repeat([]byte{0x0c}, 20), "Test With Truncation", "4c1a03424b55e07fe7f27be1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, ok := Lookup(tt.algorithm)
			require.True(t, ok)
			seq := binary.BigEndian.Uint32([]byte(tt.data))
			require.Equal(t, tt.want, hex.EncodeToString(a.New(tt.key).Append(nil, seq, []byte(tt.data[4:]))))
		})
	}
}
