package cipher_test

import (
	"bytes"
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/des"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// A chain is CBC encryption by its definition: each block of plaintext is xored
// with the block of ciphertext before it.
type chain struct {
	block stdcipher.Block
	last  []byte
}

func newChain(t *testing.T, s suite, keys cipher.Keys) *chain {
	t.Helper()
	block, err := aes.NewCipher(keys.Key)
	if s.mode.Name == "3des-cbc" {
		block, err = des.NewTripleDESCipher(keys.Key)
	}
	require.NoError(t, err)
	return &chain{block, bytes.Clone(keys.IV)}
}

func (c *chain) encrypt(p []byte) (out []byte) {
	for size := c.block.BlockSize(); len(p) > 0; p = p[size:] {
		for i := range c.last {
			c.last[i] ^= p[i]
		}
		c.block.Encrypt(c.last, c.last)
		out = append(out, c.last...)
	}
	return out
}

// RFC 4253 6.3: "initialization vectors SHOULD be passed from the end of one
// packet to the beginning of the next packet". All packets are one chain.
func TestCBCPackets(t *testing.T) {
	for _, s := range suites() {
		if !s.chained() {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			keys := s.keys()
			sealer, opener := s.pair(t)
			reference := newChain(t, s, keys)
			for i, seq := range []uint32{0, 1, 1<<32 - 1} {
				packet := frame(sealer.Framing(), counting(byte(i), 1+100*i))
				plain := bytes.Clone(packet[:len(packet)-s.mac.Size])
				var expected []byte
				if s.mac.EtM { // OpenSSH PROTOCOL, section 1.5
					expected = append(bytes.Clone(plain[:4]), reference.encrypt(plain[4:])...)
					expected = append(expected, tag(s.mac, keys.MAC, seq, expected)...)
				} else { // RFC 4253, section 6.4
					expected = append(reference.encrypt(plain), tag(s.mac, keys.MAC, seq, plain)...)
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

// NIST SP 800-38A, appendix F.2, and NIST's example of TDES in CBC mode. Where
// packet_length is encrypted too, the whole of a packet is the plaintext.
func TestCBCKnownAnswers(t *testing.T) {
	const plaintext = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
	for _, tt := range []struct{ section, mode, key, iv, want string }{
		{"SP 800-38A F.2.1", "aes128-cbc", "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
			"7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b273bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
		{"SP 800-38A F.2.3", "aes192-cbc", "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
			"4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"},
		{"SP 800-38A F.2.5", "aes256-cbc", "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
		{"TDES_CBC", "3des-cbc", "0123456789abcdef23456789abcdef01456789abcdef0123", "f69f2445df4f9b17",
			"2079c3d53aa763e193b79e2569ab5262516570481f25b50f73c0bda85c8e0da7"},
	} {
		t.Run(tt.section, func(t *testing.T) {
			mode, ok := cipher.Lookup(tt.mode)
			require.True(t, ok)
			a, ok := mac.Lookup("hmac-sha2-256")
			require.True(t, ok)
			key, err := hex.DecodeString(tt.key)
			require.NoError(t, err)
			iv, err := hex.DecodeString(tt.iv)
			require.NoError(t, err)
			sealer, err := mode.NewSealer(cipher.Keys{Key: key, IV: iv, MAC: make([]byte, 32)}, a)
			require.NoError(t, err)
			packet, err := hex.DecodeString(plaintext)
			require.NoError(t, err)
			packet = append(packet, make([]byte, 32)...)
			sealer.Seal(0, packet)
			require.Equal(t, tt.want, hex.EncodeToString(packet[:len(tt.want)/2]))
		})
	}
}

// A peer that holds the keys may authenticate what is not in whole blocks.
// Nothing can be decrypted of that, and nothing panics.
func TestCBCPartialBlocks(t *testing.T) {
	for _, s := range suites() {
		if !s.chained() {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			_, opener := s.pair(t)
			f, keys := opener.Framing(), s.keys()
			for region := f.Block; region < 3*f.Block; region++ {
				packet := counting(1, f.Clear+region)
				packet = append(packet, tag(s.mac, keys.MAC, 0, packet)...)
				_, opener := s.pair(t)
				opener.Length(0, packet[:f.Head])
				_, err := opener.Open(packet, 0, packet)
				if s.mac.EtM && region%f.Block == 0 {
					require.NoError(t, err, "the tag is right")
					continue
				}
				require.Equal(t, cipher.ErrAuthentication, err, "region of %d bytes", region)
			}
		})
	}
}

// Attack B4: the first block of ciphertext decides packet_length together with
// the block before it, which anybody has seen.
func TestCBCLengthIsMalleable(t *testing.T) {
	for _, s := range suites() {
		if !s.chained() || s.mac.EtM {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			packet, _ := s.sealed(t, 0, []byte(secret))
			keys := s.keys()
			binary.BigEndian.PutUint32(keys.IV, binary.BigEndian.Uint32(keys.IV)^0xffffffff)
			_, honest := s.pair(t)
			opener, err := s.mode.NewOpener(keys, s.mac)
			require.NoError(t, err)
			require.True(t, opener.Framing().Discard)
			head := opener.Framing().Head
			require.Equal(t, ^honest.Length(0, bytes.Clone(packet[:head])), opener.Length(0, bytes.Clone(packet[:head])))
		})
	}
}

// No packet that a MAC cannot be asked about makes Open panic.
func TestMaxData(t *testing.T) {
	for _, name := range []string{"aes128-ctr", "aes128-cbc"} {
		mode, ok := cipher.Lookup(name)
		require.True(t, ok)
		for _, a := range mac.Default() {
			s := suite{name + "+" + a.Name, mode, a}
			_, opener := s.pair(t)
			packet := make([]byte, mac.MaxData+opener.Framing().Clear+16+a.Size)
			_, err := opener.Open(packet, 0, packet)
			require.Equal(t, cipher.ErrAuthentication, err, s.name)
		}
	}
}
