package inflate

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// zlibHeader is that of most streams.
var zlibHeader = []byte{0x78, 0x9c}

// A packer makes pieces of a stream with compress/flate.
type packer struct {
	out bytes.Buffer
	w   *flate.Writer
}

func newPacker(t testing.TB, level int) *packer {
	p := new(packer)
	var err error
	p.w, err = flate.NewWriter(&p.out, level)
	require.NoError(t, err)
	p.out.Write(zlibHeader)
	return p
}

func (p *packer) piece(data []byte) []byte {
	p.w.Write(data)
	p.w.Flush()
	defer p.out.Reset()
	return bytes.Clone(p.out.Bytes())
}

// decode decodes pieces and returns what they decode to.
func decode(t testing.TB, pieces ...[]byte) []byte {
	d := NewDecoder(1 << 20)
	var all []byte
	for i, piece := range pieces {
		out, err := d.Decode(piece)
		require.NoError(t, err, "piece %d", i)
		all = append(all, out...)
	}
	return all
}

// RFC 1951, as the deflater of OpenSSH ends its packets.
func TestPartialFlush(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	want := []string{"a", "abcabcabcabc", strings.Repeat("abcabcabcabcx", 3), string(all), "the end"}
	text, err := os.ReadFile("testdata/partial.txt")
	require.NoError(t, err)
	streams := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		streams++
		t.Run(fields[0], func(t *testing.T) {
			d := NewDecoder(1 << 10)
			for i, piece := range fields[1:] {
				b, err := hex.DecodeString(piece)
				require.NoError(t, err)
				out, err := d.Decode(b)
				require.NoError(t, err)
				require.Equal(t, want[i], string(out), "piece %d", i)
			}
		})
		whole, err := hex.DecodeString(strings.Join(fields[1:], ""))
		require.NoError(t, err)
		t.Run(fields[0]+", cut anywhere", func(t *testing.T) {
			for at := range whole {
				require.Equal(t, strings.Join(want, ""), string(decode(t, whole[:at], whole[at:])), "at %d", at)
			}
		})
		t.Run(fields[0]+", byte by byte", func(t *testing.T) {
			var pieces [][]byte
			for i := range whole {
				pieces = append(pieces, whole[i:i+1])
			}
			require.Equal(t, strings.Join(want, ""), string(decode(t, pieces...)))
		})
	}
	require.Equal(t, 6, streams)
}

// sample returns data of one kind.
func sample(kind string, n int) []byte {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	switch kind {
	case "noise":
		source.Read(b)
	case "text":
		words := strings.Fields("the reader never waits for anybody what it must say is queued every queue has a bound")
		r := rand.New(source)
		for i := 0; i < n; {
			i += copy(b[i:], words[r.IntN(len(words))]+" "+strings.Repeat("x", r.IntN(3)))
		}
	case "far": // repeats what is as far back as can be
		source.Read(b[:min(n, windowSize)])
		for i := windowSize; i < n; i++ {
			b[i] = b[i-windowSize]
		}
	}
	return b
}

var kinds = []string{"zeros", "noise", "text", "far"}

// Whatever compress/flate makes of pieces comes out again, piece by piece.
func TestPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, kind := range kinds {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			t.Run(fmt.Sprint(kind, " at level ", level), func(t *testing.T) {
				p, d := newPacker(t, level), NewDecoder(100_000)
				data := sample(kind, 300_000)
				for len(data) > 0 {
					n := min(len(data), 1+r.IntN(1<<r.IntN(17)))
					out, err := d.Decode(p.piece(data[:n]))
					require.NoError(t, err)
					require.True(t, bytes.Equal(data[:n], out))
					data = data[n:]
				}
			})
		}
	}
}

// attacks.md N1: a piece decodes to the limit at most, and no memory is taken
// for what lies beyond.
func TestBomb(t *testing.T) {
	const limit = 256 << 10
	for _, kind := range []string{"zeros", "noise", "text"} {
		t.Run(kind, func(t *testing.T) {
			data := sample(kind, 1<<20)
			for _, n := range []int{limit - 1, limit, limit + 1, 1 << 20} {
				d := NewDecoder(limit)
				out, err := d.Decode(newPacker(t, 6).piece(data[:n]))
				if n <= limit {
					require.NoError(t, err)
					require.True(t, bytes.Equal(data[:n], out))
					continue
				}
				require.ErrorIs(t, err, ErrTooLong)
				require.Empty(t, out)
				require.LessOrEqual(t, len(d.buf), windowSize+limit)
				_, err = d.Decode(nil)
				require.ErrorIs(t, err, ErrTooLong, "it stays broken")
			}
		})
	}
	t.Run("the limit is for each piece", func(t *testing.T) {
		p, d := newPacker(t, 6), NewDecoder(1000)
		for range 1000 {
			out, err := d.Decode(p.piece(make([]byte, 1000)))
			require.NoError(t, err)
			require.Len(t, out, 1000)
		}
		require.LessOrEqual(t, len(d.buf), windowSize+1000)
	})
	t.Run("the zero Decoder has no room", func(t *testing.T) {
		_, err := new(Decoder).Decode(newPacker(t, 6).piece([]byte{1}))
		require.ErrorIs(t, err, ErrTooLong)
	})
	t.Run("CVE-2026-46702: forty times as much is fine", func(t *testing.T) {
		data := bytes.Repeat([]byte("0123456789abcdef"), 2000)
		piece := newPacker(t, 6).piece(data)
		require.Less(t, 40*len(piece), len(data))
		require.Equal(t, data, decode(t, piece))
	})
}

