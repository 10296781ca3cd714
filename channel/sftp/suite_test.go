package sftp

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

// What goes in comes out again, by all the ways there are.
func TestReadAndWrite(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		for _, n := range []int{0, 1, 4096, defaultChunk, maxChunk, maxChunk + 1, 5<<20 + 17} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				data := pattern(n)
				f, err := c.Create("file")
				require.NoError(t, err)
				written, err := f.ReadFrom(bytes.NewReader(data))
				require.NoError(t, err)
				require.EqualValues(t, n, written)
				require.Equal(t, data, read(t, filepath.Join(dir, "file")))

				_, err = f.Seek(0, io.SeekStart)
				require.NoError(t, err)
				var whole bytes.Buffer
				copied, err := f.WriteTo(&whole)
				require.NoError(t, err)
				require.EqualValues(t, n, copied)
				require.True(t, bytes.Equal(data, whole.Bytes()))

				_, err = f.Seek(0, io.SeekStart)
				require.NoError(t, err)
				piecewise, err := io.ReadAll(struct{ io.Reader }{f})
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, piecewise))

				_, err = f.Seek(int64(n/3), io.SeekStart)
				require.NoError(t, err)
				m, err := f.Write([]byte("middle"))
				require.NoError(t, err)
				require.Equal(t, 6, m)
				at := make([]byte, 6)
				_, err = f.ReadAt(at, int64(n/3))
				require.NoError(t, err)
				require.Equal(t, "middle", string(at))
				end, err := f.Seek(0, io.SeekEnd)
				require.NoError(t, err)
				require.EqualValues(t, max(n, n/3+6), end)
				require.NoError(t, f.Sync())
				require.NoError(t, f.Close())
				require.ErrorIs(t, f.Close(), fs.ErrClosed)
				_, err = f.Read(at)
				require.ErrorIs(t, err, fs.ErrClosed)
			})
		}
	})
}

func TestReadAtTheEnd(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		data := pattern(maxChunk + 100)
		write(t, filepath.Join(dir, "file"), data)
		f, err := c.Open("file")
		require.NoError(t, err)
		defer f.Close()
		p := make([]byte, 200)
		n, err := f.ReadAt(p, int64(len(data))-50)
		require.Equal(t, io.EOF, err)
		require.Equal(t, data[len(data)-50:], p[:n])
		n, err = f.ReadAt(p, 1<<40)
		require.Equal(t, io.EOF, err)
		require.Zero(t, n)
		_, err = f.ReadAt(p, -1)
		require.ErrorIs(t, err, errNegative)
		_, err = f.Seek(-1, io.SeekStart)
		require.ErrorIs(t, err, errNegative)
		_, err = f.Seek(0, 9)
		require.ErrorIs(t, err, errWhence)
	})
}

// A file that grows is read on, whatever was read ahead of it.
func TestReadWhileItGrows(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		name := filepath.Join(dir, "log")
		write(t, name, []byte("one\n"))
		f, err := c.Open("log")
		require.NoError(t, err)
		defer f.Close()
		first, err := io.ReadAll(struct{ io.Reader }{f})
		require.NoError(t, err)
		require.Equal(t, "one\n", string(first))
		write(t, name, []byte("one\ntwo\n"))
		second, err := io.ReadAll(struct{ io.Reader }{f})
		require.NoError(t, err)
		require.Equal(t, "two\n", string(second))
	})
}

func TestAppend(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "log"), []byte("one\n"))
		f, err := c.OpenFile("log", os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		_, err = f.Write([]byte("two\n"))
		require.NoError(t, err)
		_, err = f.WriteAt([]byte("x"), 0)
		require.ErrorIs(t, err, errAppend)
		require.NoError(t, f.Close())
		require.Equal(t, "one\ntwo\n", string(read(t, filepath.Join(dir, "log"))))
	})
}

