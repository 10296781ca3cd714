package sntrup761

// This file divides in R/q by the division steps of Bernstein and Yang ("Fast
// constant-time gcd computation and modular inversion", 2019): Euclid's
// algorithm, with steps that do the same whatever the polynomials are. f is
// x^p - x - 1 and g the divisor, both reversed, so that what led is the
// constant now. A step is one of
//
//	f, g = f, (f(0)·g - g(0)·f)/x
//	f, g = g, (f(0)·g - g(0)·f)/x
//
// After 2p-1 steps f is a constant and g is 0. A second pair, v and r, goes
// through the same and so comes to tell how f was made of the divisor; but
// there v is multiplied by x, rather than the other divided.

// half is the number of words that hold p+1 coefficients.
const half = (p + 1) / 2

// lanes are p+1 coefficients modulo q, those of x^i and x^(i+half) in the low
// and the high 32 bits of word i. They are not negative and less than 2q.
type lanes [half]uint64

const both = 1<<32 | 1 // both lanes of a word

// set changes coefficient i from 0 to c, which is greater than -q and less than
// q.
func (l *lanes) set(i int, c int16) {
	negative := int32(c) >> 31
	l[i%half] |= uint64(int32(c)+negative&q) << (i / half * 32)
}

// constant returns the coefficient of x^0, less than q.
func (l *lanes) constant() uint64 {
	c := l[0]&(1<<32-1) - q
	return c + uint64(int64(c)>>63)&q
}

// divideByX divides by x, without remainder: the coefficient of x^0 is dropped.
func (l *lanes) divideByX() {
	high := l[0] >> 32
	copy(l[:], l[1:])
	l[half-1] = high
}

// multiplyByX multiplies by x. The coefficient of x^p is dropped, as the result
// has none and nothing below depends on it.
func (l *lanes) multiplyByX() {
	low := l[half-1] << 32
	copy(l[1:], l[:])
	l[0] = low
}

// inverse3 returns 1/(3·divisor) in R/q. The divisor is small and not 0.
func inverse3(divisor *poly) (quotient poly) {
	var f, g, v, r lanes
	f.set(0, 1)
	f.set(p-1, -1)
	f.set(p, -1)
	for i, c := range divisor {
		g.set(p-1-i, c)
	}
	r.set(0, (2*q+1)/3) // 1/3
	delta := int64(1)
	const steps = 2*p - 1
	for i := range steps {
		v.multiplyByX()
		f0, g0 := f.constant(), g.constant()
		swap := (-delta >> 63) & (-int64(g0) >> 63) // -1 if delta > 0 and g0 is not 0, else 0
		delta = (delta ^ swap&(delta^-delta)) + 1
		s := step{f: q - g0, g: f0, swap: uint64(swap)}
		s.do(f[:min(half, steps-i)], g[:]) // no more of them will become f0 or g0
		s.do(v[:min(half, i+1)], r[:])     // the others are still 0
		g.divideByX()
	}
	scale := int32(reciprocal(f.constant()))
	for i := range quotient {
		j := p - 1 - i
		c := mod(int32(v[j%half]>>(j/half*32)), q)
		quotient[i] = mod(int32(c)*scale, q)
	}
	return quotient
}

// A step of the division: what f and g, or v and r, are multiplied by for the
// new g, and all ones if the old g is the new f. Both factors are at most q.
type step struct{ f, g, swap uint64 }

// do goes a step on as many words as there are in f.
func (s step) do(f, g []uint64) {
	g = g[:len(f)]
	for i, x := range f {
		y := g[i]
		f[i] = x ^ s.swap&(x^y)
		g[i] = reduceLanes(s.f*x + s.g*y)
	}
}

// reduceLanes returns what is in each lane of x modulo q, less than 2q. It is
// at most 4q^2, less than 2^27. The quotient is too small by less than 2: by
// 2^11/q for the bits of x left out, by 0.3 for those of the factor, and by 1
// for being rounded down.
func reduceLanes(x uint64) uint64 {
	quotient := (x >> 11 & (0xffff * both)) * (1 << 28 / q) >> 17 & (0x7fff * both)
	return x - quotient*q
}

// reciprocal returns 1/x modulo q (Fermat).
func reciprocal(x uint64) int16 {
	square, y := int32(mod(int32(x), q)), int32(1)
	for e := q - 2; e > 0; e /= 2 {
		if e%2 == 1 {
			y = int32(mod(y*square, q))
		}
		square = int32(mod(square*square, q))
	}
	return int16(y)
}
