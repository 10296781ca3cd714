package sftp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/wire"
)

// onlyFile answers as a server does that has one file and one directory.
func onlyFile(data []byte) func(r request) [][]byte {
	var mu sync.Mutex
	listed := map[string]bool{}
	return func(r request) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		switch r.kind {
		case fxpOpen, fxpOpendir:
			return r.handle("h" + r.body.Text())
		case fxpStat, fxpLstat:
			if r.body.Text() == "dir" {
				return r.attrs(Attributes{Flags: HasPermissions, Permissions: modeDirectory | 0o755})
			}
			return r.attrs(Attributes{Flags: HasPermissions | HasSize, Permissions: modeRegular | 0o644, Size: uint64(len(data))})
		case fxpRead:
			r.body.Blob()
			at, n := r.body.Uint64(), r.body.Uint32()
			if at >= uint64(len(data)) {
				return r.status(StatusEOF, "")
			}
			return r.data(data[at:min(at+uint64(n), uint64(len(data)))])
		case fxpReaddir:
			h := r.body.Text()
			if listed[h] {
				return r.status(StatusEOF, "")
			}
			listed[h] = true
			return r.names(fileInfo{".", Attributes{}}, fileInfo{"..", Attributes{}}, fileInfo{"file", Attributes{Flags: HasPermissions, Permissions: modeRegular}})
		}
		return r.status(StatusOK, "")
	}
}

// What breaks the protocol ends the connection, and with it every request.
func TestHostileServer(t *testing.T) {
	read := func(c *Client) error {
		f, err := c.Open("file")
		if err != nil {
			return err
		}
		_, err = f.ReadAt(make([]byte, 1000), 0)
		return err
	}
	list := func(c *Client) error {
		_, err := c.ReadDir("dir")
		return err
	}
	stat := func(c *Client) error {
		_, err := c.Stat("file")
		return err
	}
	raw := func(kind number, body ...byte) func(r request) [][]byte {
		return func(r request) [][]byte { return [][]byte{append(r.reply(kind), body...)} }
	}
	for _, test := range []struct {
		name   string
		kind   number
		answer func(r request) [][]byte
		do     func(*Client) error
		want   error
	}{
		{"an answer to no request", fxpStat, func(r request) [][]byte { r.id += 7; return r.status(StatusOK, "") }, stat, errUnknownID},
		{"an answer too short", fxpStat, func(request) [][]byte { return [][]byte{{1, 2, 3, 4}} }, stat, errTooShort},
		{"more data than asked for", fxpRead, func(r request) [][]byte { return r.data(make([]byte, 1001)) }, read, errTooLong},
		{"far more data than asked for", fxpRead, func(r request) [][]byte { return r.data(make([]byte, 60_000)) }, read, errTooLong},
		{"no data at all", fxpRead, func(r request) [][]byte { return r.data(nil) }, read, errNoProgress},
		{"a length beyond the packet", fxpRead, raw(fxpData, 0xff, 0xff, 0xff, 0xff, 1), read, wire.ErrTruncated},
		{"attributes for data", fxpRead, raw(fxpAttrs, 0, 0, 0, 0), read, errAnswer},
		{"data for attributes", fxpStat, func(r request) [][]byte { return r.data([]byte("x")) }, stat, errAnswer},
		{"success for attributes", fxpStat, func(r request) [][]byte { return r.status(StatusOK, "") }, stat, errAnswer},
		{"a type nobody knows", fxpStat, raw(222), stat, errAnswer},
		{"CVE-2025-48038: a handle of 257 bytes", fxpOpen, func(r request) [][]byte { return r.handle(strings.Repeat("h", 257)) }, read, errHandle},
		{"an empty handle", fxpOpen, func(r request) [][]byte { return r.handle("") }, read, errHandle},
		{"a handle cut short", fxpOpen, raw(fxpHandle, 0, 0, 0, 9, 'h'), read, errHandle},
		{"pkg/sftp c1bc2ff: 2^32-1 names", fxpReaddir, raw(fxpName, 0xff, 0xff, 0xff, 0xff), list, errCount},
		{"pkg/sftp c1bc2ff: 2^32-1 extended attributes", fxpStat, raw(fxpAttrs, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff), stat, errCount},
		{"attributes cut short", fxpStat, raw(fxpAttrs, 0, 0, 0, 1, 0), stat, wire.ErrTruncated},
		{"a status cut short", fxpStat, raw(fxpStatus, 0), stat, wire.ErrTruncated},
		{"a listing of nothing, for ever", fxpReaddir, func(r request) [][]byte { return r.names() }, list, errNoProgress},
		{"the end in the middle", fxpRead, func(request) [][]byte { return [][]byte{nil} }, read, io.ErrUnexpectedEOF},
		{"two paths for one", fxpRealpath, func(r request) [][]byte { return r.names(fileInfo{}, fileInfo{}) }, func(c *Client) error { _, err := c.RealPath("."); return err }, errCount},
	} {
		t.Run(test.name, func(t *testing.T) {
			usual := onlyFile(pattern(5000))
			c := scripted(t, &script{answer: func(r request) [][]byte {
				if r.kind == test.kind {
					return test.answer(r)
				}
				return usual(r)
			}})
			require.ErrorIs(t, test.do(c), test.want)
		})
	}
}

