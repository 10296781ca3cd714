package sftp

import (
	"context"
	"io"
	"math"
	"sync/atomic"

	"github.com/whelk-ssh/whelk/wire"
)

// A stream reads a file in order, with several requests under way. What was
// asked for and not yet returned is contiguous: it begins at offset, the fetches
// follow each other, and the next one begins at ask.
//
//	offset                                   ask
//	  v                                       v
//	--[ fetch: 255 KiB ][ fetch ][ fetch ]----+----------- hint
//	     |                                    '--> asked for while ahead and
//	     '--> next                                 the window allow
//
// How far it goes ahead of its reader doubles with each round trip, up to the
// window, because nobody may want what comes next; but for what is known to be
// there and to be wanted, which is all up to hint and one look beyond.
type stream struct {
	conn    *conn
	ctx     context.Context
	handle  string
	fetches []fetch
	offset  int64 // of what next returns
	ask     int64
	hint    int64
	end     int64 // nothing is wanted from here on
	size    int   // of a request, at most
	most    int   // what it may grow to
	ahead   int64 // bytes to be under way
	body    *packet

	sharers *atomic.Int64 // streams that share what may be under way; or nil
}

// A fetch is one SSH_FXP_READ.
type fetch struct {
	call   *call
	offset int64
	n      int
}

// newStream returns a stream of f from offset on.
func (f *File) newStream(handle string, offset int64) *stream {
	size := f.c.readSize()
	return &stream{conn: f.c.conn, ctx: f.c.ctx, handle: handle, offset: offset, ask: offset, end: math.MaxInt64, size: size, most: size, ahead: int64(size)}
}

// next returns what comes next in the file, at least one byte, or io.EOF. It is
// valid until the next call.
func (s *stream) next() ([]byte, error) {
	s.body.free()
	s.body = nil
	if err := s.fill(); err != nil {
		return nil, err
	}
	if len(s.fetches) == 0 {
		return nil, io.EOF
	}
	first := s.fetches[0]
	s.fetches = s.fetches[1:]
	a, err := s.conn.wait(s.ctx, first.call)
	if err != nil {
		return nil, err
	}
	data, err := a.data(first.n)
	if err != nil {
		a.free()
		return nil, err
	}
	if len(data) < first.n {
		if err := s.refetch(first, len(data)); err != nil {
			a.free()
			return nil, err
		}
	}
	s.body = a.body
	s.offset += int64(len(data))
	s.ahead += 2 * int64(len(data))
	return data, nil
}

// refetch asks for what the server left out of its answer to f, and from then
// on for no more at a time than it gives.
func (s *stream) refetch(f fetch, n int) error {
	rest, err := s.request(f.offset+int64(n), f.n-n)
	if err != nil {
		return err
	}
	s.fetches = append([]fetch{rest}, s.fetches...)
	s.most = max(min(s.most, n), smallPacket)
	s.size = min(s.size, s.most)
	return nil
}

// fill asks for as much as is wanted and fits. It waits for the window only if
// nothing is under way.
func (s *stream) fill() error {
	most := s.allowance()
	for {
		n := s.want(most)
		if n == 0 {
			return nil
		}
		if len(s.fetches) == 0 {
			f, err := s.request(s.ask, n)
			if err != nil {
				return err
			}
			s.fetches = append(s.fetches, f)
		} else {
			if !s.conn.window.tryAcquire(int64(n) + requestCost) {
				return nil
			}
			s.fetches = append(s.fetches, fetch{s.conn.send(readRequest(s.handle, s.ask, n), int64(n), statusRoom(n)), s.ask, n})
		}
		s.ask += int64(n)
	}
}

// allowance returns how much may be under way, what has come and was not
// returned included: memory that all of those that share it have together.
func (s *stream) allowance() int64 {
	all := s.conn.window.allowance()
	if s.sharers != nil {
		all = max(all/max(s.sharers.Load(), 1), int64(4*s.size))
	}
	return all
}

// want returns how much to ask for next, given how much may be under way.
func (s *stream) want(most int64) int {
	n := min(int64(s.size), s.end-s.ask)
	limit := min(s.ahead, most)
	switch {
	case s.ask < s.hint:
		n = min(n, s.hint-s.ask)
		limit = most
	case s.ask == s.hint && s.offset < s.hint:
		// The end is asked for along with what comes before it.
		n = min(n, defaultChunk)
		limit = most
	}
	if len(s.fetches) > 0 && s.ask-s.offset+n > limit {
		return 0
	}
	return int(max(n, 0))
}

// request sends an SSH_FXP_READ once the window admits it.
func (s *stream) request(offset int64, n int) (fetch, error) {
	call, err := s.conn.start(s.ctx, readRequest(s.handle, offset, n), int64(n), statusRoom(n))
	return fetch{call, offset, n}, err
}

// readRequest is SSH_FXP_READ (draft-ietf-secsh-filexfer-02, section 6.4).
//
//	uint32    id
//	string    handle
//	uint64    offset
//	uint32    len
func readRequest(handle string, offset int64, n int) *packet {
	p := newRequest(fxpRead)
	p.b = wire.AppendString(p.b, handle)
	p.b = wire.AppendUint32(wire.AppendUint64(p.b, uint64(offset)), uint32(n))
	return p
}

// statusRoom returns how long an answer may be that has n bytes of data, or a
// status with a text.
func statusRoom(n int) uint32 { return uint32(max(n+4, defaultChunk)) }

// close gives up what is under way.
func (s *stream) close() {
	s.body.free()
	s.body = nil
	for _, f := range s.fetches {
		s.conn.abandon(f.call)
	}
	s.fetches = nil
}
