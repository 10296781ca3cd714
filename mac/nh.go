package mac

import "encoding/binary"

// The sizes of NH (RFC 4418, section 5.2), in bytes.
const (
	nhBlock = 1024 // what is hashed at once
	nhStep  = 32   // what blocks are padded to
	nhShift = 16   // what the key of each stream begins after the one before
)

// An nhKey is the keys of all streams, each a part of the same words.
type nhKey [(nhBlock + (maxStreams-1)*nhShift) / 4]uint32

// set makes key the key. Words of a stream that there is no key for are zero.
func (k *nhKey) set(key []byte) {
	for i := range len(key) / 4 {
		k[i] = binary.BigEndian.Uint32(key[4*i:])
	}
}

// block sets y to the sums of one block, each with the number of its bits added
// (RFC 4418, section 5.2.1).
func (h *uhash) block(y *[maxStreams]uint64, p []byte) {
	for i := range y {
		y[i] = 8 * uint64(len(p))
	}
	whole := len(p) &^ (nhStep - 1)
	h.add(y, h.nh[:], p[:whole])
	if whole < len(p) || whole == 0 {
		var last [nhStep]byte // zeros are appended, and to nothing a whole step of them
		copy(last[:], p[whole:])
		h.add(y, h.nh[whole/4:], last[:])
	}
}

func (h *uhash) add(y *[maxStreams]uint64, k []uint32, p []byte) {
	if h.streams == 2 {
		nh2(y, k, p)
	} else {
		nh4(y, k, p)
	}
}

// nh2 adds NH of p under k (RFC 4418, section 5.2.2) to the first two of y.
// Words of data are little-endian, unlike all else.
func nh2(y *[maxStreams]uint64, k []uint32, p []byte) {
	y0, y1 := y[0], y[1]
	for len(p) >= 32 && len(k) >= 12 {
		m0, m4 := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[16:])
		y0 += uint64(m0+k[0]) * uint64(m4+k[4])
		y1 += uint64(m0+k[4]) * uint64(m4+k[8])
		m1, m5 := binary.LittleEndian.Uint32(p[4:]), binary.LittleEndian.Uint32(p[20:])
		y0 += uint64(m1+k[1]) * uint64(m5+k[5])
		y1 += uint64(m1+k[5]) * uint64(m5+k[9])
		m2, m6 := binary.LittleEndian.Uint32(p[8:]), binary.LittleEndian.Uint32(p[24:])
		y0 += uint64(m2+k[2]) * uint64(m6+k[6])
		y1 += uint64(m2+k[6]) * uint64(m6+k[10])
		m3, m7 := binary.LittleEndian.Uint32(p[12:]), binary.LittleEndian.Uint32(p[28:])
		y0 += uint64(m3+k[3]) * uint64(m7+k[7])
		y1 += uint64(m3+k[7]) * uint64(m7+k[11])
		p, k = p[32:], k[8:]
	}
	y[0], y[1] = y0, y1
}

// nh4 is nh2 for all four of y: each word of data meets the keys of all streams
// while it is in a register.
func nh4(y *[maxStreams]uint64, k []uint32, p []byte) {
	y0, y1, y2, y3 := y[0], y[1], y[2], y[3]
	for len(p) >= 32 && len(k) >= 20 {
		m0, m4 := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[16:])
		y0 += uint64(m0+k[0]) * uint64(m4+k[4])
		y1 += uint64(m0+k[4]) * uint64(m4+k[8])
		y2 += uint64(m0+k[8]) * uint64(m4+k[12])
		y3 += uint64(m0+k[12]) * uint64(m4+k[16])
		m1, m5 := binary.LittleEndian.Uint32(p[4:]), binary.LittleEndian.Uint32(p[20:])
		y0 += uint64(m1+k[1]) * uint64(m5+k[5])
		y1 += uint64(m1+k[5]) * uint64(m5+k[9])
		y2 += uint64(m1+k[9]) * uint64(m5+k[13])
		y3 += uint64(m1+k[13]) * uint64(m5+k[17])
		m2, m6 := binary.LittleEndian.Uint32(p[8:]), binary.LittleEndian.Uint32(p[24:])
		y0 += uint64(m2+k[2]) * uint64(m6+k[6])
		y1 += uint64(m2+k[6]) * uint64(m6+k[10])
		y2 += uint64(m2+k[10]) * uint64(m6+k[14])
		y3 += uint64(m2+k[14]) * uint64(m6+k[18])
		m3, m7 := binary.LittleEndian.Uint32(p[12:]), binary.LittleEndian.Uint32(p[28:])
		y0 += uint64(m3+k[3]) * uint64(m7+k[7])
		y1 += uint64(m3+k[7]) * uint64(m7+k[11])
		y2 += uint64(m3+k[11]) * uint64(m7+k[15])
		y3 += uint64(m3+k[15]) * uint64(m7+k[19])
		p, k = p[32:], k[8:]
	}
	y[0], y[1], y[2], y[3] = y0, y1, y2, y3
}
