package cipher_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
)

// sealed returns a packet of the given payload as packet number seq of a fresh
// pair, and the Opener that expects it.
func (s suite) sealed(t testing.TB, seq uint32, payload []byte) ([]byte, cipher.Opener) {
	t.Helper()
	sealer, opener := s.pair(t)
	packet := frame(sealer.Framing(), payload)
	sealer.Seal(seq, packet)
	return packet, opener
}

// requireRefused opens packet, which must fail in the one way there is and
// leave no plaintext behind.
func requireRefused(t *testing.T, o cipher.Opener, seq uint32, packet []byte, secret string, what ...any) {
	t.Helper()
	if len(packet) >= o.Framing().Head {
		o.Length(seq, packet[:o.Framing().Head])
	}
	dst := destination(seq, packet)
	body, err := o.Open(dst, seq, packet)
	require.Equal(t, cipher.ErrAuthentication, err, what...)
	require.Nil(t, body, what...)
	require.False(t, bytes.Contains(packet, []byte(secret)), what...)
	require.False(t, bytes.Contains(dst, []byte(secret)), what...)
}

const secret = "sixteen secret bytes, and more of them"

// Attack B5: a flipped bit anywhere, the length and the tag included.
func TestFlippedBits(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			packet, opener := s.sealed(t, 5, []byte(secret))
			_, _, err := open(opener, 5, bytes.Clone(packet))
			require.NoError(t, err)
			for bit := range len(packet) * 8 {
				_, opener := s.pair(t)
				flipped := bytes.Clone(packet)
				flipped[bit/8] ^= 1 << (bit % 8)
				requireRefused(t, opener, 5, flipped, secret, "bit %d", bit)
			}
		})
	}
}

// RFC 4253 6.4 and RFC 5647 7.1: a packet is authentic at one place only.
func TestOutOfPlace(t *testing.T) {
	for _, s := range suites() {
		sealer, _ := s.pair(t)
		first := frame(sealer.Framing(), []byte(secret))
		second := bytes.Clone(first)
		sealer.Seal(0, first)
		sealer.Seal(1, second)
		t.Run(s.name+"/skipped", func(t *testing.T) {
			_, opener := s.pair(t)
			requireRefused(t, opener, 0, bytes.Clone(second), secret)
		})
		t.Run(s.name+"/repeated", func(t *testing.T) {
			_, opener := s.pair(t)
			_, _, err := open(opener, 0, bytes.Clone(first))
			require.NoError(t, err)
			requireRefused(t, opener, 1, bytes.Clone(first), secret)
		})
		t.Run(s.name+"/from the other direction's keys", func(t *testing.T) {
			other := s.keys()
			for _, p := range [][]byte{other.Key, other.IV, other.MAC} {
				for i := range p {
					p[i] ^= 0xff
				}
			}
			opener, err := s.mode.NewOpener(other, s.mac)
			require.NoError(t, err)
			requireRefused(t, opener, 0, bytes.Clone(first), secret)
		})
	}
}

// RFC 4253 6.4: the sequence number is authenticated. GCM has its own counter.
func TestWrongSequenceNumber(t *testing.T) {
	for _, s := range suites() {
		if _, opener := s.pair(t); s.mode.AEAD && opener.Framing().Block == 16 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			packet, _ := s.sealed(t, 1000, []byte(secret))
			for _, seq := range []uint32{0, 999, 1001, 1000 ^ 1<<31, 1000 ^ 1<<24, 1<<32 - 1} {
				_, opener := s.pair(t)
				requireRefused(t, opener, seq, bytes.Clone(packet), secret, "packet %d", seq)

				_, opener = s.pair(t)
				other := bytes.Clone(packet)
				opener.Length(1000, other[:opener.Framing().Head])
				_, err := opener.Open(other, seq, other)
				require.Equal(t, cipher.ErrAuthentication, err, "packet %d, with the length of packet 1000", seq)
			}
		})
	}
}

