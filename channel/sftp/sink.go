package sftp

import (
	"context"
	"io"
	"math"

	"github.com/whelk-ssh/whelk/wire"
)

// A sink writes a file, with several requests under way. The first of them that
// fails, in the order of the file, decides: whether later ones succeed does not
// matter any more.
type sink struct {
	conn   *conn
	ctx    context.Context
	handle string
	size   int // of the data in a request
	stores []store
	good   int64 // offset up to which everything is written
	hint   int64 // offset at which the data is expected to end
	err    error

	progress func(int64) // told how many bytes more are good; or nil
}

// A store is one SSH_FXP_WRITE, up to offset end.
type store struct {
	call *call
	end  int64
}

// newSink returns a sink for f from offset on.
func (f *File) newSink(handle string, offset int64) *sink {
	return &sink{conn: f.c.conn, ctx: f.c.ctx, handle: handle, size: f.c.writeSize(), good: offset, hint: math.MaxInt64}
}

// packet returns an SSH_FXP_WRITE without its data (draft-ietf-secsh-filexfer-02,
// section 6.4), and room for that. The length before the data is left to send.
//
//	uint32    id
//	string    handle
//	uint64    offset
//	string    data
func (s *sink) packet(offset int64, room int) *packet {
	p := newRequestOf(fxpWrite, headSize+4+len(s.handle)+8+4+room)
	p.b = wire.AppendString(p.b, s.handle)
	p.b = wire.AppendUint32(wire.AppendUint64(p.b, uint64(offset)), 0)
	return p
}

// send sends p, which has n bytes of data at the end, for those before offset
// end. It waits for the window.
func (s *sink) send(p *packet, n int, end int64) error {
	at := len(p.b) - n - 4
	wire.AppendUint32(p.b[:at], uint32(n))
	if s.collect(false); s.err != nil {
		p.free()
		return s.err
	}
	call, err := s.conn.start(s.ctx, p, int64(n), maxAnswer)
	if err != nil {
		s.err = err
		return err
	}
	s.stores = append(s.stores, store{call, end})
	return nil
}

// collect takes the answers that are there, or all of them.
func (s *sink) collect(all bool) {
	for len(s.stores) > 0 {
		first := s.stores[0]
		if !all {
			select {
			case <-first.call.done:
			default:
				return
			}
		}
		s.stores = s.stores[1:]
		if err := s.outcome(first.call); err != nil && s.err == nil {
			s.err = err
		}
		if s.err == nil {
			if s.progress != nil {
				s.progress(first.end - s.good)
			}
			s.good = first.end
		}
	}
}

func (s *sink) outcome(call *call) error {
	a, err := s.conn.wait(s.ctx, call)
	if err != nil {
		return err
	}
	defer a.free()
	if err = a.status(); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// finish waits for all that is under way, and returns up to which offset
// everything is written.
func (s *sink) finish() (int64, error) {
	s.collect(true)
	return s.good, s.err
}

// write sends p, without waiting for what becomes of it.
func (s *sink) write(p []byte, offset int64) error {
	for len(p) > 0 {
		n := min(len(p), s.size)
		request := s.packet(offset, n)
		request.b = append(request.b, p[:n]...)
		offset += int64(n)
		if err := s.send(request, n, offset); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// readFrom sends what r has, read straight into requests. The end of r is none
// to be reported. It returns the error of r.
func (s *sink) readFrom(r io.Reader, offset int64) error {
	for {
		room := s.size
		switch rest := s.hint - offset; {
		case rest > 0:
			room = int(min(int64(room), rest))
		case rest == 0: // to see that it ends there
			room = min(room, smallPacket/2)
		}
		p := s.packet(offset, room)
		head := len(p.b)
		n, err := fillFrom(r, p.b[head:head+room])
		if n == 0 {
			p.free()
		} else {
			p.b = p.b[:head+n]
			offset += int64(n)
			if err := s.send(p, n, offset); err != nil {
				return nil // it is s.err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fillFrom reads until p is full or r has no more at the moment: what comes in
// small pieces, from a network or a terminal, is not held up for long.
func fillFrom(r io.Reader, p []byte) (n int, err error) {
	for empty := 0; n < (len(p)+1)/2 && err == nil; empty++ {
		var m int
		m, err = r.Read(p[n:])
		n += m
		if m > 0 {
			empty = 0
		}
		if empty > 100 {
			err = io.ErrNoProgress
		}
	}
	return n, err
}
