package fuzz_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// password proves that alice is alice.
func password(text string) userauth.Method {
	return userauth.Password(func(context.Context) (string, error) { return text, nil })
}

// requirePong requires that the other side lives and understands.
func requirePong(t *testing.T, p *fuzz.Peer) {
	t.Helper()
	p.Send(&wire.Ping{Data: []byte("well?")})
	p.Expect(wire.NumberPong)
	require.NoError(t, p.Err())
}

// both runs a conversation with a server and with a client, from the login to a
// key re-exchange.
func both(t *testing.T, name string, c fuzz.Config, s setting) {
	t.Run(name+" server", func(t *testing.T) {
		p, _ := againstServer(t, c, s)
		p.Handshake()
		p.Login(alice, password(secret))
		require.NoError(t, p.Err())
		requirePong(t, p)
		p.Rekey()
		requirePong(t, p)
	})
	t.Run(name+" client", func(t *testing.T) {
		p, v := againstClient(t, c, s)
		p.Handshake()
		p.Admit()
		require.NoError(t, p.Err())
		requirePong(t, p)
		p.Rekey()
		requirePong(t, p)
		require.Equal(t, int32(1), v.secrets.Load())
	})
}

func TestKeyExchanges(t *testing.T) {
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		both(t, m.Name(), fuzz.Config{}, setting{transport: transport.Config{KeyExchanges: []kex.Method{m}}})
	}
}

func TestProtections(t *testing.T) {
	x25519, _ := kex.Lookup("curve25519-sha256")
	methods := []kex.Method{x25519}
	for _, mode := range slices.Concat(cipher.Default(), cipher.Insecure()) {
		macs := slices.Concat(mac.Default(), mac.Insecure())
		if mode.AEAD {
			macs = macs[:1]
		}
		for _, a := range macs {
			s := setting{transport: transport.Config{KeyExchanges: methods, Ciphers: []cipher.Mode{mode}, MACs: []mac.Algorithm{a}}}
			both(t, mode.Name+" "+a.Name, fuzz.Config{}, s)
		}
	}
}

func TestNullCrypto(t *testing.T) {
	both(t, "null", nullPeer(), nullCrypto())
	c := nullPeer()
	c.NotStrict = true
	both(t, "not strict", c, nullCrypto())
}

// Nobody can ask for null crypto by name: it has to be put into a configuration.
func TestNullCryptoIsInNoList(t *testing.T) {
	_, ok := kex.Lookup(fuzz.NullKex().Name())
	require.False(t, ok)
	_, ok = cipher.Lookup(fuzz.Plain().Name)
	require.False(t, ok)
	for _, s := range sides {
		bubble(t, s.name, func(t *testing.T) {
			p, v := s.against(t, nullPeer(), setting{})
			p.Begin()
			p.ExpectDisconnect(transport.ReasonKeyExchangeFailed)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonKeyExchangeFailed)
		})
	}
}

// A wrong tag ends a connection without a word about why, 0xff in Plain too.
func TestPlainRefuses(t *testing.T) {
	p, v := againstServer(t, nullPeer(), nullCrypto())
	p.Handshake()
	k := p.Frame(&wire.Ignore{})
	k.Tamper = func(sealed []byte) []byte { sealed[len(sealed)-1] = 0xff; return sealed }
	p.SendPacket(k)
	p.ExpectDisconnect(transport.ReasonMACError)
	require.NoError(t, p.Err())
	v.requireReason(t, transport.ReasonMACError)
}

func TestNullKexRefuses(t *testing.T) {
	p, v := againstServer(t, nullPeer(), nullCrypto())
	p.Begin()
	p.Send(&wire.KexECDHInit{Public: []byte("full")})
	p.ExpectDisconnect(transport.ReasonKeyExchangeFailed)
	require.NoError(t, p.Err())
	v.requireReason(t, transport.ReasonKeyExchangeFailed)
}

