package sftp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

// drive keeps the window full over a path with a round trip and a capacity in
// bytes a second, for a while.
func drive(w *window, trip time.Duration, capacity float64, rounds int) {
	const part = 32 << 10
	type answer struct{ sent, due time.Time }
	var way []answer
	free := time.Now()
	for end := time.Now().Add(time.Duration(rounds) * trip); time.Now().Before(end); {
		for w.tryAcquire(part) {
			free = time.Unix(0, max(free.UnixNano(), time.Now().UnixNano())).Add(time.Duration(part / capacity * 1e9))
			way = append(way, answer{time.Now(), free.Add(trip)})
		}
		first := way[0]
		way = way[1:]
		time.Sleep(time.Until(first.due))
		w.answered(part, first.sent)
	}
	for _, a := range way {
		time.Sleep(time.Until(a.due))
		w.answered(part, a.sent)
	}
}

// The window grows to what the path holds, and not far beyond.
func TestWindowFollowsThePath(t *testing.T) {
	for _, test := range []struct {
		name      string
		trip      time.Duration
		capacity  float64
		low, high int64
	}{
		{"local", time.Millisecond, 100e6, minWindow, minWindow},
		{"100 ms at 100 MB/s", 100 * time.Millisecond, 100e6, 18 << 20, 22 << 20},
		{"300 ms at 1 GB/s", 300 * time.Millisecond, 1e9, maxWindow, maxWindow},
		{"20 ms at 10 MB/s", 20 * time.Millisecond, 10e6, minWindow, minWindow},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWindow()
				drive(w, test.trip, test.capacity, 60)
				require.GreaterOrEqual(t, w.allowance(), test.low)
				require.LessOrEqual(t, w.allowance(), test.high)
				require.Zero(t, w.used)
				require.Zero(t, w.requests)
			})
		})
	}
}

// A path that becomes wider, narrower or longer is noticed.
func TestWindowFollowsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow()
		drive(w, 100*time.Millisecond, 30e6, 50)
		require.InEpsilon(t, 6e6, w.allowance(), 0.1)
		drive(w, 100*time.Millisecond, 300e6, 100)
		require.InEpsilon(t, 60e6, w.allowance(), 0.1)
		drive(w, 100*time.Millisecond, 30e6, 1000)
		require.Less(t, w.allowance(), int64(30e6))
		drive(w, 800*time.Millisecond, 30e6, 100)
		require.Greater(t, w.allowance(), int64(20e6), "or it would not be filled")
	})
}

func TestWindowIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow()
		require.NoError(t, w.acquire(t.Context(), minWindow/2))
		require.NoError(t, w.acquire(t.Context(), minWindow/2))
		var order []int
		for i := range 5 {
			go func() {
				if w.acquire(context.Background(), minWindow/2) == nil {
					order = append(order, i)
				}
			}()
			synctest.Wait()
		}
		require.False(t, w.tryAcquire(1), "others were first")
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- w.acquire(ctx, 1) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		for range 7 {
			w.release(minWindow / 2)
			synctest.Wait()
		}
		require.Equal(t, []int{0, 1, 2, 3, 4}, order)
		require.Zero(t, w.used)
	})
}

func TestWindowBounds(t *testing.T) {
	w := newWindow()
	require.True(t, w.tryAcquire(10*maxWindow), "one request always fits")
	require.False(t, w.tryAcquire(1))
	w.release(10 * maxWindow)
	for range maxRequests {
		require.True(t, w.tryAcquire(1))
	}
	require.False(t, w.tryAcquire(1), "too many, however small")
}

// far is a link of 20 ms there and back.
var far = memnet.Link{Up: memnet.Path{Latency: 10 * time.Millisecond, Buffer: 64 << 20}, Down: memnet.Path{Latency: 10 * time.Millisecond, Buffer: 64 << 20}}

const trip = 20 * time.Millisecond

// Round trips are what a tree costs that is copied file by file: a thousand
// files would take a thousand times five of them.
func TestTreesOverlap(t *testing.T) {
	const files = 1000
	source, target := t.TempDir(), t.TempDir()
	for i := range files {
		write(t, filepath.Join(source, fmt.Sprint("d", i%10), fmt.Sprint("f", i)), pattern(4096))
	}
	synctest.Test(t, func(t *testing.T) {
		c := linked(t, jail(t, source), far)
		begun := time.Now()
		require.NoError(t, c.Get(t.Context(), "/", filepath.Join(target, "got"), nil))
		require.Less(t, time.Since(begun), 70*trip)
	})
	requireSameTree(t, source, filepath.Join(target, "got"))
	require.NoError(t, os.Mkdir(filepath.Join(target, "jail"), 0o755))
	synctest.Test(t, func(t *testing.T) {
		c := linked(t, jail(t, filepath.Join(target, "jail")), far)
		begun := time.Now()
		require.NoError(t, c.Put(t.Context(), source, "/put", nil))
		require.Less(t, time.Since(begun), 70*trip)
	})
	requireSameTree(t, source, filepath.Join(target, "jail", "put"))
	synctest.Test(t, func(t *testing.T) {
		c := linked(t, jail(t, filepath.Join(target, "jail")), far)
		begun := time.Now()
		require.NoError(t, c.RemoveAll("/put"))
		require.Less(t, time.Since(begun), 150*trip)
		entries, err := c.ReadDir("/")
		require.NoError(t, err)
		require.Empty(t, entries)
	})
}

// requireSameTree fails unless the two trees are the same.
func requireSameTree(t *testing.T, want, got string) {
	t.Helper()
	count := func(dir string) (n int) {
		require.NoError(t, filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { n++; return nil }))
		return n
	}
	require.Equal(t, count(want), count(got))
	require.NoError(t, filepath.WalkDir(want, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(want, name)
		if err == nil && !bytes.Equal(read(t, name), read(t, filepath.Join(got, relative))) {
			err = fmt.Errorf("%s differs", relative)
		}
		return err
	}))
}

// A file is read ahead of who reads it, whichever way.
func TestReadsArePipelined(t *testing.T) {
	data := pattern(8 << 20)
	server := &Server{Handler: FSHandler(fstest.MapFS{"file": {Data: data}})}
	for name, readAll := range map[string]func(f *File) ([]byte, error){
		"Read": func(f *File) ([]byte, error) { return io.ReadAll(struct{ io.Reader }{f}) },
		"WriteTo": func(f *File) ([]byte, error) {
			var b bytes.Buffer
			_, err := f.WriteTo(&b)
			return b.Bytes(), err
		},
		"ReadAt": func(f *File) ([]byte, error) {
			p := make([]byte, len(data))
			_, err := f.ReadAt(p, 0)
			return p, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := linked(t, server, far)
				f, err := c.Open("file")
				require.NoError(t, err)
				begun := time.Now()
				got, err := readAll(f)
				require.NoError(t, err)
				require.True(t, bytes.Equal(data, got))
				require.Less(t, time.Since(begun), 12*trip, "one after the other it would be 33, or 256")
			})
		})
	}
}

// A directory is listed with several requests under way.
func TestListingsArePipelined(t *testing.T) {
	tree := fstest.MapFS{}
	for i := range 5000 {
		tree[fmt.Sprint("f", i)] = &fstest.MapFile{}
	}
	synctest.Test(t, func(t *testing.T) {
		c := linked(t, &Server{Handler: FSHandler(tree)}, far)
		begun := time.Now()
		entries, err := c.ReadDir("/")
		require.NoError(t, err)
		require.Len(t, entries, 5000)
		require.Less(t, time.Since(begun), 12*trip, "one after the other it would be 40")
	})
}
