package sntrup761

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmallCode(t *testing.T) {
	r := testRandom()
	for _, f := range []poly{{}, constantPoly(1), constantPoly(-1), randomPoly(r, 1), randomPoly(r, 1)} {
		b := appendSmall([]byte("x"), &f)
		require.Equal(t, byte('x'), b[0])
		require.Len(t, b, 1+smallSize)
		require.Equal(t, f, parseSmall(b[1:]))
	}
	// The first coefficient is in the lowest bits, and the last one alone.
	f := constantPoly(-1)
	f[0], f[3], f[p-1] = 0, 1, 1
	b := appendSmall(nil, &f)
	require.Equal(t, byte(0b10_00_00_01), b[0])
	require.Equal(t, byte(0b10), b[smallSize-1])
}

func TestRqCode(t *testing.T) {
	const most = (q - 1) / 2
	r := testRandom()
	for _, f := range []poly{{}, constantPoly(most), constantPoly(-most), randomPoly(r, most), randomPoly(r, most)} {
		b := appendRq([]byte("x"), &f)
		require.Len(t, b, 1+rqSize)
		require.Equal(t, f, parseRq(b[1:]))

		f = f.rounded()
		b = appendRounded([]byte("x"), &f)
		require.Len(t, b, 1+roundedSize)
		require.Equal(t, f, parseRounded(b[1:]))
	}
}

// Whatever the bytes, coefficients are what they should be. Those which are no
// encoding encode to other bytes.
func TestParseAnything(t *testing.T) {
	const most = (q - 1) / 2
	r := testRandom()
	for i := range 50 {
		b := make([]byte, rqSize)
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		if i < 2 {
			b = bytes.Repeat([]byte{byte(-i)}, rqSize)
		}
		f, g := parseRq(b), parseRounded(b[:roundedSize])
		for j := range p {
			require.LessOrEqual(t, max(f[j], -f[j]), int16(most))
			require.LessOrEqual(t, max(g[j], -g[j]), int16(most))
			require.Zero(t, g[j]%3)
		}
		require.Equal(t, f, parseRq(appendRq(nil, &f)))
		require.Equal(t, g, parseRounded(appendRounded(nil, &g)))
	}
}

// Any number of numbers, with any moduli.
func TestNumbers(t *testing.T) {
	r := testRandom()
	for count := 1; count < 100; count++ {
		for range 20 {
			m, last := 1+r.Uint32N(1<<14-1), 1+r.Uint32N(1<<14-1)
			numbers := randomNumbers(r, count, m, last)
			b := appendNumbers(nil, slices.Clone(numbers), m, last)
			got := make([]uint16, count)
			parseNumbers(got, b, m, last)
			require.Equal(t, numbers, got, "modulo %d, %d", m, last)
			require.LessOrEqual(t, len(b), 2*count)
		}
	}
}

func randomNumbers(r *rand.Rand, count int, m, last uint32) (numbers []uint16) {
	for range count - 1 {
		numbers = append(numbers, uint16(r.Uint32N(m)))
	}
	return append(numbers, uint16(r.Uint32N(last)))
}
