package cipher

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/mac"
)

// fixedMAC appends a tag that depends on nothing.
type fixedMAC []byte

func (m fixedMAC) Append(dst []byte, _ uint32, _ []byte) []byte { return append(dst, m...) }

// counter counts the calls of a stream that changes nothing.
type counter struct{ calls, bytes int }

func (c *counter) crypt(dst, src []byte) {
	copy(dst, src)
	c.calls++
	c.bytes += len(src)
}

// Attack B5: with encrypt-then-MAC a bit flipped anywhere costs no decryption,
// and the packet stays as it came.
func TestB5EtMDecryptsNothingUnauthentic(t *testing.T) {
	for _, a := range mac.Default() {
		if !a.EtM {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			var seen counter
			c := newEtM(16, a.Size, seen.crypt, a.New(make([]byte, a.KeySize)))
			packet := make([]byte, 4+48+a.Size)
			c.Seal(9, packet)
			require.Equal(t, counter{1, 48}, seen)

			seen = counter{}
			for bit := range len(packet) * 8 {
				flipped := bytes.Clone(packet)
				flipped[bit/8] ^= 1 << (bit % 8)
				received := bytes.Clone(flipped)
				c.Length(9, flipped[:4])
				_, err := c.Open(flipped, 9, flipped)
				require.Equal(t, ErrAuthentication, err)
				require.Equal(t, received, flipped)
			}
			require.Zero(t, seen.calls, "decrypted before the tag was checked")

			_, err := c.Open(packet, 9, packet)
			require.NoError(t, err)
			require.Equal(t, counter{1, 48}, seen)
		})
	}
}

// A MAC of somebody else's making that breaks its promise authenticates
// nothing, whichever way it errs.
func TestTagOfWrongSize(t *testing.T) {
	var seen counter
	for name, m := range map[string]mac.MAC{"none": fixedMAC{}, "short": make(fixedMAC, 31), "long": make(fixedMAC, 33)} {
		t.Run(name, func(t *testing.T) {
			for _, opener := range []Opener{newEtM(16, 32, seen.crypt, m), newMtE(16, 32, seen.crypt, m)} {
				_, err := opener.Open(make([]byte, 4+48+32), 0, make([]byte, 4+48+32))
				require.Equal(t, ErrAuthentication, err)
			}
		})
	}
}

// No more than the tag's room is written, whatever a MAC appends.
func TestSealStaysInPacket(t *testing.T) {
	var seen counter
	long := fixedMAC(bytes.Repeat([]byte{0xff}, 40))
	for _, sealer := range []Sealer{newEtM(16, 32, seen.crypt, long), newMtE(16, 32, seen.crypt, long)} {
		buf := make([]byte, 128)
		sealer.Seal(0, buf[:64+32])
		require.Zero(t, bytes.Count(buf, []byte{0xff}))
	}
}
