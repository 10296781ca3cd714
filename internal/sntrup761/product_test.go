package sntrup761

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// slowProduct is product by the definition of R.
func slowProduct(f, g *poly) (h [p]int32) {
	var long [2*p - 1]int32
	for i, x := range f {
		for j, y := range g {
			long[i+j] += int32(x) * int32(y)
		}
	}
	for i := 2*p - 2; i >= p; i-- { // x^p = x + 1
		long[i-p] += long[i]
		long[i-p+1] += long[i]
	}
	copy(h[:], long[:])
	return h
}

func TestProduct(t *testing.T) {
	const most = (q - 1) / 2
	r := testRandom()
	large := []poly{
		{}, constantPoly(most), constantPoly(-most), constantPoly(1),
		monomial(1, 0), monomial(most, p-1), monomial(-1, p-1), randomPoly(r, most), randomPoly(r, most), randomPoly(r, 1),
	}
	small := []poly{
		{}, constantPoly(1), constantPoly(-1), monomial(1, 0), monomial(-1, 1), monomial(1, p-1),
		randomPoly(r, 1), randomPoly(r, 1),
	}
	for i := range large {
		for j := range small {
			want := slowProduct(&large[i], &small[j])
			require.Equal(t, want, product(&large[i], &small[j]), "%d %d", i, j)
			require.Equal(t, want, product(&small[j], &large[i]), "%d %d", i, j)
			modQ, mod3 := mulQ(&large[i], &small[j]), mul3(&large[i], &small[j])
			for k, c := range want {
				require.Equal(t, slowMod(int(c), q), modQ[k])
				require.Equal(t, slowMod(int(c), 3), mod3[k])
			}
		}
	}
}

// The prime is one, and large enough; the primitive root is one.
func TestPrime(t *testing.T) {
	for d := 2; d*d <= prime; d++ {
		require.NotZero(t, prime%d)
	}
	require.Greater(t, prime, 2*p*((q-1)/2))
	require.Greater(t, n, 2*p-1)
	require.EqualValues(t, 1, power(uint64(power(root, (prime-1)/n)), n))
	require.EqualValues(t, prime-1, power(uint64(power(root, (prime-1)/n)), n/2))
	for i, z := range roots().z {
		require.Equal(t, power(uint64(power(root, (prime-1)/n)), reversed(2*i)), z.value)
	}
}

// The values are right, and stay below 2^28, at the largest coefficients.
func TestTransform(t *testing.T) {
	r := testRandom()
	var f, a [n]uint32
	for i := range f {
		f[i] = r.Uint32N(2 * prime)
		if i%3 == 0 {
			f[i] = 2*prime - 1
		}
	}
	a = f
	transform(&a)
	primitive := uint64(power(root, (prime-1)/n))
	for i := 0; i < n; i += 61 {
		x, want := uint64(power(primitive, reversed(i))), uint64(0)
		for j := n - 1; j >= 0; j-- {
			want = (want*x + uint64(f[j])) % prime
		}
		require.EqualValues(t, want, a[i]%prime)
	}
	for _, v := range a {
		require.Less(t, v, uint32(1<<28))
	}
}

func TestFactor(t *testing.T) {
	r := testRandom()
	xs := []uint32{0, 1, prime - 1, prime, prime + 1, 1<<32 - 1, 1<<32 - prime}
	values := []uint32{0, 1, 2, prime / 2, prime - 1}
	for range 1000 {
		xs, values = append(xs, r.Uint32()), append(values, r.Uint32N(prime))
	}
	for _, x := range xs {
		for _, value := range values {
			got := newFactor(value).times(x)
			if uint64(got)%prime != uint64(x)*uint64(value)%prime || got >= 2*prime {
				require.Fail(t, "product", "%d·%d = %d", x, value, got)
			}
		}
	}
}

func TestReduce(t *testing.T) {
	r := testRandom()
	xs := []uint64{0, 1, prime - 1, prime, 2 * prime, 1<<56 - 1}
	for range 100000 {
		k := r.Uint64N(1 << 33)
		xs = append(xs, k*prime, k*prime+prime-1, r.Uint64N(1<<56))
	}
	for _, x := range xs {
		got := reduce(x)
		if uint64(got)%prime != x%prime || got >= 2*prime {
			require.Fail(t, "reduce", "%d: %d", x, got)
		}
	}
	for _, x := range []uint32{0, 1, prime / 2, prime/2 + 1, prime - 1, prime, prime + 1, prime + prime/2, prime + prime/2 + 1, 2*prime - 1} {
		got := centered(x)
		require.LessOrEqual(t, max(got, -got), int32(prime/2), x)
		require.Zero(t, (int64(x)-int64(got))%prime, x)
	}
}
