package splice

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen()
		ctx, cancel := context.WithCancelCause(t.Context())
		served := make(chan error)
		go func() {
			served <- Serve(ctx, l, func(_ context.Context, nc net.Conn) { io.Copy(nc, nc) })
		}()
		var ends []net.Conn
		for range 3 {
			nc, err := l.Dial(t.Context())
			require.NoError(t, err)
			_, err = io.WriteString(nc, "x")
			require.NoError(t, err)
			_, err = io.ReadFull(nc, make([]byte, 1))
			require.NoError(t, err)
			ends = append(ends, nc)
		}
		why := errors.New("why")
		cancel(why)
		require.Equal(t, why, <-served)
		for _, nc := range ends {
			_, err := nc.Read(make([]byte, 1))
			require.Error(t, err)
		}
		_, err := l.Dial(t.Context())
		require.Error(t, err)
	})
}

// A failing fails a few times before it accepts, and at last for good.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func (f *failing) Close() error { return nil }

func TestServeSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, errs := range [][]error{{syscall.EMFILE, syscall.ECONNABORTED, net.ErrClosed}, {net.ErrClosed}} {
			start := time.Now()
			err := Serve(t.Context(), &failing{errs: errs}, nil)
			require.Equal(t, net.ErrClosed, err)
			require.Equal(t, len(errs) > 1, time.Since(start) > 0)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		forever := make([]error, 1000)
		for i := range forever {
			forever[i] = syscall.EMFILE
		}
		require.ErrorIs(t, Serve(ctx, &failing{errs: forever}, nil), context.DeadlineExceeded)
	})
}

func TestJoinUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, innerA := memnet.Pipe()
		b, innerB := memnet.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		JoinUntil(ctx, innerA, innerB)
		for _, nc := range []net.Conn{a, b} {
			_, err := nc.Read(make([]byte, 1))
			require.Error(t, err)
		}
	})
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := Socket{Path: path, Mode: 0o600}.Listen()
	require.NoError(t, err)
	require.Equal(t, path, l.Addr().String())
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode())
	_, err = Socket{Path: path, Mode: 0o600}.Listen()
	require.ErrorIs(t, err, os.ErrExist)
	nc, err := net.Dial("unix", path)
	require.NoError(t, err)
	require.NoError(t, nc.Close())

	// One takes the other's place, which leaves it alone from then on.
	second, err := Socket{Path: path, Mode: 0o660, Unlink: true}.Listen()
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.FileExists(t, path)
	require.NoError(t, second.Close())
	require.ErrorIs(t, second.Close(), net.ErrClosed)
	require.NoFileExists(t, path)
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = Socket{Path: filepath.Join(path, "none", "s")}.Listen()
	require.ErrorIs(t, err, os.ErrNotExist)
}
