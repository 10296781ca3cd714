package cipher_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/mac"
)

// A suite is what two sides negotiate for one direction.
type suite struct {
	name string
	mode cipher.Mode
	mac  mac.Algorithm
}

// suites returns every mode with every MAC that makes a difference to it.
func suites() []suite {
	var list []suite
	for _, m := range append(cipher.Default(), cipher.Insecure()...) {
		if m.AEAD {
			list = append(list, suite{m.Name, m, mac.Algorithm{}})
			continue
		}
		for _, a := range append(mac.Default(), mac.Insecure()...) {
			list = append(list, suite{m.Name + "+" + a.Name, m, a})
		}
	}
	return list
}

// chained reports whether the mode is CBC, which takes whole blocks.
func (s suite) chained() bool { return strings.HasSuffix(s.mode.Name, "-cbc") }

// keys returns key material of the right sizes, all of it different.
func (s suite) keys() cipher.Keys {
	return cipher.Keys{Key: counting(1, s.mode.KeySize), IV: counting(0x81, s.mode.IVSize), MAC: counting(0x41, s.mac.KeySize)}
}

// counting returns n bytes that count up from first.
func counting(first byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = first + byte(i)
	}
	return p
}

// pair returns the two ends of one direction.
func (s suite) pair(t testing.TB) (cipher.Sealer, cipher.Opener) {
	t.Helper()
	sealer, err := s.mode.NewSealer(s.keys(), s.mac)
	require.NoError(t, err)
	opener, err := s.mode.NewOpener(s.keys(), s.mac)
	require.NoError(t, err)
	require.Equal(t, sealer.Framing(), opener.Framing())
	return sealer, opener
}

// frame lays a packet out as RFC 4253, section 6, says, with room for the tag.
func frame(f cipher.Framing, payload []byte) []byte {
	region := 4 - f.Clear + 1 + len(payload)
	padding := f.Block - region%f.Block
	if padding < 4 {
		padding += f.Block
	}
	p := make([]byte, 4, 4+1+len(payload)+padding+f.Tag)
	binary.BigEndian.PutUint32(p, uint32(1+len(payload)+padding))
	p = append(p, byte(padding))
	p = append(p, payload...)
	p = append(p, bytes.Repeat([]byte{0xa5}, padding)...)
	return append(p, make([]byte, f.Tag)...)
}

// open does what a receiver does: Length, then Open.
func open(o cipher.Opener, seq uint32, packet []byte) (uint32, []byte, error) {
	length := o.Length(seq, packet[:o.Framing().Head])
	body, err := o.Open(destination(seq, packet), seq, packet)
	return length, body, err
}

// destination returns where packet number seq is opened to: every other one in
// place, the rest elsewhere.
func destination(seq uint32, packet []byte) []byte {
	if seq%2 == 0 {
		return packet
	}
	return make([]byte, len(packet))
}

// requireRoundTrip seals payload, opens it and compares.
func requireRoundTrip(t *testing.T, sealer cipher.Sealer, opener cipher.Opener, seq uint32, payload []byte) {
	t.Helper()
	f := sealer.Framing()
	plain := frame(f, payload)
	body := plain[4 : len(plain)-f.Tag]
	// What follows the packet in its buffer is the next packet's.
	buf := append(bytes.Clone(plain), 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee)
	packet := buf[:len(plain)]

	sealer.Seal(seq, packet)
	if f.Tag > 0 {
		require.False(t, bytes.Equal(body, packet[4:len(plain)-f.Tag]), "not encrypted")
	}
	length, got, err := open(opener, seq, packet)
	require.NoError(t, err)
	require.EqualValues(t, len(body), length)
	require.True(t, bytes.Equal(body, got), "packet of %d bytes changed", len(body))
	if seq%2 == 0 {
		require.Same(t, &packet[4], &got[0], "not in place")
	}
	require.Equal(t, bytes.Repeat([]byte{0xee}, 16), buf[len(plain):], "wrote past the packet")
}