func TestErrors(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "file"), []byte("x"))
		require.NoError(t, c.Mkdir("dir", 0o755))
		write(t, filepath.Join(dir, "dir", "x"), nil)
		for _, test := range []struct {
			name string
			do   func() error
			want error
		}{
			{"open", func() error { _, err := c.Open("missing"); return err }, fs.ErrNotExist},
			{"stat", func() error { _, err := c.Stat("missing"); return err }, fs.ErrNotExist},
			{"lstat", func() error { _, err := c.Lstat("missing"); return err }, fs.ErrNotExist},
			{"readdir", func() error { _, err := c.ReadDir("missing"); return err }, fs.ErrNotExist},
			{"remove", func() error { return c.Remove("missing") }, fs.ErrNotExist},
			{"rename", func() error { return c.Rename("missing", "x") }, fs.ErrNotExist},
			{"chmod", func() error { return c.Chmod("missing", 0o600) }, fs.ErrNotExist},
			{"mkdir below nothing", func() error { return c.Mkdir("missing/x", 0o700) }, fs.ErrNotExist},
			{"mkdir twice", func() error { return c.Mkdir("dir", 0o700) }, fs.ErrExist},
			{"exclusive", func() error { _, err := c.OpenFile("file", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); return err }, fs.ErrExist},
			{"symlink", func() error { return c.Symlink("x", "file") }, fs.ErrExist},
			{"link", func() error { return c.Link("dir/x", "file") }, fs.ErrExist},
			{"rename exclusively", func() error { return c.RenameExclusive("dir/x", "file") }, fs.ErrExist},
			{"MkdirAll over a file", func() error { return c.MkdirAll("file", 0o700) }, errNotDirectory},
			{"truncate", func() error { return c.Truncate("file", -1) }, fs.ErrInvalid},
		} {
			t.Run(test.name, func(t *testing.T) {
				err := test.do()
				require.ErrorIs(t, err, test.want)
				var path *fs.PathError
				require.ErrorAs(t, err, &path)
			})
		}
		err := c.Remove("dir")
		var status *StatusError
		require.ErrorAs(t, err, &status, "it is not empty")
		require.Equal(t, StatusFailure, status.Code)
		require.Contains(t, err.Error(), `"`, "the server's words are quoted")
		require.FileExists(t, filepath.Join(dir, "dir", "x"))
	})
}

func TestAttributesOfFiles(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		name := filepath.Join(dir, "file")
		write(t, name, pattern(100))
		require.NoError(t, c.Chmod("file", 0o640))
		when, read := time.Unix(1_000_000_000, 0), time.Unix(1_100_000_000, 0)
		require.NoError(t, c.Chtimes("file", read, when))
		require.NoError(t, c.Truncate("file", 42))
		require.NoError(t, c.Chtimes("file", read, when))
		require.NoError(t, c.Chown("file", os.Getuid(), os.Getgid()))
		info, err := c.Stat("file")
		require.NoError(t, err)
		require.Equal(t, "file", info.Name())
		require.Equal(t, fs.FileMode(0o640), info.Mode())
		require.EqualValues(t, 42, info.Size())
		require.True(t, info.ModTime().Equal(when))
		a := info.Sys().(*Attributes)
		require.True(t, a.Has(HasSize|HasOwner|HasPermissions|HasTimes))
		require.EqualValues(t, read.Unix(), a.Accessed)
		require.EqualValues(t, os.Getuid(), a.UID)

		f, err := c.OpenFile("file", os.O_RDWR, 0)
		require.NoError(t, err)
		defer f.Close()
		require.NoError(t, f.Truncate(7))
		require.NoError(t, f.Chmod(0o600))
		require.NoError(t, f.Chown(os.Getuid(), os.Getgid()))
		require.NoError(t, f.Chtimes(when, read))
		info, err = f.Stat()
		require.NoError(t, err)
		require.EqualValues(t, 7, info.Size())
		require.Equal(t, fs.FileMode(0o600), info.Mode())
		require.True(t, info.ModTime().Equal(read))
		local, err := os.Stat(name)
		require.NoError(t, err)
		require.True(t, local.ModTime().Equal(read))
		require.Equal(t, "file", filepath.Base(f.Name()))
	})
}

