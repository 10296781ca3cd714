package sftp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/wire"
)

// A rawClient says to a Server what it likes.
type rawClient struct {
	t      *testing.T
	conn   *memnet.Conn
	reader *bufio.Reader
	ended  chan error
	id     uint32
}

func raw(t *testing.T, s *Server) *rawClient {
	t.Helper()
	near, far := memnet.Pipe()
	c := &rawClient{t: t, conn: near, reader: bufio.NewReader(near), ended: make(chan error, 1)}
	go func() {
		c.ended <- s.Serve(t.Context(), far)
		far.Close()
	}()
	t.Cleanup(func() { near.Close() })
	return c
}

// greeted is raw after the versions.
func greeted(t *testing.T, s *Server) *rawClient {
	t.Helper()
	c := raw(t, s)
	c.send([]byte{byte(fxpInit), 0, 0, 0, 3})
	_, err := readHello(c.reader, fxpVersion)
	require.NoError(t, err)
	return c
}

// send sends a packet, which needs no answer.
func (c *rawClient) send(packet []byte) {
	_, err := c.conn.Write(wire.AppendString(nil, packet))
	require.NoError(c.t, err)
}

// ask makes a request and returns the answer.
func (c *rawClient) ask(kind number, body []byte) answer {
	c.t.Helper()
	c.id++
	c.send(append(wire.AppendUint32([]byte{byte(kind)}, c.id), body...))
	return c.answer()
}

func (c *rawClient) answer() answer {
	c.t.Helper()
	var head [headSize]byte
	_, err := io.ReadFull(c.reader, head[:])
	require.NoError(c.t, err)
	body := make([]byte, binary.BigEndian.Uint32(head[:])-5)
	_, err = io.ReadFull(c.reader, body)
	require.NoError(c.t, err)
	require.Equal(c.t, c.id, binary.BigEndian.Uint32(head[5:]))
	return answer{kind: number(head[4]), body: &packet{b: body}}
}

// refused requires a status other than success.
func (c *rawClient) refused(kind number, body []byte) *StatusError {
	c.t.Helper()
	err := c.ask(kind, body).status()
	if err == io.EOF {
		return &StatusError{Code: StatusEOF}
	}
	var status *StatusError
	require.ErrorAs(c.t, err, &status)
	return status
}

func text(parts ...string) (b []byte) {
	for _, p := range parts {
		b = wire.AppendString(b, p)
	}
	return b
}

func openRequest(name string, pflags uint32, attrs ...byte) []byte {
	b := wire.AppendUint32(text(name), pflags)
	if attrs == nil {
		attrs = []byte{0, 0, 0, 0}
	}
	return append(b, attrs...)
}

// The zero Server refuses everything there is.
func TestZeroServerDenies(t *testing.T) {
	for name, s := range map[string]*Server{"zero": {}, "refusal": {Handler: Refusal{}}} {
		t.Run(name, func(t *testing.T) {
			c := ours(t, s)
			for what, do := range map[string]func() error{
				"open":    func() error { _, err := c.Open("/etc/passwd"); return err },
				"create":  func() error { _, err := c.Create("/x"); return err },
				"stat":    func() error { _, err := c.Stat("/"); return err },
				"lstat":   func() error { _, err := c.Lstat("/"); return err },
				"list":    func() error { _, err := c.ReadDir("/"); return err },
				"mkdir":   func() error { return c.Mkdir("/x", 0o755) },
				"remove":  func() error { return c.Remove("/x") },
				"rename":  func() error { return c.Rename("/x", "/y") },
				"rename!": func() error { return c.RenameExclusive("/x", "/y") },
				"link":    func() error { return c.Link("/x", "/y") },
				"symlink": func() error { return c.Symlink("/x", "/y") },
				"readlnk": func() error { _, err := c.ReadLink("/x"); return err },
				"chmod":   func() error { return c.Chmod("/x", 0) },
				"lchown":  func() error { return c.LSetStat("/x", &Attributes{Flags: HasOwner}) },
			} {
				require.ErrorIs(t, do(), fs.ErrPermission, what)
			}
			_, err := c.StatVFS("/")
			require.ErrorIs(t, err, errors.ErrUnsupported)
		})
	}
}

