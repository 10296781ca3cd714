package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// block is how much is written at a time, which is what io.Copy does.
const block = 32 << 10

// perform is what a server does with a command:
//
//	sink N     reads, and writes a byte after each N read
//	source N   writes N bytes
//	echo       writes what it reads, as soon as it has
//	idle       reads
//
// all to the end of the input but for source. The same code serves each stack.
func perform(command string, rw io.ReadWriter) error {
	verb, argument, _ := strings.Cut(command, " ")
	n, err := strconv.ParseInt(argument, 10, 64)
	if argument != "" && (err != nil || n <= 0) {
		return fmt.Errorf("bench: %q is no number of bytes", argument)
	}
	switch verb {
	case "sink":
		_, err = io.Copy(&meter{every: n, to: rw}, rw)
	case "source":
		err = pour(rw, n)
	case "echo":
		err = answer(rw)
	case "idle":
		_, err = rw.Read(make([]byte, 1))
	default:
		err = fmt.Errorf("bench: there is no command %q", command)
	}
	return err
}

// A meter takes bytes in, and writes one after each so many.
type meter struct {
	every int64
	seen  int64
	to    io.Writer
}

func (m *meter) Write(p []byte) (int, error) {
	m.seen += int64(len(p))
	for ; m.seen >= m.every; m.seen -= m.every {
		if _, err := m.to.Write([]byte{0}); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

var zeros [block]byte

// pour writes n bytes.
func pour(w io.Writer, n int64) error {
	for n > 0 {
		m, err := w.Write(zeros[:min(n, block)])
		if err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

// answer writes what it reads until there is no more. A small buffer is enough
// for the one byte that is under way.
func answer(rw io.ReadWriter) error {
	buffer := make([]byte, 64)
	for {
		n, err := rw.Read(buffer)
		if n > 0 {
			if _, err := rw.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// drain reads to the end, and fails unless that was n bytes.
func drain(r io.Reader, n int64) error {
	var c counter
	if _, err := io.Copy(&c, r); err != nil {
		return err
	}
	if int64(c) != n {
		return fmt.Errorf("bench: %d bytes arrived of %d", c, n)
	}
	return nil
}

// send writes n bytes to a command "sink n" and waits for its answer.
func (s *stream) send(n int64) error {
	if err := pour(s.in, n); err != nil {
		return err
	}
	_, err := io.ReadFull(s.out, make([]byte, 1))
	return err
}