func TestDirectories(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		require.NoError(t, c.MkdirAll("a/b/c", 0o755))
		require.NoError(t, c.MkdirAll("a/b/c", 0o755))
		var want []string
		for i := range 1000 {
			name := fmt.Sprintf("f%04d", i)
			want = append(want, name)
			write(t, filepath.Join(dir, "a", "b", name), nil)
		}
		entries, err := c.ReadDir("a/b")
		require.NoError(t, err)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		require.Equal(t, append([]string{"c"}, want...), got)
		require.True(t, entries[0].IsDir())

		matches, err := c.Glob("a/*/f000[0-3]")
		require.NoError(t, err)
		require.Equal(t, []string{"a/b/f0000", "a/b/f0001", "a/b/f0002", "a/b/f0003"}, matches)
		matches, err = c.Glob("a/nothing*")
		require.NoError(t, err)
		require.Empty(t, matches)
		matches, err = c.Glob("a/b")
		require.NoError(t, err)
		require.Equal(t, []string{"a/b"}, matches)
		_, err = c.Glob("[")
		require.Error(t, err)

		var walked []string
		require.NoError(t, c.WalkDir("a", func(name string, e fs.DirEntry, err error) error {
			require.NoError(t, err)
			walked = append(walked, name)
			if e.Name() == "c" {
				return fs.SkipDir
			}
			return nil
		}))
		require.Len(t, walked, 1003)
		require.Equal(t, []string{"a", "a/b", "a/b/c", "a/b/f0000"}, walked[:4])

		require.NoError(t, c.RemoveAll("a"))
		require.NoDirExists(t, filepath.Join(dir, "a"))
		require.NoError(t, c.RemoveAll("a"))
	})
}

func TestWalkDirEnds(t *testing.T) {
	c := ours(t, &Server{Handler: FSHandler(fstest.MapFS{"a/b/c": {}, "a/d": {}, "e": {}})})
	walk := func(at string, with error) (names []string, err error) {
		err = c.WalkDir(".", func(name string, _ fs.DirEntry, err error) error {
			names = append(names, name)
			if name == at {
				return with
			}
			return err
		})
		return names, err
	}
	names, err := walk("a/b", fs.SkipDir)
	require.NoError(t, err)
	require.Equal(t, []string{".", "a", "a/b", "a/d", "e"}, names)
	names, err = walk("a/b", fs.SkipAll)
	require.NoError(t, err)
	require.Equal(t, []string{".", "a", "a/b"}, names)
	names, err = walk("a/d", fs.SkipDir) // of a file: the rest of its directory
	require.NoError(t, err)
	require.Equal(t, []string{".", "a", "a/b", "a/b/c", "a/d", "e"}, names)
	_, err = walk("e", io.ErrNoProgress)
	require.Equal(t, io.ErrNoProgress, err)
	err = c.WalkDir("nowhere", func(_ string, e fs.DirEntry, err error) error {
		require.Nil(t, e)
		return err
	})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// RemoveAll removes links and leaves alone where they lead.
func TestRemoveAllLinks(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "kept", "file"), nil)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "gone", "deeper"), 0o755))
		require.NoError(t, os.Symlink("../kept", filepath.Join(dir, "gone", "link")))
		require.NoError(t, c.RemoveAll("gone"))
		require.NoDirExists(t, filepath.Join(dir, "gone"))
		require.FileExists(t, filepath.Join(dir, "kept", "file"))
	})
}

func TestLinks(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "d", "file"), []byte("text"))
		require.NoError(t, c.Symlink("d/file", "link"))
		target, err := c.ReadLink("link")
		require.NoError(t, err)
		require.Equal(t, "d/file", target)
		info, err := c.Lstat("link")
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&fs.ModeSymlink)
		info, err = c.Stat("link")
		require.NoError(t, err)
		require.EqualValues(t, 4, info.Size())
		require.NoError(t, c.Link("d/file", "hard"))
		require.NoError(t, c.Rename("hard", "d/file2"))
		require.Equal(t, "text", string(read(t, filepath.Join(dir, "d", "file2"))))
		write(t, filepath.Join(dir, "other"), []byte("other"))
		require.NoError(t, c.Rename("other", "d/file2"), "it replaces")
		require.Equal(t, "other", string(read(t, filepath.Join(dir, "d", "file2"))))
		require.NoError(t, c.RenameExclusive("d", "e"))
		require.DirExists(t, filepath.Join(dir, "e"))
		require.NoError(t, c.LSetStat("link", &Attributes{Flags: HasOwner, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}))
	})
}

