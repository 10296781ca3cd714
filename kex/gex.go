package kex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/big"

	"github.com/whelk-ssh/whelk/wire"
)

// The sizes of groups, in bits.
const (
	minGroupSize = 2048 // RFC 8270
	maxGroupSize = 8192 // RFC 4419, section 3
	// oldGroupSize is the least that RFC 4419, section 3, let clients ask for,
	// as old ones still do. They get a group of minGroupSize or more.
	oldGroupSize = 1024
	// preferredGroupSize is what our client asks for: a strength of 128 bits,
	// like that of Curve25519 (RFC 3526, section 8; RFC 9142, section 1.2).
	preferredGroupSize = 3072
)

// A groupExchange is Diffie-Hellman in a group that the server chooses
// (RFC 4419):
//
//	client                                                  server
//
//	SSH_MSG_KEX_DH_GEX_REQUEST  min, n, max  ------------>
//	         <------------  p, g  SSH_MSG_KEX_DH_GEX_GROUP
//	SSH_MSG_KEX_DH_GEX_INIT  e = g^x mod p   ------------>
//	         <----  K_S, f = g^y mod p, signature  SSH_MSG_KEX_DH_GEX_REPLY
//	K = f^x mod p                            K = e^y mod p
//
// It takes a round trip more than any other method, so it is no [KEM].
type groupExchange struct {
	script
	groups Groups
}

func groupExchangeSHA256(groups Groups) Method {
	return &groupExchange{script{"diffie-hellman-group-exchange-sha256", sha256.New}, groups}
}

func groupExchangeSHA1(groups Groups) Method {
	return &groupExchange{script{"diffie-hellman-group-exchange-sha1", sha1.New}, groups}
}

// WithGroups returns a copy of methods in which those of group exchange choose
// from groups when they serve. The others, and what a client does, remain as
// they are.
func WithGroups(methods []Method, groups Groups) []Method {
	with := make([]Method, len(methods))
	for i, m := range methods {
		if x, ok := m.(*groupExchange); ok {
			m = &groupExchange{x.script, groups}
		}
		with[i] = m
	}
	return with
}

// Client implements [Method].
func (m *groupExchange) Client(c Conn, t *Transcript) (*Result, error) {
	said := gexTranscript{Transcript: t}
	g, err := m.ask(c, &said)
	if err != nil {
		return nil, err
	}
	key, e := g.newKey()
	init := wire.KexDHGexInit{E: e}
	if err := c.WritePacket(init.Append(nil)); err != nil {
		return nil, err
	}
	p, err := m.read(c, wire.NumberKexDHGexReply)
	if err != nil {
		return nil, err
	}
	reply, err := wire.ParseKexDHGexReply(p)
	if err != nil {
		return nil, m.malformed(wire.NumberKexDHGexReply, err)
	}
	k, err := key.secret(reply.F)
	if err != nil {
		return nil, &Error{Method: m.name, Err: err}
	}
	return &Result{
		Hash:      m.hash,
		K:         k,
		H:         said.exchangeHash(m.hash(), &init, &reply, k),
		HostKey:   bytes.Clone(reply.HostKey),
		Signature: bytes.Clone(reply.Signature),
	}, nil
}

// ask has the server choose a group.
func (m *groupExchange) ask(c Conn, said *gexTranscript) (group, error) {
	request := wire.KexDHGexRequest{Min: minGroupSize, Preferred: preferredGroupSize, Max: maxGroupSize}
	said.request = request.Append(nil)
	if err := c.WritePacket(said.request); err != nil {
		return group{}, err
	}
	p, err := m.read(c, wire.NumberKexDHGexGroup)
	if err != nil {
		return group{}, err
	}
	offer, err := wire.ParseKexDHGexGroup(p)
	if err != nil {
		return group{}, m.malformed(wire.NumberKexDHGexGroup, err)
	}
	said.group = bytes.Clone(p)
	g := group{p: offer.P, g: offer.G}
	if err := g.check(&request); err != nil {
		return group{}, &Error{Method: m.name, What: "group", Err: err}
	}
	return g, nil
}

// check refuses a group in which it is not safe to compute. Whether p is a safe
// prime is not tested, which would take longer than the exchange: the server,
// which chose it, knows the secret anyway.
func (g group) check(request *wire.KexDHGexRequest) error {
	switch {
	case g.p.Sign() < 0 || g.size() < request.Min || g.size() > request.Max:
		return fmt.Errorf("p has %d bits, not %d to %d", g.size(), request.Min, request.Max)
	case g.p.Bit(0) == 0:
		return errors.New("p is even")
	case !g.within(g.g):
		return errors.New("g is not between 2 and p-2")
	}
	return nil
}

