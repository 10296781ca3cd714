package argon2d

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// The constants of RFC 9106, section 3.1 and 3.2.
const (
	version    = 0x13
	variant    = 0 // y, the type
	slices     = 4 // of a row
	blockBytes = 1024
	blockWords = blockBytes / 8
)

// Options are the cost of a key.
type Options struct {
	Passes  int // t
	Memory  int // m, in KiB
	Threads int // p, the lanes
}

type block [blockWords]uint64

// A matrix is the memory.
type matrix struct {
	blocks  []block // row by row
	lanes   int
	row     int // blocks of a lane
	segment int // blocks of a lane within a slice
}

// Key derives a key of the given size in bytes, at least 4. There is at least
// one pass and one thread, and 8 KiB of memory for each. The caller bounds them,
// and owns the result.
func Key(passphrase, salt []byte, o Options, size int) ([]byte, error) {
	return derive(inputs{passphrase: passphrase, salt: salt}, o, size)
}

// inputs are what is hashed: P, S, K and X, of which nobody here has the last
// two, other than the vectors of RFC 9106.
type inputs struct{ passphrase, salt, secret, data []byte }

// derive is RFC 9106, section 3.2.
func derive(x inputs, o Options, size int) ([]byte, error) {
	if o.Passes < 1 || o.Threads < 1 || o.Memory < 8*o.Threads || size < 4 {
		return nil, errors.New("argon2d: the cost or the size is out of range")
	}
	var in []byte
	for _, n := range []int{o.Threads, size, o.Memory, o.Passes, version, variant} {
		in = binary.LittleEndian.AppendUint32(in, uint32(n))
	}
	for _, p := range [][]byte{x.passphrase, x.salt, x.secret, x.data} {
		in = append(binary.LittleEndian.AppendUint32(in, uint32(len(p))), p...)
	}
	h0 := blake2b.Sum512(in)
	clear(in)
	m := newMatrix(h0[:], o)
	for pass := range o.Passes {
		for slice := range slices {
			for lane := range m.lanes {
				m.fill(pass, slice, lane)
			}
		}
	}
	return m.key(size), nil
}

// newMatrix returns a matrix of which the first two columns are filled.
func newMatrix(h0 []byte, o Options) *matrix {
	segment := o.Memory / (slices * o.Threads)
	m := &matrix{lanes: o.Threads, segment: segment, row: segment * slices}
	m.blocks = make([]block, m.row*m.lanes)
	for lane := range m.lanes {
		for column := range 2 {
			in := append([]byte(nil), h0...)
			in = binary.LittleEndian.AppendUint32(in, uint32(column))
			in = binary.LittleEndian.AppendUint32(in, uint32(lane))
			content := hash(in, blockBytes)
			b := &m.blocks[lane*m.row+column]
			for i := range b {
				b[i] = binary.LittleEndian.Uint64(content[8*i:])
			}
		}
	}
	return m
}

// A place is that of a block: block index of a segment.
type place struct{ pass, slice, lane, index int }

// fill computes one segment.
func (m *matrix) fill(pass, slice, lane int) {
	first := 0
	if pass == 0 && slice == 0 {
		first = 2
	}
	row := m.blocks[lane*m.row:][:m.row]
	for i := first; i < m.segment; i++ {
		column := slice*m.segment + i
		previous := &row[(column+m.row-1)%m.row]
		mix(&row[column], previous, m.reference(place{pass, slice, lane, i}, previous[0]), pass > 0)
	}
}

// reference returns the other block that a block is computed from, by the
// pseudorandom number j (RFC 9106, sections 3.4.1.1 and 3.4.2).
func (m *matrix) reference(p place, j uint64) *block {
	from := int(j>>32) % m.lanes
	if p.pass == 0 && p.slice == 0 {
		from = p.lane
	}
	// How many blocks there are to choose from, and where they begin: the
	// slices before this one, of this pass or the last.
	area, start := p.slice*m.segment, 0
	if p.pass > 0 {
		area, start = m.row-m.segment, (p.slice+1)*m.segment
	}
	switch {
	case from == p.lane:
		area += p.index - 1
	case p.index == 0:
		area--
	}
	x := (j & 0xffffffff) * (j & 0xffffffff) >> 32
	z := area - 1 - int(uint64(area)*x>>32)
	return &m.blocks[from*m.row+(start+z)%m.row]
}

// key returns the hash of the last column, and clears the memory.
func (m *matrix) key(size int) []byte {
	var last block
	for lane := range m.lanes {
		for i, w := range m.blocks[lane*m.row+m.row-1] {
			last[i] ^= w
		}
	}
	clear(m.blocks)
	content := make([]byte, 0, blockBytes)
	for _, w := range last {
		content = binary.LittleEndian.AppendUint64(content, w)
	}
	return hash(content, size)
}

// hash is H', of any length (RFC 9106, section 3.3).
func hash(in []byte, size int) []byte {
	in = append(binary.LittleEndian.AppendUint32(nil, uint32(size)), in...)
	var out []byte
	for size-len(out) > blake2b.Size {
		sum := blake2b.Sum512(in)
		in = sum[:]
		out = append(out, sum[:blake2b.Size/2]...)
	}
	h, err := blake2b.New(size-len(out), nil)
	if err != nil {
		panic("argon2d: " + err.Error()) // not with 1 to 64 bytes
	}
	h.Write(in)
	return h.Sum(out)
}

// mix sets out to G(x, y), added to what it was if it is not the first pass (RFC
// 9106, section 3.5).
func mix(out, x, y *block, add bool) {
	var r block
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	z := r
	for i := 0; i < blockWords; i += 16 { // rows of 16 words
		permute(&z, [8]int{i, i + 2, i + 4, i + 6, i + 8, i + 10, i + 12, i + 14})
	}
	for i := 0; i < 16; i += 2 { // columns of pairs
		permute(&z, [8]int{i, i + 16, i + 32, i + 48, i + 64, i + 80, i + 96, i + 112})
	}
	for i := range z {
		z[i] ^= r[i]
		if add {
			z[i] ^= out[i]
		}
	}
	*out = z
}

// permute is P over eight pairs of words (RFC 9106, section 3.6): a round of
// BLAKE2b, with a multiplication in it.
func permute(b *block, pairs [8]int) {
	var v [16]*uint64
	for i, p := range pairs {
		v[2*i], v[2*i+1] = &b[p], &b[p+1]
	}
	for i := range 4 {
		quarter(v[i], v[4+i], v[8+i], v[12+i])
	}
	for i := range 4 {
		quarter(v[i], v[4+(i+1)%4], v[8+(i+2)%4], v[12+(i+3)%4])
	}
}

// quarter is GB.
func quarter(a, b, c, d *uint64) {
	step := func(p, q, s *uint64, rotation int) {
		*p += *q + 2*(*p&0xffffffff)*(*q&0xffffffff)
		*s = bits.RotateLeft64(*s^*p, -rotation)
	}
	step(a, b, d, 32)
	step(c, d, b, 24)
	step(a, b, d, 16)
	step(c, d, b, 63)
}
