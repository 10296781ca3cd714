package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

func FuzzOpenAES128GCM(f *testing.F)        { fuzzOpen(f, "aes128-gcm@openssh.com") }
func FuzzOpenAES256GCM(f *testing.F)        { fuzzOpen(f, "aes256-gcm@openssh.com") }
func FuzzOpenChaCha20Poly1305(f *testing.F) { fuzzOpen(f, "chacha20-poly1305@openssh.com") }
func FuzzOpenAES128CTR(f *testing.F)        { fuzzOpen(f, "aes128-ctr") }
func FuzzOpenAES192CTR(f *testing.F)        { fuzzOpen(f, "aes192-ctr") }
func FuzzOpenAES256CTR(f *testing.F)        { fuzzOpen(f, "aes256-ctr") }

func FuzzOpenNone(f *testing.F) {
	f.Add(uint32(0), []byte{0, 0, 0, 12, 10, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, seq uint32, data []byte) {
		sealer, opener := cipher.None()
		requireOpens(t, sealer, opener, seq, data)
	})
}

// fuzzOpen opens anything with the named mode: as a packet from a peer without
// the keys, which must be refused unless it is what Seal makes, and as a packet
// from one with them, which must come out as it went in.
func fuzzOpen(f *testing.F, name string) {
	mode, ok := cipher.Lookup(name)
	require.True(f, ok)
	macs := mac.Default()
	if mode.AEAD {
		macs = []mac.Algorithm{{}}
	}
	pair := func(t testing.TB, a mac.Algorithm) (cipher.Sealer, cipher.Opener) {
		keys := cipher.Keys{Key: make([]byte, mode.KeySize), IV: make([]byte, mode.IVSize), MAC: make([]byte, a.KeySize)}
		sealer, err := mode.NewSealer(keys, a)
		require.NoError(t, err)
		opener, err := mode.NewOpener(keys, a)
		require.NoError(t, err)
		return sealer, opener
	}
	for _, a := range macs {
		for _, size := range []int{0, 12, 28, 60} {
			sealer, _ := pair(f, a)
			framing := sealer.Framing()
			packet := make([]byte, 4+size+framing.Tag)
			binary.BigEndian.PutUint32(packet, uint32(size))
			f.Add(uint32(7), bytes.Clone(packet))
			sealer.Seal(7, packet)
			f.Add(uint32(7), packet)
		}
	}
	f.Fuzz(func(t *testing.T, seq uint32, data []byte) {
		for _, a := range macs {
			sealer, opener := pair(t, a)
			requireRefusedOrSealed(t, sealer, opener, seq, data)
			sealer, opener = pair(t, a)
			requireOpens(t, sealer, opener, seq, data)
		}
	})
}

// openFuzzed opens packet as a receiver does.
func openFuzzed(o cipher.Opener, seq uint32, packet []byte) ([]byte, error) {
	if head := o.Framing().Head; len(packet) >= head {
		o.Length(seq, packet[:head])
	}
	return o.Open(packet, seq, packet)
}

// requireRefusedOrSealed requires that packet is an error, or the very bytes
// that sealing its plaintext makes.
func requireRefusedOrSealed(t *testing.T, sealer cipher.Sealer, opener cipher.Opener, seq uint32, packet []byte) {
	tag := opener.Framing().Tag
	opened := append(bytes.Clone(packet), 0xee)[:len(packet)]
	length := uint32(0)
	if head := opener.Framing().Head; len(opened) >= head {
		length = opener.Length(seq, opened[:head])
	}
	body, err := opener.Open(opened, seq, opened)
	require.Equal(t, byte(0xee), opened[:len(packet)+1][len(packet)], "wrote past the packet")
	if err != nil {
		require.Equal(t, cipher.ErrAuthentication, err)
		require.Nil(t, body)
		return
	}
	again := binary.BigEndian.AppendUint32(nil, length)
	again = append(append(again, body...), make([]byte, tag)...)
	sealer.Seal(seq, again)
	require.Equal(t, packet, again, "opened what nobody sealed")
}

// requireOpens seals data as the padded region and opens it again.
func requireOpens(t *testing.T, sealer cipher.Sealer, opener cipher.Opener, seq uint32, data []byte) {
	framing := sealer.Framing()
	buf := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	buf = append(append(buf, make([]byte, framing.Tag)...), 0xee)
	packet := buf[:len(buf)-1]
	sealer.Seal(seq, packet)
	body, err := openFuzzed(opener, seq, packet)
	require.Equal(t, byte(0xee), buf[len(buf)-1], "wrote past the packet")
	if 4+len(data) < framing.Clear+framing.Block {
		require.Equal(t, cipher.ErrAuthentication, err)
		return
	}
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, body))
}
