package main

import (
	"net"
	"sync"
	"time"
)

// A path is one direction of a relay: chunks on their way, in order.
type path struct {
	delay time.Duration
	from  time.Time // nothing leaves before

	mu     sync.Mutex
	chunks []chunk
	filled *sync.Cond
}

func newPath(delay time.Duration, from time.Time) *path {
	p := &path{delay: delay, from: from}
	p.filled = sync.NewCond(&p.mu)
	return p
}

// A chunk is what was read at once. The last of a path has no bytes.
type chunk struct {
	buffer *[chunkSize]byte
	n      int
	due    time.Time // when it arrives
}

const chunkSize = 128 << 10

var chunkBuffers = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// fill puts onto the path what can be read, up to its end.
func (p *path) fill(source *net.TCPConn) {
	for {
		buffer := chunkBuffers.Get().(*[chunkSize]byte)
		n, err := source.Read(buffer[:])
		if n > 0 {
			p.put(chunk{buffer: buffer, n: n})
		}
		if err != nil {
			p.put(chunk{})
			return
		}
	}
}

func (p *path) put(c chunk) {
	now := time.Now()
	if now.Before(p.from) {
		now = p.from
	}
	c.due = now.Add(p.delay)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chunks = append(p.chunks, c)
	p.filled.Signal()
}

// take returns what is next on the path, once there is something.
func (p *path) take() chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.chunks) == 0 {
		p.filled.Wait()
	}
	c := p.chunks[0]
	p.chunks = p.chunks[1:]
	return c
}

// empty writes what is on the path when it is due, up to its end.
func (p *path) empty(target *net.TCPConn) {
	defer target.CloseWrite()
	for {
		c := p.take()
		time.Sleep(time.Until(c.due))
		if c.n == 0 {
			return
		}
		_, err := target.Write(c.buffer[:c.n])
		chunkBuffers.Put(c.buffer)
		if err != nil {
			return
		}
	}
}
