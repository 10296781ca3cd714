package transport

import (
	"net"
	"syscall"
)

// quickAcker returns a function that has what arrives next acknowledged at
// once, or nil if nc is no bare TCP connection.
//
// A server may answer requests that came together one by one, on a socket that
// holds back each small segment until the one before is acknowledged (RFC 896);
// sshd(8) does. As we send nothing in between, our system would leave it waiting
// for 40 milliseconds. The option does not last: it is set before each read.
func quickAcker(nc net.Conn) func() {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	set := func(fd uintptr) {
		// It is a hint: without it everything works, later.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}
	return func() { _ = raw.Control(set) }
}
