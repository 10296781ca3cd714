package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// testMessage is the number of the messages these tests send: one of the
// layers above.
const testMessage = byte(wire.NumberChannelData)

// send writes n messages of random sizes and returns the hash of them all.
func send(t *testing.T, c *Conn, n, most int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), uint64(most)))
	h := sha256.New()
	p := make([]byte, most)
	for i := range n {
		size := 8 + r.IntN(most-7)
		p[0] = testMessage
		binary.BigEndian.PutUint32(p[1:], uint32(i))
		for j := 8; j < size; j += 97 {
			p[j] = byte(r.Uint32())
		}
		h.Write(p[:size])
		if err := c.WritePacket(p[:3], p[3:size]); err != nil {
			t.Errorf("packet %d: %v", i, err)
			return nil
		}
	}
	return h.Sum(nil)
}

// receive reads n messages and returns their hash. Like a mux, it goes on
// reading until the connection ends.
func receive(t *testing.T, c *Conn, n int) []byte {
	h := sha256.New()
	for i := range n {
		p, err := c.ReadPacket()
		if err != nil {
			t.Errorf("packet %d: %v", i, err)
			return nil
		}
		if got := binary.BigEndian.Uint32(p[1:]); got != uint32(i) {
			t.Errorf("packet %d came as %d", got, i)
			return nil
		}
		h.Write(p)
	}
	go orNextError(c, nil)
	return h.Sum(nil)
}

// exchangeData sends n messages each way at once and compares what arrives.
func exchangeData(t *testing.T, c, s *Conn, n, most int) {
	t.Helper()
	var sent, got [2][]byte
	var wg sync.WaitGroup
	for i, end := range []*Conn{c, s} {
		wg.Go(func() { sent[i] = send(t, end, n, most) })
		wg.Go(func() { got[1-i] = receive(t, end, n) })
	}
	wg.Wait()
	require.Equal(t, sent, got)
}

func TestEveryAlgorithm(t *testing.T) {
	run := func(name string, change func(*Config)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cc, sc := clientConfig(), serverConfig()
			change(cc)
			c, s := newPair(t, cc, sc)
			require.True(t, c.State().StrictKeyExchange)
			require.Equal(t, c.State().SessionID, s.State().SessionID)
			require.Equal(t, c.State().Send, s.State().Recv)
			exchangeData(t, c, s, 300, 40_000)
		})
	}
	for _, m := range kex.DefaultServer() {
		run(m.Name(), func(config *Config) { config.KeyExchanges = []kex.Method{m} })
	}
	for _, mode := range cipher.Default() {
		if mode.AEAD {
			run(mode.Name, func(config *Config) { config.Ciphers = []cipher.Mode{mode} })
			continue
		}
		for _, algorithm := range mac.Default() {
			run(mode.Name+" "+algorithm.Name, func(config *Config) {
				config.Ciphers, config.MACs = []cipher.Mode{mode}, []mac.Algorithm{algorithm}
			})
		}
	}
}

func TestEveryHostKey(t *testing.T) {
	keys := []hostkey.Signer{testkeys.Ed25519(), testkeys.ECDSA256(), testkeys.ECDSA384(), testkeys.ECDSA521(), testkeys.RSA2048()}
	for _, key := range keys {
		for _, algorithm := range key.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				c, _ := newPair(t, &Config{Verifier: hostkey.Pin(key.PublicKey()), HostKeyAlgorithms: []string{algorithm}}, &Config{HostKeys: keys})
				require.Equal(t, algorithm, c.State().HostKeyAlgorithm)
			})
		}
	}
}

func TestRekey(t *testing.T) {
	tests := []struct {
		name    string
		cc, sc  RekeyPolicy
		n, most int
	}{
		{"RFC 4253 9: by bytes, client", RekeyPolicy{Bytes: 64 << 10}, RekeyPolicy{}, 400, 32 << 10},
		{"RFC 4253 9: by bytes, server", RekeyPolicy{}, RekeyPolicy{Bytes: 64 << 10}, 400, 32 << 10},
		{"RFC 4253 9: by bytes, both at once", RekeyPolicy{Bytes: 64 << 10}, RekeyPolicy{Bytes: 64 << 10}, 400, 32 << 10},
		{"RFC 4344 3.1: by packets", RekeyPolicy{Packets: 10}, RekeyPolicy{Packets: 10}, 300, 100},
		{"F7: every 16 bytes, both", RekeyPolicy{Bytes: 16}, RekeyPolicy{Bytes: 16}, 100, 100},
		{"RFC 4253 9: by time", RekeyPolicy{Interval: time.Millisecond}, RekeyPolicy{}, 3000, 20_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cc, sc := clientConfig(), serverConfig()
			cc.Rekey, sc.Rekey = tt.cc, tt.sc
			c, s := newPair(t, cc, sc)
			id := c.State().SessionID
			exchangeData(t, c, s, tt.n, tt.most)
			require.Greater(t, c.State().KeyExchangesFinished, 1)
			require.Equal(t, id, c.State().SessionID, "F6: the session id is the first H")
		})
	}
}