// CVE-2017-15906: what is read-only is not changed, and nothing is made either.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), []byte("kept"))
	s := jail(t, dir)
	s.ReadOnly = true
	c := ours(t, s)
	for what, do := range map[string]func() error{
		"create":   func() error { _, err := c.Create("x"); return err },
		"make":     func() error { _, err := c.OpenFile("x", os.O_RDONLY|os.O_CREATE, 0o644); return err },
		"truncate": func() error { _, err := c.OpenFile("file", os.O_RDONLY|os.O_TRUNC, 0); return err },
		"append":   func() error { _, err := c.OpenFile("file", os.O_RDONLY|os.O_APPEND, 0); return err },
		"write":    func() error { _, err := c.OpenFile("file", os.O_WRONLY, 0); return err },
		"both":     func() error { _, err := c.OpenFile("file", os.O_RDWR, 0); return err },
		"setstat":  func() error { return c.Truncate("file", 0) },
		"lsetstat": func() error { return c.LSetStat("file", &Attributes{Flags: HasOwner}) },
		"mkdir":    func() error { return c.Mkdir("x", 0o755) },
		"remove":   func() error { return c.Remove("file") },
		"rmdir":    func() error { return c.do(onPath(fxpRmdir, "file")) },
		"rename":   func() error { return c.Rename("file", "x") },
		"rename!":  func() error { return c.RenameExclusive("file", "x") },
		"link":     func() error { return c.Link("file", "x") },
		"symlink":  func() error { return c.Symlink("file", "x") },
	} {
		require.ErrorIs(t, do(), fs.ErrPermission, what)
	}
	f, err := c.Open("file")
	require.NoError(t, err)
	_, err = f.Write([]byte("x"))
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, f.Truncate(0), fs.ErrPermission)
	got, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "kept", string(got))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// CVE-2026-23942, CVE-2026-40876: a directory whose name begins as that of the
