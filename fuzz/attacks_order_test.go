package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

// gaps are the places in a first key exchange where something can be injected: each
// is ahead of a message of a step.
func gaps(s side) map[string]wire.Number {
	method := wire.NumberKexECDHInit
	if s.client {
		method = wire.NumberKexECDHReply
	}
	return map[string]wire.Number{"KEXINIT": wire.NumberKexInit, "the method": method, "NEWKEYS": wire.NumberNewKeys}
}

// injected runs a handshake with messages in one of the gaps.
func injected(p *fuzz.Peer, gap wire.Number, messages ...fuzz.Message) {
	p.Before(gap, messages...)
	p.Begin()
	if gap == wire.NumberKexInit {
		return
	}
	p.Exchange()
	if gap == wire.NumberNewKeys {
		p.SendNewKeys()
	}
}

// E1, CVE-2023-48795: Terrapin. Nothing can be put into the first key exchange, and
// nothing be taken from what is behind it, whatever the cipher.
func TestE1Terrapin(t *testing.T) {
	messages := map[string]fuzz.Message{
		"IGNORE": &wire.Ignore{}, "DEBUG": &wire.Debug{}, "UNIMPLEMENTED": &wire.Unimplemented{}, "192": fuzz.Payload{192, 0, 0, 0, 0}, "EXT_INFO": &wire.ExtInfo{},
	}
	for _, s := range sides {
		for where, gap := range gaps(s) {
			for name, m := range messages {
				bubble(t, fmt.Sprintf("%s: %s before %s", s.name, name, where), func(t *testing.T) {
					p, v := s.against(t, nullPeer(), nullCrypto())
					p.Rewrite(gap, func(payload []byte) []fuzz.Message { return []fuzz.Message{m, fuzz.Payload(payload)} })
					p.Begin()
					if gap != wire.NumberKexInit {
						p.ExchangeUntil(gap)
						p.Send(m)
					}
					if gap == wire.NumberNewKeys {
						p.Send(m)
					}
					p.ExpectDisconnect(transport.ReasonProtocolError)
					require.NoError(t, p.Err())
					v.requireReason(t, transport.ReasonProtocolError)
				})
			}
		}
	}
	protected(t, func(t *testing.T, name string, p *fuzz.Peer, v *victim) {
		lost := p.Frame(&wire.ExtInfo{})
		lost.Tamper = func([]byte) []byte { return nil }
		p.SendPacket(lost)
		p.Send(&wire.Ignore{}, fuzz.Payload(append([]byte{2, 0, 4, 0, 0}, make([]byte, 256<<10-512)...)), fuzz.Payload(make([]byte, 128<<10)))
		p.ExpectDisconnect(transport.ReasonMACError)
		require.NoError(t, p.Err())
		v.requireReason(t, transport.ReasonMACError)
	})
}

// E2: that key exchange is strict is known only from the KEXINIT, and holds for what
// came before it.
func TestE2KexInitMustBeFirst(t *testing.T) {
	for _, n := range []int{1, 2, 100} {
		eachSide(t, fmt.Sprint(n, " packets ahead of it"), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.SendVersion()
			for range n {
				p.Send(&wire.Ignore{})
			}
			p.SendKexInit()
			p.ExpectVersion()
			v.denies(t, p, transport.ReasonProtocolError)
		})
	}
}

// E3: sequence numbers begin again with each NEWKEYS, also in the exchanges that have
// no marker.
func TestE3SequenceNumbers(t *testing.T) {
	sett := protections(t)
	for _, sett := range sett {
		if sett.transport.Ciphers[0].Name == "aes128-gcm@openssh.com" || sett.transport.Ciphers[0].Name == "aes256-gcm@openssh.com" {
			continue // they count for themselves
		}
		for _, s := range sides {
			bubble(t, fmt.Sprintf("%s %v", s.name, sett), func(t *testing.T) {
				p, v := s.against(t, understands(sett), sett)
				p.Handshake()
				s.enter(p)
				p.Rekey()
				requirePong(t, p)
				p.SendKexInit()
				p.ExpectKexInit()
				p.Exchange()
				next := p.SendSequence + 1
				p.SwitchKeys()
				p.SendSequence = next // as if there had been no rule
				p.Send(&wire.Ignore{}, fuzz.Payload(append([]byte{2, 0, 4, 0, 0}, make([]byte, 256<<10-512)...)), fuzz.Payload(make([]byte, 128<<10)))
				p.ExpectDisconnect(transport.ReasonMACError)
				require.NoError(t, p.Err())
				v.requireReason(t, transport.ReasonMACError)
			})
		}
	}
}

