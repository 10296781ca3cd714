package fuzz_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

func FuzzOpenAES128CBC(f *testing.F) { fuzzOpenCBC(f, "aes128-cbc") }
func FuzzOpenAES256CBC(f *testing.F) { fuzzOpenCBC(f, "aes256-cbc") }
func FuzzOpen3DESCBC(f *testing.F)   { fuzzOpenCBC(f, "3des-cbc") }

// fuzzOpenCBC is fuzzOpen for modes that encrypt whole blocks and nothing else: what
// is to be sealed is cut to as many as it has.
func fuzzOpenCBC(f *testing.F, name string) {
	mode, ok := cipher.Lookup(name)
	require.True(f, ok)
	macs := slices.Concat(mac.Default(), mac.Insecure())
	pair := func(t testing.TB, a mac.Algorithm) (cipher.Sealer, cipher.Opener) {
		keys := cipher.Keys{Key: bytes.Repeat([]byte("key12345"), 4)[:mode.KeySize], IV: make([]byte, mode.IVSize), MAC: make([]byte, a.KeySize)}
		sealer, err := mode.NewSealer(keys, a)
		require.NoError(t, err)
		opener, err := mode.NewOpener(keys, a)
		require.NoError(t, err)
		return sealer, opener
	}
	whole := func(s cipher.Sealer, data []byte) []byte {
		framing := s.Framing()
		lead := 4 - framing.Clear // of packet_length, in the first block
		return data[:max(0, (lead+len(data))/framing.Block*framing.Block-lead)]
	}
	for _, a := range macs {
		for _, size := range []int{16, 32, 64} {
			sealer, _ := pair(f, a)
			data := whole(sealer, make([]byte, size))
			packet := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
			packet = append(packet, make([]byte, sealer.Framing().Tag)...)
			f.Add(uint32(7), bytes.Clone(packet))
			sealer.Seal(7, packet)
			f.Add(uint32(7), packet)
			f.Add(uint32(8), packet[:len(packet)-1])
		}
	}
	f.Fuzz(func(t *testing.T, seq uint32, data []byte) {
		for _, a := range macs {
			sealer, opener := pair(t, a)
			requireRefusedOrSealed(t, sealer, opener, seq, data)
			sealer, opener = pair(t, a)
			if data := whole(sealer, data); len(data) > 0 {
				requireOpens(t, sealer, opener, seq, data)
			}
		}
	})
}