func TestRoundTrip(t *testing.T) {
	var small []int
	for n := range 301 {
		small = append(small, n)
	}
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			for start, sizes := range map[uint32][]int{0: {1, 32 << 10, 2, 256<<10 - 64}, 1 << 31: small[:100], 1<<32 - 1: small} { // the last wraps to 0
				sealer, opener := s.pair(t)
				seq := start
				for _, n := range sizes {
					requireRoundTrip(t, sealer, opener, seq, counting(byte(n), n))
					seq++
				}
			}
		})
	}
}

func TestFraming(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			sealer, _ := s.pair(t)
			want := cipher.Framing{Head: 4, Block: 16, Clear: 4, Tag: 16}
			if s.mode.Name == "chacha20-poly1305@openssh.com" || s.mode.Name == "3des-cbc" {
				want.Block = 8
			}
			if !s.mode.AEAD {
				want.Tag = s.mac.Size
			}
			if !s.mode.AEAD && !s.mac.EtM {
				want.Head, want.Clear = want.Block, 0
				want.Discard = s.chained() // attack B4
			}
			require.Equal(t, want, sealer.Framing())
		})
	}
}

// The zero value denies, and keys are never cut or padded.
func TestNewRefuses(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			require.NotErrorIs(t, refuses(t, s, s.keys(), s.mac, false), cipher.ErrNoMAC)
			for _, part := range []string{"key", "IV", "MAC key"} {
				for _, change := range []int{-16, -1, 1, 16} {
					keys := s.keys()
					p := map[string]*[]byte{"key": &keys.Key, "IV": &keys.IV, "MAC key": &keys.MAC}[part]
					if part == "MAC key" && s.mode.AEAD || len(*p)+change < 0 {
						continue
					}
					size := len(*p)
					*p = make([]byte, size+change)
					var wrong *cipher.KeySizeError
					require.ErrorAs(t, refuses(t, s, keys, s.mac, true), &wrong)
					require.Equal(t, cipher.KeySizeError{Part: part, Got: size + change, Want: size}, *wrong)
					require.ErrorContains(t, wrong, fmt.Sprintf("cipher: %s of %d bytes, want %d", part, size+change, size))
				}
			}
			var wrong *cipher.KeySizeError
			require.ErrorAs(t, refuses(t, s, cipher.Keys{}, s.mac, true), &wrong)
			if s.mode.AEAD {
				return
			}
			for name, a := range map[string]mac.Algorithm{
				"zero":           {},
				"no constructor": {Name: "x", KeySize: s.mac.KeySize, Size: 32},
				"no tag":         {Name: "x", KeySize: s.mac.KeySize, New: s.mac.New},
				"negative tag":   {Name: "x", KeySize: s.mac.KeySize, Size: -1, New: s.mac.New},
			} {
				require.ErrorIs(t, refuses(t, s, s.keys(), a, true), cipher.ErrNoMAC, name)
			}
		})
	}
}

// refuses calls both constructors, which must agree, and returns their error.
func refuses(t *testing.T, s suite, keys cipher.Keys, a mac.Algorithm, want bool) error {
	t.Helper()
	sealer, err := s.mode.NewSealer(keys, a)
	require.Equal(t, want, err != nil)
	require.Equal(t, want, sealer == nil, "an interface that is not nil but holds nothing")
	opener, err2 := s.mode.NewOpener(keys, a)
	require.Equal(t, err, err2)
	require.Equal(t, want, opener == nil)
	return err
}

// Attack B6: an AEAD ignores whatever MAC was negotiated, key and all.
func TestAEADIgnoresMAC(t *testing.T) {
	for _, s := range suites() {
		if !s.mode.AEAD {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			sealer, err := s.mode.NewSealer(s.keys(), mac.Default()[0])
			require.NoError(t, err)
			_, opener := s.pair(t)
			requireRoundTrip(t, sealer, opener, 0, []byte("payload"))
		})
	}
}