func TestPaths(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		require.NoError(t, c.MkdirAll("a/b", 0o755))
		here, err := c.RealPath(".")
		require.NoError(t, err)
		require.True(t, here == dir || here == "/", here)
		deep, err := c.RealPath("a/./b/../b")
		require.NoError(t, err)
		require.Equal(t, join(here, "a/b"), deep)
		expanded, err := c.ExpandPath("a")
		require.NoError(t, err)
		require.Equal(t, join(here, "a"), expanded)
		home, err := c.HomeDirectory("")
		if err == nil { // OpenSSH wants a name
			require.True(t, strings.HasPrefix(home, "/"))
		}
		_, err = c.HomeDirectory("no such user, surely")
		require.Error(t, err)
		_, err = c.ExpandPath("~no such user/x")
		require.Error(t, err)
	})
}

func TestStatVFSOfServers(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		v, err := c.StatVFS(".")
		require.NoError(t, err)
		require.NotZero(t, v.BlockSize)
		require.GreaterOrEqual(t, v.Blocks, v.BlocksFree)
		write(t, filepath.Join(dir, "x"), nil)
		f, err := c.Open("x")
		require.NoError(t, err)
		defer f.Close()
		w, err := f.StatVFS()
		require.NoError(t, err)
		require.Equal(t, v.Blocks, w.Blocks)
		require.Equal(t, v.NameMax, w.NameMax)
	})
}

func TestCopy(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		data := pattern(1<<20 + 5)
		write(t, filepath.Join(dir, "from"), data)
		require.NoError(t, c.Copy("from", "to"))
		require.True(t, bytes.Equal(data, read(t, filepath.Join(dir, "to"))))
		require.ErrorIs(t, c.Copy("missing", "to"), fs.ErrNotExist)
		write(t, filepath.Join(dir, "short"), []byte("short"))
		require.NoError(t, c.Copy("short", "to"), "over a longer one")
		require.Equal(t, "short", string(read(t, filepath.Join(dir, "to"))))
		require.Error(t, c.Copy("short", "short"))
		require.Equal(t, "short", string(read(t, filepath.Join(dir, "short"))), "it is left alone")
	})
}

func TestNamesOfUsers(t *testing.T) {
	for name, c := range map[string]*Client{"OpenSSH": openSSH(t, t.TempDir()), "ours": ours(t, &Server{Handler: SystemHandler()})} {
		t.Run(name, func(t *testing.T) {
			users, groups, err := c.Names([]uint32{0, 4_000_000_000}, []uint32{0})
			require.NoError(t, err)
			require.Equal(t, []string{"root", ""}, users)
			require.Len(t, groups, 1)
			require.NotEmpty(t, groups[0])
		})
	}
}

// Names are bytes.
func TestNamesThatAreNotUTF8(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		names := []string{"grün", "日本語", "latin\xe91", "\xff\xfe", "with space", "new\nline", "-rf", "*", `back\slash`}
		for _, name := range names {
			f, err := c.Create(name)
			require.NoError(t, err, "%q", name)
			require.NoError(t, f.Close())
			require.FileExists(t, filepath.Join(dir, name))
		}
		entries, err := c.ReadDir(".")
		require.NoError(t, err)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		slices.Sort(names)
		require.Equal(t, names, got)
		for _, name := range names {
			require.NoError(t, c.Remove(name), "%q", name)
		}
	})
}

// A sparse file of 4 GiB and more: offsets have 64 bits.
func TestSparseFile(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, _ string) {
		const end = 4<<30 + 12345
		f, err := c.Create("sparse")
		require.NoError(t, err)
		defer f.Close()
		_, err = f.WriteAt([]byte("end"), end)
		require.NoError(t, err)
		size, err := f.Seek(0, io.SeekEnd)
		require.NoError(t, err)
		require.EqualValues(t, end+3, size)
		p := make([]byte, 3)
		_, err = f.ReadAt(p, end)
		require.NoError(t, err)
		require.Equal(t, "end", string(p))
		_, err = f.ReadAt(p, 2<<30)
		require.NoError(t, err)
		require.Equal(t, []byte{0, 0, 0}, p)
		_, err = f.Seek(end-100, io.SeekStart)
		require.NoError(t, err)
		rest, err := io.ReadAll(f)
		require.NoError(t, err)
		require.Len(t, rest, 103)
	})
}