// What a script expected and what came, in words.
func TestErrors(t *testing.T) {
	tests := []struct {
		name   string
		script func(p *fuzz.Peer)
		want   string
	}{
		{"another message", func(p *fuzz.Peer) { p.Begin(); p.Exchange(); p.Expect(wire.NumberKexInit) },
			"fuzz: expected SSH_MSG_KEXINIT, got 21 SSH_MSG_NEWKEYS; sent so far: 14 raw bytes, SSH_MSG_KEXINIT, SSH_MSG_KEX_ECDH_INIT"},
		{"another reason", func(p *fuzz.Peer) { p.Begin(); p.Send(fuzz.Payload{0}); p.ExpectDisconnect(transport.ReasonMACError) },
			`fuzz: expected SSH_MSG_DISCONNECT (5, MAC error), got 1 SSH_MSG_DISCONNECT reason=2 message="SSH_MSG_0 is not allowed in the first key exchange (strict)" language=""; sent so far: 14 raw bytes, SSH_MSG_KEXINIT, SSH_MSG_0`},
		{"nothing", func(p *fuzz.Peer) { p.Begin(); p.ExpectNewKeys() },
			"fuzz: expected SSH_MSG_NEWKEYS, got nothing; sent so far: 14 raw bytes, SSH_MSG_KEXINIT"},
		{"the end", func(p *fuzz.Peer) {
			p.SendRaw([]byte("HELP\r\n"))
			p.ExpectVersion()
			p.Expect(wire.NumberKexInit)
			p.Next()
		},
			"fuzz: expected a message, got the end of the connection; sent so far: 6 raw bytes"},
		{"a DISCONNECT where there should be none", func(p *fuzz.Peer) { p.Begin(); p.Send(fuzz.Payload{0}); p.ExpectClosed() },
			`fuzz: expected the end of the connection without a word, got 1 SSH_MSG_DISCONNECT reason=2 message="SSH_MSG_0 is not allowed in the first key exchange (strict)" language=""; sent so far: 14 raw bytes, SSH_MSG_KEXINIT, SSH_MSG_0`},
		{"a life where there should be none", func(p *fuzz.Peer) { p.ExpectVersion(); p.ExpectClosed() },
			"fuzz: expected the end of the connection without a word, got nothing"},
		{"words where there should be silence", func(p *fuzz.Peer) {
			p.ExpectVersion()
			p.Expect(wire.NumberKexInit)
			p.SendRaw([]byte("SSH-1.5-x\r\n"))
			p.ExpectSilence(time.Second)
		},
			`fuzz: expected nothing for 1s, got 1 SSH_MSG_DISCONNECT reason=8 message="protocol version not supported" language=""; sent so far: 11 raw bytes`},
		{"the end where there should be silence", func(p *fuzz.Peer) {
			p.ExpectVersion()
			p.Expect(wire.NumberKexInit)
			p.SendRaw([]byte("HELP\r\n"))
			p.ExpectSilence(time.Second)
		},
			"fuzz: expected nothing for 1s, got the end of the connection; sent so far: 6 raw bytes"},
		{"no keys", func(p *fuzz.Peer) { p.SwitchKeys() }, "fuzz: expected keys to switch to, got none: the script has to exchange some"},
		{"no KEXINIT", func(p *fuzz.Peer) { p.Exchange() }, "fuzz: expected a key exchange, got no KEXINIT from both sides: the script has to begin one"},
		{"the first failure sticks", func(p *fuzz.Peer) { p.Exchange(); p.Handshake(); p.Send(&wire.NewKeys{}); p.Next(); p.ExpectClosed() },
			"fuzz: expected a key exchange, got no KEXINIT from both sides: the script has to begin one"},
		{"a login refused", func(p *fuzz.Peer) { p.Handshake(); p.Login("mallory", password("x")) },
			"fuzz: expected SSH_MSG_USERAUTH_SUCCESS, got an error: userauth: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := againstServer(t, nullPeer(), nullCrypto())
				tt.script(p)
				require.ErrorContains(t, p.Err(), tt.want)
				require.Equal(t, p.Err(), p.Close())
				var e *fuzz.Error
				require.ErrorAs(t, p.Err(), &e)
				if !slices.Contains([]string{"nothing", "the end", "a login refused"}, tt.name) {
					return
				}
				require.Error(t, e.Err)
			})
		})
	}
}

func TestErrorsOfAServer(t *testing.T) {
	tests := []struct {
		name   string
		config func(c *fuzz.Config)
		want   string
	}{
		{"no method in common", func(c *fuzz.Config) { c.KeyExchanges = kex.Default() }, "fuzz: expected an algorithm in common, got no key exchange: 20 SSH_MSG_KEXINIT"},
		{"no cipher in common", func(c *fuzz.Config) { c.Ciphers = cipher.Default() }, "fuzz: expected an algorithm in common, got no cipher: 20 SSH_MSG_KEXINIT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := nullPeer()
				tt.config(&c)
				p, _ := againstClient(t, c, nullCrypto())
				p.Handshake()
				require.ErrorContains(t, p.Err(), tt.want)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p, _ := againstClient(t, nullPeer(), nullCrypto())
		p.Begin()
		p.Config.HostKey = nil
		p.Exchange()
		require.ErrorContains(t, p.Err(), "Config.HostKey is nil")
	})
}

