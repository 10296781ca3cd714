package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// forwarding is a server that forwards everything, for a user with permissions.
func forwarding(p *hostkey.Permissions) *server.Server {
	srv := accepting(newServer(nothing), (*userauth.Permissions)(p))
	srv.Forwarding = server.Forwarding{
		Open: server.PermitAll, OpenUnix: server.PermitAll, Listen: server.PermitAll, ListenUnix: server.PermitAll,
	}
	return srv
}

// echo is a service that says everything back.
func echo(t *testing.T, network, address string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				io.Copy(nc, nc)
			}()
		}
	}()
	return l.Addr()
}

// direct opens a channel to a host and port.
func (p *peer) direct(host string, port uint32) (*channel.Channel, error) {
	m := wire.DirectTCPIP{Host: host, Port: port, OriginHost: "192.0.2.1", OriginPort: 1234}
	return p.mux.Open(context.Background(), "direct-tcpip", m.Append(nil), channel.Params{})
}

// directUnix opens a channel to a socket.
func (p *peer) directUnix(path string) (*channel.Channel, error) {
	extra := wire.AppendUint32(wire.AppendString(wire.AppendString(nil, path), ""), 0)
	return p.mux.Open(context.Background(), "direct-streamlocal@openssh.com", extra, channel.Params{})
}

// forward asks the server to listen, and returns the port.
func (p *peer) forward(host string, port uint32) (uint32, error) {
	m := wire.TCPIPForward{Address: host, Port: port}
	reply, err := p.mux.Request(context.Background(), "tcpip-forward", m.Append(nil))
	if err != nil || port != 0 {
		return port, err
	}
	answer, err := wire.ParseTCPIPForwardReply(reply)
	return answer.Port, err
}

func (p *peer) forwardUnix(path string) error {
	_, err := p.mux.Request(context.Background(), "streamlocal-forward@openssh.com", wire.AppendString(nil, path))
	return err
}

func (p *peer) cancel(host string, port uint32) error {
	m := wire.CancelTCPIPForward{Address: host, Port: port}
	_, err := p.mux.Request(context.Background(), "cancel-tcpip-forward", m.Append(nil))
	return err
}

func split(t *testing.T, a net.Addr) (string, uint32) {
	host, port, err := net.SplitHostPort(a.String())
	require.NoError(t, err)
	n, err := strconv.ParseUint(port, 10, 16)
	require.NoError(t, err)
	return host, uint32(n)
}

func refusal(t *testing.T, err error) *channel.OpenError {
	t.Helper()
	var refused *channel.OpenError
	require.ErrorAs(t, err, &refused)
	return refused
}

// converse sends through ch, says that there is no more, and reads to the end.
func converse(t *testing.T, nc net.Conn) {
	t.Helper()
	_, err := io.WriteString(nc, "there and back")
	require.NoError(t, err)
	require.NoError(t, nc.(interface{ CloseWrite() error }).CloseWrite())
	require.Equal(t, "there and back", text(nc))
	require.NoError(t, nc.Close())
}

func TestConnect(t *testing.T) {
	p := login(t, forwarding(nil))
	host, port := split(t, echo(t, "tcp", "127.0.0.1:0"))
	ch, err := p.direct(host, port)
	require.NoError(t, err)
	converse(t, ch)
	ch, err = p.direct("localhost", port)
	require.NoError(t, err)
	converse(t, ch)
	path := filepath.Join(t.TempDir(), "socket")
	echo(t, "unix", path)
	ch, err = p.directUnix(path)
	require.NoError(t, err)
	converse(t, ch)
}