// The claimed length of a packet is nothing that memory is made for.
func TestHugeLength(t *testing.T) {
	near, far := memnet.Pipe()
	go func() {
		readHello(far, fxpInit)
		far.Write([]byte{0, 0, 0, 5, byte(fxpVersion), 0, 0, 0, 3})
		io.ReadFull(far, make([]byte, headSize))
		far.Write([]byte{0xff, 0xff, 0xff, 0xff, byte(fxpData), 0, 0, 0, 0})
	}()
	c, err := NewClient(t.Context(), near)
	require.NoError(t, err)
	_, err = c.Stat("x")
	require.ErrorIs(t, err, errTooLong)
	require.ErrorIs(t, err, net.ErrClosed)
	var broken *ProtocolError
	require.ErrorAs(t, c.Wait(), &broken)
	far.Close()
}

func TestHandshakeFailures(t *testing.T) {
	for _, test := range []struct{ name, hello, want string }{
		{"a shell's greeting", "Welcome to Debian!\n", `does the shell there print something`},
		{"another packet", "\x00\x00\x00\x05\x65\x00\x00\x00\x03", "SSH_FXP_STATUS"},
		{"version 2", "\x00\x00\x00\x05\x02\x00\x00\x00\x02", "version 2"},
		{"version 6", "\x00\x00\x00\x05\x02\x00\x00\x00\x06", "version 6"},
		{"cut short", "\x00\x00\x00\x02\x02\x00", "SSH_FXP_VERSION"},
		{"half an extension", "\x00\x00\x00\x0a\x02\x00\x00\x00\x03\x00\x00\x00\x01x", "truncated"},
		{"nothing", "", "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			near, far := memnet.Pipe()
			far.Write([]byte(test.hello))
			far.CloseWrite()
			_, err := NewClient(t.Context(), near)
			require.ErrorContains(t, err, test.want)
			_, err = near.Write([]byte("x"))
			require.ErrorIs(t, err, net.ErrClosed, "it is closed")
		})
	}
}

func TestHandshakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := memnet.Pipe()
		begun := time.Now()
		_, err := NewClient(context.Background(), near)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, handshakeTimeout, time.Since(begun))

		near, _ = memnet.Pipe()
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, errors.ErrUnsupported)
		defer cancel()
		_, err = NewClient(ctx, near)
		require.ErrorIs(t, err, errors.ErrUnsupported)
	})
}