// Whoever is at the other end may be no better than a Peer.
func TestHostileOtherEnd(t *testing.T) {
	packet := func(padding byte, body string) string {
		return string([]byte{0, 0, 0, byte(1 + len(body)), padding}) + body
	}
	for _, tt := range []struct {
		name, says string
		script     func(p *fuzz.Peer)
		want       string
	}{
		{"no version", "", (*fuzz.Peer).ExpectVersion, "fuzz: expected a version line, got the end of the connection"},
		{"lines and no version", strings.Repeat("hello\n", 1025), (*fuzz.Peer).ExpectVersion, "fuzz: expected a version line, got an error: no version line"},
		{"a line without end", strings.Repeat("x", 2<<20), (*fuzz.Peer).ExpectVersion, "fuzz: expected a version line, got an error: a line without end"},
		{"a long packet", "\xff\xff\xff\xff", func(p *fuzz.Peer) { p.Next() }, "fuzz: expected a message, got an error: packet_length is 4294967295"},
		{"a short packet", "\x00\x00\x00\x01\x00", func(p *fuzz.Peer) { p.Next() }, "fuzz: expected a message, got an error: cipher: packet failed authentication"},
		{"little padding", packet(3, "\x02\x00\x00\x00\x00pppppp"), func(p *fuzz.Peer) { p.Next() }, "got an error: the padding of a packet does not fit it"},
		{"much padding", packet(11, "\x02\x00\x00\x00\x00pppppp"), func(p *fuzz.Peer) { p.Next() }, "got an error: the padding of a packet does not fit it"},
		{"a KEXINIT that is none", "SSH-2.0-x\r\n" + packet(4, "\x14\x00\x00\x00\x00pppp  "), func(p *fuzz.Peer) { p.Handshake() },
			"fuzz: expected a KEXINIT, got 20 SSH_MSG_KEXINIT malformed"},
		{"the end in a login", "", func(p *fuzz.Peer) { p.ReadPacket(); p.Login(alice) }, "fuzz: expected SSH_MSG_SERVICE_ACCEPT, got the end of the connection"},
		{"nothing to login with", "", func(p *fuzz.Peer) {
			p.Next()
			p.Unimplemented()
			p.WritePacket()
			p.ReadPacket()
			p.Gather(time.Second)
		},
			"fuzz: expected a message, got the end of the connection"},
		{"much was sent", "", func(p *fuzz.Peer) {
			for range 40 {
				p.Send(&wire.Ignore{})
			}
			p.ExpectSilence(time.Second)
		}, "sent so far: ..., SSH_MSG_IGNORE"},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			near, far := memnet.Link{Down: memnet.Path{Buffer: 4 << 20}}.Pipe()
			_, err := io.WriteString(far, tt.says)
			require.NoError(t, err)
			require.NoError(t, far.CloseWrite())
			p := peerOf(t, fuzz.Client(near, nullPeer()))
			tt.script(p)
			require.ErrorContains(t, p.Err(), tt.want)
			if tt.says == "" {
				require.ErrorIs(t, p.Err(), io.EOF)
			}
		})
	}
}

// A DISCONNECT ends a login, and UNIMPLEMENTED answers what was read last.
func TestPeerIsAUserauthConn(t *testing.T) {
	p, _ := againstServer(t, nullPeer(), nullCrypto())
	p.Handshake()
	p.RequestService()
	require.NoError(t, p.Unimplemented())
	require.NoError(t, p.WritePacket([]byte{byte(wire.NumberUserauthSuccess)}))
	_, err := p.ReadPacket()
	require.ErrorContains(t, err, "SSH_MSG_DISCONNECT reason=2")
}

// Every field of a packet goes out as the script says.
func TestPackets(t *testing.T) {
	tests := []struct {
		name   string
		change func(k *fuzz.Packet)
		want   transport.Reason
	}{
		{"sequence number", func(k *fuzz.Packet) { k.Sequence++ }, transport.ReasonMACError},
		{"packet_length", func(k *fuzz.Packet) { k.Length = 1 << 30 }, transport.ReasonMACError},
		{"padding_length", func(k *fuzz.Packet) { k.PaddingLength = 255 }, transport.ReasonProtocolError},
		{"payload", func(k *fuzz.Packet) { k.Payload[0] = 0 }, transport.ReasonProtocolError},
		{"tamper", func(k *fuzz.Packet) { k.Tamper = func(b []byte) []byte { b[len(b)-1] ^= 1; return b } }, transport.ReasonMACError},
	}
	mode, _ := cipher.Lookup("chacha20-poly1305@openssh.com")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, v := againstServer(t, fuzz.Config{Ciphers: []cipher.Mode{mode}}, setting{})
			p.Handshake()
			k := p.Frame(&wire.Ignore{Data: make([]byte, 100)})
			tt.change(&k)
			p.SendPacket(k)
			p.ExpectDisconnect(tt.want)
			require.NoError(t, p.Err())
			v.requireReason(t, tt.want)
		})
	}
	t.Run("a packet lost", func(t *testing.T) {
		p, v := againstServer(t, fuzz.Config{Ciphers: []cipher.Mode{mode}}, setting{})
		p.Handshake()
		k := p.Frame(&wire.Ignore{})
		k.Tamper = func([]byte) []byte { return nil }
		p.SendPacket(k)
		p.Send(&wire.Ignore{})
		p.ExpectDisconnect(transport.ReasonMACError)
		require.NoError(t, p.Err())
		v.requireReason(t, transport.ReasonMACError)
	})
	t.Run("more padding", func(t *testing.T) {
		p, _ := againstServer(t, nullPeer(), nullCrypto())
		p.Handshake()
		k := p.Frame(&wire.Ignore{})
		k.Pad(len(k.Padding) + 8*20)
		p.SendPacket(k)
		p.Login(alice, password(secret))
		require.NoError(t, p.Err())
	})
}

