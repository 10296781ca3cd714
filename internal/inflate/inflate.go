package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// windowSize is how far back a distance reaches (RFC 1951, section 2).
const windowSize = 32 << 10

// ErrTooLong says that a piece decodes to more than the limit.
var ErrTooLong = errors.New("inflate: the output of a piece is longer than the limit")

// errMore says that the piece has ended, and the next state can be known only
// from the next one.
var errMore = errors.New("inflate: more")

// A CorruptError says what is wrong with the input.
type CorruptError struct{ What string }

func (e *CorruptError) Error() string { return "inflate: " + e.What }

func corrupt(format string, args ...any) error { return &CorruptError{fmt.Sprintf(format, args...)} }

// A state is what comes next in the stream.
type state byte

const (
	stateHeader   state = iota // of the stream
	stateBlock                 // the header of a block
	stateStored                // the length of a block that is not compressed
	stateCopy                  // the rest of such a block
	statePreamble              // of a block with codes of its own
	stateCodes
	stateLengths
	stateSymbols
)

// A Decoder decodes one stream, piece by piece.
//
// It takes a symbol with all its extra bits, or leaves it in place: bits holds
// have bits of the input behind what was taken, and what lies above them is
// input too or zero. So where a piece ends makes no difference to what is
// decoded.
type Decoder struct {
	limit int
	err   error // of an earlier piece

	in    []byte // what is left of the piece
	bits  uint64 // the next bits, from the lowest up
	have  uint   // how many they are
	state state
	left  int // bytes of a block that is not compressed

	buf   []byte // output: buf[:start] of earlier pieces, buf[start:end] of this one
	start int
	end   int

	codes    *codes // of the block
	own      codes  // brought by a block
	preamble preamble
}

// NewDecoder returns a Decoder for the beginning of a stream. No piece may
// decode to more than limit bytes.
func NewDecoder(limit int) *Decoder { return &Decoder{limit: limit} }

// Reset prepares d for the beginning of another stream.
func (d *Decoder) Reset() {
	d.err, d.in, d.bits, d.have = nil, nil, 0, 0
	d.state, d.start, d.end = stateHeader, 0, 0
}

// Decode decodes the next piece, to its end. What it returns is valid until the
// next call. An error is [ErrTooLong] or a *CorruptError, and every later call
// returns the same one.
func (d *Decoder) Decode(piece []byte) ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	d.start = d.end
	d.in = piece
	for d.err == nil {
		d.state, d.err = d.step()
	}
	d.in = nil
	if d.err != errMore {
		return nil, d.err
	}
	d.err = nil
	return d.buf[d.start:d.end], nil
}

// step goes through one state, to its end or to that of the piece.
func (d *Decoder) step() (state, error) {
	switch d.state {
	case stateHeader:
		return d.readHeader()
	case stateBlock:
		return d.readBlock()
	case stateStored:
		return d.readStored()
	case stateCopy:
		return d.copyStored()
	case statePreamble:
		return d.startPreamble()
	case stateCodes:
		return d.readCodes()
	case stateLengths:
		return d.readLengths()
	}
	return d.readSymbols()
}

// readHeader reads the header of the stream (RFC 1950, section 2.2).
//
//	4 bits    CM, the method: 8 is DEFLATE
//	4 bits    CINFO, the size of the window
//	5 bits    FCHECK
//	1 bit     FDICT: a dictionary is needed
//	2 bits    FLEVEL
func (d *Decoder) readHeader() (state, error) {
	if !d.fill(16) {
		return stateHeader, errMore
	}
	cmf, flags := uint(d.take(8)), uint(d.take(8))
	if cmf&15 != 8 || cmf>>4 > 7 || (cmf<<8|flags)%31 != 0 || flags&0x20 != 0 {
		return 0, corrupt("%#02x %#02x are not the header of a ZLIB stream without a dictionary", cmf, flags)
	}
	return stateBlock, nil
}

// readBlock reads the header of a block (RFC 1951, section 3.2.3).
func (d *Decoder) readBlock() (state, error) {
	if !d.fill(3) {
		return stateBlock, errMore
	}
	final, kind := d.take(1), d.take(2)
	if final != 0 {
		return 0, corrupt("a final block in a stream that has no end")
	}
	switch kind {
	case 0:
		d.take(d.have % 8)
		return stateStored, nil
	case 1:
		d.codes = fixed()
		return stateSymbols, nil
	case 2:
		return statePreamble, nil
	}
	return 0, corrupt("a block of no known type")
}

// readStored reads the length of a block that is not compressed (RFC 1951,
// section 3.2.4).
//
//	2 bytes   LEN
//	2 bytes   NLEN, its complement
func (d *Decoder) readStored() (state, error) {
	if !d.fill(32) {
		return stateStored, errMore
	}
	n, complement := uint16(d.take(16)), uint16(d.take(16))
	if n != ^complement {
		return 0, corrupt("a block whose length and its complement differ")
	}
	d.left = int(n)
	return stateCopy, nil
}

// copyStored copies what there is of a block that is not compressed.
func (d *Decoder) copyStored() (state, error) {
	for d.left > 0 && d.have > 0 {
		if err := d.room(1); err != nil {
			return 0, err
		}
		d.buf[d.end] = byte(d.take(8))
		d.end++
		d.left--
	}
	if d.have == 0 {
		d.bits = 0 // what lies above is about to be taken by other means
	}
	n := min(d.left, len(d.in))
	if err := d.room(n); err != nil {
		return 0, err
	}
	copy(d.buf[d.end:], d.in[:n])
	d.in = d.in[n:]
	d.end += n
	if d.left -= n; d.left > 0 {
		return stateCopy, errMore
	}
	return stateBlock, nil
}

// fill sees to it that there are n bits, at most 48, and reports whether it
// could.
func (d *Decoder) fill(n uint) bool {
	if d.have < n {
		d.bits, d.have, d.in = refill(d.bits, d.have, d.in)
	}
	return d.have >= n
}

// refill adds what fits of in to the bits there are, which is enough for any
// symbol unless in ends.
func refill(bits uint64, have uint, in []byte) (uint64, uint, []byte) {
	if len(in) >= 8 {
		bits |= binary.LittleEndian.Uint64(in) << have
		n := (63 - have) >> 3
		return bits, have + n<<3, in[n:]
	}
	for have <= 56 && len(in) > 0 {
		bits |= uint64(in[0]) << have
		have += 8
		in = in[1:]
	}
	return bits, have, in
}

// take takes the next n bits, which are there.
func (d *Decoder) take(n uint) uint64 {
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return v
}