// A server may answer in any order.
func TestAnswersOutOfOrder(t *testing.T) {
	data := pattern(10 * defaultChunk)
	usual := onlyFile(data)
	var held [][]byte
	c := scripted(t, &script{answer: func(r request) [][]byte {
		answer := usual(r)
		if r.kind != fxpRead {
			return answer
		}
		if held = append(answer, held...); len(held) < 10 {
			return nil
		}
		defer func() { held = nil }()
		return held
	}})
	f, err := c.Open("file")
	require.NoError(t, err)
	got := make([]byte, len(data))
	n, err := f.ReadAt(got, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got[:n]))
}

// A server may give less than it was asked for, wherever it likes.
func TestShortReads(t *testing.T) {
	data := pattern(500_000)
	for _, most := range []int{1000, 4096, 32767, 33000} {
		usual := onlyFile(data)
		c := scripted(t, &script{answer: func(r request) [][]byte {
			if r.kind != fxpRead {
				return usual(r)
			}
			r.body.Blob()
			at, n := r.body.Uint64(), int(r.body.Uint32())
			if at >= uint64(len(data)) {
				return r.status(StatusEOF, "")
			}
			part := data[at:]
			return r.data(part[:min(n, most, len(part))])
		}})
		f, err := c.Open("file")
		require.NoError(t, err)
		got := make([]byte, len(data))
		n, err := f.ReadAt(got, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got[:n]))
		var copied bytes.Buffer
		_, err = f.WriteTo(&copied)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, copied.Bytes()))
		_, err = f.Seek(0, io.SeekStart)
		require.NoError(t, err)
		piecewise, err := io.ReadAll(struct{ io.Reader }{f})
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, piecewise))
		local := filepath.Join(t.TempDir(), "file")
		require.NoError(t, c.Get(t.Context(), "file", local, nil))
		require.True(t, bytes.Equal(data, read(t, local)))
	}
}

// OpenSSH 2c504a74e: a write that failed is not made good by a later one that
// succeeds, and what is counted as written has no gap.
func TestFailedWriteIsNotMasked(t *testing.T) {
	for _, failing := range []int{0, 3, 9} {
		writes := 0
		c := scripted(t, &script{answer: func(r request) [][]byte {
			switch r.kind {
			case fxpOpen:
				return r.handle("h")
			case fxpWrite:
				defer func() { writes++ }()
				if writes == failing {
					return r.status(StatusFailure, "No space left\x1b[2J")
				}
			}
			return r.status(StatusOK, "")
		}})
		f, err := c.Create("x")
		require.NoError(t, err)
		n, err := f.ReadFrom(bytes.NewReader(make([]byte, 10*defaultChunk)))
		require.EqualValues(t, failing*defaultChunk, n)
		require.ErrorContains(t, err, `"No space left\x1b[2J"`)
		writes = 0
		m, err := f.WriteAt(make([]byte, 10*defaultChunk), 0)
		require.Error(t, err)
		require.Equal(t, failing*defaultChunk, m)

		writes = 0
		local := filepath.Join(t.TempDir(), "local")
		write(t, local, make([]byte, 10*defaultChunk))
		var status *StatusError
		require.ErrorAs(t, c.Put(t.Context(), local, "x", nil), &status)
		require.Equal(t, StatusFailure, status.Code)
	}
}

// What a server has to say when a file is closed is an error of the copy.
func TestPutFailsAtClose(t *testing.T) {
	c := scripted(t, &script{answer: func(r request) [][]byte {
		switch r.kind {
		case fxpOpen:
			return r.handle("h")
		case fxpClose:
			return r.status(StatusFailure, "quota")
		}
		return r.status(StatusOK, "")
	}})
	local := filepath.Join(t.TempDir(), "local")
	write(t, local, []byte("x"))
	require.ErrorContains(t, c.Put(t.Context(), local, "x", nil), "quota")
}

