package inflate

import (
	"bytes"
	"sync"
)

// The alphabets of RFC 1951, section 3.2.5 and 3.2.7.
const (
	maxSymbols   = 288 // literals, the end of a block, lengths, and two that stand for nothing
	endOfBlock   = 256
	maxLiterals  = 286
	maxDistances = 30
)

// A span is a range of lengths or distances that share a symbol: base and what
// is in as many extra bits. A base of 0 is no span.
type span struct {
	base  uint16
	extra uint8
}

// lengths are those of symbols 257 and up.
var lengths = [32]span{
	{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0},
	{11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2}, {27, 2}, {31, 2},
	{35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4},
	{131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
}

var distances = [32]span{
	{1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2},
	{17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5}, {129, 6}, {193, 6},
	{257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9}, {2049, 10}, {3073, 10},
	{4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13},
}

// lengthOrder is the order in which the lengths of the code for lengths come
// (RFC 1951, section 3.2.7).
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// A preamble is what comes in front of a block with codes of its own (RFC 1951,
// section 3.2.7).
//
//	5 bits    HLIT, lengths of literals - 257
//	5 bits    HDIST, lengths of distances - 1
//	4 bits    HCLEN, lengths of the code for lengths - 4
//	....      the lengths of that code, of 3 bits
//	....      the lengths, in that code
type preamble struct {
	literals  int
	distances int
	lengths   [maxLiterals + maxDistances + 2]uint8
	codes     [19]uint8
	have      int // lengths so far, of codes and then of lengths
	coded     int // lengths of the code for lengths
}

// A codes is the pair of codes that a block is in.
type codes struct{ literals, distances huffman }

// fixed are those of blocks that bring none (RFC 1951, section 3.2.6). They are
// made once: each packet of OpenSSH ends with such a block, of ten bits.
var fixed = sync.OnceValue(func() *codes {
	var literals [maxSymbols]uint8
	for i := range literals {
		switch {
		case i < 144:
			literals[i] = 8
		case i < 256:
			literals[i] = 9
		case i < 280:
			literals[i] = 7
		default:
			literals[i] = 8
		}
	}
	c := new(codes)
	c.literals.set(literals[:])
	c.distances.set(bytes.Repeat([]uint8{5}, 32))
	return c
})

// startPreamble reads the numbers of lengths.
func (d *Decoder) startPreamble() (state, error) {
	if !d.fill(14) {
		return statePreamble, errMore
	}
	p := &d.preamble
	p.literals, p.distances, p.coded = int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if p.literals > maxLiterals || p.distances > maxDistances {
		return 0, corrupt("a block with too many symbols")
	}
	p.codes, p.have = [19]uint8{}, 0
	return stateCodes, nil
}

// readCodes reads the lengths of the code for lengths.
func (d *Decoder) readCodes() (state, error) {
	p := &d.preamble
	for ; p.have < p.coded; p.have++ {
		if !d.fill(3) {
			return stateCodes, errMore
		}
		p.codes[lengthOrder[p.have]] = uint8(d.take(3))
	}
	p.have = 0
	if !d.own.literals.set(p.codes[:]) { // until the literals are known
		return 0, corrupt("a code for lengths that is none")
	}
	return stateLengths, nil
}

// readLengths reads the lengths of both codes.
func (d *Decoder) readLengths() (state, error) {
	p := &d.preamble
	total := p.literals + p.distances
	for p.have < total {
		d.fill(maxBits + 7)
		symbol, n := d.own.literals.next(d.bits)
		if n > d.have {
			return stateLengths, errMore
		}
		if symbol < 16 {
			d.take(n)
			p.lengths[p.have] = uint8(symbol)
			p.have++
			continue
		}
		if symbol > 18 {
			return 0, corrupt("a length that is no code")
		}
		r := repeats[symbol-16]
		if n+r.extra > d.have {
			return stateLengths, errMore
		}
		d.take(n)
		if err := p.repeat(symbol, int(r.base+uint(d.take(r.extra)))); err != nil {
			return 0, err
		}
	}
	if p.lengths[endOfBlock] == 0 {
		return 0, corrupt("a block that cannot end")
	}
	if !d.own.literals.set(p.lengths[:p.literals]) || !d.own.distances.set(p.lengths[p.literals:total]) {
		return 0, corrupt("lengths that make no code")
	}
	d.codes = &d.own
	return stateSymbols, nil
}

// repeats are the symbols 16, 17 and 18 of the code for lengths: the last
// length again, or 0.
var repeats = [3]struct{ base, extra uint }{{3, 2}, {3, 3}, {11, 7}}

// repeat enters a length times over.
func (p *preamble) repeat(symbol uint, times int) error {
	length := uint8(0)
	if symbol == 16 {
		if p.have == 0 {
			return corrupt("a repeated length before the first")
		}
		length = p.lengths[p.have-1]
	}
	if p.have+times > p.literals+p.distances {
		return corrupt("more lengths than symbols")
	}
	for range times {
		p.lengths[p.have] = length
		p.have++
	}
	return nil
}
