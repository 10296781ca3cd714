package sntrup761

import "encoding/binary"

// randomSize is the number of random bytes of which a polynomial is made.
const randomSize = 4 * p

// smallOf makes random bytes a small polynomial: Small_random. Each
// coefficient is one of three as likely as the others, but for 2^-30.
func smallOf(random *[randomSize]byte) (f poly) {
	for i := range f {
		u := binary.LittleEndian.Uint32(random[4*i:]) & (1<<30 - 1)
		f[i] = int16(u*3>>30) - 1
	}
	return f
}

// shortOf makes random bytes a short polynomial: Short_random. The two lowest
// bits of each number say what the coefficient is, 0 and 2 for w of them and
// 1 for the others; the bits above, which are random, where it goes.
func shortOf(random *[randomSize]byte) (f poly) {
	var list [p]uint32
	for i := range list {
		u := binary.LittleEndian.Uint32(random[4*i:])
		if i < w {
			list[i] = u &^ 1
		} else {
			list[i] = u&^2 | 1
		}
	}
	sort(list[:])
	for i, u := range list {
		f[i] = int16(u&3) - 1
	}
	return f
}

// sort sorts by Batcher's merge exchange (Knuth, The Art of Computer
// Programming, volume 3, algorithm 5.2.2M): what is compared with what depends
// on the length only.
func sort(x []uint32) {
	top := 1
	for 2*top < len(x) {
		top *= 2
	}
	for size := top; size > 0; size /= 2 {
		start, distance := 0, size
		for merge := top; ; merge /= 2 {
			for i := start; i+distance < len(x); i += 2 * size {
				low := x[i:min(i+size, len(x)-distance)]
				exchange(low, x[i+distance:])
			}
			if merge == size {
				break
			}
			start, distance = size, merge-size
		}
	}
}

// exchange puts the lesser of low[i] and high[i] into low[i] and the other
// into high[i]. They may overlap: each i sees what the ones before it did.
func exchange(low, high []uint32) {
	high = high[:len(low)]
	for i := range low {
		x, y := low[i], high[i]
		greater := uint32((int64(y) - int64(x)) >> 63) // all ones if x > y
		t := greater & (x ^ y)
		low[i], high[i] = x^t, y^t
	}
}
