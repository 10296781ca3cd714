package memnet

import (
	"io"
	"syscall"
)

// A Fault is something that goes wrong on a [Path] after At bytes.
type Fault struct {
	Kind Kind
	At   int64 // offset in the bytes written to the path
	Bit  uint8 // for Flip: which bit of the byte at that offset, 0 to 7
}

// A Kind says what goes wrong.
type Kind int

// What can go wrong. FIN and Reset end the connection in both directions, as
// something between the two ends would.
const (
	// FIN: the bytes before At arrive, and so do those under way in the other
	// direction. Then reads return io.EOF. Writes fail with EPIPE.
	FIN Kind = iota + 1
	// Reset: the bytes before At arrive. Then, and in the other direction at
	// once, reads fail with ECONNRESET. So do writes.
	Reset
	// Stall: bytes from At on never arrive, nor does the end of the stream. The
	// writer learns nothing until the buffer is full, and then waits.
	Stall
	// Flip: one bit of the byte at offset At arrives wrong.
	Flip
)

// errors returns how reads end and why writes fail after a FIN or a Reset.
func (k Kind) errors() (read, write error) {
	if k == Reset {
		return syscall.ECONNRESET, syscall.ECONNRESET
	}
	return io.EOF, syscall.EPIPE
}