// E4: what made other implementations break the rules of strict key exchange (CCS
// 2025, arXiv 2509.10895).
func TestE4StrictKeyExchangeTraces(t *testing.T) {
	open := &wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}
	request := &wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "none"}
	for name, script := range map[string]func(p *fuzz.Peer){
		"AsyncSSH 2.20, libssh 0.11.1: GEX_REQUEST twice": func(p *fuzz.Peer) {
			p.Begin()
			due := p.ExchangeUntil(wire.NumberKexDHGexRequest)
			p.Send(fuzz.Payload(due), fuzz.Payload(due))
		},
		"Dropbear 2025.87: IGNORE before NEWKEYS":         func(p *fuzz.Peer) { injected(p, wire.NumberNewKeys, &wire.Ignore{}) },
		"TinySSH: CHANNEL_OPEN before NEWKEYS":            func(p *fuzz.Peer) { injected(p, wire.NumberNewKeys, open) },
		"Erlang, Lancom: CHANNEL_OPEN after KEXINIT":      func(p *fuzz.Peer) { p.Begin(); p.Send(open) },
		"Tectia: USERAUTH_REQUEST before KEXINIT":         func(p *fuzz.Peer) { injected(p, wire.NumberKexInit, request) },
		"Tectia: USERAUTH_REQUEST after KEXINIT":          func(p *fuzz.Peer) { p.Begin(); p.Send(request) },
		"Lancom: an unknown number after KEXINIT":         func(p *fuzz.Peer) { p.Begin(); p.Send(fuzz.Payload{191}) },
		"TinySSH: an unknown number before NEWKEYS":       func(p *fuzz.Peer) { injected(p, wire.NumberNewKeys, fuzz.Payload{191}) },
		"Erlang (CVE-2025-32433): exec after the KEXINIT": func(p *fuzz.Peer) { p.Begin(); p.Send(open, &wire.ChannelRequest{Type: "exec"}) },
	} {
		bubble(t, name, func(t *testing.T) {
			method := fuzz.NullKex()
			if name[0] == 'A' {
				method = flows(t)[4].method
			}
			c, sett := nullPeer(), nullCrypto()
			c.KeyExchanges[0], sett.transport.KeyExchanges[0] = method, method
			p, v := againstServer(t, c, sett)
			script(p)
			p.ExpectDisconnect(transport.ReasonProtocolError)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonProtocolError)
			require.Zero(t, v.sessions.Load()+v.checks.Load())
		})
	}
}

// E5, CVE-2023-46445: EXT_INFO that nobody vouches for, or in another place than
// RFC 8308, section 2.4, has for it.
func TestE5ExtInfo(t *testing.T) {
	info := &wire.ExtInfo{Extensions: []wire.Extension{{Name: "server-sig-algs", Value: []byte("ssh-rsa")}}}
	for _, s := range sides {
		for where, gap := range gaps(s) {
			bubble(t, s.name+" before "+where, func(t *testing.T) {
				p, v := s.against(t, nullPeer(), nullCrypto())
				injected(p, gap, info)
				if p.Err() != nil { // it did not wait for the end of the script
					require.ErrorContains(t, p.Err(), "reason=2")
				} else {
					p.ExpectDisconnect(transport.ReasonProtocolError)
					require.NoError(t, p.Err())
				}
				v.requireReason(t, transport.ReasonProtocolError)
			})
		}
	}
	eachSide(t, "first behind NEWKEYS", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		p.Send(info)
		s.enter(p)
	})
	eachSide(t, "second behind NEWKEYS", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		p.Send(&wire.Ignore{}, info)
		if s.client { // a server has a second chance, which is right ahead of SUCCESS
			p.Send(&wire.ServiceAccept{Name: "ssh-userauth"})
		}
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "after authentication", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.Send(info)
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// E6, CVE-2023-46446, CVE-2025-32942: a request to log in that was sent in the clear
// is not kept until there are keys.
func TestE6NothingIsKeptAcrossNewKeys(t *testing.T) {
	for where, gap := range gaps(sides[0]) {
		bubble(t, where, func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			fields := wire.PasswordFields{Password: secret}
			injected(p, gap, &wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "password", Fields: fields.Append(nil)})
			v.requireReason(t, transport.ReasonProtocolError)
			require.Zero(t, v.checks.Load())
		})
	}
}

