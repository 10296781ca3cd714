package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

type channelFunc = func(context.Context, *server.Conn, *connection.Opening)

// connecting is a server that has f connect its clients.
func connecting(f channelFunc) *server.Server {
	srv := lenient(func(*server.Session) {})
	srv.Channels = map[string]channelFunc{"direct-tcpip": f, "direct-streamlocal@openssh.com": f}
	return srv
}

func TestDialContextIsAConn(t *testing.T) {
	for network, address := range map[string]string{"tcp": "example.com:80", "unix": "/run/socket"} {
		t.Run(network, func(t *testing.T) {
			far := make(chan net.Conn)
			c, err := enter(t, connecting(func(_ context.Context, _ *server.Conn, o *connection.Opening) {
				if ch, err := o.Accept(channel.Params{}); err == nil {
					far <- ch
				}
			}), nil)
			require.NoError(t, err)
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				near, err := c.DialContext(t.Context(), network, address)
				if err != nil {
					return nil, nil, nil, err
				}
				other := <-far
				return near, other, func() { near.Close(); other.Close() }, nil
			})
		})
	}
}

// What the server is asked for, and what the addresses are.
func TestDialContextAddresses(t *testing.T) {
	asked := make(chan *connection.Opening, 1)
	c, err := enter(t, connecting(func(_ context.Context, _ *server.Conn, o *connection.Opening) {
		asked <- o
		o.Accept(channel.Params{})
	}), nil)
	require.NoError(t, err)
	for _, test := range []struct {
		network, address string
		host             string
		port             uint32
		remote           net.Addr // nil for one that has a name
	}{
		{"tcp", "example.com:80", "example.com", 80, nil},
		{"tcp4", "example.com:80", "example.com", 80, nil},
		{"tcp", "[::1]:65535", "::1", 65535, &net.TCPAddr{IP: net.IPv6loopback, Port: 65535}},
		{"tcp6", "[::1]:1", "::1", 1, &net.TCPAddr{IP: net.IPv6loopback, Port: 1}},
		{"tcp4", "192.0.2.7:22", "192.0.2.7", 22, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7).To4(), Port: 22}},
	} {
		t.Run(test.network+" "+test.address, func(t *testing.T) {
			nc, err := c.DialContext(t.Context(), test.network, test.address)
			require.NoError(t, err)
			defer nc.Close()
			m, err := wire.ParseDirectTCPIP((<-asked).Extra)
			require.NoError(t, err)
			require.Equal(t, wire.DirectTCPIP{Host: test.host, Port: test.port, OriginHost: "127.0.0.1", OriginPort: 65535}, m, "RFC 4254, section 7.2")
			require.Equal(t, test.address, nc.RemoteAddr().String())
			require.Equal(t, "tcp", nc.RemoteAddr().Network())
			require.Equal(t, c.LocalAddr(), nc.LocalAddr())
			if test.remote != nil {
				require.Equal(t, test.remote, nc.RemoteAddr())
			}
		})
	}
	nc, err := c.DialContext(t.Context(), "unix", "/run/socket")
	require.NoError(t, err)
	defer nc.Close()
	require.Equal(t, "\x00\x00\x00\x0b/run/socket\x00\x00\x00\x00\x00\x00\x00\x00", string((<-asked).Extra), "PROTOCOL 2.4")
	require.Equal(t, &net.UnixAddr{Net: "unix", Name: "/run/socket"}, nc.RemoteAddr())
	require.Equal(t, "192.0.2.2:22", c.RemoteAddr().String())
}