// root does is not within it, whatever leads there.
func TestJail(t *testing.T) {
	above := t.TempDir()
	write(t, filepath.Join(above, "user1", "own"), []byte("own"))
	write(t, filepath.Join(above, "user10", "secret"), []byte("secret"))
	jailed := filepath.Join(above, "user1")
	require.NoError(t, os.Symlink("../user10", filepath.Join(jailed, "relative")))
	require.NoError(t, os.Symlink(filepath.Join(above, "user10"), filepath.Join(jailed, "absolute")))
	require.NoError(t, os.Symlink(filepath.Join(above, "user10", "made"), filepath.Join(jailed, "dangling")))
	c := ours(t, jail(t, jailed))
	for _, name := range []string{
		"../user10/secret", "/../user10/secret", "0/secret", "/../../../../../../" + above + "/user10/secret",
		above + "/user10/secret", "relative/secret", "absolute/secret", "relative/../user10/secret", "own/../../user10/secret",
	} {
		_, err := c.Open(name)
		require.Error(t, err, name)
		_, err = c.Stat(name)
		require.Error(t, err, name)
		require.Error(t, c.Remove(name), name)
		require.Error(t, c.Rename(name, "stolen"), name)
		require.Error(t, c.Rename("own", name), name)
		require.Error(t, c.Link(name, "stolen"), name)
		require.Error(t, c.Chmod(name, 0o777), name)
		require.Error(t, c.Truncate(name, 0), name)
	}
	for _, name := range []string{"relative", "absolute"} {
		_, err := c.ReadDir(name)
		require.Error(t, err)
		require.Error(t, c.Mkdir(name+"/x", 0o755))
		require.Error(t, c.Chmod(name, 0o777))
	}
	_, err := c.Create("dangling")
	require.Error(t, err)
	data, err := c.Open("own")
	require.NoError(t, err)
	require.NoError(t, data.Close())
	require.Equal(t, "secret", string(read(t, filepath.Join(above, "user10", "secret"))))
	entries, err := os.ReadDir(filepath.Join(above, "user10"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// Links that clients make lead to somewhere within.
func TestLinksInAJail(t *testing.T) {
	for _, test := range []struct{ target, name, want string }{
		{"file", "/link", "file"},
		{"../file", "/d/link", "../file"},
		{"/file", "/link", "file"},
		{"/file", "/d/e/link", "../../file"},
		{"/", "/link", "."},
		{"/../../file", "/d/link", "../file"},
		{"d/../file", "/link", "d/../file"},
	} {
		got, err := relativeTarget(test.target, test.name)
		require.NoError(t, err, test)
		require.Equal(t, test.want, got, test)
	}
	for _, test := range []struct{ target, name string }{
		{"../file", "/link"}, {"../../file", "/d/link"}, {"d/../../file", "/link"}, {"", "/link"}, {"a\x00b", "/link"},
	} {
		_, err := relativeTarget(test.target, test.name)
		require.Error(t, err, test)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), []byte("x"))
	c := ours(t, jail(t, dir))
	require.NoError(t, c.Mkdir("d", 0o755))
	require.NoError(t, c.Symlink("/file", "/d/link"))
	f, err := c.Open("/d/link")
	require.NoError(t, err, "what is absolute there is relative here, and can be followed")
	require.NoError(t, f.Close())
	require.ErrorIs(t, c.Symlink("../../etc", "/d/link2"), fs.ErrPermission)
	require.NoError(t, c.Chmod("file", fs.ModeSetuid|0o755))
	info, err := os.Stat(filepath.Join(dir, "file"))
	require.NoError(t, err)
	require.Zero(t, info.Mode()&fs.ModeSetuid)
}

// Requests that make no sense are refused, and the connection lives.
func TestHostileRequests(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), pattern(100))
	c := greeted(t, jail(t, dir))
	handle, err := c.ask(fxpOpen, openRequest("file", openRead|openWrite)).handle()
	require.NoError(t, err)
	list, err := c.ask(fxpOpendir, text("/")).handle()
	require.NoError(t, err)
	at := func(handle string, offset uint64, rest ...byte) []byte {
		return append(wire.AppendUint64(text(handle), offset), rest...)
	}
	for _, test := range []struct {
		name string
		kind number
		body []byte
		want Status
	}{
		{"no such type", 99, nil, StatusOpUnsupported},
		{"INIT again", fxpInit, nil, StatusOpUnsupported},
		{"an answer", fxpData, text("x"), StatusOpUnsupported},
		{"open: cut short", fxpOpen, text("file"), StatusBadMessage},
		{"open: nothing", fxpOpen, nil, StatusBadMessage},
		{"open: a length beyond the packet", fxpOpen, []byte{0xff, 0xff, 0xff, 0xff}, StatusBadMessage},
		{"open: neither to read nor to write", fxpOpen, openRequest("file", 0), StatusFailure},
		{"open: 2^32-1 extended attributes", fxpOpen, openRequest("x", openRead, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), StatusBadMessage},
		{"open: NUL", fxpOpen, openRequest("file\x00.txt", openRead), StatusFailure},
		{"open: a directory", fxpOpen, openRequest("/", openRead), StatusFailure},
		{"read: no handle", fxpRead, at("nope", 0, 0, 0, 0, 1), StatusFailure},
		{"CVE-2025-48038: read: a handle of 300 bytes", fxpRead, at(strings.Repeat("h", 300), 0, 0, 0, 0, 1), StatusFailure},
		{"CVE-2025-48038: close: a handle of 100000 bytes", fxpClose, text(strings.Repeat("h", 100_000)), StatusFailure},
		{"read: an empty handle", fxpRead, at("", 0, 0, 0, 0, 1), StatusFailure},
		{"read: a directory", fxpRead, at(list, 0, 0, 0, 0, 1), StatusFailure},
		{"read: cut short", fxpRead, at(handle, 0), StatusBadMessage},
		{"read: behind the end", fxpRead, at(handle, 1<<40, 0, 0, 0, 1), StatusEOF},
		{"read: an offset of 2^64-1", fxpRead, at(handle, math.MaxUint64, 0, 0, 0, 1), StatusEOF},
		{"write: an offset of 2^64-1", fxpWrite, at(handle, math.MaxUint64, text("x")...), StatusFailure},
		{"write: cut short", fxpWrite, at(handle, 0, 0, 0, 0, 9), StatusBadMessage},
		{"readdir: a file", fxpReaddir, text(handle), StatusFailure},
		{"readdir: no handle", fxpReaddir, text("nope"), StatusFailure},
		{"fstat: a directory", fxpFstat, text(list), StatusFailure},
		{"fsetstat: no handle", fxpFsetstat, append(text("nope"), 0, 0, 0, 0), StatusFailure},
		{"fsetstat: cut short", fxpFsetstat, text(handle), StatusBadMessage},
		{"setstat: a size of 2^64-1", fxpSetstat, append(text("file"), 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), StatusFailure},
		{"rename: cut short", fxpRename, text("file"), StatusBadMessage},
		{"symlink: cut short", fxpSymlink, text("file"), StatusBadMessage},
		{"mkdir: cut short", fxpMkdir, text("x"), StatusBadMessage},
		{"rmdir: a file", fxpRmdir, text("file"), StatusFailure},
		{"remove: a directory", fxpRemove, text("/"), StatusFailure},
		{"extended: nothing", fxpExtended, nil, StatusOpUnsupported},
		{"extended: unknown", fxpExtended, text("rm-rf@example.com", "/"), StatusOpUnsupported},
		{"extended: names of nothing", fxpExtended, text(extUsersGroups), StatusOpUnsupported},
		{"copy-data: cut short", fxpExtended, text(extCopyData, handle), StatusBadMessage},
		{"home-directory: cut short", fxpExtended, text(extHomeDirectory), StatusBadMessage},
		{"expand-path: cut short", fxpExtended, text(extExpandPath), StatusBadMessage},
		{"fsync: no handle", fxpExtended, text(extFsync, "nope"), StatusFailure},
		{"fstatvfs: no handle", fxpExtended, text(extFStatVFS, "nope"), StatusFailure},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, c.refused(test.kind, test.body).Code)
		})
	}
	require.Equal(t, pattern(100), read(t, filepath.Join(dir, "file")))
	data, err := c.ask(fxpRead, at(handle, 0, 0xff, 0xff, 0xff, 0xff)).data(1000)
	require.NoError(t, err, "more than there is, and than one answer holds")
	require.Equal(t, pattern(100), data)
}