// Attacks B1, B2, B3: a packet cut short, prolonged, or of any length of
// anything is an error, never a panic.
func TestAnyLength(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			packet, _ := s.sealed(t, 0, []byte(secret))
			for n := range len(packet) {
				_, opener := s.pair(t)
				requireRefused(t, opener, 0, bytes.Clone(packet[:n]), secret, "first %d bytes", n)
			}
			for n := range 20 {
				_, opener := s.pair(t)
				requireRefused(t, opener, 0, append(bytes.Clone(packet), make([]byte, n+1)...), secret, "%d bytes more", n+1)
			}
			for n := range 300 {
				for _, fill := range []byte{0x00, 0x5a, 0xff} {
					_, opener := s.pair(t)
					requireRefused(t, opener, 0, bytes.Repeat([]byte{fill}, n), secret, "%d times %#x", n, fill)
				}
			}
			_, opener := s.pair(t)
			_, err := opener.Open(nil, 0, nil)
			require.Equal(t, cipher.ErrAuthentication, err)
		})
	}
}

// Attack B2, CVE-2021-43565: a peer that holds the keys may authenticate a
// padded region of any size. From one block on Open returns it as it is, for
// the receiver to judge; below that there is no padding_length to return. CBC
// cannot even seal what is not in whole blocks.
func TestAuthenticButMalformed(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			sealer, _ := s.pair(t)
			f := sealer.Framing()
			for region := 4 - f.Clear; region <= 3*f.Block; region++ {
				if s.chained() && region%f.Block != 0 {
					continue
				}
				sealer, opener := s.pair(t)
				packet := bytes.Repeat([]byte{0xff}, f.Clear+region+f.Tag) // padding_length 255
				plain := bytes.Clone(packet)
				sealer.Seal(0, packet)
				if len(packet) >= f.Head {
					opener.Length(0, packet[:f.Head])
				}
				body, err := opener.Open(packet, 0, packet)
				if region < f.Block {
					require.Equal(t, cipher.ErrAuthentication, err, "region of %d bytes", region)
					continue
				}
				require.NoError(t, err, "region of %d bytes", region)
				require.Equal(t, plain[4:4+len(body)], body)
				require.Len(t, body, f.Clear+region-4)
			}
		})
	}
}

// Attack B1: Length returns whatever number the peer sent, undisturbed by sign
// or size. Bounding it is the receiver's.
func TestLength(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			for _, length := range []uint32{0, 1, 4, 5, 11, 12, 35000, 256 << 10, 256<<10 + 1, 1<<31 - 1, 1 << 31, 1<<32 - 20, 1<<32 - 1} {
				sealer, opener := s.pair(t)
				packet := frame(sealer.Framing(), []byte(secret))
				binary.BigEndian.PutUint32(packet, length)
				sealer.Seal(3, packet)
				require.Equal(t, length, opener.Length(3, packet[:sealer.Framing().Head]))
			}
		})
	}
}

// A programmer's mistake is not sent to the peer.
func TestSealPanics(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			sealer, opener := s.pair(t)
			f := sealer.Framing()
			for n := range f.Tag {
				require.Panics(t, func() { sealer.Seal(0, make([]byte, n)) }, "%d bytes", n)
			}
			for n := range f.Head {
				require.Panics(t, func() { opener.Length(0, make([]byte, n)) }, "head of %d bytes", n)
			}
		})
	}
}

// The error has one text and no detail (attacks on padding and length live on
// the difference).
func TestOneError(t *testing.T) {
	require.EqualError(t, cipher.ErrAuthentication, "cipher: packet failed authentication")
	seen := map[string]bool{}
	for _, s := range suites() {
		packet, _ := s.sealed(t, 0, []byte(secret))
		for _, bad := range [][]byte{nil, packet[:3], packet[:len(packet)-1], make([]byte, len(packet))} {
			_, opener := s.pair(t)
			if len(bad) >= opener.Framing().Head {
				opener.Length(0, bad[:opener.Framing().Head])
			}
			_, err := opener.Open(bad, 0, bad)
			seen[fmt.Sprintf("%T %v", err, err)] = true
		}
	}
	require.Len(t, seen, 1)
}
