package mac

import (
	"encoding/binary"
	"math/bits"
)

// maxStreams is the number of hashes of 32 bits that make the longest tag.
const maxStreams = 4

// A uhash is UHASH (RFC 4418, section 5), which each of its streams computes
// under keys of its own:
//
//	data            in blocks of 1024 bytes, the last one shorter
//	  NH            each block to 64 bits         (section 5.2)
//	  POLY-64       all of those to 64 bits       (section 5.3), if there are several
//	  inner product to 32 bits                    (section 5.4)
//
// Streams without a key, if there are fewer than maxStreams, make sums that
// nobody uses.
type uhash struct {
	streams int
	nh      nhKey
	poly    [maxStreams]uint64
	inner   [maxStreams][4]uint64
	mask    [maxStreams]uint32
}

func newUHASH(streams int, k kdf) uhash {
	h := uhash{streams: streams}
	h.nh.set(k.derive(1, nhBlock+(streams-1)*nhShift))
	poly, inner, mask := k.derive(2, 24*streams), k.derive(3, 64*streams), k.derive(4, 4*streams)
	for i := range streams {
		// The 16 bytes behind these eight are the key of the second polynomial.
		h.poly[i] = binary.BigEndian.Uint64(poly[24*i:]) & 0x01ffffff01ffffff
		// The first four of eight keys multiply zeros, unless that polynomial is used.
		for j := range h.inner[i] {
			h.inner[i][j] = binary.BigEndian.Uint64(inner[64*i+8*(4+j):]) % prime36
		}
		h.mask[i] = binary.BigEndian.Uint32(mask[4*i:])
	}
	return h
}

// sum returns the sums of data, one for each stream.
func (h *uhash) sum(data []byte) [maxStreams]uint32 {
	var y [maxStreams]uint64
	if len(data) <= nhBlock {
		h.block(&y, data)
		return h.finish(&y)
	}
	for i := range y {
		y[i] = 1
	}
	for len(data) > 0 {
		var block [maxStreams]uint64
		n := min(len(data), nhBlock)
		h.block(&block, data[:n])
		for i := range h.streams {
			y[i] = polyStep(h.poly[i], y[i], block[i])
		}
		data = data[n:]
	}
	for i := range y {
		y[i] = reduce(y[i], prime64)
	}
	return h.finish(&y)
}

// finish returns the inner product of each stream's key and the four halves of
// a word of its y, masked (RFC 4418, section 5.4.1).
func (h *uhash) finish(y *[maxStreams]uint64) (sums [maxStreams]uint32) {
	for i := range h.streams {
		k := &h.inner[i]
		s := k[0]*(y[i]>>48) + k[1]*(y[i]>>32&0xffff) + k[2]*(y[i]>>16&0xffff) + k[3]*(y[i]&0xffff)
		s = s&(1<<36-1) + 5*(s>>36) // 2^36 is 5 modulo the prime; less than two of it are left
		sums[i] = uint32(reduce(s, prime36)) ^ h.mask[i]
	}
	return sums
}

const (
	prime36 = 1<<36 - 5 // RFC 4418, section 2.2
	prime64 = 1<<64 - 59
)

// reduce returns y modulo p, of which y has less than two, without a branch.
func reduce(y, p uint64) uint64 {
	less, borrow := bits.Sub64(y, p, 0)
	return less + p&-borrow
}

// polyStep returns a number that is y*k + m modulo prime64, where k is a key of
// POLY-64 (RFC 4418, section 5.3.2). Words that the prime leaves no room for
// become two, and are as rare as one in 2^32.
func polyStep(k, y, m uint64) uint64 {
	const (
		maxWord = 1<<64 - 1<<32
		offset  = 59 // of m, which is below the prime then
		marker  = prime64 - 1
	)
	if m >= maxWord {
		y = mulAdd(k, y, marker)
		m -= offset
	}
	return mulAdd(k, y, m)
}

// mulAdd returns a number that is y*k + m modulo prime64, for m below it and k
// below 2^57.
func mulAdd(k, y, m uint64) uint64 {
	hi, lo := bits.Mul64(k, y)
	lo, carry := bits.Add64(lo, 59*hi, 0) // 2^64 is 59 modulo the prime, and 59*hi less than 2^63
	lo, carry = bits.Add64(lo+59*carry, m, 0)
	return lo + 59*carry
}
