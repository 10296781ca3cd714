package sntrup761

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSort(t *testing.T) {
	r := testRandom()
	for size := 1; size < 800; size++ {
		x := make([]uint32, size)
		for i := range x {
			x[i] = r.Uint32()
			if size%3 == 0 { // with many that are equal
				x[i] %= 10
			}
			if size%3 == 1 && i%2 == 0 { // and the largest differences
				x[i] = -uint32(i / 2 % 2)
			}
		}
		want := slices.Sorted(slices.Values(x))
		sort(x)
		require.Equal(t, want, x)
	}
}

// Knuth, 5.3.4, theorem Z: what sorts all zeros and ones sorts everything.
func TestSortZerosAndOnes(t *testing.T) {
	for size := range 15 {
		for bits := range 1 << size {
			x := make([]uint32, size)
			for i := range x {
				x[i] = uint32(bits >> i & 1)
			}
			sort(x)
			require.True(t, slices.IsSorted(x), "%d bits of %b", size, bits)
		}
	}
}

// What is not short or small would be a private key that can be found.
func TestShortOfAndSmallOf(t *testing.T) {
	r := testRandom()
	fill := func(b *[randomSize]byte, number func() uint32) {
		for i := range p {
			binary.LittleEndian.PutUint32(b[4*i:], number())
		}
	}
	for name, number := range map[string]func() uint32{
		"random":   r.Uint32,
		"zeros":    func() uint32 { return 0 },
		"ones":     func() uint32 { return 1<<32 - 1 },
		"one bit":  func() uint32 { return 1 << r.IntN(32) },
		"low bits": func() uint32 { return r.Uint32N(4) },
	} {
		var b [randomSize]byte
		fill(&b, number)
		weight := 0
		for _, c := range shortOf(&b) {
			require.Contains(t, []int16{-1, 0, 1}, c, name)
			weight += int(c * c)
		}
		require.Equal(t, w, weight, name)
		for _, c := range smallOf(&b) {
			require.Contains(t, []int16{-1, 0, 1}, c, name)
		}
	}
}

// Each third of the numbers of 30 bits is a coefficient; the two bits above do
// not count.
func TestSmallOfThirds(t *testing.T) {
	for _, test := range []struct {
		u uint32
		c int16
	}{
		{0, -1}, {1 << 30 / 3, -1}, {1<<30/3 + 1, 0}, {1 << 31 / 3, 0}, {1<<31/3 + 1, 1}, {1<<30 - 1, 1},
		{1 << 30, -1}, {1<<32 - 1, 1},
	} {
		var b [randomSize]byte
		binary.LittleEndian.PutUint32(b[4*p-4:], test.u)
		f := smallOf(&b)
		require.Equal(t, test.c, f[p-1], test.u)
		require.Equal(t, int16(-1), f[0])
	}
}

// Every coefficient is as likely as the next to be 0, 1 or -1.
func TestShortOfIsShuffled(t *testing.T) {
	r := testRandom()
	const rounds = 2000
	var zero, plus [p]int
	for range rounds {
		var b [randomSize]byte
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for i, c := range shortOf(&b) {
			if c == 0 {
				zero[i]++
			}
			if c == 1 {
				plus[i]++
			}
		}
	}
	for i := range p {
		require.InDelta(t, rounds*(p-w)/p, zero[i], 120, i)
		require.InDelta(t, rounds*w/p/2, plus[i], 120, i)
	}
}