// One request that is given up on leaves the others alone, and what is opened
// for it in the end is closed.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		closed := make(chan string, 1)
		c := scripted(t, &script{answer: func(r request) [][]byte {
			switch r.kind {
			case fxpOpen:
				<-release
				return r.handle("late")
			case fxpClose:
				closed <- r.body.Text()
			}
			return r.status(StatusOK, "")
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.WithContext(ctx).Open("slow")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var path *fs.PathError
		require.ErrorAs(t, err, &path)
		outcome := make(chan error, 1)
		go func() { outcome <- c.Mkdir("other", 0o755) }()
		synctest.Wait()
		close(release)
		require.NoError(t, <-outcome)
		require.Equal(t, "late", <-closed)
		synctest.Wait()
		require.Zero(t, c.conn.window.used)
		require.Zero(t, c.conn.window.requests)
		_, err = c.WithContext(ctx).Stat("x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// Names that a server lists and that lead elsewhere are none.
func TestNamesThatAreNone(t *testing.T) {
	names := []struct{ name, listed string }{
		{"CVE-2019-6111: an absolute path", "/etc/passwd"},
		{"CVE-2018-20685: nothing", ""},
		{"CVE-2026-0964: above", "../escaped"},
		{"CVE-2026-54591: below another", "x/../../escaped"},
		{"CVE-2026-59995: deeper", "sub/escaped"},
		{"CVE-2026-59996: a slash at the end", "escaped/"},
		{"NUL", "a\x00b"},
	}
	for _, test := range names {
		t.Run(test.name, func(t *testing.T) {
			usual := onlyFile(pattern(10))
			c := scripted(t, &script{answer: func(r request) [][]byte {
				if r.kind == fxpReaddir {
					return r.names(fileInfo{test.listed, Attributes{Flags: HasPermissions, Permissions: modeRegular | 0o644}})
				}
				return usual(r)
			}})
			var wrong *NameError
			_, err := c.ReadDir("dir")
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, test.listed, wrong.Name)
			_, err = c.Glob("dir/*")
			require.ErrorAs(t, err, &wrong)
			above := t.TempDir()
			err = c.Get(t.Context(), "dir", filepath.Join(above, "local"), nil)
			require.ErrorAs(t, err, &wrong)
			entries, err := os.ReadDir(above)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing beside the directory")
			entries, err = os.ReadDir(filepath.Join(above, "local"))
			require.NoError(t, err)
			require.Empty(t, entries)
		})
	}
}

func TestLocalElements(t *testing.T) {
	for name, ok := range map[string]bool{
		"file": true, "with space": true, "-rf": true, ".hidden": true, "...": true, "\xff": true,
		"": false, ".": false, "..": false, "a/b": false, "/": false, "a\x00": false,
	} {
		require.Equal(t, ok, isLocalElement(name), "%q", name)
	}
}

// A directory that is listed as a link and then as a directory, and any other
// link there is, leads out of nothing: CVE-2019-6111 by other means.
func TestGetDoesNotLeaveByLinks(t *testing.T) {
	outside := t.TempDir()
	local := filepath.Join(t.TempDir(), "local")
	require.NoError(t, os.MkdirAll(local, 0o755))
	require.NoError(t, os.Symlink(outside, filepath.Join(local, "out")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "file"), filepath.Join(local, "file")))
	source := t.TempDir()
	write(t, filepath.Join(source, "out", "x"), []byte("x"))
	write(t, filepath.Join(source, "file"), []byte("x"))
	c := ours(t, jail(t, source))
	require.Error(t, c.Get(t.Context(), "/", local, nil))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// CVE-2026-35385: permissions are copied, and nothing more powerful.
func TestGetTakesNoSetuidBits(t *testing.T) {
	for _, preserve := range []bool{false, true} {
		usual := onlyFile(pattern(10))
		c := scripted(t, &script{answer: func(r request) [][]byte {
			if r.kind == fxpStat {
				return r.attrs(Attributes{Flags: HasPermissions | HasSize, Permissions: modeRegular | 0o6755, Size: 10})
			}
			return usual(r)
		}})
		local := filepath.Join(t.TempDir(), "local")
		require.NoError(t, c.Get(t.Context(), "file", local, &Transfer{Preserve: preserve}))
		info, err := os.Stat(local)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o755), info.Mode())
	}
}

// A tree without a bottom ends all the same.
func TestEndlessTree(t *testing.T) {
	c := scripted(t, &script{answer: func() func(r request) [][]byte {
		listed, opened := map[string]bool{}, 0
		return func(r request) [][]byte {
			switch r.kind {
			case fxpOpendir:
				opened++
				return r.handle(strconv.Itoa(opened))
			case fxpStat, fxpLstat:
				return r.attrs(Attributes{Flags: HasPermissions, Permissions: modeDirectory | 0o755})
			case fxpReaddir:
				if h := r.body.Text(); !listed[h] {
					listed[h] = true
					return r.names(fileInfo{"d", Attributes{Flags: HasPermissions, Permissions: modeDirectory | 0o755}})
				}
				return r.status(StatusEOF, "")
			case fxpRemove, fxpRmdir:
				return r.status(StatusFailure, "")
			}
			return r.status(StatusOK, "")
		}
	}()})
	require.ErrorIs(t, c.Get(t.Context(), "d", filepath.Join(t.TempDir(), "x"), nil), errTooDeep)
	require.ErrorIs(t, c.RemoveAll("d"), errTooDeep)
	err := c.WalkDir("d", func(_ string, _ fs.DirEntry, err error) error { return err })
	require.ErrorIs(t, err, errTooDeep)
}

// What the server says of itself is believed as far as it makes sense.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		limit, packet uint64
		want          int
	}{
		{0, 0, defaultChunk},
		{261120, 262144, maxChunk},
		{1 << 40, 1 << 40, maxChunk},
		{1 << 40, 0, maxChunk},
		{65536, 34000, 34000 - 1024},
		{1, 5, 4 << 10},
		{32768, 0, 32768},
	} {
		require.Equal(t, test.want, chunkSize(test.limit, test.packet), "%+v", test)
	}
	limits := []Extension{{extLimits, "1"}}
	c := scripted(t, &script{extensions: limits, answer: func(r request) [][]byte { return r.status(StatusFailure, "no") }})
	require.Equal(t, Limits{}, c.Limits())
	require.Equal(t, map[string]string{extLimits: "1"}, c.Extensions())
	near, far := memnet.Pipe()
	go (&script{extensions: limits, answer: func(r request) [][]byte { return [][]byte{r.reply(fxpExtendedReply)} }}).serve(far)
	_, err := NewClient(t.Context(), near)
	require.ErrorIs(t, err, wire.ErrTruncated)
}