// What is no address, and what does not answer.
func TestConnectFails(t *testing.T) {
	var dialed atomic.Int32
	srv := forwarding(nil)
	srv.Forwarding.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	p := login(t, srv)
	open := func(m wire.DirectTCPIP) []byte { return m.Append(nil) }
	for name, extra := range map[string][]byte{
		"RFC 4254 7.2: empty":    nil,
		"RFC 4254 7.2: trailing": append(open(wire.DirectTCPIP{Host: "127.0.0.1", Port: 1}), 0),
		"L2 port 65536":          open(wire.DirectTCPIP{Host: "127.0.0.1", Port: 1 << 16}),
		"L2 port 2^32-1":         open(wire.DirectTCPIP{Host: "127.0.0.1", Port: 1<<32 - 1}),
		"port 0":                 open(wire.DirectTCPIP{Host: "127.0.0.1"}),
		"no host":                open(wire.DirectTCPIP{Port: 80}),
		"host with a NUL":        open(wire.DirectTCPIP{Host: "127.0.0.1\x00.example.com", Port: 80}),
		"host with a line end":   open(wire.DirectTCPIP{Host: "127.0.0.1\n", Port: 80}),
		"host that is a path":    open(wire.DirectTCPIP{Host: "/etc/hosts", Port: 80}),
		"host of 256 bytes":      open(wire.DirectTCPIP{Host: strings.Repeat("a", 256), Port: 80}),
	} {
		_, err := p.mux.Open(context.Background(), "direct-tcpip", extra, channel.Params{})
		require.Equal(t, channel.ConnectFailed, refusal(t, err).Reason, name)
	}
	for name, path := range map[string]string{
		"L3 empty": "", "L3 109 bytes": "/" + strings.Repeat("a", 108), "L3 NUL": "/a\x00b", "L3 not in the file system": "@abstract", "relative": "socket",
	} {
		_, err := p.directUnix(path)
		require.Equal(t, channel.ConnectFailed, refusal(t, err).Reason, name)
	}
	require.Zero(t, dialed.Load())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host, port := split(t, l.Addr())
	require.NoError(t, l.Close())
	_, err = p.direct(host, port)
	require.Equal(t, &channel.OpenError{Reason: channel.ConnectFailed, Message: "connection refused"}, refusal(t, err))
	_, err = p.directUnix(filepath.Join(t.TempDir(), "none"))
	require.Equal(t, "no such file or directory", refusal(t, err).Message)
}

// Reasons that a client is told, and those that it is not.
func TestConnectReasons(t *testing.T) {
	for want, err := range map[string]error{
		"the name is not known": &net.DNSError{Err: "no such host", Name: "secret.internal"},
		"connection timed out":  context.DeadlineExceeded,
		"connect failed":        errors.New("proxy 10.0.0.1 has no route"),
	} {
		srv := forwarding(nil)
		srv.Forwarding.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		_, err := login(t, srv).direct("h", 1)
		require.Equal(t, want, refusal(t, err).Message)
	}
}

// L2, L4: nothing is forwarded unless it is permitted, and each kind takes its
// own permission.
func TestForwardingIsDenied(t *testing.T) {
	host, port := split(t, echo(t, "tcp", "127.0.0.1:0"))
	socket := filepath.Join(t.TempDir(), "socket")
	echo(t, "unix", socket)
	kinds := map[string]struct {
		permit func(*server.Forwarding)
		try    func(*testing.T, *peer) error
	}{
		"direct-tcpip": {
			func(f *server.Forwarding) { f.Open = server.PermitAll },
			func(_ *testing.T, p *peer) error { _, err := p.direct(host, port); return err },
		},
		"direct-streamlocal": {
			func(f *server.Forwarding) { f.OpenUnix = server.PermitAll },
			func(_ *testing.T, p *peer) error { _, err := p.directUnix(socket); return err },
		},
		"tcpip-forward": {
			func(f *server.Forwarding) { f.Listen = server.PermitAll },
			func(_ *testing.T, p *peer) error { _, err := p.forward("localhost", 0); return err },
		},
		"streamlocal-forward": {
			func(f *server.Forwarding) { f.ListenUnix = server.PermitAll },
			func(t *testing.T, p *peer) error { return p.forwardUnix(filepath.Join(t.TempDir(), "s")) },
		},
	}
	for permitted := range kinds {
		t.Run(permitted, func(t *testing.T) {
			srv := forwarding(nil)
			srv.Forwarding = server.Forwarding{}
			kinds[permitted].permit(&srv.Forwarding)
			p := login(t, srv)
			for name, kind := range kinds {
				err := kind.try(t, p)
				if name == permitted {
					require.NoError(t, err, name)
					continue
				}
				require.Error(t, err, name)
				if refused, ok := err.(*channel.OpenError); ok {
					require.Equal(t, channel.AdministrativelyProhibited, refused.Reason)
				}
			}
			require.Error(t, p.cancel("localhost", 1))
		})
	}
	t.Run("no-port-forwarding", func(t *testing.T) {
		p := login(t, forwarding(&hostkey.Permissions{}))
		for name, kind := range kinds {
			require.Error(t, kind.try(t, p), name)
		}
	})
	t.Run("permitopen and permitlisten", func(t *testing.T) {
		p := login(t, forwarding(&hostkey.Permissions{
			Extensions:      map[string]string{hostkey.PermitPortForwarding: ""},
			CriticalOptions: map[string]string{hostkey.PermitOpen: net.JoinHostPort(host, fmt.Sprint(port)), hostkey.PermitListen: "localhost:*"},
		}))
		_, err := p.direct(host, port)
		require.NoError(t, err)
		_, err = p.direct("localhost", port)
		require.Equal(t, channel.AdministrativelyProhibited, refusal(t, err).Reason)
		_, err = p.forward("localhost", 0)
		require.NoError(t, err)
		_, err = p.forward("", 0)
		require.ErrorIs(t, err, connection.ErrRefused)
		require.Error(t, p.forwardUnix(filepath.Join(t.TempDir(), "s")))
	})
}

