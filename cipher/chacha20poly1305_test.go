package cipher_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20"

	//lint:ignore SA1019 the step-by-step construction needs Poly1305 by itself.
	"golang.org/x/crypto/poly1305"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

const chachaName = "chacha20-poly1305@openssh.com"

// newChaCha returns both ends under key.
func newChaCha(t *testing.T, key []byte) (cipher.Sealer, cipher.Opener) {
	t.Helper()
	mode, ok := cipher.Lookup(chachaName)
	require.True(t, ok)
	sealer, err := mode.NewSealer(cipher.Keys{Key: key}, mac.Algorithm{})
	require.NoError(t, err)
	opener, err := mode.NewOpener(cipher.Keys{Key: key}, mac.Algorithm{})
	require.NoError(t, err)
	return sealer, opener
}

// draft-ietf-sshm-chacha20-poly1305-04, appendix A: key material of figure 5,
// sequence number 7, packet of figure 4, ciphertext and tag of figure 18.
func TestChaChaDraftVector(t *testing.T) {
	key, err := hex.DecodeString("8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5" +
		"e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740")
	require.NoError(t, err)
	plain, err := hex.DecodeString("00000048065e00000000000000384c6f72656d20697073756d20646f6c6f7220" +
		"73697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c69744e43e804dc6c")
	require.NoError(t, err)
	const want = "2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705" +
		"bbc378ce03a280236b87b53bed5839662302b164b6286a48cd1e097138e3cb90" +
		"9b8b2b829dd18d2a35ff82d9" + "95349e855bf02c298ef775f2d1a7e8b8"

	sealer, opener := newChaCha(t, key)
	packet := append(bytes.Clone(plain), make([]byte, 16)...)
	sealer.Seal(7, packet)
	require.Equal(t, want, hex.EncodeToString(packet))
	length, got, err := open(opener, 7, packet)
	require.NoError(t, err)
	require.EqualValues(t, 0x48, length)
	require.Equal(t, plain[4:], got)
}

// RFC 8439 A.1 lists keystream blocks of the zero key. Blocks 0 of K_1 and 1
// of K_2 are what a packet of zeros is encrypted to.
func TestChaChaKeystream(t *testing.T) {
	const (
		block0    = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
		block1    = "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
		block0Of2 = "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c78a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d"
	)
	sealer, _ := newChaCha(t, make([]byte, 64))
	packet := make([]byte, 4+64+16)
	sealer.Seal(0, packet)
	require.Equal(t, block0[:8], hex.EncodeToString(packet[:4]), "RFC 8439 A.1, test vector 1")
	require.Equal(t, block1, hex.EncodeToString(packet[4:68]), "RFC 8439 A.1, test vector 2")
	clear(packet)
	sealer.Seal(2, packet)
	require.Equal(t, block0Of2[:8], hex.EncodeToString(packet[:4]), "RFC 8439 A.1, test vector 5")
}

// OpenSSH PROTOCOL.chacha20poly1305, step by step, with the plain stream cipher.
func TestChaChaPackets(t *testing.T) {
	key := counting(7, 64)
	stream := func(key []byte, seq uint32) *chacha20.Cipher {
		s, err := chacha20.NewUnauthenticatedCipher(key, binary.BigEndian.AppendUint64(make([]byte, 4), uint64(seq)))
		require.NoError(t, err)
		return s
	}
	sealer, opener := newChaCha(t, key)
	for _, size := range []int{0, 1, 50, 59, 60, 123, 251, 500, 32 << 10} { // around the sizes that assembly treats apart
		for _, seq := range []uint32{0, 1, 255, 256, 1 << 31, 1<<32 - 1} {
			packet := frame(sealer.Framing(), counting(byte(seq), size))
			plain := bytes.Clone(packet[:len(packet)-16])

			want := bytes.Clone(plain)
			stream(key[32:], seq).XORKeyStream(want[:4], want[:4])
			var polyKey, block [32]byte
			payload := stream(key[:32], seq)
			payload.XORKeyStream(polyKey[:], polyKey[:])
			payload.XORKeyStream(block[:], block[:]) // the rest of block 0 is not used
			payload.XORKeyStream(want[4:], want[4:])
			var sum [16]byte
			poly1305.Sum(&sum, want, &polyKey)
			want = append(want, sum[:]...)

			sealer.Seal(seq, packet)
			require.True(t, bytes.Equal(want, packet), "size %d, packet %d", size, seq)
			head := bytes.Clone(packet[:4])
			require.EqualValues(t, len(plain)-4, opener.Length(seq, packet[:4]))
			require.Equal(t, head, packet[:4], "the tag is of the encrypted length")
			got, err := opener.Open(packet, seq, packet)
			require.NoError(t, err)
			require.True(t, bytes.Equal(plain[4:], got))
		}
	}
}

// Attack B5: a packet with a wrong tag is left as it came, not decrypted.
func TestB5ChaChaDecryptsNothingUnauthentic(t *testing.T) {
	sealer, opener := newChaCha(t, counting(7, 64))
	packet := frame(sealer.Framing(), []byte(secret))
	sealer.Seal(1, packet)
	for i := range packet {
		flipped := bytes.Clone(packet)
		flipped[i] ^= 0x10
		received := bytes.Clone(flipped)
		_, _, err := open(opener, 1, flipped)
		require.Equal(t, cipher.ErrAuthentication, err)
		require.Equal(t, received, flipped)
	}
}