func TestDialContextRefusesAddresses(t *testing.T) {
	c, err := enter(t, connecting(func(context.Context, *server.Conn, *connection.Opening) {
		t.Error("the server was asked")
	}), nil)
	require.NoError(t, err)
	for _, test := range []struct{ network, address string }{
		{"tcp", "example.com"}, {"tcp", ":80"}, {"tcp", "example.com:0"}, {"tcp", "example.com:65536"}, {"tcp", "example.com:http"},
		{"tcp", "example.com:-1"}, {"tcp4", "[::1]:80"}, {"tcp6", "127.0.0.1:80"}, {"udp", "example.com:80"},
		{"unix", ""}, {"unix", "a\x00b"}, {"unix", strings.Repeat("a", 109)},
	} {
		_, err := c.DialContext(t.Context(), test.network, test.address)
		require.Error(t, err, "L3 %v", test)
		var e net.Error
		require.ErrorAs(t, err, &e)
	}
}

// A refusal says who refused what, why and what to do about it.
func TestDialError(t *testing.T) {
	for reason, want := range map[channel.Reason]string{
		channel.AdministrativelyProhibited: `client: the server refuses to connect to "db:5432": "no\x1b": it, or the options of the user's key, ` +
			`must permit that (AllowTcpForwarding, AllowStreamLocalForwarding, PermitOpen)`,
		channel.ConnectFailed:      `client: the server cannot connect to "db:5432": "no\x1b": check that something listens there`,
		channel.UnknownChannelType: `client: the server does not know how to connect to "db:5432": "no\x1b": it forwards nothing of that kind`,
		channel.ResourceShortage:   `client: the server has no room for a connection to "db:5432": "no\x1b": close others, or try again later`,
		7:                          `client: the server does not connect to "db:5432": "no\x1b" (reason 7)`,
	} {
		t.Run(reason.String(), func(t *testing.T) {
			c, err := enter(t, connecting(func(_ context.Context, _ *server.Conn, o *connection.Opening) {
				o.Reject(reason, "no\x1b")
			}), nil)
			require.NoError(t, err)
			_, err = c.DialContext(t.Context(), "tcp", "db:5432")
			require.EqualError(t, err, want)
			var refused *client.DialError
			require.ErrorAs(t, err, &refused)
			var open *channel.OpenError
			require.ErrorAs(t, err, &open)
			require.Equal(t, reason, open.Reason)
		})
	}
}

// A server that takes its time does not hold up who has none.
func TestDialContextIsCancelled(t *testing.T) {
	c, err := enter(t, connecting(func(ctx context.Context, _ *server.Conn, _ *connection.Opening) { <-ctx.Done() }), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = c.DialContext(ctx, "tcp", "db:5432")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, `client: connecting to "db:5432" through the server: not done within`)
	require.NoError(t, c.Close())
	_, err = c.DialContext(t.Context(), "tcp", "db:5432")
	require.ErrorIs(t, err, net.ErrClosed)
}

// A Client is the dialer of the next.
func TestJump(t *testing.T) {
	inner := lenient(func(s *server.Session) { fmt.Fprint(s, "inner") })
	inner.HostKeys = []hostkey.Signer{testkeys.ECDSA384()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer inner.Close()
	go inner.Serve(l)
	outer, err := enter(t, connecting(func(ctx context.Context, _ *server.Conn, o *connection.Opening) {
		m, _ := wire.ParseDirectTCPIP(o.Extra)
		nc, err := net.Dial("tcp", net.JoinHostPort(m.Host, fmt.Sprint(m.Port)))
		if err != nil {
			return
		}
		ch, err := o.Accept(channel.Params{})
		if err != nil {
			return
		}
		go io.Copy(nc, ch)
		io.Copy(ch, nc)
	}), nil)
	require.NoError(t, err)
	nc, err := outer.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	c, err := client.New(t.Context(), nc, l.Addr().String(), &client.Config{
		User: "alice", HostKeys: hostkey.Pin(testkeys.ECDSA384().PublicKey()),
		Auth: []userauth.Method{userauth.PublicKey(testkeys.Ed25519())},
	})
	require.NoError(t, err)
	defer c.Close()
	out, err := c.Command("").Output(t.Context())
	require.NoError(t, err)
	require.Equal(t, "inner", string(out))
	require.NoError(t, outer.Close())
	require.ErrorIs(t, c.Wait(), net.ErrClosed, "it goes with the one it came through")
}
