//go:build unix

package transport

import (
	"io"
	"net"
	"os"
	"syscall"
)

// drawReader returns a function that reads from nc into in, and holds no buffer
// while there is nothing to read; or nil if nc is not known to be a bare socket:
// a type that embeds one may have a Read of its own.
func drawReader(nc net.Conn, in *inbound) func() (int, error) {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	d := &drawer{raw: raw, in: in}
	d.once = d.read // made once, as in tryWriter
	return d.draw
}

// A drawer reads from a socket.
type drawer struct {
	raw  syscall.RawConn
	in   *inbound
	once func(fd uintptr) bool
	n    int
	err  error
}

func (d *drawer) draw() (int, error) {
	d.n, d.err = 0, nil
	if err := d.raw.Read(d.once); err != nil {
		return 0, err
	}
	return d.n, d.err
}

// read reads once. It returns false, which says to wait and call again, if
// there is nothing to read.
func (d *drawer) read(fd uintptr) bool {
	for {
		n, err := syscall.Read(int(fd), d.in.space())
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			d.in.rest()
			return false
		case err != nil:
			d.err = os.NewSyscallError("read", err)
		case n == 0:
			d.err = io.EOF
		default:
			d.n = n
		}
		return true
	}
}