// What is no packet ends the connection.
func TestServerEnds(t *testing.T) {
	init := string(wire.AppendString(nil, []byte{byte(fxpInit), 0, 0, 0, 3}))
	for _, test := range []struct {
		name, sent string
		want       error
	}{
		{"the end", init, nil},
		{"no INIT", "\x00\x00\x00\x09\x11\x00\x00\x00\x00\x00\x00\x00\x00", nil},
		{"version 2", "\x00\x00\x00\x05\x01\x00\x00\x00\x02", nil},
		{"too long", init + "\x00\x04\x00\x01", errTooLong},
		{"as long as can be", init + "\xff\xff\xff\xff", errTooLong},
		{"too short", init + "\x00\x00\x00\x04\x11\x00\x00\x00", errTooShort},
		{"empty", init + "\x00\x00\x00\x00", errTooShort},
		{"half a length", init + "\x00\x00", io.ErrUnexpectedEOF},
		{"half a packet", init + "\x00\x00\x00\x09\x11", io.ErrUnexpectedEOF},
		{"a long packet announced", init + "\x00\x04\x00\x00\x11", io.ErrUnexpectedEOF},
		{"a long packet begun", init + "\x00\x04\x00\x00\x11" + strings.Repeat("x", 100_000), io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := raw(t, &Server{})
			_, err := c.conn.Write([]byte(test.sent))
			require.NoError(t, err)
			require.NoError(t, c.conn.CloseWrite())
			err = <-c.ended
			switch {
			case test.want != nil:
				require.ErrorIs(t, err, test.want)
			case test.name == "the end":
				require.NoError(t, err)
			default:
				var broken *ProtocolError
				require.ErrorAs(t, err, &broken)
			}
		})
	}
}

