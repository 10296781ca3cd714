package fuzz

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// An Error reports an expectation that did not come true.
type Error struct {
	Want string   // what was expected, in words
	Got  string   // what came instead; text of the other side is quoted
	Sent []string // what had been sent, the last of it
	Err  error    // why nothing came, or nil
}

// Error says what was expected, what came and what had been sent.
func (e *Error) Error() string {
	text := "fuzz: expected " + e.Want + ", got " + e.Got
	if len(e.Sent) > 0 {
		text += "; sent so far: " + strings.Join(e.Sent, ", ")
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// fail ends the script, unless it has ended.
func (p *Peer) fail(want, got string, err error) {
	if p.err == nil {
		p.err = &Error{Want: want, Got: got, Sent: p.sent.list(), Err: err}
	}
}

// ended reports whether err is that of a connection the other side has ended.
func ended(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, io.ErrClosedPipe, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// whyNothing puts the error of a read into words.
func (p *Peer) whyNothing(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case ended(err):
		return "the end of the connection"
	}
	return fmt.Sprintf("an error: %v", err)
}

// A journal remembers the last things that were sent.
type journal struct {
	last    []string
	dropped bool
}

const journalLength = 16

func (j *journal) add(what string) {
	if len(j.last) == journalLength {
		j.last, j.dropped = append(j.last[:0], j.last[1:]...), true
	}
	j.last = append(j.last, what)
}

func (j *journal) list() []string {
	if j.dropped {
		return append([]string{"..."}, j.last...)
	}
	return append([]string(nil), j.last...)
}
