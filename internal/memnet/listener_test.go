package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		require.Equal(t, "192.0.2.2:22", l.Addr().String())
		var accepted sync.WaitGroup
		accepted.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					require.ErrorIs(t, err, net.ErrClosed)
					return
				}
				accepted.Go(func() {
					_, _ = io.Copy(c, c)
					_ = c.Close()
				})
			}
		})
		first, err := l.Dial(t.Context())
		require.NoError(t, err)
		second, err := l.DialLink(t.Context(), Link{Up: Path{Latency: time.Second}})
		require.NoError(t, err)
		third, err := l.Dial(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first.LocalAddr().String(), third.LocalAddr().String())
		for _, c := range []*Conn{first, second, third} {
			mustWrite(t, c, "echo")
			mustRead(t, c, "echo")
			require.NoError(t, c.Close())
		}
		require.NoError(t, l.Close())
		require.NoError(t, l.Close())
		accepted.Wait()
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = l.Dial(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestListenerCloseEndsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		waiting, err := l.Dial(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Close())
		_, err = waiting.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
}

func TestListenerFullBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen()
		for range backlog {
			_, err := l.Dial(t.Context())
			require.NoError(t, err)
		}
		patience := errors.New("out of patience")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, patience)
		defer cancel()
		_, err := l.Dial(ctx)
		require.ErrorIs(t, err, patience)

		refused := make(chan error)
		go func() {
			_, err := l.Dial(context.Background())
			refused <- err
		}()
		synctest.Wait()
		require.NoError(t, l.Close())
		// Closing makes room as well: either the dial was refused or it
		// got a connection that has ended.
		if err := <-refused; err != nil {
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		require.Empty(t, l.waiting)
	})
}
