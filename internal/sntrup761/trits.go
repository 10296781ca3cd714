package sntrup761

// words is the number of words that hold p+1 bits.
const words = (p + 1 + 63) / 64

// trits are p+1 coefficients modulo 3, that of x^i in bit i%64 of word i/64:
// which of them are 1, and which are -1.
type trits struct{ plus, minus [words]uint64 }

// set changes coefficient i from 0 to c.
func (t *trits) set(i int, c int16) {
	t.plus[i/64] |= uint64(c&1&^(c>>1)) << (i % 64)
	t.minus[i/64] |= uint64(c>>1&1) << (i % 64)
}

// at returns coefficient i.
func (t *trits) at(i int) int16 {
	return int16(t.plus[i/64]>>(i%64)&1) - int16(t.minus[i/64]>>(i%64)&1)
}

// divideByX divides by x: see lanes.
func (t *trits) divideByX() {
	for i := range words - 1 {
		t.plus[i] = t.plus[i]>>1 | t.plus[i+1]<<63
		t.minus[i] = t.minus[i]>>1 | t.minus[i+1]<<63
	}
	t.plus[words-1] >>= 1
	t.minus[words-1] >>= 1
}

// multiplyByX multiplies by x: see lanes. What goes beyond x^p has no effect.
func (t *trits) multiplyByX() {
	for i := words - 1; i > 0; i-- {
		t.plus[i] = t.plus[i]<<1 | t.plus[i-1]>>63
		t.minus[i] = t.minus[i]<<1 | t.minus[i-1]>>63
	}
	t.plus[0] <<= 1
	t.minus[0] <<= 1
}

// inverse1 returns 1/divisor in R/3, if there is one. The divisor is small. The
// steps are those of inverse3.
func inverse1(divisor *poly) (quotient poly, ok bool) {
	var f, g, v, r trits
	f.set(0, 1)
	f.set(p-1, -1)
	f.set(p, -1)
	for i, c := range divisor {
		g.set(p-1-i, c)
	}
	r.set(0, 1)
	delta := int64(1)
	for range 2*p - 1 {
		v.multiplyByX()
		f0, g0 := int64(f.at(0)), int64(g.at(0))
		swap := (-delta >> 63) & -(g0 & 1)
		delta = (delta ^ swap&(delta^-delta)) + 1
		s := step3{plus: uint64(f0 * g0 >> 63), minus: uint64(-f0 * g0 >> 63), swap: uint64(swap)}
		s.do(&f, &g)
		s.do(&v, &r)
		g.divideByX()
	}
	for i := range quotient {
		quotient[i] = f.at(0) * v.at(p-1-i)
	}
	return quotient, delta == 0
}

// A step3 is a step of the division: all ones if f, or v, is to be added for
// the new g, or r; if it is to be subtracted; if the old g is the new f.
type step3 struct{ plus, minus, swap uint64 }

func (s step3) do(f, g *trits) {
	for i := range words {
		fp, fm, gp, gm := f.plus[i], f.minus[i], g.plus[i], g.minus[i]
		f.plus[i] = fp ^ s.swap&(fp^gp)
		f.minus[i] = fm ^ s.swap&(fm^gm)
		// A sum modulo 3 takes seven operations.
		hp, hm := fp&s.plus|fm&s.minus, fm&s.plus|fp&s.minus
		t := (gp | hm) ^ (gm | hp)
		g.plus[i], g.minus[i] = (gm|hm)^t, (gp|hp)^t
	}
}
