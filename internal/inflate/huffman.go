package inflate

import "math/bits"

const (
	maxBits   = 15 // length of the longest code (RFC 1951, section 3.2.7)
	tableBits = 10 // codes up to this length are looked up at once
)

// A huffman decodes one prefix code. A code is given by nothing but its
// lengths (RFC 1951, section 3.2.2): codes of one length are consecutive
// numbers, in the order of their symbols.
type huffman struct {
	table   [1 << tableBits]uint16 // by the next bits: symbol<<4 | length, or 0 for what is longer or no code
	counts  [maxBits + 1]uint16    // how many codes there are of each length
	symbols [maxSymbols]uint16     // in the order of their codes
}

// noSymbol is what bits that are no code decode to.
const noSymbol = maxSymbols

// set makes h the code of these lengths, where 0 stands for no code. It reports
// whether there can be such a code. As in zlib all bits must mean something,
// but for a code with a single symbol, which takes one bit, or none.
func (h *huffman) set(lengths []uint8) bool {
	h.counts = [maxBits + 1]uint16{}
	for _, n := range lengths {
		h.counts[n]++
	}
	used := len(lengths) - int(h.counts[0])
	h.counts[0] = 0
	size := 1 // of the table, as far as the codes need it
	left := 1 // codes that are free, of the length that was last
	var code, next [maxBits + 1]uint16
	for n := 1; n <= maxBits; n++ {
		left = left<<1 - int(h.counts[n])
		if h.counts[n] > 0 {
			size = min(1<<n, len(h.table))
		}
		if left < 0 {
			return false
		}
		code[n] = (code[n-1] + h.counts[n-1]) << 1
		next[n] = next[n-1] + h.counts[n-1]
	}
	if left > 0 && !(used == 0 || used == 1 && h.counts[1] == 1) {
		return false
	}
	table := h.table[:size]
	clear(table)
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[next[n]] = uint16(symbol)
		next[n]++
		if n <= tableBits {
			enter(table, code[n], n, uint16(symbol))
		}
		code[n]++
	}
	for ; size < len(h.table); size *= 2 { // whatever the bits above are
		copy(h.table[size:], h.table[:size])
	}
	return true
}

// enter enters a code into a table, wherever its bits are the next ones. Codes
// are sent with their most significant bit first (RFC 1951, section 3.1.1).
func enter(table []uint16, code uint16, n uint8, symbol uint16) {
	for i := int(bits.Reverse16(code) >> (16 - n)); i < len(table); i += 1 << n {
		table[i] = symbol<<4 | uint16(n)
	}
}

// next returns the symbol whose code the next bits of b are, and its length.
// The symbol is right if b holds as many bits, whatever else is in b.
func (h *huffman) next(b uint64) (symbol, n uint) {
	if e := h.table[b&(1<<tableBits-1)]; e != 0 {
		return uint(e >> 4), uint(e & 15)
	}
	return h.long(b)
}

// long is next for codes that are not in the table. It goes through the lengths:
// first is the first code of one, at index in symbols.
func (h *huffman) long(b uint64) (symbol, n uint) {
	var code, first, index uint
	for n = 1; n <= maxBits; n++ {
		code |= uint(b & 1)
		b >>= 1
		count := uint(h.counts[n])
		if code < first+count {
			return uint(h.symbols[index+code-first]), n
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return noSymbol, maxBits
}