func TestHandlesAreBounded(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	s := jail(t, dir)
	s.MaxHandles = 3
	c := greeted(t, s)
	var handles []string
	for range 3 {
		h, err := c.ask(fxpOpen, openRequest("file", openRead)).handle()
		require.NoError(t, err)
		require.NotContains(t, handles, h)
		handles = append(handles, h)
	}
	require.Equal(t, errTooMany.Message, c.refused(fxpOpen, openRequest("file", openRead)).Message)
	require.Equal(t, errTooMany.Message, c.refused(fxpOpendir, text("/")).Message)
	require.NoError(t, c.ask(fxpClose, text(handles[0])).status())
	require.Equal(t, errNoHandle.Message, c.refused(fxpClose, text(handles[0])).Message)
	_, err := c.ask(fxpOpendir, text("/")).handle()
	require.NoError(t, err)
	reply := c.ask(fxpExtended, text(extLimits))
	require.Equal(t, fxpExtendedReply, reply.kind)
	require.EqualValues(t, 3, binary.BigEndian.Uint64(reply.body.b[24:]))
}

// A counting handler knows what is open.
type counting struct {
	Handler
	mu   sync.Mutex
	open int
}

type countedFile struct {
	HandlerFile
	h *counting
}

func (h *counting) OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error) {
	f, err := h.Handler.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open++
	return countedFile{f, h}, nil
}

func (f countedFile) Close() error {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	f.h.open--
	return f.HandlerFile.Close()
}

// What a client leaves open is closed when it is gone.
func TestHandlesAreClosed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil)
	h := &counting{Handler: jail(t, dir).Handler}
	c := greeted(t, &Server{Handler: h})
	for range 10 {
		_, err := c.ask(fxpOpen, openRequest("file", openRead)).handle()
		require.NoError(t, err)
	}
	require.NoError(t, c.conn.Close())
	<-c.ended
	require.Zero(t, h.open)
}

// OpenSSH 5a5e47740: a file is not copied onto itself, whatever its names.
func TestCopyDataOntoItself(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), pattern(100))
	require.NoError(t, os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "hard")))
	require.NoError(t, os.Symlink("file", filepath.Join(dir, "soft")))
	write(t, filepath.Join(dir, "other"), nil)
	c := greeted(t, jail(t, dir))
	open := func(name string) string {
		h, err := c.ask(fxpOpen, openRequest(name, openRead|openWrite)).handle()
		require.NoError(t, err)
		return h
	}
	list, err := c.ask(fxpOpendir, text("/")).handle()
	require.NoError(t, err)
	copyData := func(from string, at, n uint64, to string, toAt uint64) []byte {
		b := wire.AppendUint64(wire.AppendUint64(text(extCopyData, from), at), n)
		return wire.AppendUint64(append(b, text(to)...), toAt)
	}
	file, other := open("file"), open("other")
	for _, to := range []string{file, open("file"), open("hard"), open("soft")} {
		require.Equal(t, errSameFile.Message, c.refused(fxpExtended, copyData(file, 0, 0, to, 100)).Message)
	}
	require.Equal(t, errWrongKind.Message, c.refused(fxpExtended, copyData(file, 0, 0, list, 0)).Message)
	c.refused(fxpExtended, copyData(file, 1<<63, 0, other, 0))
	c.refused(fxpExtended, copyData("nope", 0, 0, other, 0))
	c.refused(fxpExtended, copyData(file, 0, 0, "nope", 0))
	require.NoError(t, c.ask(fxpExtended, copyData(file, 10, 20, other, 5)).status())
	require.Equal(t, append(make([]byte, 5), pattern(100)[10:30]...), read(t, filepath.Join(dir, "other")))
}

// An endless file is not copied for who is gone.
func TestCopyDataEnds(t *testing.T) {
	s := &Server{Handler: SystemHandler()}
	near, far := memnet.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, far) }()
	c, err := NewClient(t.Context(), near)
	require.NoError(t, err)
	from, err := c.Create(filepath.Join(t.TempDir(), "sparse"))
	require.NoError(t, err)
	require.NoError(t, from.Truncate(1<<40))
	to, err := c.OpenFile("/dev/null", os.O_WRONLY, 0)
	require.NoError(t, err)
	body := wire.AppendUint64(wire.AppendUint64(text(from.handle), 0), 0)
	_, err = c.startExtended(extCopyData, wire.AppendUint64(append(body, text(to.handle)...), 0))
	require.NoError(t, err)
	cancel()
	select {
	case err = <-ended:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(20 * time.Second):
		t.Fatal("it copies on")
	}
	near.Close()
}

