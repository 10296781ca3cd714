package transport

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

// reversed returns the methods with the last first.
func reversed() []kex.Method {
	methods := kex.DefaultServer()
	slices.Reverse(methods)
	return methods
}

func TestGuessedKeyExchange(t *testing.T) {
	tests := []struct {
		name   string
		change func(cc, sc *Config)
		inits  int // how many ECDH_INITs the client sends
	}{
		{"RFC 4253 7: right", func(cc, sc *Config) {}, 1},
		{"C7 CVE-2023-1667: the server prefers another method", func(cc, sc *Config) { sc.KeyExchanges = reversed() }, 2},
		{"C7: the server has only another method", func(cc, sc *Config) { sc.KeyExchanges = reversed()[:1] }, 2},
		{"C7: the server prefers another host key", func(cc, sc *Config) {
			sc.HostKeys = []hostkey.Signer{testkeys.RSA2048(), testkeys.Ed25519()}
		}, 2},
		{"no guess", func(cc, sc *Config) { cc.DisableGuess, sc.KeyExchanges = true, reversed() }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			tt.change(cc, sc)
			var sent []wire.Number
			cc.Trace = &Trace{PacketSent: func(_ uint32, p []byte) { sent = append(sent, wire.Number(p[0])) }}
			c, s := newPair(t, cc, sc)
			require.True(t, c.State().StrictKeyExchange)
			exchangeData(t, c, s, 50, 1000)
			c.Close()
			inits := 0
			for _, n := range sent {
				if n == wire.NumberKexECDHInit {
					inits++
				}
			}
			require.Equal(t, tt.inits, inits, "%v", sent)
		})
	}
}

// A dribbler writes one byte at a time, and late.
type dribbler struct{ net.Conn }

func (d dribbler) Write(p []byte) (int, error) {
	for i := range p {
		if i%100 == 0 {
			time.Sleep(time.Millisecond)
		}
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestHandshakeByteByByte(t *testing.T) {
	for _, methods := range [][]kex.Method{kex.DefaultServer(), reversed()} {
		a, b := tcpPair(t)
		sc := serverConfig()
		sc.KeyExchanges = methods
		c, s := Client(dribbler{a}, clientConfig()), Server(dribbler{b}, sc)
		done := make(chan error, 1)
		go func() { done <- s.Handshake(testContext(t)) }()
		require.NoError(t, errors.Join(c.Handshake(testContext(t)), <-done))
		c.Close()
		s.Close()
	}
}

// There is nothing to guess, and nothing to agree on: an error, as for any
// other list.
func TestNoMethods(t *testing.T) {
	cc := clientConfig()
	cc.KeyExchanges = []kex.Method{}
	_, _, err, _ := handshake(t, cc, serverConfig())
	var n *NegotiationError
	if errors.As(err, &n) {
		require.Equal(t, "key exchange", n.What)
		return
	}
	requirePeerReason(t, err, ReasonKeyExchangeFailed) // the server was faster
}

// A silent is a method that neither writes nor reads.
type silent struct{ kex.Method }

func (silent) Client(kex.Conn, *kex.Transcript) (*kex.Result, error) { return &kex.Result{}, nil }

func TestMethodThatReadsNothing(t *testing.T) {
	a, _ := tcpPair(t)
	cc := clientConfig()
	cc.KeyExchanges = []kex.Method{silent{kex.Default()[0]}}
	requireReason(t, Client(a, cc).Handshake(testContext(t)), ReasonKeyExchangeFailed)
}
