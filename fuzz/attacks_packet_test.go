package fuzz_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// protections are each mode, and where it needs a MAC one of each kind.
func protections(t testing.TB) (list []setting) {
	etm, ok := mac.Lookup("hmac-sha2-256-etm@openssh.com")
	require.True(t, ok)
	mte, ok := mac.Lookup("hmac-sha2-256")
	require.True(t, ok)
	for _, mode := range slices.Concat(cipher.Default(), cipher.Insecure()) {
		for _, a := range []mac.Algorithm{etm, mte} {
			if mode.AEAD && a.EtM {
				continue
			}
			list = append(list, setting{transport: transport.Config{
				KeyExchanges: []kex.Method{fuzz.NullKex()}, Ciphers: []cipher.Mode{mode}, MACs: []mac.Algorithm{a},
			}})
		}
	}
	return list
}

func (s setting) String() string { return s.transport.Ciphers[0].Name + " " + s.transport.MACs[0].Name }

// understands is what a Peer needs to talk to whoever has the setting.
func understands(s setting) fuzz.Config {
	return fuzz.Config{KeyExchanges: s.transport.KeyExchanges, Ciphers: s.transport.Ciphers, MACs: s.transport.MACs}
}

// protected runs a test behind the key exchange, with each protection and on each
// side.
func protected(t *testing.T, f func(t *testing.T, name string, p *fuzz.Peer, v *victim)) {
	for _, sett := range protections(t) {
		for _, s := range sides {
			bubble(t, fmt.Sprintf("%s %v", s.name, sett), func(t *testing.T) {
				p, v := s.against(t, understands(sett), sett)
				p.Handshake()
				require.NoError(t, p.Err())
				f(t, sett.transport.Ciphers[0].Name, p, v)
			})
		}
	}
}

// B1, CVE-2026-55200, CVE-2019-3855, CVE-2024-43410: packet_length is believed. In
// the clear it is a protocol error, and behind the key exchange it is a packet as
// damaged as any other. Nothing is allocated for it.
func TestB1PacketLength(t *testing.T) {
	lengths := []uint32{0, 1, 4, 5, 11, 256<<10 + 1, 256<<10 + 4, 1<<31 - 1, 1 << 31, 1<<32 - 20, 1<<32 - 1}
	for _, n := range lengths {
		eachSide(t, fmt.Sprintf("in the clear: %d", n), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.SendVersion()
			p.ExpectVersion()
			p.Expect(wire.NumberKexInit)
			k := p.Frame(&wire.Ignore{})
			k.Length = n
			p.SendPacket(k)
			v.denies(t, p, transport.ReasonProtocolError)
		})
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			protected(t, func(t *testing.T, name string, p *fuzz.Peer, v *victim) {
				k := p.Frame(&wire.Ignore{})
				k.Length = n
				p.SendPacket(k)
				p.SendRaw(make([]byte, 300<<10)) // what CBC waits for
				p.ExpectDisconnect(transport.ReasonMACError)
				require.NoError(t, p.Err())
				v.requireReason(t, transport.ReasonMACError)
			})
		})
	}
	eachSide(t, "a packet that never comes", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		k := p.Frame(&wire.Ignore{})
		k.Length = 256<<10 - 4
		p.SendPacket(k)
		p.Gather(time.Second)
		p.ExpectSilence(10 * time.Second)
	})
}

// B2, CVE-2021-43565: a packet without a payload.
func TestB2EmptyPayload(t *testing.T) {
	protected(t, func(t *testing.T, name string, p *fuzz.Peer, v *victim) {
		p.SendPacket(p.Frame(fuzz.Payload{}))
		p.ExpectDisconnect(transport.ReasonProtocolError)
		require.NoError(t, p.Err())
		v.requireReason(t, transport.ReasonProtocolError)
	})
}

