package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// forwarding is a server that forwards everything.
func forwarding() *server.Server {
	srv := lenient(func(s *server.Session) { <-s.Context().Done() })
	srv.Forwarding = server.Forwarding{
		Open: server.PermitAll, OpenUnix: server.PermitAll, Listen: server.PermitAll, ListenUnix: server.PermitAll,
	}
	return srv
}

func TestListenIsAListener(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "socket")
			}
			c, err := enter(t, forwarding(), nil)
			require.NoError(t, err)
			l, err := c.Listen(t.Context(), network, address)
			require.NoError(t, err)
			require.Equal(t, network, l.Addr().Network())
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				other, err := net.Dial(network, l.Addr().String())
				if err != nil {
					return nil, nil, nil, err
				}
				near, err := l.Accept()
				if err != nil {
					return nil, nil, nil, err
				}
				return near, other, func() { near.Close(); other.Close() }, nil
			})
			require.NoError(t, l.Close())
			_, err = net.Dial(network, l.Addr().String())
			require.Error(t, err, "the server does not listen any more")
			require.NoError(t, l.Close())
		})
	}
}

// Who has connected, and where to.
func TestListenAddresses(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NotEqual(t, "0", port)
	require.Equal(t, "localhost:"+port, l.Addr().String())
	other, err := net.Dial("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	defer other.Close()
	nc, err := l.Accept()
	require.NoError(t, err)
	defer nc.Close()
	require.Equal(t, other.LocalAddr().String(), nc.RemoteAddr().String())
	require.IsType(t, &net.TCPAddr{}, nc.RemoteAddr())
	require.Equal(t, l.Addr(), nc.LocalAddr())
	all, err := c.Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(all.Addr().String(), "[::]:"), "%v", all.Addr())
	path := filepath.Join(t.TempDir(), "socket")
	u, err := c.ListenUnix(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, &net.UnixAddr{Net: "unix", Name: path}, u.Addr())
}

func TestListenRefusesAddresses(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	for _, test := range []struct{ network, address string }{
		{"tcp", "localhost"}, {"tcp", "localhost:http"}, {"tcp", "localhost:65536"}, {"tcp4", "[::1]:0"}, {"udp", "localhost:0"},
		{"unix", ""}, {"unix", strings.Repeat("a", 109)}, {"tcp", strings.Repeat("a", 600) + ":0"},
	} {
		_, err := c.Listen(t.Context(), test.network, test.address)
		require.Error(t, err, "L3 %v", test)
	}
}

func TestListenDeadline(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	limited := l.(interface{ SetDeadline(time.Time) error })
	require.NoError(t, limited.SetDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = l.Accept()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, limited.SetDeadline(time.Time{}))
	other, err := net.Dial("tcp", strings.Replace(l.Addr().String(), "localhost", "127.0.0.1", 1))
	require.NoError(t, err)
	defer other.Close()
	nc, err := l.Accept()
	require.NoError(t, err)
	nc.Close()
	require.NoError(t, limited.SetDeadline(time.Now().Add(time.Hour)))
	closed := make(chan error)
	go func() {
		_, err := l.Accept()
		closed <- err
	}()
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-closed, net.ErrClosed)
	require.ErrorIs(t, limited.SetDeadline(time.Now()), net.ErrClosed)
}

// A listener ends with the Client, and there is none after it.
func TestListenEndsWithTheClient(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-ended, net.ErrClosed)
	_, err = c.Listen(t.Context(), "tcp", "localhost:0")
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, l.Close())
}

func TestListenError(t *testing.T) {
	srv := forwarding()
	srv.Forwarding = server.Forwarding{}
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	_, err = c.Listen(t.Context(), "tcp", "localhost:80")
	require.EqualError(t, err, `client: the server refuses to listen on "localhost:80": somebody else does, or it, or the options of the user's key, `+
		`must permit that (AllowTcpForwarding, PermitListen and, for other addresses than the loopback, GatewayPorts; ports below 1024 are root's)`)
	var refused *client.ListenError
	require.ErrorAs(t, err, &refused)
	require.ErrorIs(t, err, connection.ErrRefused)
	_, err = c.ListenUnix(t.Context(), "/s")
	require.ErrorContains(t, err, "AllowStreamLocalForwarding")
	other, err := enter(t, srv, func(c *client.Config) { c.Mux.Opens = 1 })
	require.NoError(t, err)
	_, err = other.Listen(t.Context(), "tcp", "localhost:0")
	require.ErrorIs(t, err, client.ErrListen)
}