// The buffer grows with the output.
func TestBufferGrows(t *testing.T) {
	p, d := newPacker(t, 6), NewDecoder(256<<10)
	for _, tt := range []struct{ output, buffer int }{{1, leastBuffer}, {3000, leastBuffer}, {9000, 16 << 10}, {30_000, 64 << 10}, {32_800, largeBuffer}, {32_800, largeBuffer}, {32_800, largeBuffer}, {200_000, windowSize + 256<<10}} {
		_, err := d.Decode(p.piece(sample("text", tt.output)))
		require.NoError(t, err)
		require.LessOrEqual(t, len(d.buf), tt.buffer, "%d", tt.output)
	}
}

// bitString packs bits written as RFC 1951 has them: the parts in order, each
// from its least significant bit if it is a number, as they stand if it is a
// code, which begins with "c".
func bitString(parts ...string) []byte {
	var b []byte
	n := 0
	add := func(bit byte) {
		if n%8 == 0 {
			b = append(b, 0)
		}
		b[n/8] |= (bit - '0') << (n % 8)
		n++
	}
	for _, part := range parts {
		if code, ok := strings.CutPrefix(part, "c"); ok {
			for i := range len(code) {
				add(code[i])
			}
			continue
		}
		for i := len(part) - 1; i >= 0; i-- {
			add(part[i])
		}
	}
	return b
}

func TestCorrupt(t *testing.T) {
	const fixedBlock, dynamicBlock = "010", "100" // type and BFINAL
	order := func(lengths map[uint8]string) (parts []string) {
		for _, symbol := range lengthOrder {
			l := lengths[symbol]
			if l == "" {
				l = "000"
			}
			parts = append(parts, l)
		}
		return parts
	}
	// dynamic has lengths of 0, of 1 and repeated zeros coded as 0, 10 and 11.
	dynamic := func(hlit, hdist string, lengths ...string) []byte {
		parts := append([]string{dynamicBlock, hlit, hdist, "1111"}, order(map[uint8]string{0: "001", 1: "010", 18: "010"})...)
		return bitString(append(parts, lengths...)...)
	}
	const zero, one, zeros138, zeros118 = "c0", "c10", "c11 1111111", "c11 1101011"
	split := func(s ...string) []string { return strings.Fields(strings.Join(s, " ")) }
	tests := []struct {
		name string
		in   []byte
		what string
	}{
		{"RFC 1951 3.2.3: a final block", bitString("011"), "final"},
		{"RFC 1951 3.2.3: BTYPE 11", bitString("110"), "no known type"},
		{"RFC 1951 3.2.4: NLEN is not the complement", []byte{0, 5, 0, 5, 0}, "complement"},
		{"RFC 1951 3.2.6: symbol 286", bitString(fixedBlock, "c11000110", "c00000"), "stands for nothing"},
		{"RFC 1951 3.2.6: symbol 287", bitString(fixedBlock, "c11000111", "c00000"), "stands for nothing"},
		{"RFC 1951 3.2.6: distance 30", bitString(fixedBlock, "c00110000", "c0000001", "c11110"), "stands for nothing"},
		{"RFC 1951 3.2.6: distance 31", bitString(fixedBlock, "c00110000", "c0000001", "c11111"), "stands for nothing"},
		{"RFC 1951 2: a distance to before the first byte", bitString(fixedBlock, "c00110000", "c0000001", "c00001"), "distance of 2 after 1"},
		{"RFC 1951 3.2.7: HLIT of 287", bitString(dynamicBlock, "11110", "00000", "0000"), "too many symbols"},
		{"RFC 1951 3.2.7: HDIST of 31", bitString(dynamicBlock, "00000", "11110", "0000"), "too many symbols"},
		{"RFC 1951 3.2.7: a code for lengths of too many", bitString(dynamicBlock, "00000", "00000", "0000", "001", "001", "001", "001"), "none"},
		{"RFC 1951 3.2.7: a code for lengths of too few", bitString(dynamicBlock, "00000", "00000", "0000", "010", "010", "000", "000"), "none"},
		{"RFC 1951 3.2.7: no code for lengths", bitString(dynamicBlock, "00000", "00000", "0000", "000", "000", "000", "000", "0000000", "00000000"), "length that is no code"},
		{"RFC 1951 3.2.7: nothing to repeat", bitString(dynamicBlock, "00000", "00000", "0000", "001", "001", "000", "000", "c0", "00"), "repeated"},
		{"RFC 1951 3.2.7: more lengths than symbols", dynamic("00000", "00000", split(zeros138, zeros138)...), "more lengths"},
		{"RFC 1951 3.2.7: no end of block", dynamic("00000", "00000", split(one, one, zeros118, zeros138)...), "cannot end"},
		{"RFC 1951 3.2.7: literals of too many", dynamic("00000", "00000", split(one, one, zeros138, "c11 1101001", one, zero)...), "lengths that make no code"},
		{"RFC 1951 3.2.7: the other bit of a code with one symbol", dynamic("00000", "00000", split(zeros118, zeros138, one, zero, "c111111111111111")...), "no code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := NewDecoder(1 << 10)
			out, err := d.Decode(append(bytes.Clone(zlibHeader), tt.in...))
			var corrupt *CorruptError
			require.ErrorAs(t, err, &corrupt)
			require.Contains(t, corrupt.What, tt.what)
			require.Empty(t, out)
			_, again := d.Decode(newPacker(t, 6).piece([]byte("good")))
			require.Equal(t, err, again, "it stays broken")
			d.Reset()
			out, err = d.Decode(newPacker(t, 6).piece([]byte("good")))
			require.NoError(t, err)
			require.Equal(t, "good", string(out))

			// Where the pieces are cut makes no difference.
			d.Reset()
			for _, b := range append(bytes.Clone(zlibHeader), tt.in...) {
				if _, err = d.Decode([]byte{b}); err != nil {
					break
				}
			}
			require.Equal(t, again, err)
		})
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
	}{
		{"RFC 1950 2.2: CM 7", []byte{0x77, 0x85}},
		{"RFC 1950 2.2: CINFO 8", []byte{0x88, 0x1c}},
		{"RFC 1950 2.2: FCHECK", []byte{0x78, 0x9d}},
		{"RFC 1950 2.2: FDICT", []byte{0x78, 0xbb}},
		{"no header", []byte{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewDecoder(10).Decode(tt.in)
			var corrupt *CorruptError
			require.ErrorAs(t, err, &corrupt)
			require.Contains(t, err.Error(), fmt.Sprintf("inflate: %#02x", tt.in[0]))
		})
	}
}

