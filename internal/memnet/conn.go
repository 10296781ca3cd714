package memnet

import (
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// A Link says how two ends are connected. The zero Link is a fast and
// faultless network, within 192.0.2.0/24 (RFC 5737).
type Link struct {
	Client net.Addr // 192.0.2.1:49152 if nil
	Server net.Addr // 192.0.2.2:22 if nil
	Up     Path     // from client to server
	Down   Path     // from server to client
}

// Pipe returns the two ends of a connection over the zero [Link].
func Pipe() (client, server *Conn) { return Link{}.Pipe() }

// Pipe returns the two ends of a connection.
func (l Link) Pipe() (client, server *Conn) {
	if l.Client == nil {
		l.Client = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 49152}
	}
	if l.Server == nil {
		l.Server = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 22}
	}
	up, down := connect(l.Up, l.Down)
	client = &Conn{in: down, out: up, local: l.Client, remote: l.Server}
	server = &Conn{in: up, out: down, local: l.Server, remote: l.Client}
	return client, server
}

// A Conn is one end of a connection. It is a [net.Conn] whose errors are those
// of a [net.TCPConn].
type Conn struct {
	in, out       *stream
	local, remote net.Addr
}

// Read reads what has arrived, and waits if nothing has.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write writes all of p, and waits while the buffer of the path is full.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close ends both directions. The peer reads what was written before, then
// io.EOF; its writes fail with EPIPE. A second Close fails.
func (c *Conn) Close() error {
	err := c.out.closeWriter(net.ErrClosed)
	if err == nil {
		c.in.closeReader()
	}
	return c.wrap("close", err)
}

// CloseWrite ends the outgoing direction: the peer reads what was written
// before, then io.EOF, and may still write.
func (c *Conn) CloseWrite() error {
	return c.wrap("close", c.out.closeWriter(syscall.EPIPE))
}

// BytesRead returns how many bytes Read has returned.
func (c *Conn) BytesRead() int64 {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.received
}

// BytesWritten returns how many bytes Write has taken, including those that
// have not been read or never will be.
func (c *Conn) BytesWritten() int64 {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.sent
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the time after which calls to Read and Write, also those in
// progress, fail with [os.ErrDeadlineExceeded]. The zero time is never.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setDeadline(&c.in.reader, t))
}

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setDeadline(&c.out.writer, t))
}

// wrap makes err what package net makes of it.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "memory", Source: c.local, Addr: c.remote, Err: err}
}