// Many at once, of one file and of many.
func TestConcurrency(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		const writers, size = 16, 100_000
		shared, err := c.Create("shared")
		require.NoError(t, err)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				part := bytes.Repeat([]byte{byte(i)}, size)
				if _, err := shared.WriteAt(part, int64(i*size)); err != nil {
					t.Error(err)
				}
				got := make([]byte, size)
				if _, err := shared.ReadAt(got, int64(i*size)); err != nil || !bytes.Equal(part, got) {
					t.Error(i, err)
				}
				name := fmt.Sprint("own", i)
				f, err := c.Create(name)
				if err == nil {
					_, err = f.Write(part)
				}
				if err == nil {
					err = f.Close()
				}
				if _, statErr := c.Stat(name); err == nil {
					err = statErr
				}
				if err != nil {
					t.Error(i, err)
				}
			})
		}
		all.Wait()
		require.NoError(t, shared.Close())
		info, err := os.Stat(filepath.Join(dir, "shared"))
		require.NoError(t, err)
		require.EqualValues(t, writers*size, info.Size())
	})
}

func TestFS(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "tree", "a.txt"), []byte("a"))
		write(t, filepath.Join(dir, "tree", "sub", "b.txt"), pattern(3000))
		write(t, filepath.Join(dir, "tree", "sub", "empty"), nil)
		require.NoError(t, os.Symlink("a.txt", filepath.Join(dir, "tree", "link")))
		fsys := c.FS("tree")
		require.NoError(t, fstest.TestFS(fsys, "a.txt", "sub/b.txt", "sub/empty", "link"))
		data, err := fs.ReadFile(fsys, "sub/b.txt")
		require.NoError(t, err)
		require.Equal(t, pattern(3000), data)
		target, err := fs.ReadLink(fsys, "link")
		require.NoError(t, err)
		require.Equal(t, "a.txt", target)
		_, err = fsys.Open("missing")
		require.ErrorIs(t, err, fs.ErrNotExist)
		var path *fs.PathError
		require.ErrorAs(t, err, &path)
		require.Equal(t, "missing", path.Path, "as the caller named it")
		require.Contains(t, err.Error(), "missing")
		_, err = fsys.Open("../etc/passwd")
		require.ErrorIs(t, err, fs.ErrInvalid)
		d, err := fsys.Open("sub")
		require.NoError(t, err)
		_, err = d.Read(make([]byte, 1))
		require.ErrorIs(t, err, errIsDirectory)
		require.NoError(t, d.Close())
		require.ErrorIs(t, d.Close(), fs.ErrClosed)
		_, err = d.Stat()
		require.ErrorIs(t, err, fs.ErrClosed)
		_, err = d.(fs.ReadDirFile).ReadDir(1)
		require.ErrorIs(t, err, fs.ErrClosed)
	})
}

// Everything works through a second server that serves the first one's files.
func TestFSOfAnFS(t *testing.T) {
	inner := ours(t, &Server{Handler: FSHandler(fstest.MapFS{"d/a": {Data: pattern(3000)}, "b": {Data: []byte("b")}})})
	outer := ours(t, &Server{Handler: FSHandler(inner.FS("/"))})
	require.NoError(t, fstest.TestFS(outer.FS("/"), "d/a", "b"))
}

func TestPermissionErrors(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may everything: the server says no instead.
		c := openSSH(t, t.TempDir(), "-R")
		require.ErrorIs(t, c.Mkdir("x", 0o755), fs.ErrPermission)
		return
	}
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "secret"), nil)
		require.NoError(t, c.Chmod("secret", 0))
		_, err := c.Open("secret")
		require.ErrorIs(t, err, fs.ErrPermission)
	})
}

func TestClosedClient(t *testing.T) {
	c := ours(t, jail(t, t.TempDir()))
	f, err := c.Create("x")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, err = c.Stat("x")
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = f.Write([]byte("x"))
	require.Error(t, err)
	require.Error(t, f.Close())
	require.ErrorIs(t, c.Wait(), net.ErrClosed)
}
