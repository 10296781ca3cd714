package channel

import (
	"math"
	"time"
)

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
// Grants are whole steps. So a peer that has run dry, that is one that waits
// for a grant still on its way to it, shows by the credit: it is a whole number
// of steps, all granted after the window it began with. A peer that does not
// wait may be there for a moment too, but does not stay.
type recvWindow struct {
	size, credit, unread, read uint32

	step    uint32
	granted uint64 // bytes, in all
	pace    pace
}

// A pace is how much of the time our reader waits because the peer has run
// dry. It is measured anew with each window of bytes.
type pace struct {
	began   time.Time
	stalled time.Duration
	until   uint64 // granted bytes
}

const (
	// maxWindow is how large a window grows.
	maxWindow = 16 << 20

	// maxStep is how much is granted at once, unless half of the window is
	// less. Larger steps would cost the peer nothing and us fewer messages; but
	// a peer whose socket holds back small segments until what it sent before
	// is acknowledged (RFC 896), as that of sshd(8) does, gets the
	// acknowledgement with our next message.
	maxStep = 256 << 10

	// growAt is the part of the time, one in so many, that has to be lost to
	// a window before it grows.
	growAt = 4
)

func newRecvWindow(size uint32) recvWindow {
	return recvWindow{size: size, credit: size, step: min(max(size/2, 1), maxStep)}
}

// receive takes n bytes that arrived out of the credit. It reports false if
// there was not that much.
func (w *recvWindow) receive(n int) bool {
	if uint64(n) > uint64(w.credit) {
		return false
	}
	if w.pace.began.IsZero() {
		w.measure()
	}
	w.credit -= uint32(n)
	w.unread += uint32(n)
	return true
}

// measure begins to measure the pace.
func (w *recvWindow) measure() {
	w.pace = pace{began: time.Now(), until: w.granted + uint64(w.size)}
}

// release notes that n unread bytes were read, and returns what to grant the
// peer in a window adjust: nothing until it is worth a message.
func (w *recvWindow) release(n int) (grant uint32) {
	w.unread -= uint32(n)
	w.read += uint32(n)
	grant = w.read - w.read%w.step
	w.read -= grant
	w.grant(grant)
	return grant
}

// grant adds n bytes to the credit.
func (w *recvWindow) grant(n uint32) {
	w.credit += n
	w.granted += uint64(n)
	if w.granted > w.pace.until {
		w.measure()
	}
}

// dry reports whether the reader, who waits for data, may do so because the
// peer waits for us.
func (w *recvWindow) dry() bool {
	return w.unread == 0 && w.credit > 0 && w.credit%w.step == 0 && w.granted >= uint64(w.credit)
}

// waited notes that the peer had run dry since the time given, and returns by
// how much the window should grow, because too much time is lost that way: it
// doubles.
func (w *recvWindow) waited(since time.Time) (more uint32) {
	now := time.Now()
	w.pace.stalled += now.Sub(since)
	if w.size >= maxWindow || w.pace.stalled*growAt < now.Sub(w.pace.began) {
		return 0
	}
	return min(w.size, maxWindow-w.size)
}

// grow makes the window larger by as many of n bytes as are whole steps, and
// returns that to be granted.
func (w *recvWindow) grow(n uint32) (grant uint32) {
	n -= n % w.step
	w.size += n
	w.grant(n)
	w.measure()
	return n
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
