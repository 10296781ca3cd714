package sntrup761

const (
	smallSize   = (p + 3) / 4 // bytes of a small polynomial: Small_encode
	rqSize      = 1158        // of one in R/q: Rq_encode
	roundedSize = 1007        // of one whose coefficients are multiples of 3: Rounded_encode
)

// appendSmall appends a small polynomial: two bits for each coefficient plus
// 1, four of them to a byte, the first in the lowest bits.
func appendSmall(b []byte, f *poly) []byte {
	for i := 0; i < p; i += 4 {
		x := byte(0)
		for j := range min(4, p-i) {
			x |= byte(f[i+j]+1) << (2 * j)
		}
		b = append(b, x)
	}
	return b
}

// parseSmall is the inverse of appendSmall.
func parseSmall(b []byte) (f poly) {
	for i := range f {
		f[i] = int16(b[i/4]>>(i%4*2)&3) - 1
	}
	return f
}

// appendRq appends a polynomial in R/q.
func appendRq(b []byte, f *poly) []byte {
	var r [p]uint16
	for i, c := range f {
		r[i] = uint16(c + (q-1)/2)
	}
	return appendNumbers(b, r[:], q, q)
}

// parseRq is the inverse of appendRq. It takes any bytes.
func parseRq(b []byte) (f poly) {
	var r [p]uint16
	parseNumbers(r[:], b, q, q)
	for i, x := range r {
		f[i] = int16(x) - (q-1)/2
	}
	return f
}

// appendRounded appends a polynomial in R/q whose coefficients are multiples
// of 3.
func appendRounded(b []byte, f *poly) []byte {
	var r [p]uint16
	for i, c := range f {
		r[i] = uint16((int32(c) + (q-1)/2) * 10923 >> 15) // a third
	}
	return appendNumbers(b, r[:], (q+2)/3, (q+2)/3)
}

// parseRounded is the inverse of appendRounded. It takes any bytes.
func parseRounded(b []byte) (f poly) {
	var r [p]uint16
	parseNumbers(r[:], b, (q+2)/3, (q+2)/3)
	for i, x := range r {
		f[i] = int16(x)*3 - (q-1)/2
	}
	return f
}

// appendNumbers appends the numbers r, each less than m and the last one less
// than last: Encode. Two neighbours become one number, less than m·m, of
// which whole bytes are split off while it need not be less than 2^14; then
// the numbers that are left go the same way. It overwrites r.
func appendNumbers(b []byte, r []uint16, m, last uint32) []byte {
	for len(r) > 1 {
		pairs := len(r) / 2
		for i := range pairs {
			next := m
			if 2*i+2 == len(r) {
				next = last
			}
			x := uint32(r[2*i]) + m*uint32(r[2*i+1])
			size, _ := shrink(m*next, 1<<14)
			for range size {
				b = append(b, byte(x))
				x >>= 8
			}
			r[i] = uint16(x)
		}
		if len(r)%2 == 1 {
			r[pairs] = r[2*pairs]
		}
		r, m, last = r[:(len(r)+1)/2], shrunk(m*m), lastModulus(len(r), m, last)
	}
	size, _ := shrink(last, 2)
	for x := r[0]; size > 0; size-- {
		b = append(b, byte(x))
		x >>= 8
	}
	return b
}

// parseNumbers is the inverse of appendNumbers: Decode. What is no encoding
// gives some numbers below m too. It divides, so b must not be secret.
func parseNumbers(r []uint16, b []byte, m, last uint32) {
	if len(r) == 1 {
		size, _ := shrink(last, 2)
		r[0] = uint16(littleEndian(b[:size]) % last)
		return
	}
	pairs := len(r) / 2
	size, _ := shrink(m*m, 1<<14)
	lastSize := size
	if len(r)%2 == 0 {
		lastSize, _ = shrink(m*last, 1<<14)
	}
	parseNumbers(r[:(len(r)+1)/2], b[(pairs-1)*size+lastSize:], shrunk(m*m), lastModulus(len(r), m, last))
	if len(r)%2 == 1 {
		r[2*pairs] = r[pairs]
	}
	for i := pairs - 1; i >= 0; i-- {
		next, n := m, size
		if 2*i+2 == len(r) {
			next, n = last, lastSize
		}
		x := littleEndian(b[i*size:][:n]) + uint32(r[i])<<(8*n)
		r[2*i], r[2*i+1] = uint16(x%m), uint16(x/m%next)
	}
}

// shrink returns how many bytes are split off a number less than m for it to
// be less than limit, and what it is less than then.
func shrink(m, limit uint32) (size int, rest uint32) {
	for ; m >= limit; size++ {
		m = (m + 255) >> 8
	}
	return size, m
}

// shrunk is what a pair of numbers, together less than m, becomes less than.
func shrunk(m uint32) uint32 {
	_, rest := shrink(m, 1<<14)
	return rest
}

// lastModulus returns what the last number is less than once n numbers, each
// less than m and the last one less than last, are paired.
func lastModulus(n int, m, last uint32) uint32 {
	if n%2 == 1 {
		return last
	}
	return shrunk(m * last)
}

func littleEndian(b []byte) (x uint32) {
	for i, v := range b {
		x |= uint32(v) << (8 * i)
	}
	return x
}