// Whoever does not read the answers is not served on, and no more than a buffer
// is kept for them.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &asked{}
		near, far := memnet.Link{Down: memnet.Path{Buffer: 64 << 10}}.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- (&Server{Handler: h}).Serve(context.Background(), far) }()
		near.Write([]byte{0, 0, 0, 5, byte(fxpInit), 0, 0, 0, 3})
		go func() {
			for id := uint32(0); ; id++ {
				p := append(wire.AppendUint32([]byte{byte(fxpStat)}, id), text("/x")...)
				if _, err := near.Write(wire.AppendString(nil, p)); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		require.Less(t, h.count, 30_000, "some 400 KiB of answers, and requests in the socket's buffer besides")
		require.Greater(t, h.count, 100)
		near.Close()
		require.Error(t, <-ended)
	})
}

// An asked handler counts questions.
type asked struct {
	Refusal
	count int
}

func (a *asked) Stat(string) (fs.FileInfo, error) {
	a.count++
	return nil, fs.ErrNotExist
}

// A failing handler's disk is full after some bytes.
type failing struct {
	Handler
	room int64
	err  error
}

type failingFile struct {
	HandlerFile
	h *failing
}

func (h *failing) OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error) {
	f, err := h.Handler.OpenFile(name, flag, perm)
	return failingFile{f, h}, err
}

func (f failingFile) WriteAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > f.h.room {
		return 0, f.h.err
	}
	return f.HandlerFile.WriteAt(p, offset)
}

func TestFullDisk(t *testing.T) {
	h := &failing{Handler: jail(t, t.TempDir()).Handler, room: 1 << 20, err: &fs.PathError{Op: "write", Path: "/srv/secret/path", Err: syscall.ENOSPC}}
	c := ours(t, &Server{Handler: h})
	f, err := c.Create("x")
	require.NoError(t, err)
	n, err := f.ReadFrom(bytes.NewReader(make([]byte, 4<<20)))
	require.Greater(t, n, int64(1<<19))
	require.LessOrEqual(t, n, int64(1<<20))
	require.ErrorContains(t, err, "no space left on device")
	require.NotContains(t, err.Error(), "secret", "what the path is there")
	local := filepath.Join(t.TempDir(), "big")
	write(t, local, make([]byte, 4<<20))
	require.ErrorContains(t, c.Put(t.Context(), local, "y", nil), "no space left on device")

	h.err = errors.New("backend db-7 is down")
	_, err = f.WriteAt([]byte("x"), 2<<20)
	require.ErrorContains(t, err, "Failure")
	require.NotContains(t, err.Error(), "db-7")
}

// A real disk that is full, where one can be made.
func TestFullTmpfs(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "whelk", dir).CombinedOutput(); err != nil {
		t.Skipf("no tmpfs can be mounted here: %s", out)
	}
	defer exec.Command("umount", dir).Run()
	for name, c := range map[string]*Client{"OpenSSH": openSSH(t, dir), "ours": ours(t, &Server{Handler: SystemHandler(), Directory: dir})} {
		t.Run(name, func(t *testing.T) {
			local := filepath.Join(t.TempDir(), "big")
			write(t, local, make([]byte, 1<<20))
			var status *StatusError
			require.ErrorAs(t, c.Put(t.Context(), local, "big", nil), &status)
			require.Equal(t, StatusFailure, status.Code)
			v, err := c.StatVFS(".")
			require.NoError(t, err)
			require.Less(t, v.BlocksAvailable*v.FragmentSize, uint64(256<<10))
			require.NoError(t, c.Remove("big"))
			c.Close()
		})
	}
}

func TestUmask(t *testing.T) {
	dir := t.TempDir()
	s := jail(t, dir)
	s.Umask = 0o077
	c := ours(t, s)
	f, err := c.OpenFile("file", os.O_WRONLY|os.O_CREATE, 0o666)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, c.Mkdir("dir", 0o777))
	for name, want := range map[string]fs.FileMode{"file": 0o600, "dir": fs.ModeDir | 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), name)
	}
	require.NoError(t, c.Chmod("file", 0o666), "it is for what is made")
}