// L2: what a policy is asked, for each channel.
func TestPermitIsAsked(t *testing.T) {
	asked := make(chan server.Endpoint, 1)
	permit := func(_ context.Context, c *server.Conn, e server.Endpoint) bool {
		require.Equal(t, "alice", c.User())
		asked <- e
		return false
	}
	srv := forwarding(nil)
	srv.Forwarding = server.Forwarding{Open: permit, OpenUnix: permit, Listen: permit, ListenUnix: permit}
	p := login(t, srv)
	p.direct("h", 80)
	require.Equal(t, server.Endpoint{Network: "tcp", Host: "h", Port: 80, Origin: "192.0.2.1:1234"}, <-asked)
	p.directUnix("/s")
	require.Equal(t, server.Endpoint{Network: "unix", Path: "/s"}, <-asked)
	p.forward("", 81)
	require.Equal(t, server.Endpoint{Network: "tcp", Port: 81}, <-asked)
	p.forwardUnix("/s")
	require.Equal(t, server.Endpoint{Network: "unix", Path: "/s"}, <-asked)
}

// A connection that is being made ends with the one it is for, or in time.
func TestConnectEnds(t *testing.T) {
	causes := make(chan error, 1)
	srv := forwarding(nil)
	srv.Forwarding.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		causes <- ctx.Err()
		return nil, ctx.Err()
	}
	p := login(t, srv)
	go p.direct("192.0.2.1", 80)
	require.Eventually(t, func() bool { return p.conn.Close() == nil }, time.Second, time.Millisecond)
	select {
	case err := <-causes:
		require.ErrorIs(t, err, context.Canceled)
	case <-p.served: // before it came to the dial
	}
	srv.Forwarding.DialTimeout = time.Millisecond
	_, err := login(t, srv).direct("192.0.2.1", 80)
	require.Equal(t, "connection timed out", refusal(t, err).Message)
	require.ErrorIs(t, <-causes, context.DeadlineExceeded)
}

// So many connections and listeners, and no more, until some have ended.
func TestForwardingIsLimited(t *testing.T) {
	srv := forwarding(nil)
	srv.Forwarding.MaxConnections = 3
	p := login(t, srv)
	host, port := split(t, echo(t, "tcp", "127.0.0.1:0"))
	var open []*channel.Channel
	for range 3 {
		ch, err := p.direct(host, port)
		require.NoError(t, err)
		open = append(open, ch)
	}
	_, err := p.direct(host, port)
	require.Equal(t, channel.ResourceShortage, refusal(t, err).Reason)
	require.NoError(t, open[0].Close())
	require.Eventually(t, func() bool {
		_, err := p.direct(host, port)
		return err == nil
	}, 5*time.Second, time.Millisecond)

	var first uint32
	for i := range 21 { // L5
		n, err := p.forward("localhost", 0)
		if i == 20 {
			require.ErrorIs(t, err, connection.ErrRefused, "L5 10,000 listeners")
			break
		}
		require.NoError(t, err)
		first = n
	}
	require.NoError(t, p.cancel("localhost", first))
	_, err = p.forward("localhost", first)
	require.NoError(t, err)
}

