package sntrup761

const (
	p = 761  // degree of the polynomial x^p - x - 1
	q = 4591 // a prime
	w = 286  // weight of short polynomials
)

// A poly is a polynomial of degree below p, the coefficient of x^i at index i.
// In R/q its coefficients are at least -(q-1)/2 and at most (q-1)/2; in R/3,
// and if it is small, at least -1 and at most 1.
type poly [p]int16

// mod returns the representative of x nearest to 0 modulo m, an odd constant
// of at most q. x is below 2^23.
func mod(x int32, m int64) int16 {
	// The quotient is x/m rounded. What is not exact about the factor
	// amounts to less than 2^23/2^41, and x/m is never closer than 1/2m to
	// where rounding turns.
	quotient := (int64(x)*((1<<40+m/2)/m) + 1<<39) >> 40
	return int16(int64(x) - quotient*m)
}

// mulQ returns f·g in R/q. One of them is small.
func mulQ(f, g *poly) (h poly) {
	for i, c := range product(f, g) {
		h[i] = mod(c, q)
	}
	return h
}

// mul3 returns f·g in R/3. Both are small.
func mul3(f, g *poly) (h poly) {
	for i, c := range product(f, g) {
		h[i] = mod(c, 3)
	}
	return h
}

// rounded returns f with each coefficient rounded to a multiple of 3: Round.
func (f *poly) rounded() (h poly) {
	for i, c := range f {
		h[i] = c - mod(int32(c), 3)
	}
	return h
}

// tripled returns 3f in R/q, of which it takes the coefficients modulo 3.
func (f *poly) tripled() (h poly) {
	for i, c := range f {
		h[i] = mod(int32(mod(3*int32(c), q)), 3)
	}
	return h
}

// short returns f, which is small, if it is short; or else 1 + x + ... +
// x^(w-1), which is.
func (f *poly) short() (h poly) {
	weight := int32(-w)
	for _, c := range f {
		weight += int32(c & 1)
	}
	other := int16((weight | -weight) >> 31) // -1 if f is not short, else 0
	for i, c := range f {
		h[i] = c &^ other
	}
	for i := range w {
		h[i] |= other & 1
	}
	return h
}
