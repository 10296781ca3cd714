//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
)

// accepting returns a listener in memory behind proxies at the addresses of
// memnet.
func accepting(t *testing.T, inner net.Listener) *proxied {
	t.Helper()
	s := sources{proxied: true, proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	require.NoError(t, s.check())
	return s.listen(inner, slog.New(slog.DiscardHandler)).(*proxied)
}

// dial connects, and says whose connection it is if that is not "".
func dial(t *testing.T, l *memnet.Listener, from string) net.Conn {
	t.Helper()
	nc, err := l.Dial(context.Background())
	require.NoError(t, err)
	if from != "" {
		_, err = header(2, from).WriteTo(nc)
		require.NoError(t, err)
	}
	return nc
}

// closed reports whether the other end has closed nc by now.
func closed(nc net.Conn) bool {
	nc.SetReadDeadline(time.Now().Add(time.Nanosecond))
	_, err := nc.Read(make([]byte, 1))
	var timeout net.Error
	return !errors.As(err, &timeout) || !timeout.Timeout()
}

// O2: those who do not say whose they are hold up nobody, are not many, and go.
func TestO2Unannounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memnet.Listen()
		l := accepting(t, inner)
		var silent []net.Conn
		for range maxUnannounced {
			silent = append(silent, dial(t, inner, ""))
			synctest.Wait()
		}
		refused := dial(t, inner, "203.0.113.9:1")
		synctest.Wait()
		require.True(t, closed(refused))
		require.False(t, closed(silent[0]))
		header(1, "203.0.113.8:1").WriteTo(silent[1])
		nc, err := l.Accept()
		require.NoError(t, err)
		require.Equal(t, "203.0.113.8:1", nc.RemoteAddr().String())
		time.Sleep(11 * time.Second)
		require.True(t, closed(silent[0]))
		require.False(t, closed(silent[1]))
		dial(t, inner, "203.0.113.9:1")
		nc, err = l.Accept()
		require.NoError(t, err)
		require.Equal(t, "203.0.113.9:1", nc.RemoteAddr().String())
		unread := dial(t, inner, "203.0.113.9:2") // nobody accepts it
		synctest.Wait()
		require.NoError(t, l.Close())
		synctest.Wait()
		require.True(t, closed(unread))
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		l.Close()
	})
}

// A breaking listener fails once.
type breaking struct {
	*memnet.Listener
	err error
}

func (l *breaking) Accept() (net.Conn, error) {
	if err := l.err; err != nil {
		l.err = nil
		return nil, err
	}
	return l.Listener.Accept()
}

// What goes wrong below is for the server to know, and passes.
func TestProxiedPassesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no descriptor")
		inner := &breaking{memnet.Listen(), broken}
		l := accepting(t, inner)
		_, err := l.Accept()
		require.ErrorIs(t, err, broken)
		dial(t, inner.Listener, "203.0.113.9:1")
		_, err = l.Accept()
		require.NoError(t, err)
		require.NoError(t, l.Close())
	})
}
