package memnet

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// backlog is how many connections may wait for Accept.
const backlog = 128

// A Listener is a [net.Listener] at the server's address of the zero [Link].
type Listener struct {
	waiting   chan *Conn
	closed    chan struct{}
	closeOnce sync.Once
	dialed    atomic.Int32
}

// Listen returns a Listener.
func Listen() *Listener {
	return &Listener{waiting: make(chan *Conn, backlog), closed: make(chan struct{})}
}

// Dial connects to the listener over the zero [Link], each time from another
// port. It waits while the backlog is full.
func (l *Listener) Dial(ctx context.Context) (*Conn, error) {
	port := 49152 + int(l.dialed.Add(1))%16384
	return l.DialLink(ctx, Link{Client: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: port}})
}

// DialLink connects to the listener over link. It fails with ECONNREFUSED if
// the listener is closed.
func (l *Listener) DialLink(ctx context.Context, link Link) (*Conn, error) {
	client, server := link.Pipe()
	select {
	case <-l.closed:
		return nil, client.wrap("dial", syscall.ECONNREFUSED)
	default:
	}
	select {
	case l.waiting <- server:
		l.refuseIfClosed()
		return client, nil
	case <-l.closed:
		return nil, client.wrap("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, client.wrap("dial", context.Cause(ctx))
	}
}

// Accept returns the server's end of the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
	default:
		select {
		case c := <-l.waiting:
			return c, nil
		case <-l.closed:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "memory", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close ends Accept and closes the connections that wait for it.
func (l *Listener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	l.refuseIfClosed()
	return nil
}

// refuseIfClosed closes the connections nobody will accept. Both Close and a
// Dial that comes at the same moment call it, so none is left behind.
func (l *Listener) refuseIfClosed() {
	select {
	case <-l.closed:
	default:
		return
	}
	for {
		select {
		case c := <-l.waiting:
			_ = c.Close()
		default:
			return
		}
	}
}

// Addr returns the listener's address.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 22} }
