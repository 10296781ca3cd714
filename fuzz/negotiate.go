package fuzz

import (
	"slices"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// An agreement is what two KEXINITs agree on, the protections by who sends.
type agreement struct {
	method  kex.Method
	hostKey string
	protect [2]protection
}

// A protection is the cipher and MAC of one direction. The MAC is zero if the
// cipher is an AEAD.
type protection struct {
	mode cipher.Mode
	mac  mac.Algorithm
}

// negotiate applies RFC 4253, section 7.1: each algorithm is the first of the
// client's that is also the server's. missing names one there is none of.
func (p *Peer) negotiate(c, s *wire.KexInit) (a agreement, missing string) {
	methods, modes, macs := p.Config.keyExchanges(), p.Config.ciphers(), p.Config.macs()
	pick := func(what string, ours, theirs []string) string {
		for _, name := range ours {
			if slices.Contains(theirs, name) {
				return name
			}
		}
		missing = what
		return ""
	}
	name := pick("key exchange", methodsOf(c), methodsOf(s))
	if i := slices.IndexFunc(methods, func(m kex.Method) bool { return m.Name() == name }); i >= 0 {
		a.method = methods[i]
	}
	a.hostKey = pick("host key algorithm", c.HostKeys, s.HostKeys)
	names := [2][2][2][]string{
		client: {{c.CiphersClientServer, s.CiphersClientServer}, {c.MACsClientServer, s.MACsClientServer}},
		server: {{c.CiphersServerClient, s.CiphersServerClient}, {c.MACsServerClient, s.MACsServerClient}},
	}
	for sender := range names {
		ciphers, tags := names[sender][0], names[sender][1]
		name := pick("cipher", ciphers[0], ciphers[1])
		if i := slices.IndexFunc(modes, func(m cipher.Mode) bool { return m.Name == name }); i >= 0 {
			a.protect[sender].mode = modes[i]
		}
		if a.protect[sender].mode.AEAD {
			continue
		}
		name = pick("MAC", tags[0], tags[1])
		if i := slices.IndexFunc(macs, func(m mac.Algorithm) bool { return m.Name == name }); i >= 0 {
			a.protect[sender].mac = macs[i]
		}
	}
	return a, missing
}

// methodsOf returns the key exchanges in m without the markers among them, which
// can never be chosen.
func methodsOf(m *wire.KexInit) []string {
	return slices.DeleteFunc(slices.Clone(m.KeyExchanges), func(name string) bool {
		return slices.Contains(extInfoMarkers[:], name) || slices.Contains(strictMarkers[:], name)
	})
}
