package channel

import "math"

// A recvWindow is what the peer may still send (RFC 4254, section 5.2).
//
// At any time
//
//	credit + unread + read == size
//
// where credit is what the peer may send, unread what it has sent and nobody
// has read, and read what has been read and not yet granted again. Memory for
// received data is bounded by size because unread is.
//
// A window limits the path if the peer has sent all it was granted but for
// grants that are still on their way to it: it has run dry. The two fields of
// before hold what was left to send when the last grant was made, and the one
// before that, less what has arrived since. One that is zero while the reader
// waits for data is a peer run dry; one below zero is a grant that has reached
// the peer.
type recvWindow struct {
	size, credit, unread, read uint32

	before [2]int64
}

// maxWindow is how large a window grows.
const maxWindow = 16 << 20

func newRecvWindow(size uint32) recvWindow {
	return recvWindow{size: size, credit: size, before: [2]int64{-1, -1}}
}

// receive takes n bytes that arrived out of the credit. It reports false if
// there was not that much.
func (w *recvWindow) receive(n int) bool {
	if uint64(n) > uint64(w.credit) {
		return false
	}
	w.credit -= uint32(n)
	w.unread += uint32(n)
	w.before[0] -= int64(n)
	w.before[1] -= int64(n)
	return true
}

// release notes that n unread bytes were read, and returns what to grant the
// peer in a window adjust: nothing until half of the window is due, so that a
// bulk transfer costs one adjust for each half window and not one for each
// read.
func (w *recvWindow) release(n int) (grant uint32) {
	w.unread -= uint32(n)
	w.read += uint32(n)
	if w.read == 0 || w.read < w.size/2 {
		return 0
	}
	grant, w.read = w.read, 0
	w.grant(grant)
	return grant
}

// grant adds n bytes to the credit.
func (w *recvWindow) grant(n uint32) {
	w.before = [2]int64{int64(w.credit), w.before[0]}
	w.credit += n
}

// dry reports whether the reader, who waits for data, waits because the peer
// waits for us.
func (w *recvWindow) dry() bool {
	return w.unread == 0 && (w.before[0] == 0 || w.before[1] == 0)
}

// wanted returns by how much the window should grow: it doubles.
func (w *recvWindow) wanted() uint32 {
	if w.size >= maxWindow {
		return 0
	}
	return min(w.size, maxWindow-w.size)
}

// grow makes the window n bytes larger, and returns what to grant the peer: as
// it is waiting, all there is.
func (w *recvWindow) grow(n uint32) (grant uint32) {
	w.size += n
	grant = n + w.read
	w.read = 0
	if grant > 0 {
		w.grant(grant)
	}
	return grant
}

// A sendWindow is what the peer lets us send.
type sendWindow struct {
	credit    uint32 // bytes
	maxPacket uint32 // bytes of data in one message
}

// maxSend is the most data put into one message, whatever the peer would take.
// RFC 4253, section 6.1, asks every implementation to accept a payload of
// 32768 bytes; OpenSSH and others take as much data in one.
const maxSend = 32 << 10

func newSendWindow(peer End) sendWindow {
	return sendWindow{credit: peer.Window, maxPacket: min(peer.MaxPacket, maxSend)}
}

// take uses up the credit for as much of n bytes as fits one message, and
// returns how much that is.
func (w *sendWindow) take(n int) int {
	m := uint32(min(uint64(n), uint64(w.credit), uint64(w.maxPacket)))
	w.credit -= m
	return int(m)
}

// adjust adds n bytes to the credit. It reports false if that makes it larger
// than "2^32 - 1 bytes", which "the window MUST NOT be increased above"
// (RFC 4254, section 5.2).
func (w *sendWindow) adjust(n uint32) bool {
	if n > math.MaxUint32-w.credit {
		return false
	}
	w.credit += n
	return true
}
