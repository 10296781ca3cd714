package sntrup761

import (
	"math/bits"
	"sync"
)

// The product of two polynomials is computed over the integers. None of its
// coefficients exceeds p·(q-1)/2 in size, so they are known once they are
// known modulo a prime of more than twice that; and modulo a prime with roots
// of unity, a product takes three transforms and n multiplications.
const (
	n     = 1 << logN // more than 2p-1, the number of coefficients
	logN  = 11
	prime = 8380417 // 2^23 - 2^13 + 1, so that n divides prime-1
	root  = 10      // generates the group of units modulo prime
)

// product returns f·g modulo x^p - x - 1, over the integers. One of them is
// small.
func product(f, g *poly) (h [p]int32) {
	a, b := spectrum(f), spectrum(g)
	var c [n]uint32 // the values of f·g in natural order
	for i, x := range a {
		c[reversed(i)] = reduce(uint64(x) * uint64(b[i]))
	}
	transform(&c)
	// A transform of a transform is n times the original backwards.
	scale := roots().scale
	coefficient := func(i int) int32 { return centered(scale.times(c[reversed(-i&(n-1))])) }
	for i := range p {
		h[i] = coefficient(i)
	}
	for i := p; i < 2*p-1; i++ { // x^i = x^(i-p+1) + x^(i-p)
		x := coefficient(i)
		h[i-p] += x
		h[i-p+1] += x
	}
	return h
}

// spectrum returns f at the n-th roots of unity, in the order of transform.
func spectrum(f *poly) (a [n]uint32) {
	for i, c := range f {
		a[i] = uint32(int32(c) + prime)
	}
	transform(&a)
	return a
}

// transform replaces the coefficients of a polynomial, each less than 2·prime,
// by its values: at index i, the one at the primitive root to the power of
// reversed(i). It is the right one modulo prime, and less than 2^28.
//
// It divides by two polynomials of half the degree, over and over, until all
// remainders are constants:
//
//	f mod x^2m - z^2  -->  f mod x^m - z,  f mod x^m + z
func transform(a *[n]uint32) {
	z := &roots().z
	for m := n / 2; m > 0; m /= 2 {
		for i := range n / (2 * m) {
			block := a[2*m*i:][:2*m]
			split(block[:m], block[m:], z[i])
		}
	}
}

// split takes f = low + x^m·high and leaves f mod x^m - z in low and f mod
// x^m + z in high. Each coefficient becomes larger by at most 2·prime.
func split(low, high []uint32, z factor) {
	high = high[:len(low)]
	for i, x := range low {
		y := z.times(high[i])
		low[i], high[i] = x+y, x+2*prime-y
	}
}

// A factor multiplies by value modulo prime.
type factor struct{ value, quotient uint32 } // quotient is 2^32·value/prime, rounded down

func newFactor(value uint32) factor {
	return factor{value, uint32(uint64(value) << 32 / prime)}
}

// times returns a number less than 2·prime that is x·f.value modulo prime. Any
// x will do (Shoup's trick: the quotient is too small by one at most).
func (f factor) times(x uint32) uint32 {
	return x*f.value - uint32(uint64(x)*uint64(f.quotient)>>32)*prime
}

// reduce returns a number less than 2·prime that is x modulo prime. x is less
// than 2^56.
func reduce(x uint64) uint32 {
	quotient, _ := bits.Mul64(x, 1<<63/prime*2)
	return uint32(x - quotient*prime)
}

// centered returns what is nearest to 0 of the numbers that are x modulo prime.
// x is less than 2·prime.
func centered(x uint32) int32 {
	c := int32(x) - prime
	c += c >> 31 & prime // 0 to prime-1
	return c - (prime/2-c)>>31&prime
}

// reversed returns i with its logN bits in the reverse order.
func reversed(i int) int { return int(bits.Reverse16(uint16(i)) >> (16 - logN)) }

// constants are what transform and product multiply by.
type constants struct {
	z     [n / 2]factor // the roots that split wants, in the order in which it does
	scale factor        // 1/n
}

var roots = sync.OnceValue(func() *constants {
	t := &constants{scale: newFactor(power(n, prime-2))}
	primitive := power(root, (prime-1)/n)
	z := uint64(1)
	for i := range t.z {
		t.z[reversed(2*i)] = newFactor(uint32(z))
		z = z * uint64(primitive) % prime
	}
	return t
})

// power returns x^e modulo prime, of a public x.
func power(x uint64, e int) uint32 {
	y := uint64(1)
	for ; e > 0; e /= 2 {
		if e%2 == 1 {
			y = y * x % prime
		}
		x = x * x % prime
	}
	return uint32(y)
}