// Without an extension the request is not made, or made in another way.
func TestServerWithoutExtensions(t *testing.T) {
	var asked []number
	c := scripted(t, &script{extensions: []Extension{{extFsync, "99"}}, answer: func(r request) [][]byte {
		asked = append(asked, r.kind)
		if r.kind == fxpOpen {
			return r.handle("h")
		}
		return r.status(StatusOK, "")
	}})
	f, err := c.Create("x")
	require.NoError(t, err)
	require.ErrorIs(t, f.Sync(), errors.ErrUnsupported, "another version")
	require.ErrorIs(t, c.Link("a", "b"), errors.ErrUnsupported)
	require.ErrorIs(t, c.Copy("a", "b"), errors.ErrUnsupported)
	_, err = c.StatVFS("x")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, extStatVFS)
	_, err = c.HomeDirectory("x")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, _, err = c.Names(nil, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.NoError(t, c.Rename("a", "b"))
	require.Equal(t, []number{fxpOpen, fxpRename}, asked)
}

func TestLongPath(t *testing.T) {
	c := ours(t, jail(t, t.TempDir()))
	_, err := c.Stat(strings.Repeat("x", maxPacket))
	require.ErrorIs(t, err, errNameLength)
	_, err = c.Stat(strings.Repeat("x", maxPacket/2))
	require.Error(t, err)
	_, err = c.Stat(".")
	require.NoError(t, err, "the connection lives")
	require.Zero(t, c.conn.window.used)
}
