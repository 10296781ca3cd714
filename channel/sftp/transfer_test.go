package sftp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

var anHourAgo = time.Now().Add(-time.Hour).Truncate(time.Second)

// tree makes a tree with all kinds of names and modes.
func tree(t *testing.T, dir string) {
	t.Helper()
	write(t, filepath.Join(dir, "empty"), nil)
	write(t, filepath.Join(dir, "small"), pattern(10))
	write(t, filepath.Join(dir, "a", "b", "c", "deep"), pattern(5000))
	write(t, filepath.Join(dir, "a", "latin\xe91"), pattern(maxChunk+1))
	write(t, filepath.Join(dir, "big"), pattern(3<<20))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a", "nothing"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(dir, "small"), 0o751))
	require.NoError(t, os.Chmod(filepath.Join(dir, "a"), 0o550))
	for _, name := range []string{"small", "a/b/c/deep", "a/b", "a"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), anHourAgo, anHourAgo))
	}
}

// requirePreserved fails unless tree's times and modes are here too.
func requirePreserved(t *testing.T, dir string) {
	t.Helper()
	for name, mode := range map[string]fs.FileMode{"small": 0o751, "a/b/c/deep": 0o644, "a/b": 0o755 | fs.ModeDir, "a": 0o550 | fs.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
		require.True(t, info.ModTime().Equal(anHourAgo), name)
	}
}

func TestTrees(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		tree(t, filepath.Join(dir, "source"))
		above := t.TempDir()
		local := filepath.Join(above, "x", "got")
		require.NoError(t, c.Get(t.Context(), "source", local, &Transfer{Preserve: true}))
		requireSameTree(t, filepath.Join(dir, "source"), local)
		requirePreserved(t, local)
		require.NoError(t, c.Put(t.Context(), local, "put/back", &Transfer{Preserve: true}))
		requireSameTree(t, local, filepath.Join(dir, "put", "back"))
		requirePreserved(t, filepath.Join(dir, "put", "back"))

		require.NoError(t, c.Get(t.Context(), "source", local, nil), "once more, over what is there")
		require.NoError(t, c.Put(t.Context(), local, "put/back", nil))
		requireSameTree(t, local, filepath.Join(dir, "put", "back"))
	})
}

func TestSingleFiles(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		write(t, filepath.Join(dir, "file"), pattern(100_000))
		local := filepath.Join(t.TempDir(), "local")
		require.NoError(t, c.Get(t.Context(), "file", local, nil))
		require.Equal(t, pattern(100_000), read(t, local))
		require.NoError(t, c.Put(t.Context(), local, "copy", nil))
		require.Equal(t, pattern(100_000), read(t, filepath.Join(dir, "copy")))
		require.NoError(t, c.Get(t.Context(), "file", os.DevNull, nil))

		require.ErrorIs(t, c.Get(t.Context(), "missing", local, nil), fs.ErrNotExist)
		require.ErrorIs(t, c.Put(t.Context(), "/no/such/file", "x", nil), fs.ErrNotExist)
		require.ErrorIs(t, c.Put(t.Context(), local, "no/such/dir", nil), fs.ErrNotExist)
		require.Error(t, c.Get(t.Context(), "file", filepath.Join(local, "below"), nil))
	})
}

func TestProgress(t *testing.T) {
	const size = 3<<20 + 1
	dir := t.TempDir()
	c := ours(t, jail(t, dir))
	local := filepath.Join(t.TempDir(), "file")
	write(t, local, pattern(size))
	var seen []Progress
	options := &Transfer{Progress: func(p Progress) { seen = append(seen, p) }}
	check := func(name string) {
		t.Helper()
		require.Greater(t, len(seen), 2)
		for i, p := range seen {
			require.Equal(t, name, p.Name)
			require.EqualValues(t, size, p.Size)
			require.Equal(t, i == len(seen)-1, p.Done)
			if i > 0 {
				require.GreaterOrEqual(t, p.Bytes, seen[i-1].Bytes)
			}
		}
		last := seen[len(seen)-1]
		require.EqualValues(t, size, last.Bytes)
		require.Equal(t, 100, last.Percent())
		require.Less(t, seen[0].Percent(), 100)
		seen = nil
	}
	require.NoError(t, c.Put(t.Context(), local, "file", options))
	check(local)
	require.NoError(t, c.Get(t.Context(), "file", local, options))
	check("file")
	require.Equal(t, 100, Progress{}.Percent())
	require.Equal(t, 50, Progress{Bytes: 1 << 62, Size: 1<<63 - 1}.Percent())
}

func TestResume(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		whole := pattern(2 << 20)
		local := filepath.Join(t.TempDir(), "file")
		remote := filepath.Join(dir, "file")
		var first Progress
		options := &Transfer{Resume: true, Progress: func(p Progress) {
			if first.Name == "" {
				first = p
			}
		}}
		for _, have := range []int{0, 1, 1 << 20, len(whole)} {
			first = Progress{}
			write(t, remote, whole)
			write(t, local, whole[:have])
			require.NoError(t, c.Get(t.Context(), "file", local, options))
			require.True(t, bytes.Equal(whole, read(t, local)))
			require.GreaterOrEqual(t, first.Bytes, int64(have))

			first = Progress{}
			write(t, remote, whole[:have])
			require.NoError(t, c.Put(t.Context(), local, "file", options))
			require.True(t, bytes.Equal(whole, read(t, remote)))
			require.GreaterOrEqual(t, first.Bytes, int64(have))
		}
		write(t, local, append(whole, 'x'))
		require.ErrorIs(t, c.Get(t.Context(), "file", local, options), errLarger)
		require.Len(t, read(t, local), len(whole)+1, "it is left alone")
		require.NoError(t, os.Truncate(local, 10))
		require.ErrorIs(t, c.Put(t.Context(), local, "file", options), errLarger)
		require.Len(t, read(t, remote), len(whole))
	})
}

