//go:build unix

package main

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// Without xauth there is no X11: the client is told so, and not shown a display
// that nobody has the cookie of.
func TestX11Keywords(t *testing.T) {
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, false},
		{[]string{"X11Forwarding=yes", "XAuthLocation=" + os.Args[0]}, true},
		{[]string{"X11Forwarding=yes", "XAuthLocation=/nonesuch"}, false},
		{[]string{"X11Forwarding=yes", "XAuthLocation=" + os.Args[0], "DisableForwarding=yes"}, false},
	} {
		o := with(t, test.args...)
		var srv server.Server
		o.x11.apply(&srv)
		o.forwarding.apply(&srv)
		require.Equal(t, test.want, srv.AllowX11Forwarding, "L4 %q", test.args)
	}
	o := with(t, "X11DisplayOffset=20", "X11UseLocalhost=no")
	require.Equal(t, 20, o.x11.offset)
	require.False(t, o.x11.localhost)
}

// L6, CVE-2008-1483: a display whose number somebody has at one address is not
// taken at the other.
func TestDisplayIsNobodyElses(t *testing.T) {
	other, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 here")
	}
	defer other.Close()
	number := other.Addr().(*net.TCPAddr).Port - x11Port
	x := newX11()
	x.offset = min(number, maxDisplays-1)
	listeners, found, err := x.listen()
	if number < maxDisplays {
		require.NoError(t, err)
		require.NotEqual(t, number, found)
		closeListeners(listeners)
	}
	_, port, err := net.SplitHostPort(other.Addr().String())
	require.NoError(t, err)
	listeners, err = listenAll([]string{"127.0.0.1", "::1"}, port)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.Empty(t, listeners)
}