// E7, CVE-2025-32433, and E8, CVE-2018-7750, CVE-2018-1000805, CVE-2018-7749,
// CVE-2024-2873, CVE-2012-6066: the connection protocol before authentication.
func TestE7ExecBeforeAuthentication(t *testing.T) {
	attack := []fuzz.Message{
		&wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15},
		&wire.ChannelRequest{Type: "exec", WantReply: true, Data: wire.AppendString(nil, "id")},
	}
	fields := wire.PasswordFields{Password: "wrong"}
	for name, reach := range map[string]func(p *fuzz.Peer){
		"after KEXINIT":        func(p *fuzz.Peer) { p.Begin() },
		"before NEWKEYS":       func(p *fuzz.Peer) { p.Begin(); p.Exchange() },
		"after NEWKEYS":        func(p *fuzz.Peer) { p.Handshake() },
		"after SERVICE_ACCEPT": func(p *fuzz.Peer) { p.Handshake(); p.RequestService() },
		"after a failure": func(p *fuzz.Peer) {
			p.Handshake()
			p.RequestService()
			p.Send(&wire.UserauthRequest{User: alice, Service: "ssh-connection", Method: "password", Fields: fields.Append(nil)})
			p.Expect(wire.NumberUserauthFailure)
		},
	} {
		bubble(t, name, func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			reach(p)
			p.Send(attack...)
			p.ExpectDisconnect(transport.ReasonProtocolError)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonProtocolError)
			require.Zero(t, v.sessions.Load())
		})
	}
}

func TestE8EveryMessageBeforeAuthentication(t *testing.T) { // CVE-2018-7750, CVE-2018-1000805, CVE-2018-7749, CVE-2024-2873, CVE-2012-6066
	for n := byte(80); n < 128; n++ {
		bubble(t, fmt.Sprint(n), func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			p.Handshake()
			p.RequestService()
			p.Send(fuzz.Payload(message(wire.Number(n), nil)))
			p.ExpectDisconnect(transport.ReasonProtocolError)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonProtocolError)
		})
	}
}

// E9, CVE-2018-10933: a server is told what only servers say.
func TestE9AnswersToAServer(t *testing.T) {
	for _, n := range []wire.Number{6, 31, 33, 51, 52, 53, 60, 61} {
		bubble(t, n.String(), func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			p.Handshake()
			p.RequestService()
			p.Send(fuzz.Payload(message(n, nil)), &wire.ChannelOpen{Type: "session", MaxPacket: 1 << 15})
			p.ExpectDisconnect(transport.ReasonProtocolError)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonProtocolError)
			require.Zero(t, v.sessions.Load()+v.checks.Load())
		})
	}
}

// A tap keeps what goes by.
type tap struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *tap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *tap) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// E10, CVE-2025-14942: a server steers a client past the key exchange. The client
// gives nothing away.
func TestE10ClientIsNotSteered(t *testing.T) {
	for where, gap := range gaps(sides[1]) {
		for _, n := range []wire.Number{5, 6, 21, 31, 51, 52, 60} {
			if n == wire.NumberNewKeys && gap == wire.NumberNewKeys {
				continue // that is in its place
			}
			bubble(t, fmt.Sprintf("%v before %s", n, where), func(t *testing.T) {
				seen := new(tap)
				sett := nullCrypto()
				sett.link = memnet.Link{Up: memnet.Path{Tap: seen}}
				p, v := againstClient(t, nullPeer(), sett)
				injected(p, gap, fuzz.Payload(message(n, nil)))
				p.Gather(time.Second)
				p.Close()
				var local *transport.Error
				require.ErrorAs(t, v.gone(t), &local)
				require.Zero(t, v.secrets.Load())
				require.NotContains(t, seen.String(), secret)
				require.NotContains(t, seen.String(), alice)
			})
		}
	}
}