// B3, CVE-2026-46597, CVE-2019-3861: padding_length is more than there is, or less
// than there must be.
func TestB3PaddingLength(t *testing.T) {
	for _, size := range []int{5, 20, 100, 250} {
		for _, padding := range []int{0, 1, 3, size, size + 1, size + 20, 251, 255} {
			t.Run(fmt.Sprintf("%d of %d", padding, size), func(t *testing.T) {
				protected(t, func(t *testing.T, name string, p *fuzz.Peer, v *victim) {
					k := p.Frame(fuzz.Payload(append([]byte{2}, make([]byte, size)...)))
					k.PaddingLength = byte(padding)
					if int(k.PaddingLength) >= 4 && int(k.PaddingLength) < int(k.Length)-1 {
						return // that is no attack
					}
					p.SendPacket(k)
					p.ExpectDisconnect(transport.ReasonProtocolError)
					require.NoError(t, p.Err())
					v.requireReason(t, transport.ReasonProtocolError)
				})
			})
		}
	}
}

// B7: how long it takes to refuse a tag says nothing about where it is wrong.
func TestB7TagsAreComparedInConstantTime(t *testing.T) {
	var compared []string
	files, err := filepath.Glob("../cipher/*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), "bytes.Equal(", file)
		require.NotContains(t, string(text), "bytes.Compare(", file)
		if strings.Contains(string(text), "subtle.ConstantTimeCompare(") || strings.Contains(string(text), "hmac.Equal(") {
			compared = append(compared, filepath.Base(file))
		}
	}
	require.NotEmpty(t, compared)
}

// B8: sequence numbers do not come round in the first key exchange, of which a peer
// that is not strict can make as much as it likes, nor under one set of keys.
func TestB8SequenceNumbersDoNotWrap(t *testing.T) {
	for _, s := range sides {
		bubble(t, s.name+" in the first key exchange", func(t *testing.T) {
			c := nullPeer()
			c.NotStrict = true
			p, v := s.against(t, c, nullCrypto())
			p.Begin()
			for range 3000 {
				p.Send(&wire.Ignore{})
			}
			v.denies(t, p, transport.ReasonProtocolError)
		})
		bubble(t, s.name+" under one set of keys", func(t *testing.T) {
			sett := nullCrypto()
			sett.transport.Rekey = transport.RekeyPolicy{Packets: 100}
			p, v := s.against(t, nullPeer(), sett)
			p.Handshake()
			s.enter(p)
			for range 200 {
				p.Send(&wire.Ignore{})
			}
			p.ExpectKexInit() // and no answer
			start := time.Now()
			p.Config.Timeout = time.Minute
			p.ExpectDisconnect()
			require.NoError(t, p.Err())
			require.LessOrEqual(t, time.Since(start), 31*time.Second)
			require.ErrorIs(t, v.gone(t), transport.ErrTimeout)
		})
	}
}

// B9: number 0 is nobody's, and the numbers that nobody has assigned are answered
// with that of their packet (RFC 4253, section 11.4).
func TestB9UnknownNumbers(t *testing.T) {
	for _, n := range []byte{8, 19, 29, 128, 191, 194, 255} {
		eachSide(t, fmt.Sprint(n), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			s.enter(p)
			sequence := p.SendSequence
			p.Send(fuzz.Payload{n, 1, 2, 3})
			m, err := wire.ParseUnimplemented(p.Expect(wire.NumberUnimplemented))
			require.NoError(t, errors.Join(err, p.Err()))
			require.Equal(t, sequence, m.Sequence)
		})
	}
	eachSide(t, "0", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.Send(fuzz.Payload{0})
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// B10, CVE-2019-17498: DISCONNECT and DEBUG that end in the middle of a field, or
// say that they are longer than they are.
func TestB10ShortDisconnect(t *testing.T) {
	full := (&wire.Disconnect{Reason: 2, Message: "bye"}).Append(nil)
	long := fuzz.Payload{1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff}
	for _, payload := range []fuzz.Payload{full[:1], full[:4], full[:5], full[:8], full[:9], full, long} {
		eachSide(t, fmt.Sprintf("DISCONNECT of %d bytes in the clear", len(payload)), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Begin()
			p.Send(payload)
			p.ExpectClosed()
		})
		eachSide(t, fmt.Sprintf("DISCONNECT of %d bytes", len(payload)), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			p.Send(payload)
			p.ExpectClosed()
		})
		eachSide(t, fmt.Sprintf("DEBUG of %d bytes", len(payload)), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Handshake()
			p.Send(append(fuzz.Payload{4}, payload[1:]...))
			s.enter(p)
		})
	}
}