func TestRekeyFromBothSidesAtOnce(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, end := range []*Conn{c, s} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Microsecond):
					end.Rekey()
				}
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	exchangeData(t, c, s, 3000, 10_000)
	require.Greater(t, c.State().KeyExchangesFinished, 2, "F3")
}

func TestRekeyRing(t *testing.T) {
	// B6: every protection must be able to follow every other.
	var all []Config
	for _, mode := range cipher.Default() {
		for _, algorithm := range mac.Default() {
			all = append(all, Config{Ciphers: []cipher.Mode{mode}, MACs: []mac.Algorithm{algorithm}})
			if mode.AEAD {
				break
			}
		}
	}
	cc, sc := clientConfig(), serverConfig()
	c, s := newPair(t, cc, sc)
	go func() {
		for {
			p, err := s.ReadPacket()
			if err != nil || s.Enqueue(p) != nil {
				return
			}
		}
	}()
	for round := range 3 {
		for i := range all {
			next := &all[(i*(round+1)+round)%len(all)]
			c.config.Ciphers, c.config.MACs = next.Ciphers, next.MACs
			done := c.State().KeyExchangesFinished
			require.NoError(t, c.Rekey())
			for c.State().KeyExchangesFinished == done {
				require.NoError(t, c.Enqueue([]byte{testMessage, 1, 2, 3}))
				p, err := c.ReadPacket()
				require.NoError(t, err)
				require.Equal(t, []byte{testMessage, 1, 2, 3}, p)
			}
			require.Equal(t, next.Ciphers[0].Name, c.State().Send.Cipher)
		}
	}
}

func TestServices(t *testing.T) {
	t.Run("RFC 4253 10: accepted", func(t *testing.T) {
		c, s, cerr, serr := handshake(t, clientConfig(), serverConfig())
		require.NoError(t, errors.Join(cerr, serr))
		require.NoError(t, c.RequestService("ssh-userauth"))
		require.NoError(t, c.Enqueue([]byte{50, 1}))
		name, err := s.AcceptService("ssh-connection", "ssh-userauth")
		require.NoError(t, err)
		require.Equal(t, "ssh-userauth", name)
		p, err := s.ReadPacket()
		require.NoError(t, err)
		require.Equal(t, []byte{50, 1}, p)
		require.NoError(t, s.Enqueue([]byte{51, 2}))
		p, err = c.ReadPacket()
		require.NoError(t, err)
		require.Equal(t, []byte{51, 2}, p)
	})
	t.Run("H13: another service", func(t *testing.T) {
		c, s, _, _ := handshake(t, clientConfig(), serverConfig())
		require.NoError(t, c.RequestService("ssh-connection"))
		_, err := s.AcceptService("ssh-userauth")
		requireReason(t, err, ReasonServiceNotAvailable)
		_, err = c.ReadPacket()
		requirePeerReason(t, err, ReasonServiceNotAvailable)
	})
	t.Run("E10: messages before the service was accepted", func(t *testing.T) {
		c, s, _, _ := handshake(t, clientConfig(), serverConfig())
		require.NoError(t, c.RequestService("ssh-userauth"))
		require.NoError(t, s.Enqueue([]byte{52}))
		_, err := c.ReadPacket()
		requireReason(t, err, ReasonProtocolError)
	})
	t.Run("E9: SERVICE_ACCEPT to a server", func(t *testing.T) {
		c, s, _, _ := handshake(t, clientConfig(), serverConfig())
		m := wire.ServiceAccept{Name: "ssh-userauth"}
		require.NoError(t, c.Enqueue(m.Append(nil)))
		_, err := s.AcceptService("ssh-userauth")
		requireReason(t, err, ReasonProtocolError)
	})
}

func requireReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var local *Error
	require.ErrorAs(t, err, &local)
	require.Equal(t, want, local.Reason, "%v", err)
	require.ErrorIs(t, err, net.ErrClosed)
}

func requirePeerReason(t *testing.T, err error, want Reason) {
	t.Helper()
	var peer *DisconnectError
	require.ErrorAs(t, err, &peer)
	require.Equal(t, want, peer.Reason, "%v", err)
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestExtensions(t *testing.T) {
	announcing := serverConfig()
	announcing.Announce = []wire.Extension{{Name: "more@example.com", Value: []byte("1")}}
	c, s := newPair(t, clientConfig(), announcing)
	require.NoError(t, s.Enqueue([]byte{testMessage}))
	_, err := c.ReadPacket()
	require.NoError(t, err)
	state := c.State()
	require.Equal(t, []byte("1"), state.Extensions["more@example.com"])
	require.Equal(t, hostkey.Default(), state.ServerSigAlgs(), "RFC 8308 3.1")
	require.Equal(t, []byte("0"), state.Extensions[extPing])
	unsaid := s.State()
	require.Nil(t, unsaid.ServerSigAlgs())
}

func TestPing(t *testing.T) {
	ponged := make(chan []byte, 1)
	cc := clientConfig()
	cc.Trace = &Trace{PacketRead: func(_ uint32, p []byte) {
		if wire.Number(p[0]) == wire.NumberPong {
			ponged <- bytes.Clone(p)
		}
	}}
	c, s := newPair(t, cc, serverConfig())
	go s.ReadPacket()
	go c.ReadPacket()
	ping := wire.Ping{Data: []byte("hello")}
	require.NoError(t, c.Enqueue(ping.Append(nil)))
	want := wire.Pong{Data: []byte("hello")}
	require.Equal(t, want.Append(nil), <-ponged)
}

func TestUnknownMessageIsUnimplemented(t *testing.T) {
	read := make(chan []byte, 8)
	cc := clientConfig()
	cc.Trace = &Trace{PacketRead: func(_ uint32, p []byte) { read <- bytes.Clone(p) }}
	c, s := newPair(t, cc, serverConfig())
	for range cap(read) {
		select {
		case <-read:
		default:
		}
	}
	go s.ReadPacket()
	go c.ReadPacket()
	require.NoError(t, c.Enqueue([]byte{19, 1, 2})) // nobody has assigned 19
	for p := range read {
		if wire.Number(p[0]) == wire.NumberUnimplemented {
			m, err := wire.ParseUnimplemented(p)
			require.NoError(t, err)
			require.Equal(t, uint32(0), m.Sequence, "RFC 4253 11.4: strict key exchange numbers from 0 again")
			return
		}
	}
}

func TestHandshakeErrors(t *testing.T) {
	wrongKey := clientConfig()
	wrongKey.Verifier = hostkey.Pin(testkeys.Ed25519Other().PublicKey())
	noCommon := clientConfig()
	noCommon.Ciphers = cipher.Default()[:1]
	other := serverConfig()
	other.Ciphers = cipher.Default()[1:2]
	panics := clientConfig()
	panics.Verifier = hostkey.VerifierFunc(func(context.Context, hostkey.Host, hostkey.PublicKey) error { return errors.New("no") })

	t.Run("E13: no verifier", func(t *testing.T) {
		a, _ := tcpPair(t)
		require.ErrorIs(t, Client(a, nil).Handshake(testContext(t)), ErrNoVerifier)
	})
	t.Run("no host key", func(t *testing.T) {
		a, _ := tcpPair(t)
		require.ErrorIs(t, Server(a, nil).Handshake(testContext(t)), ErrNoHostKey)
	})
	t.Run("software that is no version string", func(t *testing.T) {
		a, _ := tcpPair(t)
		config := clientConfig()
		config.Software = "two\nlines"
		require.Error(t, Client(a, config).Handshake(testContext(t)))
	})
	t.Run("wrong host key", func(t *testing.T) {
		_, _, cerr, serr := handshake(t, wrongKey, serverConfig())
		var refused *HostKeyError
		require.ErrorAs(t, cerr, &refused)
		require.Equal(t, hostkey.Fingerprint(testkeys.Ed25519().PublicKey()), refused.Fingerprint)
		requireReason(t, cerr, ReasonHostKeyNotVerifiable)
		requirePeerReason(t, orNextError(nil, serr), ReasonHostKeyNotVerifiable)
	})
	t.Run("E14: verifier with an error of its own", func(t *testing.T) {
		_, _, cerr, _ := handshake(t, panics, serverConfig())
		requireReason(t, cerr, ReasonHostKeyNotVerifiable)
	})
	t.Run("no common algorithm", func(t *testing.T) {
		_, _, cerr, serr := handshake(t, noCommon, other)
		for i, err := range []error{cerr, serr} {
			var n *NegotiationError
			if errors.As(err, &n) {
				require.Equal(t, "cipher client to server", n.What)
				require.Equal(t, []string{[]string{noCommon.Ciphers[0].Name, other.Ciphers[0].Name}[i]}, n.Ours)
				requireReason(t, err, ReasonKeyExchangeFailed)
			} else {
				requirePeerReason(t, err, ReasonKeyExchangeFailed) // the other was faster
			}
		}
	})
	t.Run("the peer says nothing", func(t *testing.T) {
		a, _ := tcpPair(t)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		err := Client(a, clientConfig()).Handshake(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, net.ErrClosed)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout())
	})
	t.Run("the peer closes at once", func(t *testing.T) {
		a, b := tcpPair(t)
		b.Close()
		err := Client(a, clientConfig()).Handshake(testContext(t))
		requireReason(t, err, ReasonConnectionLost)
	})
	t.Run("the peer is not SSH", func(t *testing.T) {
		a, b := tcpPair(t)
		go func() {
			b.Read(make([]byte, 4096)) // unread data would make Close a reset
			io.WriteString(b, "HTTP/1.1 400 Bad Request\r\n\r\n")
			b.Close()
		}()
		err := Client(a, clientConfig()).Handshake(testContext(t))
		var version *VersionError
		require.ErrorAs(t, err, &version)
		require.Equal(t, "HTTP/1.1 400 Bad Request", version.Line)
		require.ErrorIs(t, err, io.EOF)
		require.ErrorContains(t, err, `it sent "HTTP/1.1 400 Bad Request" and then nothing`)
	})
	t.Run("Handshake twice", func(t *testing.T) {
		c, _ := newPair(t, clientConfig(), serverConfig())
		require.Error(t, c.Handshake(testContext(t)))
	})
	t.Run("Handshake after Close", func(t *testing.T) {
		a, _ := tcpPair(t)
		c := Client(a, clientConfig())
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.Handshake(testContext(t)), net.ErrClosed)
	})
}

