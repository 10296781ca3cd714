package cipher_test

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// ghash is GHASH of NIST SP 800-38D, section 6.4, on blocks of 16 bytes, with
// the field arithmetic of section 6.3 written out on big.Int.
func ghash(h []byte, data []byte) []byte {
	reduction := new(big.Int).Lsh(big.NewInt(0xe1), 120)
	key, y := new(big.Int).SetBytes(h), new(big.Int)
	for ; len(data) > 0; data = data[16:] {
		y.Xor(y, new(big.Int).SetBytes(data[:16]))
		z, v := new(big.Int), new(big.Int).Set(key)
		for bit := 127; bit >= 0; bit-- { // the most significant bit is x^0
			if y.Bit(bit) == 1 {
				z.Xor(z, v)
			}
			carry := v.Bit(0)
			v.Rsh(v, 1)
			if carry == 1 {
				v.Xor(v, reduction)
			}
		}
		y = z
	}
	return y.FillBytes(make([]byte, 16))
}

// pad16 appends zeros up to a multiple of 16 bytes.
func pad16(p []byte) []byte { return append(bytes.Clone(p), make([]byte, -len(p)&15)...) }

// sealGCM seals plain by NIST SP 800-38D, section 7.1, out of nothing but AES.
func sealGCM(t *testing.T, key, iv, head, plain []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	keystream := func(counter uint32) []byte {
		out := binary.BigEndian.AppendUint32(bytes.Clone(iv), counter)
		block.Encrypt(out, out)
		return out
	}
	var ciphertext []byte
	for i, c := range plain {
		ciphertext = append(ciphertext, c^keystream(uint32(i/16 + 2))[i%16])
	}
	h := make([]byte, 16)
	block.Encrypt(h, h)
	data := append(pad16(head), pad16(ciphertext)...)
	data = binary.BigEndian.AppendUint64(data, uint64(len(head))*8)
	data = binary.BigEndian.AppendUint64(data, uint64(len(ciphertext))*8)
	tag := ghash(h, data)
	for i, c := range keystream(1) {
		tag[i] ^= c
	}
	return append(ciphertext, tag...)
}

// The independent construction answers for itself: test case 4 of the GCM
// submission to NIST, with a key of 128 bits and associated data.
func TestGCMReference(t *testing.T) {
	unhex := func(s string) []byte {
		p, err := hex.DecodeString(s)
		require.NoError(t, err)
		return p
	}
	got := sealGCM(t, unhex("feffe9928665731c6d6a8f9467308308"), unhex("cafebabefacedbaddecaf888"),
		unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
		unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"))
	require.Equal(t, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"+
		"5bc94fbc3221a5db94fae95ae7121a47", hex.EncodeToString(got))
}

// RFC 5647, section 7: packets with the nonce, the associated data and the
// counter as the RFC has them, computed step by step.
func TestGCMPackets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		iv    string
		nonce []string // of the first packets
	}{
		{"RFC 5647 7.1: counter from zero", "0102030400000000000000ff", []string{"0102030400000000000000ff", "010203040000000000000100", "010203040000000000000101"}},
		{"RFC 5647 7.1: the carry reaches the upper half", "0102030400000000ffffffff", []string{"0102030400000000ffffffff", "010203040000000100000000"}},
		{"RFC 5647 7.1: the fixed field never changes", "01020304ffffffffffffffff", []string{"01020304ffffffffffffffff", "010203040000000000000000", "010203040000000000000001"}},
	} {
		for _, name := range []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				mode, ok := cipher.Lookup(name)
				require.True(t, ok)
				iv, err := hex.DecodeString(tt.iv)
				require.NoError(t, err)
				keys := cipher.Keys{Key: counting(3, mode.KeySize), IV: iv}
				sealer, err := mode.NewSealer(keys, mac.Algorithm{})
				require.NoError(t, err)
				opener, err := mode.NewOpener(keys, mac.Algorithm{})
				require.NoError(t, err)
				for i, want := range tt.nonce {
					nonce, err := hex.DecodeString(want)
					require.NoError(t, err)
					packet := frame(sealer.Framing(), counting(byte(i), 30*i))
					plain := bytes.Clone(packet[4 : len(packet)-16])
					expected := append(bytes.Clone(packet[:4]), sealGCM(t, keys.Key, nonce, packet[:4], plain)...)
					sealer.Seal(99, packet)
					require.Equal(t, expected, packet)
					_, got, err := open(opener, 99, packet)
					require.NoError(t, err)
					require.Equal(t, plain, got)
				}
			})
		}
	}
}
