package sntrup761

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInverse3(t *testing.T) {
	r := testRandom()
	divisors := []poly{constantPoly(1), constantPoly(-1), monomial(1, 0), monomial(-1, 0), monomial(1, 1), monomial(-1, p-1)}
	for range 10 {
		divisors = append(divisors, randomPoly(r, 1))
	}
	for i := range 10 {
		var sparse poly
		for range i + 1 {
			sparse[r.IntN(p)] = 1
		}
		divisors = append(divisors, sparse)
	}
	for i := range divisors {
		h := inverse3(&divisors[i])
		for j, c := range h {
			require.LessOrEqual(t, max(c, -c), int16((q-1)/2), "%d %d", i, j)
		}
		h = mulQ(&h, &divisors[i])
		require.Equal(t, monomial((2*q+1)/3-q, 0), h, i) // 1/3
	}
}

func TestInverse1(t *testing.T) {
	r := testRandom()
	divisors := []poly{monomial(1, 0), monomial(-1, 0), monomial(1, 1), monomial(-1, p-1)}
	for range 50 {
		divisors = append(divisors, randomPoly(r, 1))
	}
	for i := range divisors {
		h, ok := inverse1(&divisors[i])
		require.True(t, ok, "one in a thousand million is not")
		h = mul3(&h, &divisors[i])
		require.Equal(t, monomial(1, 0), h, i)
	}
}

// Modulo 3, x^p - x - 1 is a product of polynomials of degree 19, 60 and 682,
// whose multiples have no inverse.
func TestNoInverse1(t *testing.T) {
	var factor poly
	copy(factor[:], []int16{-1, -1, 0, -1, -1, -1, 1, -1, 1, -1, 0, -1, 1, 1, 1, 1, -1, 0, 1, 1})
	random := randomPoly(testRandom(), 1)
	for i, divisor := range []poly{{}, factor, mul3(&factor, &random)} {
		_, ok := inverse1(&divisor)
		require.False(t, ok, i)
	}
}

func TestReciprocal(t *testing.T) {
	for x := 1; x < q; x++ {
		require.EqualValues(t, 1, slowMod(x*int(reciprocal(uint64(x))), q))
	}
	require.Zero(t, reciprocal(0))
}

// Both lanes, around every multiple of q there can be.
func TestReduceLanes(t *testing.T) {
	check := func(x uint64) {
		got := reduceLanes(x)
		for _, shift := range []int{0, 32} {
			lane, reduced := x>>shift&(1<<32-1), got>>shift&(1<<32-1)
			if reduced >= 2*q || reduced%q != lane%q {
				require.Fail(t, "reduceLanes", "%d: %d", lane, reduced)
			}
		}
	}
	const most = 4 * q * q
	for x := uint64(0); x <= most; x += q {
		check(x)
		check(x | (most-x)<<32)
		check(x + q - 1 | x<<32)
		check((x + q - 1) << 32)
		check(x&^(1<<11-1) + 1<<11 - 1)
	}
}

func TestLanes(t *testing.T) {
	for _, i := range []int{0, 1, half - 1, half, p - 1, p} {
		for _, c := range []int16{-q + 1, -1, 0, 1, q - 1} {
			var l lanes
			l.set(i, c)
			for j := i; j > 0; j-- {
				require.Zero(t, l.constant())
				l.divideByX()
			}
			require.EqualValues(t, (int(c)+q)%q, l.constant(), "%d x^%d", c, i)
			for range i {
				l.multiplyByX()
			}
			var same lanes
			same.set(i, c)
			require.Equal(t, same, l)
			for range p + 1 - i {
				l.multiplyByX()
			}
			require.Zero(t, l)
		}
	}
	for _, c := range []uint64{0, 1, q - 1, q, q + 1, 2*q - 1} {
		l := lanes{c | 77<<32}
		require.Equal(t, c%q, l.constant())
	}
}

func TestTrits(t *testing.T) {
	for _, i := range []int{0, 1, 63, 64, 127, 700, p} {
		for _, c := range []int16{-1, 0, 1} {
			var f trits
			f.set(i, c)
			for j := range p + 1 {
				want := int16(0)
				if j == i {
					want = c
				}
				require.Equal(t, want, f.at(j))
			}
			same := f
			for range i {
				f.divideByX()
			}
			require.Equal(t, c, f.at(0))
			for range i {
				f.multiplyByX()
			}
			require.Equal(t, same, f)
		}
	}
}

// All sums modulo 3, in every bit.
func TestStep3(t *testing.T) {
	for _, c := range []int16{-1, 0, 1} {
		for _, swap := range []uint64{0, 1<<64 - 1} {
			var f, g trits
			for i := range p + 1 {
				f.set(i, int16(i%3)-1)
				g.set(i, int16(i/3%3)-1)
			}
			wasF, wasG := f, g
			s := step3{swap: swap}
			if c == 1 {
				s.plus = 1<<64 - 1
			}
			if c == -1 {
				s.minus = 1<<64 - 1
			}
			s.do(&f, &g)
			for i := range p + 1 {
				require.Equal(t, slowMod(int(wasG.at(i)+c*wasF.at(i)), 3), g.at(i))
			}
			if swap == 0 {
				require.Equal(t, wasF, f)
			} else {
				require.Equal(t, wasG, f)
			}
		}
	}
}
