package cipher_test

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// counterMode is AES-CTR by RFC 4344, section 4: "X is first initialized with
// the IV", and X is encrypted, then incremented modulo 2^128.
type counterMode struct {
	t    *testing.T
	key  []byte
	x    *big.Int
	left []byte
}

// xor returns p under the next len(p) bytes of keystream.
func (c *counterMode) xor(p []byte) []byte {
	block, err := aes.NewCipher(c.key)
	require.NoError(c.t, err)
	out := make([]byte, len(p))
	for i := range p {
		if len(c.left) == 0 {
			c.left = c.x.FillBytes(make([]byte, 16))
			block.Encrypt(c.left, c.left)
			c.x.Add(c.x, big.NewInt(1))
			c.x.SetBit(c.x, 128, 0)
		}
		out[i] = p[i] ^ c.left[0]
		c.left = c.left[1:]
	}
	return out
}

// tag is the tag of data by RFC 4253, section 6.4: of the MAC's package, which
// has known answers of its own.
func tag(a mac.Algorithm, key []byte, seq uint32, data []byte) []byte {
	return a.New(key).Append(nil, seq, data)
}

func TestCTRPackets(t *testing.T) {
	for _, s := range suites() {
		if !strings.HasSuffix(s.mode.Name, "-ctr") {
			continue
		}
		for name, iv := range map[string][]byte{
			"any IV":                   counting(0x81, 16),
			"RFC 4344 4: X wraps to 0": bytes.Repeat([]byte{0xff}, 16),
			"RFC 4344 4: X carries":    append(counting(0, 8), bytes.Repeat([]byte{0xff}, 8)...),
		} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				keys := s.keys()
				keys.IV = iv
				sealer, err := s.mode.NewSealer(keys, s.mac)
				require.NoError(t, err)
				opener, err := s.mode.NewOpener(keys, s.mac)
				require.NoError(t, err)
				reference := &counterMode{t: t, key: keys.Key, x: new(big.Int).SetBytes(iv)}
				for i, seq := range []uint32{0, 1, 1<<32 - 1} {
					packet := frame(sealer.Framing(), counting(byte(i), 1+100*i))
					plain := bytes.Clone(packet[:len(packet)-s.mac.Size])
					var expected []byte
					if s.mac.EtM { // OpenSSH PROTOCOL, section 1.5
						expected = append(bytes.Clone(plain[:4]), reference.xor(plain[4:])...)
						expected = append(expected, tag(s.mac, keys.MAC, seq, expected)...)
					} else { // RFC 4253, section 6.4
						expected = append(reference.xor(plain), tag(s.mac, keys.MAC, seq, plain)...)
					}
					sealer.Seal(seq, packet)
					require.Equal(t, expected, packet)
					length, got, err := open(opener, seq, packet)
					require.NoError(t, err)
					require.EqualValues(t, len(plain)-4, length)
					require.Equal(t, plain[4:], got)
				}
			})
		}
	}
}

// NIST SP 800-38A, appendix F.5. Where packet_length is encrypted too, the
// whole of a packet is the plaintext.
func TestCTRKnownAnswers(t *testing.T) {
	const plaintext = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	for _, tt := range []struct{ section, mode, key, want string }{
		{"SP 800-38A F.5.1", "aes128-ctr", "2b7e151628aed2a6abf7158809cf4f3c",
			"874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
		{"SP 800-38A F.5.3", "aes192-ctr", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
			"1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e941e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050"},
		{"SP 800-38A F.5.5", "aes256-ctr", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
			"601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			mode, ok := cipher.Lookup(tt.mode)
			require.True(t, ok)
			a, ok := mac.Lookup("hmac-sha2-256")
			require.True(t, ok)
			key, err := hex.DecodeString(tt.key)
			require.NoError(t, err)
			sealer, err := mode.NewSealer(cipher.Keys{Key: key, IV: counting(0xf0, 16), MAC: make([]byte, 32)}, a)
			require.NoError(t, err)
			packet, err := hex.DecodeString(plaintext)
			require.NoError(t, err)
			packet = append(packet, make([]byte, 32)...)
			sealer.Seal(0, packet)
			require.Equal(t, tt.want, hex.EncodeToString(packet[:64]))
		})
	}
}
