package sftp

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// A Server serves files. Its fields are not changed while it does; Serve may be
// called for any number of connections at once. The zero Server refuses
// everything.
type Server struct {
	// Handler is what is served; nil refuses everything.
	Handler Handler

	// ReadOnly refuses whatever would change something.
	ReadOnly bool

	// Directory is where relative paths begin, and the home of the user unless
	// the Handler knows better; "/" if empty.
	Directory string

	// Umask are permissions that no file is made with. That of the process
	// counts besides.
	Umask fs.FileMode

	// MaxHandles bounds the files and directories that a client has open at a
	// time; 512 if zero.
	MaxHandles int
}

const defaultHandles = 512

// Serve speaks with the client at the other end of rw until it has no more to
// say, which is no error. It does what it is asked one after the other, so that
// there is never more under way for a client than one request, and does not
// read the next while the client does not read answers. It does not close rw.
// When ctx is done it ends with the request it is about; for a Read or Write of
// rw that waits, close that.
func (s *Server) Serve(ctx context.Context, rw io.ReadWriter) error {
	v := &serving{
		server: s, handler: s.Handler, ctx: ctx, w: rw,
		in: bufio.NewReaderSize(rw, serverBuffer), handles: handles{open: make(map[uint32]*handle), most: s.MaxHandles},
	}
	if v.handler == nil {
		v.handler = Refusal{}
	}
	if v.handles.most <= 0 {
		v.handles.most = defaultHandles
	}
	defer v.handles.closeAll()
	err := v.greet()
	for err == nil {
		err = v.serveOne()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// serverBuffer holds requests without much data, which are taken apart in it.
const serverBuffer = 32 << 10

// A serving is one connection of a Server.
type serving struct {
	server  *Server
	handler Handler
	ctx     context.Context
	w       io.Writer
	in      *bufio.Reader
	out     *packet // answers to be sent, or nil
	handles handles
}

// greet exchanges versions.
func (v *serving) greet() error {
	body, err := readHello(v.in, fxpInit)
	if err != nil {
		return err
	}
	r := wire.NewReader(body)
	if n := r.Uint32(); n < version {
		return &ProtocolError{fmt.Errorf("the client speaks version %d, and only 3 is spoken here", n)}
	}
	b := []byte{0, 0, 0, 0, byte(fxpVersion), 0, 0, 0, version}
	for _, e := range extensionVersions {
		if v.offers(e.Name) {
			b = wire.AppendString(wire.AppendString(b, e.Name), e.Data)
		}
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-lengthSize))
	_, err = v.w.Write(b)
	return err
}

// serveOne reads a request and answers it. Answers are sent when there is no
// other request to be answered at once.
func (v *serving) serveOne() error {
	if !v.requestWaits() {
		if err := v.flush(); err != nil {
			return err
		}
	}
	if err := v.ctx.Err(); err != nil {
		return context.Cause(v.ctx)
	}
	size, err := v.readLength()
	if err != nil {
		return err
	}
	if size <= serverBuffer {
		body, err := v.in.Peek(size)
		if err != nil {
			return unexpected(err)
		}
		if err := v.answer(body); err != nil {
			return err
		}
		_, err = v.in.Discard(size)
		return err
	}
	if _, err := v.in.Peek(serverBuffer); err != nil { // what is announced has to come before room is made for it
		return unexpected(err)
	}
	p := newPacket(size)
	defer p.free()
	p.b = p.b[:size]
	if _, err := io.ReadFull(v.in, p.b); err != nil {
		return unexpected(err)
	}
	return v.answer(p.b)
}

// requestWaits reports whether a whole request is there already.
func (v *serving) requestWaits() bool {
	if v.in.Buffered() < lengthSize {
		return false
	}
	head, _ := v.in.Peek(lengthSize)
	return uint64(v.in.Buffered()-lengthSize) >= uint64(binary.BigEndian.Uint32(head))
}

// readLength reads the length of a packet.
func (v *serving) readLength() (int, error) {
	head, err := v.in.Peek(lengthSize)
	if err != nil {
		if len(head) > 0 {
			err = unexpected(err)
		}
		return 0, err
	}
	size := binary.BigEndian.Uint32(head)
	switch {
	case size > maxPacket:
		return 0, &ProtocolError{errTooLong}
	case size < headSize-lengthSize:
		return 0, &ProtocolError{errTooShort}
	}
	_, err = v.in.Discard(lengthSize)
	return int(size), err
}

// unexpected is the error for an end in the middle.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// room makes sure that n more bytes fit into the answers to be sent.
func (v *serving) room(n int) error {
	if v.out != nil && len(v.out.b)+n > cap(v.out.b) {
		if err := v.flush(); err != nil {
			return err
		}
	}
	if v.out == nil {
		v.out = newPacket(largePacket)
	}
	return nil
}

// flush sends the answers. Until there are more, no buffer is kept for them.
func (v *serving) flush() error {
	if v.out == nil {
		return nil
	}
	_, err := v.w.Write(v.out.b)
	v.out.free()
	v.out = nil
	return err
}

// A reply is an answer that is being written, at the end of serving.out.
type reply struct{ start int }

// begin begins an answer of up to n bytes besides its head.
func (v *serving) begin(kind number, id uint32, n int) (reply, error) {
	if err := v.room(headSize + n); err != nil {
		return reply{}, err
	}
	r := reply{len(v.out.b)}
	b := append(v.out.b, 0, 0, 0, 0, byte(kind))
	v.out.b = wire.AppendUint32(b, id)
	return r, nil
}

// end ends what begin began.
func (v *serving) end(r reply) {
	binary.BigEndian.PutUint32(v.out.b[r.start:], uint32(len(v.out.b)-r.start-lengthSize))
}

// status answers with what err says, nil being success.
func (v *serving) status(id uint32, err error) error {
	code, text := statusOf(err)
	text = text[:min(len(text), smallPacket)]
	r, failed := v.begin(fxpStatus, id, 12+len(text))
	if failed != nil {
		return failed
	}
	b := wire.AppendUint32(v.out.b, uint32(code))
	v.out.b = wire.AppendString(wire.AppendString(b, text), "")
	v.end(r)
	return nil
}

// path returns the name that a client's path stands for.
func (v *serving) path(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", fs.ErrInvalid
	}
	start := v.server.Directory
	if start == "" {
		start = "/"
	}
	if !strings.HasPrefix(name, "/") {
		name = strings.TrimSuffix(start, "/") + "/" + name
	}
	if _, ok := v.handler.(interface{ takesPathsAsTheyAre() }); ok {
		return name, nil
	}
	return path.Clean(name), nil
}

// changes fails if nothing may be changed.
func (v *serving) changes() error {
	if v.server.ReadOnly {
		return fs.ErrPermission
	}
	return nil
}

// perm returns the permissions to make something with.
func (v *serving) perm(a *Attributes, otherwise fs.FileMode) fs.FileMode {
	if a.Has(HasPermissions) {
		otherwise = fs.FileMode(a.Permissions) & fs.ModePerm
	}
	return otherwise &^ v.server.Umask
}

// offset returns the offset as what Go has.
func offset(n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, fs.ErrInvalid
	}
	return int64(n), nil
}

var errBadMessage = &StatusError{Code: StatusBadMessage, Message: "Bad message"}

var errNotSupported = fmt.Errorf("sftp: %w", errors.ErrUnsupported)