func TestRewrite(t *testing.T) {
	t.Run("dropped", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, _ := againstServer(t, nullPeer(), nullCrypto())
			p.Rewrite(wire.NumberKexInit, func([]byte) []fuzz.Message { return nil })
			p.Begin()
			p.Rewrite(wire.NumberKexInit, nil)
			p.ExpectSilence(time.Second)
			p.SendKexInit()
			p.Exchange()
			p.SwitchKeys()
			require.NoError(t, p.Err())
		})
	})
	t.Run("ahead", func(t *testing.T) {
		p, v := againstServer(t, nullPeer(), nullCrypto())
		p.Before(wire.NumberNewKeys, &wire.Ignore{})
		p.Begin()
		p.Exchange()
		p.SendNewKeys()
		p.ExpectDisconnect(transport.ReasonProtocolError)
		require.NoError(t, p.Err())
		v.requireReason(t, transport.ReasonProtocolError)
	})
	t.Run("of a service", func(t *testing.T) {
		p, v := againstServer(t, nullPeer(), nullCrypto())
		p.Handshake()
		p.Rewrite(wire.NumberServiceRequest, func([]byte) []fuzz.Message { return []fuzz.Message{&wire.ServiceRequest{Name: "x"}} })
		p.RequestService()
		require.ErrorContains(t, p.Err(), "reason=7")
		v.requireReason(t, transport.ReasonServiceNotAvailable)
	})
}

// ExchangeUntil stops each flow at each message, in both roles, and what is due is
// what the other side waits for.
func TestExchangeUntil(t *testing.T) {
	gex, _ := kex.Lookup("diffie-hellman-group-exchange-sha256")
	x25519, _ := kex.Lookup("curve25519-sha256")
	for _, tt := range []struct {
		method kex.Method
		server []wire.Number // what a client sends
		client []wire.Number // what a server sends
	}{
		{x25519, []wire.Number{wire.NumberKexECDHInit}, []wire.Number{wire.NumberKexECDHReply}},
		{gex, []wire.Number{wire.NumberKexDHGexRequest, wire.NumberKexDHGexInit}, []wire.Number{wire.NumberKexDHGexGroup, wire.NumberKexDHGexReply}},
	} {
		s := setting{transport: transport.Config{KeyExchanges: []kex.Method{tt.method}}}
		for _, n := range tt.server {
			p, _ := againstServer(t, fuzz.Config{}, s)
			p.Begin()
			due := p.ExchangeUntil(n)
			require.NoError(t, p.Err())
			require.Equal(t, n, wire.Number(due[0]))
			p.Send(fuzz.Payload(due))
			require.NotNil(t, p.Next(), "%v", p.Err())
		}
		for _, n := range tt.client {
			p, _ := againstClient(t, fuzz.Config{}, s)
			p.Begin()
			due := p.ExchangeUntil(n)
			require.NoError(t, p.Err())
			require.Equal(t, n, wire.Number(due[0]))
			p.Send(fuzz.Payload(due))
			require.NotNil(t, p.Next(), "%v", p.Err())
		}
	}
}

// A script reads on where a wait was cut short.
func TestGatherAndSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nullCrypto()
		s.link.Down.MaxRead, s.link.Down.Latency = 1, time.Millisecond
		p, _ := againstServer(t, nullPeer(), s)
		p.Begin()
		p.ExpectSilence(time.Second)
		p.Exchange()
		p.SwitchKeys()
		p.Send(&wire.ServiceRequest{Name: "ssh-userauth"}, &wire.UserauthRequest{User: "x", Service: "ssh-connection", Method: "none"})
		payloads, over := p.Gather(time.Second)
		require.False(t, over)
		var numbers []wire.Number
		for _, payload := range payloads {
			numbers = append(numbers, wire.Number(payload[0]))
		}
		require.Equal(t, []wire.Number{wire.NumberExtInfo, wire.NumberServiceAccept, wire.NumberUserauthFailure}, numbers)
		p.Send(fuzz.Payload{0})
		payloads, over = p.Gather(time.Second)
		require.True(t, over)
		require.Len(t, payloads, 1)
		require.NoError(t, p.Err())
	})
}