func TestListen(t *testing.T) {
	p := login(t, forwarding(nil))
	port, err := p.forward("127.0.0.1", 0)
	require.NoError(t, err)
	require.NotZero(t, port)
	at := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
	_, err = p.forward("127.0.0.1", port)
	require.ErrorIs(t, err, connection.ErrRefused, "L5 duplicate")
	nc, err := net.Dial("tcp", at)
	require.NoError(t, err)
	o, err := p.mux.Accept(t.Context())
	require.NoError(t, err)
	require.Equal(t, "forwarded-tcpip", o.Type)
	m, err := wire.ParseForwardedTCPIP(o.Extra)
	require.NoError(t, err)
	from, fromPort := split(t, nc.LocalAddr())
	require.Equal(t, wire.ForwardedTCPIP{Address: "127.0.0.1", Port: port, OriginHost: from, OriginPort: fromPort}, m, "RFC 4254, section 7.2")
	ch, err := o.Accept(channel.Params{})
	require.NoError(t, err)
	go io.Copy(ch, ch)
	require.ErrorIs(t, p.cancel("localhost", port), connection.ErrRefused, "L5 cancel of another")
	require.NoError(t, p.cancel("127.0.0.1", port))
	require.ErrorIs(t, p.cancel("127.0.0.1", port), connection.ErrRefused, "L5 cancel of an unknown one")
	_, err = net.Dial("tcp", at)
	require.Error(t, err)
	_, err = io.WriteString(nc, "x")
	require.NoError(t, err)
	_, err = io.ReadFull(nc, make([]byte, 1))
	require.NoError(t, err, "a connection that is there lives on")
	require.NoError(t, nc.Close())

	// A client that does not want it after all.
	port, err = p.forward("127.0.0.1", 0)
	require.NoError(t, err)
	nc, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
	require.NoError(t, err)
	o, err = p.mux.Accept(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.Reject(channel.ConnectFailed, "no"))
	_, err = nc.Read(make([]byte, 1))
	require.Error(t, err)

	// Listeners end with the connection.
	require.NoError(t, p.conn.Close())
	<-p.served
	_, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
	require.Error(t, err)
}

func TestListenRefuses(t *testing.T) {
	p := login(t, forwarding(nil))
	for name, payload := range map[string][]byte{
		"RFC 4254 7.1: empty": nil, "RFC 4254 7.1: trailing": append(wire.AppendUint32(wire.AppendString(nil, "localhost"), 0), 0),
		"L2 port 65536": wire.AppendUint32(wire.AppendString(nil, "localhost"), 1<<16), "host of 256 bytes": wire.AppendUint32(wire.AppendString(nil, strings.Repeat("a", 256)), 0),
	} {
		_, err := p.mux.Request(t.Context(), "tcpip-forward", payload)
		require.ErrorIs(t, err, connection.ErrRefused, name)
		_, err = p.mux.Request(t.Context(), "cancel-tcpip-forward", payload)
		require.ErrorIs(t, err, connection.ErrRefused, name)
	}
	for name, path := range map[string]string{"L3 empty": "", "L3 NUL": "/tmp/a\x00", "L3 abstract": "@a", "relative": "a", "no directory": "/nonesuch/s"} {
		require.ErrorIs(t, p.forwardUnix(path), connection.ErrRefused, name)
	}
}