func TestDirectoryWherePathsBegin(t *testing.T) {
	s := &Server{Handler: FSHandler(fstest.MapFS{"home/alice/file": {}}), Directory: "/home/alice"}
	c := ours(t, s)
	_, err := c.Stat("file")
	require.NoError(t, err)
	for subject, ask := range map[string]func(string) (string, error){".": c.RealPath, "": c.HomeDirectory, "~": c.ExpandPath} {
		where, err := ask(subject)
		require.NoError(t, err)
		require.Equal(t, "/home/alice", strings.TrimSuffix(where, "/"))
	}
	where, err := c.ExpandPath("~/../bob")
	require.NoError(t, err)
	require.Equal(t, "/home/bob", where)
}

// A named pipe does not hold up the server.
func TestNamedPipe(t *testing.T) {
	need(t, "mkfifo", "coreutils")
	dir := t.TempDir()
	require.NoError(t, exec.Command("mkfifo", filepath.Join(dir, "pipe")).Run())
	for name, s := range map[string]*Server{"root": jail(t, dir), "system": {Handler: SystemHandler(), Directory: dir}} {
		t.Run(name, func(t *testing.T) {
			c := ours(t, s)
			f, err := c.Open("pipe")
			require.NoError(t, err)
			_, err = f.Read(make([]byte, 1))
			require.Error(t, err)
			require.NoError(t, f.Close())
			_, err = c.OpenFile("pipe", os.O_WRONLY, 0)
			require.Error(t, err, "nobody reads from it")
			require.Error(t, c.Truncate("pipe", 0))
		})
	}
}

// Reading and writing allocate nothing on the server.
func TestServerAllocations(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), pattern(maxChunk))
	v := &serving{server: &Server{}, handler: jail(t, dir).Handler, ctx: t.Context(), w: io.Discard, handles: handles{open: map[uint32]*handle{}, most: 10}}
	file, err := v.handler.OpenFile("/file", os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()
	opened := v.handles.add(&handle{name: "/file", file: file})
	begin := func(kind number) []byte {
		b := wire.AppendUint32([]byte{byte(kind)}, 7)
		return wire.AppendUint64(wire.AppendString(b, binary.BigEndian.AppendUint32(nil, opened)), 0)
	}
	reading := wire.AppendUint32(begin(fxpRead), maxChunk)
	writing := wire.AppendString(begin(fxpWrite), pattern(maxChunk))
	for name, request := range map[string][]byte{"read": reading, "write": writing} {
		allocations := testing.AllocsPerRun(100, func() {
			if v.answer(request) != nil || v.flush() != nil {
				panic("it fails")
			}
		})
		require.LessOrEqual(t, allocations, 1.0, name) // the pool may have been emptied
		if !raceEnabled {
			require.Zero(t, allocations, name)
		}
	}
}

func TestFSHandlerWithoutSeek(t *testing.T) {
	data := pattern(300_000)
	c := ours(t, &Server{Handler: FSHandler(plainFS{fstest.MapFS{"file": {Data: data}}})})
	f, err := c.Open("file")
	require.NoError(t, err)
	p := make([]byte, 1000)
	for _, at := range []int64{200_000, 0, 100_000, 299_500} {
		n, err := f.ReadAt(p, at)
		if at == 299_500 {
			require.Equal(t, io.EOF, err)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, data[at:at+int64(n)], p[:n])
	}
	_, err = f.ReadAt(p, 1_000_000)
	require.Equal(t, io.EOF, err)
	_, err = c.ReadDir("file")
	require.Error(t, err)
	_, err = c.Open("/")
	require.Error(t, err)
	require.ErrorIs(t, c.Mkdir("x", 0o755), fs.ErrPermission)
}

// A plainFS has files that can be read on and nothing else.
type plainFS struct{ fs.FS }

func (p plainFS) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return f, nil
	}
	return struct{ fs.File }{f}, nil
}

func TestServeEndsWithItsContext(t *testing.T) {
	near, far := memnet.Pipe()
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{}).Serve(ctx, far) }()
	c, err := NewClient(t.Context(), near)
	require.NoError(t, err)
	cancel(net.ErrClosed)
	_, err = c.Stat("/")
	require.ErrorIs(t, err, fs.ErrPermission, "the request it is about")
	require.ErrorIs(t, <-ended, net.ErrClosed)
	c.Close()
}