// A second stream knows nothing of the first.
func TestReset(t *testing.T) {
	d := NewDecoder(1 << 20)
	p := newPacker(t, 6)
	_, err := d.Decode(p.piece(sample("text", 100_000)))
	require.NoError(t, err)
	next := p.piece([]byte("the reader never waits"))
	d.Reset()
	_, err = d.Decode(append(bytes.Clone(zlibHeader), next...))
	require.ErrorContains(t, err, "distance")
	d.Reset()
	out, err := d.Decode(newPacker(t, 6).piece([]byte("the reader never waits")))
	require.NoError(t, err)
	require.Equal(t, "the reader never waits", string(out))
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, kind := range kinds {
		p, d := newPacker(t, 6), NewDecoder(256<<10)
		var pieces [][]byte
		data := sample(kind, 40*(32<<10))
		for ; len(data) > 0; data = data[32<<10:] {
			pieces = append(pieces, p.piece(data[:32<<10]))
		}
		for _, piece := range pieces[:10] {
			d.Decode(piece)
		}
		pieces = pieces[10:]
		require.Zero(t, testing.AllocsPerRun(25, func() {
			_, err := d.Decode(pieces[0])
			require.NoError(t, err)
			pieces = pieces[1:]
		}), kind)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind, func(b *testing.B) {
			p, d := newPacker(b, 6), NewDecoder(256<<10)
			var pieces [][]byte
			for data := sample(kind, 1<<20); len(data) > 0; data = data[32<<10:] {
				pieces = append(pieces, p.piece(data[:32<<10]))
			}
			b.SetBytes(1 << 20)
			for b.Loop() {
				d.Reset()
				for _, piece := range pieces {
					d.Decode(piece)
				}
			}
		})
	}
	// As much work for as few bytes as there can be: nothing but the codes of
	// blocks, which have no symbols but the end.
	b.Run("worst", func(b *testing.B) {
		lengths := []string{"100", "00000", "00000", "1111"}
		for _, symbol := range lengthOrder {
			switch symbol {
			case 0, 18:
				lengths = append(lengths, "010")
			case 1:
				lengths = append(lengths, "001")
			default:
				lengths = append(lengths, "000")
			}
		}
		lengths = append(lengths, "c11", "1111111", "c11", "1101011", "c0", "c10", "c0")
		var parts []string
		for range 8 {
			parts = append(parts, lengths...)
		}
		eight := bitString(parts...)
		piece := bytes.Repeat(eight, 32<<10/len(eight))
		d := NewDecoder(256 << 10)
		d.Decode(zlibHeader)
		b.SetBytes(int64(len(piece)))
		for b.Loop() {
			if _, err := d.Decode(piece); err != nil {
				b.Fatal(err)
			}
		}
	})
}
