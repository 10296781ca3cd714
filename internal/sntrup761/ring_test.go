package sntrup761

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// testRandom is the same in every run.
func testRandom() *rand.Rand { return rand.New(rand.NewPCG(761, 4591)) }

// randomPoly returns a polynomial with coefficients of -bound to bound.
func randomPoly(r *rand.Rand, bound int) (f poly) {
	for i := range f {
		f[i] = int16(r.IntN(2*bound+1) - bound)
	}
	return f
}

// constantPoly returns a polynomial all of whose coefficients are c.
func constantPoly(c int16) (f poly) {
	for i := range f {
		f[i] = c
	}
	return f
}

// monomial returns c·x^i.
func monomial(c int16, i int) (f poly) {
	f[i] = c
	return f
}

// slowMod is mod by division.
func slowMod(x, m int) int16 {
	x %= m
	if x > m/2 {
		x -= m
	}
	if x < -(m / 2) {
		x += m
	}
	return int16(x)
}

func TestMod(t *testing.T) {
	const limit = 1 << 23
	for _, m := range []int{3, q} {
		for x := -limit + 1; x < limit; x += 7 {
			if got := mod(int32(x), int64(m)); got != slowMod(x, m) {
				require.Equal(t, slowMod(x, m), got, "%d mod %d", x, m)
			}
		}
		for k := -limit / m; k < limit/m; k++ { // where rounding turns
			for _, x := range []int{k*m - m/2 - 1, k*m - m/2, k * m, k*m + m/2, k*m + m/2 + 1} {
				if got := mod(int32(x), int64(m)); got != slowMod(x, m) {
					require.Equal(t, slowMod(x, m), got, "%d mod %d", x, m)
				}
			}
		}
	}
}

func TestRounded(t *testing.T) {
	for c := int16(-(q - 1) / 2); c <= (q-1)/2; c++ {
		f := monomial(c, 5)
		h := f.rounded()
		require.Zero(t, h[5]%3)
		require.InDelta(t, c, h[5], 1)
		require.Zero(t, h[4])
		require.LessOrEqual(t, max(h[5], -h[5]), int16((q-1)/2))
		tripled := f.tripled()
		require.Equal(t, slowMod(int(slowMod(3*int(c), q)), 3), tripled[5])
	}
}

// Round 3, Decrypt: a polynomial of any other weight than w is replaced.
func TestShort(t *testing.T) {
	var fixed poly
	copy(fixed[:w], onePoly(w))
	r := testRandom()
	for _, weight := range []int{0, 1, w - 1, w, w + 1, 2 * w, p - 1, p} {
		var f poly
		for _, i := range r.Perm(p)[:weight] {
			f[i] = int16(1 - 2*r.IntN(2))
		}
		if weight == w {
			require.Equal(t, f, f.short())
		} else {
			require.Equal(t, fixed, f.short(), weight)
		}
	}
	require.Equal(t, fixed, fixed.short())
}

func onePoly(n int) []int16 {
	f := constantPoly(1)
	return f[:n]
}
