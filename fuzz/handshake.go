package fuzz

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// Names in the key exchange list of the first KEXINIT that announce an extension,
// by role.
var (
	extInfoMarkers = [2]string{client: "ext-info-c", server: "ext-info-s"}                                     // RFC 8308, section 2.1
	strictMarkers  = [2]string{client: "kex-strict-c-v00@openssh.com", server: "kex-strict-s-v00@openssh.com"} // draft-ietf-sshm-strict-kex
)

// Handshake is [Peer.Begin], [Peer.Exchange] and [Peer.SwitchKeys]: all that
// comes before the first service.
func (p *Peer) Handshake() {
	p.Begin()
	p.Exchange()
	p.SwitchKeys()
}

// Begin exchanges versions and the first KEXINITs.
func (p *Peer) Begin() {
	p.SendVersion()
	p.ExpectVersion()
	p.SendKexInit()
	p.ExpectKexInit()
}

// Rekey exchanges keys again, from our KEXINIT to the other side's NEWKEYS.
func (p *Peer) Rekey() {
	p.SendKexInit()
	p.ExpectKexInit()
	p.Exchange()
	p.SwitchKeys()
}

// SendVersion sends our version line.
func (p *Peer) SendVersion() {
	p.Versions[p.role] = "SSH-2.0-" + cmp.Or(p.Config.Software, "Fuzz")
	p.SendRaw([]byte(p.Versions[p.role] + "\r\n"))
}

// ExpectVersion waits for the other side's version line.
func (p *Peer) ExpectVersion() {
	if p.err != nil {
		return
	}
	line, err := p.readVersion(time.Now().Add(p.timeout()))
	if err != nil {
		p.fail("a version line", p.whyNothing(err), err)
	}
	p.Versions[1-p.role] = line
}

// SendKexInit sends a fresh KEXINIT of what Config offers.
func (p *Peer) SendKexInit() {
	m := p.offer()
	if p.Config.Offer != nil {
		p.Config.Offer(&m)
	}
	p.inits[p.role], p.ourSet = m.Append(nil), true
	p.step(p.inits[p.role])
}

// offer returns a KEXINIT (RFC 4253, section 7.1). The first announces extensions.
func (p *Peer) offer() wire.KexInit {
	none := []string{"none"}
	m := wire.KexInit{HostKeys: p.hostKeyAlgorithms(), CompressionClientServer: none, CompressionServerClient: none}
	rand.Read(m.Cookie[:])
	for _, method := range p.Config.keyExchanges() {
		m.KeyExchanges = append(m.KeyExchanges, method.Name())
	}
	for _, mode := range p.Config.ciphers() {
		m.CiphersClientServer = append(m.CiphersClientServer, mode.Name)
	}
	for _, algorithm := range p.Config.macs() {
		m.MACsClientServer = append(m.MACsClientServer, algorithm.Name)
	}
	m.CiphersServerClient, m.MACsServerClient = m.CiphersClientServer, m.MACsClientServer
	if p.SessionID == nil {
		m.KeyExchanges = append(m.KeyExchanges, extInfoMarkers[p.role])
		if !p.Config.NotStrict {
			m.KeyExchanges = append(m.KeyExchanges, strictMarkers[p.role])
		}
	}
	return m
}

// ExpectKexInit waits for the other side's KEXINIT. In a key re-exchange it passes
// over what was under way (RFC 4253, section 7.1).
func (p *Peer) ExpectKexInit() {
	again := p.SessionID != nil
	payload := p.expect(wire.NumberKexInit.String(),
		func(payload []byte) bool { return wire.Number(payload[0]) == wire.NumberKexInit },
		func(payload []byte) bool { return again && wire.Number(payload[0]) != wire.NumberDisconnect })
	if payload == nil {
		return
	}
	p.inits[1-p.role], p.peerSet = payload, true
}

// agree finds out what the two KEXINITs agree on.
func (p *Peer) agree() bool {
	if p.err != nil {
		return false
	}
	if !p.ourSet || !p.peerSet {
		p.fail("a key exchange", "no KEXINIT from both sides: the script has to begin one", nil)
		return false
	}
	var inits [2]wire.KexInit
	for r, payload := range p.inits {
		var err error
		if inits[r], err = wire.ParseKexInit(payload); err != nil {
			p.fail("a KEXINIT", wire.Describe(payload), err)
			return false
		}
	}
	if p.SessionID == nil {
		p.Strict = slices.Contains(inits[client].KeyExchanges, strictMarkers[client]) &&
			slices.Contains(inits[server].KeyExchanges, strictMarkers[server])
	}
	p.dropGuess = inits[1-p.role].FirstFollows && !guessedRight(&inits[client], &inits[server])
	var missing string
	if p.agreed, missing = p.negotiate(&inits[client], &inits[server]); missing != "" {
		p.fail("an algorithm in common", fmt.Sprintf("no %s: %s", missing, wire.Describe(p.inits[1-p.role])), nil)
		return false
	}
	return true
}

// guessedRight reports whether a packet sent on a guess counts (RFC 4253,
// section 7).
func guessedRight(c, s *wire.KexInit) bool {
	return slices.Equal(first(c.KeyExchanges), first(s.KeyExchanges)) && slices.Equal(first(c.HostKeys), first(s.HostKeys))
}

func first(names []string) []string { return names[:min(1, len(names))] }
