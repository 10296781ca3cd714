package main

import (
	"net"
	"sync"
	"time"
)

// A relay carries TCP connections over a path that takes a while, has no other
// limit and loses nothing. It reads whatever comes at once, so that no
// socket's buffer is one; memory is what holds the bytes on their way.
//
// What it cannot delay is the handshake of TCP itself, which the client's
// kernel has done before the relay hears of it. It makes the peers meet when
// they would have, one way taking d:
//
//	client         server
//	 0   SYN
//	         SYN     d
//	2d  SYN-ACK             what the client sends before leaves here at 2d
//	         ACK    3d      the relay connects to the server
//	4d   version            the first that a client can hear
type relay struct {
	l      net.Listener
	target string
	delay  time.Duration

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
}

func newRelay(target string, delay time.Duration) (*relay, error) {
	l, err := loopback()
	if err != nil {
		return nil, err
	}
	r := &relay{l: l, target: target, delay: delay}
	go r.accept()
	return r, nil
}

// address is where the relay listens.
func (r *relay) address() string { return r.l.Addr().String() }

// close ends the relay and its connections.
func (r *relay) close() {
	r.l.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, nc := range r.conns {
		nc.Close()
	}
}

// own notes that nc is to be closed with the relay.
func (r *relay) own(nc net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, nc)
	if r.closed {
		nc.Close()
	}
}

func (r *relay) accept() {
	for {
		client, err := r.l.Accept()
		if err != nil {
			return
		}
		r.own(client)
		go r.carry(client.(*net.TCPConn), time.Now())
	}
}

// carry carries one connection until both directions have ended.
func (r *relay) carry(client *net.TCPConn, start time.Time) {
	defer client.Close()
	up := newPath(r.delay, start.Add(2*r.delay))
	go up.fill(client)
	time.Sleep(time.Until(start.Add(3 * r.delay)))
	nc, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer nc.Close()
	r.own(nc)
	server := nc.(*net.TCPConn)
	down := newPath(r.delay, time.Time{})
	go down.fill(server)
	var both sync.WaitGroup
	both.Go(func() { up.empty(server) })
	both.Go(func() { down.empty(client) })
	both.Wait()
}