// E11, CVE-2015-3146, CVE-2021-35211: NEWKEYS or messages of a method where they do
// not belong.
func TestE11KeysOutOfPlace(t *testing.T) {
	eachSide(t, "NEWKEYS first", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		injected(p, wire.NumberKexInit, &wire.NewKeys{})
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "NEWKEYS before the method", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Begin()
		p.Send(&wire.NewKeys{})
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "NEWKEYS twice", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		p.Send(&wire.NewKeys{})
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "the wrong side's message", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Begin()
		if s.client {
			p.Send(&wire.KexECDHInit{Public: []byte("null")})
		} else {
			p.Send(&wire.KexECDHReply{})
		}
		v.denies(t, p, transport.ReasonProtocolError)
	})
	bubble(t, "ECDH_INIT twice", func(t *testing.T) {
		p, v := againstServer(t, nullPeer(), nullCrypto())
		p.Begin()
		p.Exchange()
		p.Send(&wire.KexECDHInit{Public: []byte("null")})
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// E12: the ways past authentication that sshamble knows.
func TestE12Bypasses(t *testing.T) {
	open := &wire.ChannelOpen{Type: "session", Window: 1 << 20, MaxPacket: 1 << 15}
	request := func(user, method, fields string) fuzz.Message {
		return &wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Fields: []byte(fields)}
	}
	for name, script := range map[string]func(p *fuzz.Peer){
		"without the service":    func(p *fuzz.Peer) { p.Send(open) },
		"without authentication": func(p *fuzz.Peer) { p.RequestService(); p.Send(open) },
		"none":                   func(p *fuzz.Peer) { p.RequestService(); p.Send(request(alice, "none", ""), open) },
		"success":                func(p *fuzz.Peer) { p.RequestService(); p.Send(&wire.UserauthSuccess{}, open) },
		"no method":              func(p *fuzz.Peer) { p.RequestService(); p.Send(request(alice, "", ""), open) },
		"method NUL":             func(p *fuzz.Peer) { p.RequestService(); p.Send(request(alice, "\x00", ""), open) },
		"publickey without signature": func(p *fuzz.Peer) {
			p.RequestService()
			p.Send(request(alice, "publickey", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), open)
		},
		"no user": func(p *fuzz.Peer) { p.RequestService(); p.Send(request("", "password", "\x00\x00\x00\x00\x00"), open) },
	} {
		bubble(t, name, func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			p.Handshake()
			script(p)
			p.ExpectDisconnect(transport.ReasonProtocolError)
			require.NoError(t, p.Err())
			v.requireReason(t, transport.ReasonProtocolError)
			require.Zero(t, v.sessions.Load())
		})
	}
}

// A refusal is an error whose nil is one too.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// A verifier is a function as a hostkey.Verifier.
type verifier func(ctx context.Context) error

func (f verifier) VerifyHostKey(ctx context.Context, _ hostkey.Host, _ hostkey.PublicKey) error {
	return f(ctx)
}

// unverified requires that a client whose verifier is the one given says nothing to the
// host.
func unverified(t *testing.T, name string, verify hostkey.Verifier) {
	t.Helper()
	bubble(t, name, func(t *testing.T) {
		sett := nullCrypto()
		sett.client = func(c *client.Config) { c.HostKeys = verify }
		p, v := againstClient(t, nullPeer(), sett)
		p.Begin()
		p.Exchange()
		p.ExpectDisconnect(transport.ReasonHostKeyNotVerifiable)
		require.NoError(t, p.Err())
		v.gone(t)
		require.Zero(t, v.secrets.Load())
	})
}

// E13, CVE-2025-11625, CVE-2017-3204: whoever has not found the host key right says
// nothing to the host, and nobody finds it right by default.
func TestE13HostKeyIsVerified(t *testing.T) {
	unverified(t, "refused", verifier(func(context.Context) error { return errors.New("no") }))
	unverified(t, "another key", hostkey.Pin(testkeys.Ed25519Other().PublicKey()))
	near, _ := memnet.Pipe()
	_, err := client.New(context.Background(), near, "x:22", &client.Config{User: alice, Auth: []userauth.Method{password(secret)}})
	require.ErrorIs(t, err, client.ErrNoHostKeys)
}

// E14, CVE-2025-26465: any error is one.
func TestE14ErrorsOfAVerifier(t *testing.T) {
	for name, err := range map[string]error{
		"out of memory":          fmt.Errorf("no memory: %w", errors.ErrUnsupported),
		"cancelled":              context.Canceled,
		"the end of a file":      io.EOF,
		"no text":                errors.New(""),
		"a nil that is one":      (*refusal)(nil),
		"a nil of the transport": (*transport.Error)(nil),
		"several, one is nil":    errors.Join(nil, errors.New("no")),
		"of the transport":       &transport.Error{Err: errors.New("no")},
		"a DISCONNECT, quoted":   &transport.DisconnectError{},
	} {
		unverified(t, name, verifier(func(context.Context) error { return err }))
	}
}

// E15: a service before there are keys.
func TestE15ServiceInTheClear(t *testing.T) {
	for where, gap := range gaps(sides[0]) {
		bubble(t, where, func(t *testing.T) {
			p, v := againstServer(t, nullPeer(), nullCrypto())
			injected(p, gap, &wire.ServiceRequest{Name: "ssh-userauth"})
			v.requireReason(t, transport.ReasonProtocolError)
		})
	}
}
