//go:build !race

// The race detector makes sync.Pool forget, so that what is pooled is allocated.

package client_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
)

// muxes returns two ends of the connection protocol over a transport that is
// protected by mode, on a TCP connection.
func muxes(t *testing.T, mode cipher.Mode) (c, s *connection.Mux) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	b, err := l.Accept()
	require.NoError(t, err)
	ciphers := []cipher.Mode{mode}
	ct := transport.Client(a, &transport.Config{Ciphers: ciphers, Verifier: hostkey.Pin(testkeys.Ed25519().PublicKey())})
	st := transport.Server(b, &transport.Config{Ciphers: ciphers, HostKeys: []hostkey.Signer{testkeys.Ed25519()}})
	t.Cleanup(func() { ct.Close(); st.Close() })
	done := make(chan error, 1)
	go func() { done <- st.Handshake(t.Context()) }()
	require.NoError(t, errors.Join(ct.Handshake(t.Context()), <-done))
	ct.Authenticated()
	st.Authenticated()
	c, s = connection.New(ct, nil), connection.New(st, &connection.Config{Opens: 1})
	go c.Serve()
	go s.Serve()
	return c, s
}

// A packet is framed, sealed, written, read, opened, delivered to a channel
// and read from it without allocating.
func TestDataDoesNotAllocate(t *testing.T) {
	for _, mode := range cipher.Default() {
		t.Run(mode.Name, func(t *testing.T) {
			c, s := muxes(t, mode)
			received := make(chan *channel.Channel)
			go func() {
				o, err := s.Accept(t.Context())
				if err != nil {
					t.Error(err)
				}
				ch, err := o.Accept(channel.Params{})
				if err != nil {
					t.Error(err)
				}
				received <- ch
			}()
			w, err := c.Open(t.Context(), "test", nil, channel.Params{})
			require.NoError(t, err)
			r := <-received
			for _, size := range []int{1, 32 << 10} {
				p, q := make([]byte, size), make([]byte, size)
				require.Zero(t, testing.AllocsPerRun(2000, func() {
					w.Write(p)
					io.ReadFull(r, q)
				}), "%d bytes", size)
			}
		})
	}
}