type requestFunc = func(context.Context, *server.Conn, *connection.Request)

// listening is a server that has f answer requests to listen.
func listening(f requestFunc) *server.Server {
	srv := lenient(func(*server.Session) {})
	srv.Requests = map[string]requestFunc{"tcpip-forward": f, "streamlocal-forward@openssh.com": f}
	return srv
}

// arrive has a connection arrive at address and port.
func arrive(c *server.Conn, address string, port uint32) (*channel.Channel, error) {
	m := wire.ForwardedTCPIP{Address: address, Port: port, OriginHost: "192.0.2.9", OriginPort: 1000}
	return c.Mux().Open(context.Background(), "forwarded-tcpip", m.Append(nil), channel.Params{})
}

func prohibited(t *testing.T, err error, why string) {
	t.Helper()
	var refused *channel.OpenError
	require.ErrorAs(t, err, &refused, why)
	require.Equal(t, channel.AdministrativelyProhibited, refused.Reason, why)
}

// Servers that hand over what nobody asked for.
func TestArrivalsMustBeExpected(t *testing.T) {
	conns := make(chan *server.Conn, 1)
	c, err := enter(t, listening(func(_ context.Context, c *server.Conn, r *connection.Request) {
		r.Reply(true, nil)
		conns <- c
	}), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:8080")
	require.NoError(t, err)
	conn := <-conns
	for _, test := range []struct {
		name, address string
		port          uint32
	}{
		{"K16 other port", "localhost", 8081}, {"K16 other name of the address", "127.0.0.1", 8080}, {"K16 no address", "", 8080},
		{"K16 port that would be right, cut short", "localhost", 8080 + 1<<16}, {"K16 long address", strings.Repeat("a", 2000), 8080},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := arrive(conn, test.address, test.port)
			prohibited(t, err, test.name)
		})
	}
	for name, extra := range map[string]string{"empty": "", "cut short": "\x00\x00\x00\x09localhost\x00\x00", "with more": "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00x"} {
		_, err := conn.Mux().Open(t.Context(), "forwarded-tcpip", []byte(extra), channel.Params{})
		prohibited(t, err, name)
	}
	_, err = conn.Mux().Open(t.Context(), "forwarded-streamlocal@openssh.com", wire.AppendString(wire.AppendString(nil, "/socket"), ""), channel.Params{})
	prohibited(t, err, "K16 a socket")
	opened := make(chan error, 1)
	go func() {
		_, err := arrive(conn, "localhost", 8080)
		opened <- err
	}()
	nc, err := l.Accept()
	require.NoError(t, err)
	require.Equal(t, "192.0.2.9:1000", nc.RemoteAddr().String())
	require.NoError(t, <-opened)
	require.NoError(t, l.Close())
	_, err = arrive(conn, "localhost", 8080)
	prohibited(t, err, "K16 it is closed")
}

