package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A Client is one connection to a server of files, whose methods are those of
// package os. They may be called from any goroutine, and their requests are
// under way at the same time.
type Client struct {
	*session
	ctx context.Context
}

// A session is what the Clients of one connection share. It does not change
// once NewClient has returned.
type session struct {
	conn       *conn
	extensions map[string]string
	limits     Limits
}

// Limits are what a server allows (OpenSSH PROTOCOL, section 4.8), in bytes;
// zero is unknown.
type Limits struct {
	Packet, Read, Write uint64
	Handles             uint64 // open at a time
}

// handshakeTimeout bounds NewClient if its context has no deadline.
const handshakeTimeout = time.Minute

// NewClient begins to speak with the server at the other end of rw, which
// the Client owns from then on: it is closed when NewClient fails, and by
// [Client.Close]. A Read of rw that is under way must return when rw is closed.
//
// The context bounds NewClient alone, and a minute does if it has no deadline.
func NewClient(ctx context.Context, rw io.ReadWriteCloser) (*Client, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
	}
	s := &session{conn: newConn(rw)}
	unhook := context.AfterFunc(ctx, func() { rw.Close() })
	err := s.handshake()
	if !unhook() {
		err = context.Cause(ctx)
	}
	if err != nil {
		rw.Close()
		return nil, fmt.Errorf("sftp: no server answers: %w", err)
	}
	s.conn.run()
	c := &Client{session: s, ctx: context.Background()}
	if s.limits, err = c.WithContext(ctx).askLimits(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// handshake exchanges versions (draft-ietf-secsh-filexfer-02, section 4).
//
//	byte      SSH_FXP_INIT or SSH_FXP_VERSION
//	uint32    version
//	string    extension name      any number of pairs,
//	string    extension data      in SSH_FXP_VERSION
func (s *session) handshake() error {
	hello := [...]byte{0, 0, 0, 5, byte(fxpInit), 0, 0, 0, version}
	if _, err := s.conn.rw.Write(hello[:]); err != nil {
		return err
	}
	body, err := readHello(s.conn.reader, fxpVersion)
	if err != nil {
		return err
	}
	r := wire.NewReader(body)
	if v := r.Uint32(); v != version && r.Err() == nil {
		return &ProtocolError{fmt.Errorf("the server speaks version %d, and only 3 is spoken here", v)}
	}
	s.extensions = make(map[string]string)
	for r.Err() == nil && r.Len() > 0 {
		name := r.Text()
		s.extensions[name] = r.Text()
	}
	if r.Err() != nil {
		return &ProtocolError{r.Err()}
	}
	return nil
}

// maxHello bounds the first packet, which is read before much is known of the
// other side.
const maxHello = 34000

// readHello reads the first packet, of the type given, and returns what follows
// that.
func readHello(r io.Reader, want number) ([]byte, error) {
	var head [lengthSize + 1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	switch {
	case size > maxHello:
		// What a shell's start-up file prints comes before the first packet.
		return nil, &ProtocolError{fmt.Errorf("it begins with %q, which is no packet: does the shell there print something when it starts?", head)}
	case size < 5 || number(head[lengthSize]) != want:
		return nil, &ProtocolError{fmt.Errorf("it begins with %v of %d bytes, not %v", number(head[lengthSize]), size, want)}
	}
	body := make([]byte, size-1)
	_, err := io.ReadFull(r, body)
	return body, err
}

// askLimits asks what the server allows, if it can say so.
func (c *Client) askLimits() (Limits, error) {
	if c.extensions[extLimits] != "1" {
		return Limits{}, nil
	}
	a, err := c.extended(extLimits, nil)
	if err != nil {
		if _, refused := errors.AsType[*StatusError](err); refused {
			return Limits{}, nil
		}
		return Limits{}, err
	}
	defer a.free()
	r := wire.NewReader(a.body.b)
	l := Limits{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}
	return l, r.Err()
}

// WithContext returns a Client on the same connection whose calls end when ctx
// is done, and so do those of files opened by it: a Close too, though the file
// is closed. A call that has ended so may have been carried out by the server all
// the same.
func (c *Client) WithContext(ctx context.Context) *Client { return &Client{c.session, ctx} }

// Same reports whether the two are on one connection.
func (c *Client) Same(other *Client) bool { return c.session == other.session }

// Close ends the connection, and with it whatever is under way on it. It may be
// called more than once.
func (c *Client) Close() error { return c.conn.close(nil) }

// Wait waits until the connection has ended, and returns why: never nil, and
// always a [net.ErrClosed].
func (c *Client) Wait() error {
	c.conn.ended.Wait()
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.conn.err
}

// Limits returns what the server said it allows.
func (c *Client) Limits() Limits { return c.limits }

// Extensions returns the extensions that the server has, with their versions.
// The caller owns the map.
func (c *Client) Extensions() map[string]string { return maps.Clone(c.extensions) }

// readSize returns how much to ask for in one request.
func (s *session) readSize() int { return chunkSize(s.limits.Read, s.limits.Packet) }

// writeSize returns how much to send in one request.
func (s *session) writeSize() int { return chunkSize(s.limits.Write, s.limits.Packet) }

// chunkSize returns how much data goes into a packet. The server knows best,
// but for what is more than our buffers hold, or less than section 3 of
// draft-ietf-secsh-filexfer-02 demands of it.
func chunkSize(limit, packet uint64) int {
	if limit == 0 {
		return defaultChunk
	}
	if packet > 1024 {
		limit = min(limit, packet-1024)
	}
	return int(min(max(limit, 4<<10), maxChunk))
}

// call sends a request without data and waits for the answer, which the caller
// frees.
func (c *Client) call(p *packet) (answer, error) {
	call, err := c.conn.start(c.ctx, p, 0, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	return c.conn.wait(c.ctx, call)
}

// do is call for what is answered with a status.
func (c *Client) do(p *packet) error {
	a, err := c.call(p)
	if err != nil {
		return err
	}
	defer a.free()
	return a.status()
}

// onPath returns a request about one path.
func onPath(n number, name string) *packet {
	p := newRequestOf(n, headSize+4+len(name))
	p.b = wire.AppendString(p.b, name)
	return p
}

// onPaths returns a request about two.
func onPaths(n number, first, second string) *packet {
	p := newRequestOf(n, headSize+8+len(first)+len(second))
	p.b = wire.AppendString(wire.AppendString(p.b, first), second)
	return p
}