// Server implements [Method].
func (m *groupExchange) Server(c Conn, t *Transcript, id Identity) (*Result, error) {
	said := gexTranscript{Transcript: t}
	g, err := m.offer(c, &said)
	if err != nil {
		return nil, err
	}
	p, err := m.read(c, wire.NumberKexDHGexInit)
	if err != nil {
		return nil, err
	}
	init, err := wire.ParseKexDHGexInit(p)
	if err != nil {
		return nil, m.malformed(wire.NumberKexDHGexInit, err)
	}
	if err := g.checkPublic(init.E); err != nil { // before it costs anything
		return nil, &Error{Method: m.name, Err: err}
	}
	key, f := g.newKey()
	k, err := key.secret(init.E)
	if err != nil {
		return nil, &Error{Method: m.name, Err: err}
	}
	reply := wire.KexDHGexReply{HostKey: id.HostKey, F: f}
	h := said.exchangeHash(m.hash(), &init, &reply, k)
	reply.Signature, err = id.Sign(h)
	if err != nil {
		clear(k)
		return nil, fmt.Errorf("kex: %s: signing the exchange hash: %w", m.name, err)
	}
	if err := c.WritePacket(reply.Append(nil)); err != nil {
		clear(k)
		return nil, err
	}
	return &Result{Hash: m.hash, K: k, H: h, HostKey: id.HostKey, Signature: reply.Signature}, nil
}

// offer answers the client's request with a group.
func (m *groupExchange) offer(c Conn, said *gexTranscript) (group, error) {
	p, err := m.read(c, wire.NumberKexDHGexRequest, wire.NumberKexDHGexRequestOld)
	if err != nil {
		return group{}, err
	}
	request, err := m.parseRequest(p)
	if err != nil {
		return group{}, err
	}
	said.request = bytes.Clone(p)
	g, err := m.choose(request)
	if err != nil {
		return group{}, &Error{Method: m.name, What: "request", Err: err}
	}
	offer := wire.KexDHGexGroup{P: g.p, G: g.g}
	said.group = offer.Append(nil)
	return g, c.WritePacket(said.group)
}

// parseRequest parses a request of either form. The older has a size and no
// limits.
func (m *groupExchange) parseRequest(p []byte) (*wire.KexDHGexRequest, error) {
	if wire.Number(p[0]) == wire.NumberKexDHGexRequestOld {
		old, err := wire.ParseKexDHGexRequestOld(p)
		if err != nil {
			return nil, m.malformed(wire.NumberKexDHGexRequestOld, err)
		}
		return &wire.KexDHGexRequest{Preferred: old.Preferred, Max: maxGroupSize}, nil
	}
	request, err := wire.ParseKexDHGexRequest(p)
	if err != nil {
		return nil, m.malformed(wire.NumberKexDHGexRequest, err)
	}
	return &request, nil
}

// choose returns a group that meets a request.
func (m *groupExchange) choose(r *wire.KexDHGexRequest) (group, error) {
	switch {
	case r.Min > r.Preferred || r.Preferred > r.Max:
		return group{}, fmt.Errorf("min, n and max are %d, %d and %d, which is not their order", r.Min, r.Preferred, r.Max)
	case r.Preferred < oldGroupSize || r.Preferred > maxGroupSize:
		return group{}, fmt.Errorf("a group of %d bits, not of %d to %d", r.Preferred, oldGroupSize, maxGroupSize)
	}
	g, ok := m.groups.choose(max(r.Min, minGroupSize), r.Preferred, min(r.Max, maxGroupSize))
	if !ok {
		return group{}, fmt.Errorf("no group has %d to %d bits", r.Min, r.Max)
	}
	return g, nil
}

// A gexTranscript is what was said before the exchange, and the first two
// messages of it.
type gexTranscript struct {
	*Transcript
	request, group []byte // payloads
}

// exchangeHash computes H (RFC 4419, section 3):
//
//	string    V_C, client's version line without CR LF
//	string    V_S, server's version line without CR LF
//	string    I_C, payload of the client's SSH_MSG_KEXINIT
//	string    I_S, payload of the server's SSH_MSG_KEXINIT
//	string    K_S, server's public host key
//	uint32    min, n and max, or n alone if it was requested alone (section 5)
//	mpint     p
//	mpint     g
//	mpint     e
//	mpint     f
//	mpint     K
//
// What it has of a message is all of that but its number.
func (said *gexTranscript) exchangeHash(h hash.Hash, init *wire.KexDHGexInit, reply *wire.KexDHGexReply, k []byte) []byte {
	said.hashTo(h, reply.HostKey)
	h.Write(said.request[1:])
	h.Write(said.group[1:])
	for _, v := range []*big.Int{init.E, reply.F} {
		h.Write(wire.AppendMPInt(nil, v))
	}
	h.Write(k)
	return h.Sum(nil)
}
