package fuzz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/wire"
)

// C1, CVE-2016-8858: a second KEXINIT before the end of the exchange.
func TestC1KexInitTwice(t *testing.T) {
	eachSide(t, "first key exchange", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Begin()
		p.SendKexInit()
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "before the other's", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.SendVersion()
		p.SendKexInit()
		p.SendKexInit()
		p.ExpectVersion()
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "key re-exchange", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Handshake()
		s.enter(p)
		p.SendKexInit()
		p.SendKexInit()
		v.denies(t, p, transport.ReasonProtocolError)
	})
}

// C2, CVE-2025-30211: name-lists that are long, or of names that are, or of none
// that may stand there.
func TestC2NameLists(t *testing.T) {
	lists := map[string]string{
		"250 KiB":          strings.Repeat("name,", 50<<10) + "name",
		"100,000 names":    strings.Repeat("x,", 100_000) + "x",
		"one of 200 KiB":   strings.Repeat("x", 200<<10),
		"65 characters":    strings.Repeat("x", 65),
		"NUL":              "a\x00b",
		"not ASCII":        "caf\u00e9",
		"a space":          "a b",
		"an empty name":    "a,,b",
		"a leading comma":  ",a",
		"a trailing comma": "a,",
	}
	for name, list := range lists {
		eachSide(t, name, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Rewrite(wire.NumberKexInit, func(payload []byte) []fuzz.Message {
				payload = wire.AppendString(payload[:1+16], list) // in place of the key exchanges, and no more
				for range 9 {
					payload = wire.AppendString(payload, "")
				}
				return []fuzz.Message{fuzz.Payload(append(payload, 0, 0, 0, 0, 0))}
			})
			p.Begin()
			v.denies(t, p, transport.ReasonProtocolError)
		})
	}
}

// C3: a list may be empty (RFC 4253, section 7.1, for languages).
func TestC3EmptyLists(t *testing.T) {
	eachSide(t, "languages", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Config.Offer = func(m *wire.KexInit) {
			m.LanguagesClientServer, m.LanguagesServerClient = nil, nil
			m.CompressionClientServer, m.CompressionServerClient = []string{"none"}, []string{"none"}
		}
		p.Handshake()
		s.enter(p)
	})
}

// C4: a KEXINIT with a reserved field, too many bytes or too few.
func TestC4KexInitForm(t *testing.T) {
	eachSide(t, "reserved field", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Config.Offer = func(m *wire.KexInit) { m.Reserved = 1 }
		p.Begin()
		v.denies(t, p, transport.ReasonProtocolError)
	})
	eachSide(t, "a byte too many", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Rewrite(wire.NumberKexInit, func(payload []byte) []fuzz.Message { return []fuzz.Message{append(fuzz.Payload(payload), 0)} })
		p.Begin()
		v.denies(t, p, transport.ReasonProtocolError)
	})
	for n := 1; n < 170; n++ {
		eachSide(t, fmt.Sprintf("%d bytes", n), func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			p.Config.HostKeyAlgorithms = []string{"ssh-ed25519"}
			p.Rewrite(wire.NumberKexInit, func(payload []byte) []fuzz.Message {
				require.Greater(t, len(payload), n)
				return []fuzz.Message{fuzz.Payload(payload[:n])}
			})
			p.Begin()
			v.denies(t, p, transport.ReasonProtocolError)
		})
	}
}

// C5: names that announce an extension are no key exchange.
func TestC5MarkersAreNoMethods(t *testing.T) {
	eachSide(t, "", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Config.Offer = func(m *wire.KexInit) {
			m.KeyExchanges = []string{"kex-strict-s-v00@openssh.com", "ext-info-s", "kex-strict-c-v00@openssh.com", "ext-info-c"}
		}
		p.Begin()
		v.denies(t, p, transport.ReasonKeyExchangeFailed)
	})
}

// C6: key exchange is strict if both sides ask for it, each in its own words and in
// the first KEXINIT.
func TestC6StrictOfBoth(t *testing.T) {
	words := []string{"kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"} // by who says it
	for name, theirs := range map[string]func(own, other string) []string{
		"no marker":        func(own, other string) []string { return nil },
		"the wrong marker": func(own, other string) []string { return []string{other} },
		"its own marker":   func(own, other string) []string { return []string{own} },
		"both":             func(own, other string) []string { return []string{other, own} },
	} {
		eachSide(t, name, func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
			own, other := words[0], words[1]
			if s.client { // so that the Peer is a server
				own, other = other, own
			}
			p.Config.NotStrict = true
			markers := theirs(own, other)
			p.Config.Offer = func(m *wire.KexInit) { m.KeyExchanges = append(m.KeyExchanges, markers...) }
			p.Begin()
			strict := slices.Contains(markers, own)
			p.Send(&wire.Ignore{})
			if strict {
				v.denies(t, p, transport.ReasonProtocolError)
				return
			}
			p.Exchange()
			p.SwitchKeys()
			require.False(t, p.Strict)
			s.enter(p)
		})
	}
	eachSide(t, "not in a key re-exchange", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Config.NotStrict = true
		p.Handshake()
		s.enter(p)
		p.Config.Offer = func(m *wire.KexInit) { m.KeyExchanges = append(m.KeyExchanges, words...) }
		p.Rekey() // the sequence numbers of a Peer that is not strict go on
		p.Send(&wire.Ignore{})
		requirePong(t, p)
	})
}