// orNextError returns err, or what reading from c ends with.
func orNextError(c *Conn, err error) error {
	for err == nil {
		_, err = c.ReadPacket()
	}
	return err
}

func TestClose(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	read := make(chan error)
	go func() { _, err := s.ReadPacket(); read <- err }()
	var wg sync.WaitGroup
	for range 100 { // F18
		wg.Go(func() { c.Close() })
	}
	wg.Wait()
	requirePeerReason(t, <-read, ReasonByApplication)
	_, err := c.ReadPacket()
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, c.Enqueue([]byte{testMessage}), net.ErrClosed)
	require.ErrorIs(t, c.WritePacket([]byte{testMessage}), net.ErrClosed)
	require.ErrorIs(t, c.Rekey(), net.ErrClosed)
	require.ErrorIs(t, c.Err(), net.ErrClosed)
	<-c.Done()
}

func TestDisconnect(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	require.NoError(t, s.Disconnect(ReasonTooManyConnections, "come \x1b back later"))
	_, err := c.ReadPacket()
	var peer *DisconnectError
	require.ErrorAs(t, err, &peer)
	require.Equal(t, &DisconnectError{Reason: ReasonTooManyConnections, Message: "come \x1b back later"}, peer)
	require.Equal(t, `transport: peer disconnected: too many connections: "come \x1b back later"`, err.Error())
}

func TestPacketSizes(t *testing.T) {
	c, s := newPair(t, clientConfig(), serverConfig())
	require.ErrorIs(t, c.Enqueue(), ErrPacketSize)
	require.ErrorIs(t, c.Enqueue(make([]byte, maxPayload+1)), ErrPacketSize)
	p := make([]byte, maxPayload)
	p[0], p[maxPayload-1] = testMessage, 7
	require.NoError(t, c.Enqueue(p))
	got, err := s.ReadPacket()
	require.NoError(t, err)
	require.Equal(t, p, got)
}
