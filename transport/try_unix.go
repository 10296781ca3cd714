//go:build unix

package transport

import (
	"net"
	"syscall"
)

// tryWriter returns a function that writes as much to nc as can be written
// without waiting, or nil if nc is not known to be a bare socket: a type that
// embeds one may have a Write of its own.
func tryWriter(nc net.Conn) func(p []byte) (int, error) {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	t := &trier{raw: raw}
	t.once = t.write // made once: a closure for each call would be an allocation
	return t.try
}

// A trier writes to a socket. One goroutine at a time uses it.
type trier struct {
	raw  syscall.RawConn
	once func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

func (t *trier) try(p []byte) (int, error) {
	t.p, t.n, t.err = p, 0, nil
	err := t.raw.Write(t.once)
	t.p = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

// write writes once. It returns true, which says not to wait and call again.
func (t *trier) write(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), t.p)
		switch err {
		case nil:
			t.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			t.err = err
		}
		return true
	}
}