// C7, CVE-2023-1667: a guess of the key exchange, right or wrong, or none where
// one was announced.
func TestC7Guesses(t *testing.T) {
	guess := func(p *fuzz.Peer, right, flag bool) {
		p.Config.Offer = func(m *wire.KexInit) {
			m.FirstFollows = flag
			if !right {
				m.KeyExchanges = append([]string{"guess@fuzz.invalid"}, m.KeyExchanges...)
			}
		}
	}
	tests := []struct {
		name        string
		right, flag bool
		extra       int // packets of a wrong method
		works       bool
	}{
		{"right", true, true, 0, true},
		{"wrong, and dropped once", false, true, 1, true},
		{"wrong, and dropped once only", false, true, 2, false},
		{"wrong, with nothing behind it", false, true, 0, false},
		{"none announced", true, false, 1, false},
	}
	for _, tt := range tests {
		for _, again := range []bool{false, true} {
			bubble(t, fmt.Sprintf("%s, again %t", tt.name, again), func(t *testing.T) {
				p, v := againstServer(t, nullPeer(), nullCrypto())
				p.Config.HostKeyAlgorithms = []string{"ssh-ed25519"}
				if again {
					p.Handshake()
					p.Login(alice, password(secret))
				}
				guess(p, tt.right, tt.flag)
				if again {
					p.SendKexInit()
					p.ExpectKexInit()
				} else {
					p.Begin()
				}
				for range tt.extra {
					p.Send(fuzz.Payload{31, 1, 2, 3})
				}
				require.NoError(t, p.Err())
				p.Config.Timeout = time.Minute
				p.Exchange()
				if !tt.works {
					require.Error(t, p.Err())
					p.Close()
					v.gone(t)
					return
				}
				p.SwitchKeys()
				require.NoError(t, p.Err())
			})
		}
	}
}

// C8: each of the lists may have nothing in common with ours.
func TestC8NothingInCommon(t *testing.T) {
	other := []string{"other@fuzz.invalid"}
	for name, change := range map[string]func(*wire.KexInit){
		"key exchange":                 func(m *wire.KexInit) { m.KeyExchanges = other },
		"host key algorithm":           func(m *wire.KexInit) { m.HostKeys = other },
		"cipher client to server":      func(m *wire.KexInit) { m.CiphersClientServer = other },
		"cipher server to client":      func(m *wire.KexInit) { m.CiphersServerClient = other },
		"MAC client to server":         func(m *wire.KexInit) { m.MACsClientServer = other },
		"MAC server to client":         func(m *wire.KexInit) { m.MACsServerClient = other },
		"compression client to server": func(m *wire.KexInit) { m.CompressionClientServer = other },
		"compression server to client": func(m *wire.KexInit) { m.CompressionServerClient = other },
	} {
		for _, s := range sides {
			bubble(t, s.name+" "+name, func(t *testing.T) {
				c := fuzz.Config{KeyExchanges: []kex.Method{fuzz.NullKex()}, Offer: func(m *wire.KexInit) {
					m.CiphersClientServer, m.CiphersServerClient = []string{"aes128-ctr"}, []string{"aes128-ctr"}
					change(m)
				}}
				p, v := s.against(t, c, setting{transport: transport.Config{KeyExchanges: c.KeyExchanges}})
				p.Begin()
				p.ExpectDisconnect(transport.ReasonKeyExchangeFailed)
				require.NoError(t, p.Err())
				err := v.gone(t)
				var n *transport.NegotiationError
				require.ErrorAs(t, err, &n)
				require.Equal(t, name, n.What)
			})
		}
	}
	eachSide(t, "MACs, which an AEAD has no use for", func(t *testing.T, s side, p *fuzz.Peer, v *victim) {
		p.Config.Offer = func(m *wire.KexInit) { m.MACsClientServer, m.MACsServerClient = other, nil }
		p.Handshake()
		s.enter(p)
	})
}