// Which addresses a client gets: those of channel_fwd_bind_addr in OpenSSH.
func TestGatewayPorts(t *testing.T) {
	reach := func(ip string, port uint32) bool {
		nc, err := net.DialTimeout("tcp", net.JoinHostPort(ip, fmt.Sprint(port)), 5*time.Second)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}
	const other = "127.0.0.2" // is of this machine, and nobody listens at it who means the loopback
	for _, test := range []struct {
		policy server.GatewayPorts
		host   string
		other  bool
	}{
		{server.LoopbackOnly, "", false}, {server.LoopbackOnly, "0.0.0.0", false}, {server.LoopbackOnly, "192.0.2.1", false},
		{server.LoopbackOnly, "localhost", false}, {server.LoopbackOnly, "127.0.0.1", false},
		{server.AllAddresses, "", true}, {server.AllAddresses, "localhost", true}, {server.AllAddresses, "127.0.0.1", true},
		{server.ClientSpecified, "", true}, {server.ClientSpecified, "*", true}, {server.ClientSpecified, "0.0.0.0", true},
		{server.ClientSpecified, "localhost", false}, {server.ClientSpecified, "127.0.0.1", false},
	} {
		t.Run(fmt.Sprint(test.policy, " ", test.host), func(t *testing.T) {
			srv := forwarding(nil)
			srv.Forwarding.GatewayPorts = test.policy
			port, err := login(t, srv).forward(test.host, 0)
			require.NoError(t, err)
			require.True(t, reach("127.0.0.1", port))
			require.Equal(t, test.other, reach(other, port))
		})
	}
	srv := forwarding(nil)
	srv.Forwarding.GatewayPorts = server.ClientSpecified
	_, err := login(t, srv).forward("192.0.2.1", 0)
	require.ErrorIs(t, err, connection.ErrRefused, "not an address of this machine")
}

func TestListenUnix(t *testing.T) {
	srv := forwarding(nil)
	p := login(t, srv)
	path := filepath.Join(t.TempDir(), "socket")
	require.NoError(t, p.forwardUnix(path))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode(), "StreamLocalBindMask 0177")
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1)
	require.ErrorIs(t, p.forwardUnix(path), connection.ErrRefused, "L5 duplicate")
	nc, err := net.Dial("unix", path)
	require.NoError(t, err)
	o, err := p.mux.Accept(t.Context())
	require.NoError(t, err)
	require.Equal(t, "forwarded-streamlocal@openssh.com", o.Type)
	require.Equal(t, wire.AppendString(wire.AppendString(nil, path), ""), o.Extra, "PROTOCOL 2.4")
	ch, err := o.Accept(channel.Params{})
	require.NoError(t, err)
	go func() { io.Copy(ch, ch); ch.CloseWrite() }()
	converse(t, nc)
	_, err = p.mux.Request(t.Context(), "cancel-streamlocal-forward@openssh.com", wire.AppendString(nil, path))
	require.NoError(t, err)
	require.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	require.ErrorIs(t, p.forwardUnix(path), connection.ErrRefused)
	require.FileExists(t, path)
	srv = forwarding(nil)
	srv.Forwarding.UnlinkSocket, srv.Forwarding.SocketMode = true, 0o660
	p = login(t, srv)
	require.NoError(t, p.forwardUnix(path))
	info, err = os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o660, info.Mode())
	require.NoError(t, p.conn.Close())
	<-p.served
	require.NoFileExists(t, path)
}

// Shutdown waits for what is forwarded, and takes no more of it.
func TestShutdownAndForwarding(t *testing.T) {
	srv := forwarding(nil)
	p := login(t, srv)
	host, port := split(t, echo(t, "tcp", "127.0.0.1:0"))
	ch, err := p.direct(host, port)
	require.NoError(t, err)
	at, err := p.forward("127.0.0.1", 0)
	require.NoError(t, err)
	down := make(chan error)
	go func() { down <- srv.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		early, err := p.direct(host, port)
		if err == nil {
			early.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond)
	nc, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(at)))
	require.NoError(t, err)
	_, err = nc.Read(make([]byte, 1))
	require.Error(t, err)
	converse(t, ch)
	require.NoError(t, <-down)
}

// Connections in their hundreds, of which each gets what it sent.
func TestManyForwarded(t *testing.T) {
	p := login(t, forwarding(nil))
	host, port := split(t, echo(t, "tcp", "127.0.0.1:0"))
	var all sync.WaitGroup
	var failed atomic.Int32
	for i := range 400 {
		all.Go(func() {
			ch, err := p.direct(host, port)
			if err != nil {
				failed.Add(1)
				return
			}
			defer ch.Close()
			fmt.Fprint(ch, i)
			ch.CloseWrite()
			if text(ch) != fmt.Sprint(i) {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	require.Zero(t, failed.Load())
}