// The caller clears its keys after the constructor has returned.
func TestKeysAreNotKept(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			keys := s.keys()
			sealer, err := s.mode.NewSealer(keys, s.mac)
			require.NoError(t, err)
			clear(keys.Key)
			clear(keys.IV)
			clear(keys.MAC)
			_, opener := s.pair(t)
			requireRoundTrip(t, sealer, opener, 0, []byte("payload"))
			requireRoundTrip(t, sealer, opener, 1, []byte("payload"))
		})
	}
}

// The two directions of a connection, and its two ends, share no state: the
// race detector watches.
func TestConcurrentDirections(t *testing.T) {
	for _, s := range suites() {
		t.Run(s.name, func(t *testing.T) {
			packets := make(chan []byte, 16)
			keys := s.keys()
			sealer, err := s.mode.NewSealer(keys, s.mac)
			require.NoError(t, err)
			opener, err := s.mode.NewOpener(keys, s.mac)
			require.NoError(t, err)
			var wg sync.WaitGroup
			wg.Go(func() {
				defer close(packets)
				for seq := range uint32(100) {
					p := frame(sealer.Framing(), counting(byte(seq), 100))
					sealer.Seal(seq, p)
					packets <- p
				}
			})
			var failed error
			wg.Go(func() {
				seq := uint32(0)
				for p := range packets {
					if _, _, err := open(opener, seq, p); err != nil {
						failed = fmt.Errorf("packet %d: %w", seq, err)
					}
					seq++
				}
			})
			wg.Wait()
			require.NoError(t, failed)
		})
	}
}

func TestAllocations(t *testing.T) {
	for _, s := range suites() {
		for _, size := range []int{1, 32 << 10} {
			t.Run(fmt.Sprintf("%s/%d", s.name, size), func(t *testing.T) {
				sealer, opener := s.pair(t)
				plain := frame(sealer.Framing(), make([]byte, size))
				const runs = 10
				packets := make([][]byte, runs+1) // AllocsPerRun warms up once
				for i := range packets {
					packets[i] = bytes.Clone(plain)
				}
				var seq uint32
				require.Zero(t, testing.AllocsPerRun(runs, func() {
					sealer.Seal(seq, packets[seq])
					seq++
				}), "Seal")
				seq = 0
				require.Zero(t, testing.AllocsPerRun(runs, func() {
					if _, _, err := open(opener, seq, packets[seq]); err != nil {
						t.Error(err)
					}
					seq++
				}), "Length and Open")
				require.Zero(t, testing.AllocsPerRun(1, func() {
					opener.Length(seq, packets[0])
					if _, err := opener.Open(packets[0], seq, packets[0]); err == nil {
						t.Error("opened twice")
					}
				}), "failing Open")
			})
		}
	}
}

const benchmarkSize = 32 << 10

func BenchmarkSeal(b *testing.B) {
	for _, s := range suites() {
		b.Run(s.name, func(b *testing.B) {
			sealer, _ := s.pair(b)
			p := frame(sealer.Framing(), make([]byte, benchmarkSize))
			b.SetBytes(benchmarkSize)
			b.ReportAllocs()
			var seq uint32
			for b.Loop() {
				sealer.Seal(seq, p)
				seq++
			}
		})
	}
}

// BenchmarkOpen opens packets sealed in batches while the clock is stopped.
func BenchmarkOpen(b *testing.B) {
	for _, s := range suites() {
		b.Run(s.name, func(b *testing.B) {
			sealer, opener := s.pair(b)
			plain := frame(sealer.Framing(), make([]byte, benchmarkSize))
			var batch [32][]byte
			for i := range batch {
				batch[i] = make([]byte, len(plain))
			}
			b.SetBytes(benchmarkSize)
			b.ReportAllocs()
			var seq uint32
			for b.Loop() {
				at := seq % uint32(len(batch))
				if at == 0 {
					b.StopTimer()
					for i, p := range batch {
						copy(p, plain)
						sealer.Seal(seq+uint32(i), p)
					}
					b.StartTimer()
				}
				if _, _, err := open(opener, seq, batch[at]); err != nil {
					b.Fatal(err)
				}
				seq++
			}
		})
	}
}