// The backlog has an end, and those in it are refused when the listener closes.
func TestBacklog(t *testing.T) {
	conns := make(chan *server.Conn, 1)
	c, err := enter(t, listening(func(_ context.Context, c *server.Conn, r *connection.Request) {
		r.Reply(true, nil)
		conns <- c
	}), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:8080")
	require.NoError(t, err)
	conn := <-conns
	reasons := make(chan channel.Reason, 300)
	for range 300 {
		go func() {
			_, err := arrive(conn, "localhost", 8080)
			if refused, ok := err.(*channel.OpenError); ok {
				reasons <- refused.Reason
			}
		}()
	}
	for range 300 - 256 {
		require.Equal(t, channel.ResourceShortage, <-reasons)
	}
	require.NoError(t, l.Close())
	for range 256 {
		require.Equal(t, channel.AdministrativelyProhibited, <-reasons)
	}
}

// Connections that come before the client has seen the answer to its request.
func TestEarlyArrivals(t *testing.T) {
	others, sent := make(chan error, 1), make(chan bool, 2)
	srv := listening(func(_ context.Context, c *server.Conn, r *connection.Request) {
		var all sync.WaitGroup
		all.Go(func() { arrive(c, "localhost", 4000) })
		all.Go(func() {
			_, err := arrive(c, "localhost", 4001)
			others <- err
		})
		<-sent
		<-sent
		m := wire.TCPIPForwardReply{Port: 4000}
		r.Reply(true, m.Append(nil))
		all.Wait()
	})
	srv.Transport.Trace = &transport.Trace{PacketSent: func(_ uint32, payload []byte) {
		if wire.Number(payload[0]) == wire.NumberChannelOpen {
			sent <- true
		}
	}}
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	nc, err := l.Accept()
	require.NoError(t, err)
	require.Equal(t, "localhost:4000", nc.LocalAddr().String())
	prohibited(t, <-others, "K16 the port is another's")
}

// Servers whose answers make no sense.
func TestListenAnswers(t *testing.T) {
	for name, reply := range map[string]string{"no port": "", "port 0": "\x00\x00\x00\x00", "L2 port too large": "\x00\x01\x00\x00", "trailing": "\x00\x00\x00\x01\x00"} {
		t.Run(name, func(t *testing.T) {
			c, err := enter(t, listening(func(_ context.Context, _ *server.Conn, r *connection.Request) { r.Reply(true, []byte(reply)) }), nil)
			require.NoError(t, err)
			_, err = c.Listen(t.Context(), "tcp", "localhost:0")
			require.ErrorContains(t, err, "does not say which port")
		})
	}
	c, err := enter(t, listening(func(_ context.Context, _ *server.Conn, r *connection.Request) { r.Reply(true, []byte{0, 0, 0, 7}) }), nil)
	require.NoError(t, err)
	_, err = c.Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	_, err = c.Listen(t.Context(), "tcp", "localhost:0")
	require.ErrorContains(t, err, "where it did before")
}

// A request that nobody waits for any more is taken back.
func TestListenIsCancelled(t *testing.T) {
	asked, answer, cancelled := make(chan *connection.Request, 1), make(chan bool), make(chan wire.CancelTCPIPForward, 1)
	srv := listening(func(_ context.Context, _ *server.Conn, r *connection.Request) {
		asked <- r
		<-answer
		m := wire.TCPIPForwardReply{Port: 4000}
		r.Reply(true, m.Append(nil))
	})
	srv.Requests["cancel-tcpip-forward"] = func(_ context.Context, _ *server.Conn, r *connection.Request) {
		m, _ := wire.ParseCancelTCPIPForward(r.Payload)
		cancelled <- m
	}
	c, err := enter(t, srv, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := c.Listen(ctx, "tcp", "localhost:0")
		result <- err
	}()
	<-asked
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	answer <- true
	require.Equal(t, wire.CancelTCPIPForward{Address: "localhost", Port: 4000}, <-cancelled)
}

// net/http serves on a listener, and its client dials through a Client.
func TestHTTP(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.URL.Path) })}
	go web.Serve(l)
	get := &http.Client{Transport: &http.Transport{DialContext: c.DialContext}}
	for i := range 5 {
		resp, err := get.Get(fmt.Sprintf("http://%s/%d", l.Addr(), i))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, fmt.Sprintf("hello /%d", i), string(body))
	}
	get.CloseIdleConnections()
	require.NoError(t, web.Shutdown(t.Context()))
}

// What a websocket does: a connection that changes its protocol, and is taken
// over with what had been read of it (golang/go#67152, #68621).
func TestUpgrade(t *testing.T) {
	c, err := enter(t, forwarding(), nil)
	require.NoError(t, err)
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nc, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(nc, rw)
	})}
	defer web.Close()
	go web.Serve(l)
	request, err := http.NewRequest("GET", "http://"+l.Addr().String(), nil)
	require.NoError(t, err)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "echo")
	transport := &http.Transport{DialContext: c.DialContext}
	resp, err := transport.RoundTrip(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	rw := resp.Body.(io.ReadWriteCloser)
	for _, message := range []string{"one", "two"} {
		_, err := io.WriteString(rw, message)
		require.NoError(t, err)
		got := make([]byte, len(message))
		_, err = io.ReadFull(rw, got)
		require.NoError(t, err)
		require.Equal(t, message, string(got))
	}
	require.NoError(t, rw.Close())
}