// B11, CVE-2025-26466: a PING costs nothing before authentication, and nothing may
// come with a key exchange.
func TestB11Pings(t *testing.T) {
	ping := &wire.Ping{Data: make([]byte, 100)}
	eachSide(t, "before authentication", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		for range 3000 {
			p.Send(ping)
		}
		payloads, over := p.Gather(time.Second)
		require.True(t, over)
		for _, payload := range payloads {
			require.NotEqual(t, wire.NumberPong, wire.Number(payload[0]))
		}
	})
	eachSide(t, "in a key re-exchange", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.SendKexInit()
		p.Send(ping)
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "and nobody reads the answers", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.Config.Timeout = time.Second
		for range 4000 {
			p.Send(&wire.Ping{Data: make([]byte, 1000)})
		}
		err := v.gone(t)
		require.ErrorIs(t, err, transport.ErrBackedUp)
		v.end <- err
	})
}

// B12: what may be ignored is, however much of it there is, and UNIMPLEMENTED is
// never answered with UNIMPLEMENTED.
func TestB12Noise(t *testing.T) {
	eachSide(t, "", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.Gather(time.Millisecond)
		for range 1000 {
			p.Send(&wire.Ignore{Data: make([]byte, 32<<10)}, &wire.Debug{Display: true, Message: "\x1b[2J"}, &wire.Unimplemented{Sequence: 1 << 31})
		}
		p.ExpectSilence(time.Second)
		requirePong(t, p)
		for range 1000 {
			p.Send(fuzz.Payload{200})
			p.Expect(wire.NumberUnimplemented)
		}
	})
}

// B13, CVE-2020-1730, CVE-2025-5987, CVE-2025-5372: crypto that fails is not crypto
// that worked. No message follows in the clear.
func TestB13FailingCrypto(t *testing.T) {
	broken := errors.New("out of entropy")
	plain := fuzz.Plain()
	tests := map[string]func(*cipher.Mode){
		"sealer": func(m *cipher.Mode) {
			m.NewSealer = func(cipher.Keys, mac.Algorithm) (cipher.Sealer, error) { return nil, broken }
		},
		"opener": func(m *cipher.Mode) {
			m.NewOpener = func(cipher.Keys, mac.Algorithm) (cipher.Opener, error) { return nil, broken }
		},
	}
	for name, change := range tests {
		for _, s := range sides {
			bubble(t, s.name+" "+name, func(t *testing.T) {
				sett, mode := nullCrypto(), plain
				change(&mode)
				sett.transport.Ciphers = []cipher.Mode{mode}
				p, v := s.against(t, nullPeer(), sett)
				p.Begin()
				p.Exchange()
				require.NoError(t, p.Err())
				payloads, over := p.Gather(time.Minute)
				require.True(t, over)
				for _, payload := range payloads {
					require.Contains(t, []wire.Number{wire.NumberNewKeys, wire.NumberDisconnect, wire.NumberExtInfo}, wire.Number(payload[0]))
				}
				require.ErrorIs(t, v.gone(t), broken)
			})
		}
	}
}

// B6, CVE-2013-4548: keys change from every protection to every other, and nothing of
// the one is left in the other.
func TestB6RekeyRing(t *testing.T) {
	all := protections(t)
	everything := setting{transport: transport.Config{
		KeyExchanges: []kex.Method{fuzz.NullKex()}, Ciphers: slices.Concat(cipher.Default(), cipher.Insecure()), MACs: mac.Default(),
	}}
	for _, s := range sides {
		bubble(t, s.name, func(t *testing.T) {
			p, _ := s.against(t, understands(all[0]), everything)
			p.Handshake()
			s.enter(p)
			for _, from := range all {
				for _, to := range all {
					for _, next := range []setting{from, to} {
						p.Config = understands(next)
						p.Config.HostKey = testkeys.Ed25519()
						p.Rekey()
						requirePong(t, p)
					}
				}
			}
		})
	}
}