// What is no file is left out, and what links lead to is copied if asked for.
func TestLinksInTrees(t *testing.T) {
	eachServer(t, func(t *testing.T, c *Client, dir string) {
		source := filepath.Join(dir, "source")
		write(t, filepath.Join(source, "d", "file"), []byte("x"))
		require.NoError(t, os.Symlink("d/file", filepath.Join(source, "link")))
		require.NoError(t, os.Symlink("d", filepath.Join(source, "dirlink")))
		var skipped []string
		options := &Transfer{Skipped: func(name string, mode fs.FileMode) {
			require.NotZero(t, mode&fs.ModeSymlink)
			skipped = append(skipped, filepath.Base(name))
		}}
		local := t.TempDir()
		require.NoError(t, c.Get(t.Context(), "source", local, options))
		require.ElementsMatch(t, []string{"link", "dirlink"}, skipped)
		require.NoFileExists(t, filepath.Join(local, "link"))
		skipped = nil
		require.NoError(t, c.Put(t.Context(), source, "put", options))
		require.ElementsMatch(t, []string{"link", "dirlink"}, skipped)

		options.FollowLinks = true
		require.NoError(t, c.Get(t.Context(), "source", local, options))
		require.NoError(t, c.Put(t.Context(), source, "put", options))
		for _, copied := range []string{local, filepath.Join(dir, "put")} {
			require.Equal(t, "x", string(read(t, filepath.Join(copied, "link"))))
			require.Equal(t, "x", string(read(t, filepath.Join(copied, "dirlink", "file"))))
		}
	})
}

// A tree with a loop of links ends.
func TestLoopOfLinks(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	require.NoError(t, os.Mkdir(source, 0o755))
	require.NoError(t, os.Symlink(".", filepath.Join(source, "loop")))
	c := ours(t, jail(t, dir))
	require.Error(t, c.Get(t.Context(), "source", t.TempDir(), &Transfer{FollowLinks: true}))
	require.Error(t, c.Put(t.Context(), source, "put", &Transfer{FollowLinks: true}))
}

// One file that fails leaves the others to be copied, and every failure is
// reported.
func TestFailuresInTrees(t *testing.T) {
	dir := t.TempDir()
	files := fstest.MapFS{}
	for i := range 300 {
		files[fmt.Sprint("d/f", i)] = &fstest.MapFile{Data: []byte("x")}
	}
	bad := &failingOpen{Handler: FSHandler(files), fail: func(name string) bool { return name[len(name)-1] == '7' }}
	c := ours(t, &Server{Handler: bad})
	var failures []error
	err := c.Get(t.Context(), "/", dir, &Transfer{Failed: func(err error) { failures = append(failures, err) }, Parallel: 3})
	require.ErrorIs(t, err, fs.ErrPermission)
	require.Len(t, failures, 30)
	entries, readErr := os.ReadDir(filepath.Join(dir, "d"))
	require.NoError(t, readErr)
	require.Len(t, entries, 300, "an empty file is left for each that failed")
	bad.fail = func(string) bool { return true }
	err = c.Get(t.Context(), "/", dir, nil)
	require.ErrorContains(t, err, "and 200 other files")
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	require.Len(t, joined.Unwrap(), maxErrors+1)
}

type failingOpen struct {
	Handler
	fail func(string) bool
}

func (h *failingOpen) OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error) {
	if h.fail(name) {
		return nil, fs.ErrPermission
	}
	return h.Handler.OpenFile(name, flag, perm)
}

// A transfer that is given up on ends, and the client lives.
func TestCancelledTransfer(t *testing.T) {
	source := t.TempDir()
	for i := range 500 {
		write(t, filepath.Join(source, fmt.Sprint("f", i)), pattern(1000))
	}
	write(t, filepath.Join(source, "big"), pattern(8<<20))
	c := ours(t, jail(t, source))
	for range 3 {
		for _, transfer := range []func(context.Context, *Transfer) error{
			func(ctx context.Context, o *Transfer) error { return c.Get(ctx, "/", t.TempDir(), o) },
			func(ctx context.Context, o *Transfer) error {
				return c.Put(ctx, filepath.Join(source, "big"), "/again", o)
			},
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			var once sync.Once
			options := &Transfer{Progress: func(Progress) { once.Do(func() { cancel(errors.ErrUnsupported) }) }}
			require.ErrorIs(t, transfer(ctx, options), errors.ErrUnsupported)
			cancel(nil)
		}
		_, err := c.Stat("/big")
		require.NoError(t, err)
	}
}

// A connection that ends in the middle is the error, and not one of each file.
func TestConnectionLostInATransfer(t *testing.T) {
	source := t.TempDir()
	for i := range 500 {
		write(t, filepath.Join(source, fmt.Sprint("f", i)), pattern(1000))
	}
	c := ours(t, jail(t, source))
	var once sync.Once
	failures := 0
	err := c.Get(t.Context(), "/", t.TempDir(), &Transfer{
		Progress: func(Progress) { once.Do(func() { go c.Close() }) },
		Failed:   func(error) { failures++ },
	})
	require.ErrorIs(t, err, net.ErrClosed)
	require.Less(t, failures, 300)
}
