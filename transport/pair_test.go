package transport

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// tcpPair returns the two ends of a TCP connection.
func tcpPair(t testing.TB) (clientEnd, serverEnd net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	clientEnd, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	serverEnd, err = l.Accept()
	require.NoError(t, err)
	return clientEnd, serverEnd
}

func clientConfig() *Config {
	return &Config{Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey()), Host: hostkey.Host{Name: "test:22"}}
}

func serverConfig() *Config { return &Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}} }

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// handshake runs both handshakes over TCP and returns what they returned.
func handshake(t testing.TB, cc, sc *Config) (c, s *Conn, cerr, serr error) {
	t.Helper()
	a, b := tcpPair(t)
	c, s = Client(a, cc), Server(b, sc)
	t.Cleanup(func() { c.Close(); s.Close() })
	var wg sync.WaitGroup
	wg.Go(func() { serr = s.Handshake(testContext(t)) })
	cerr = c.Handshake(testContext(t))
	wg.Wait()
	return c, s, cerr, serr
}

// newPair returns two ends that have exchanged keys and are authenticated.
func newPair(t testing.TB, cc, sc *Config) (c, s *Conn) {
	t.Helper()
	c, s, cerr, serr := handshake(t, cc, sc)
	require.NoError(t, cerr)
	require.NoError(t, serr)
	c.Authenticated()
	s.Authenticated()
	return c, s
}

func otherServerConfig() *Config { return &Config{HostKeys: []hostkey.Signer{testkeys.Ed25519Other()}} }
