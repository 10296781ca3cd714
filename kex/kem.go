package kex

import (
	"bytes"
	"fmt"
	"hash"
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// A KEM is the algebra of a one-round-trip method. Every method but group
// exchange (RFC 4419) is one; New supplies the rest. Its methods may be called
// concurrently.
//
// The secret k is encoded as it enters the exchange hash and the key
// derivation: an mpint, or for hybrids a string. The caller owns all results,
// and arguments are not kept.
type KEM interface {
	// GenerateKey makes an ephemeral key. open recovers the secret from the
	// peer's answer to public; it is called at most once, and an error of it
	// means that the ciphertext is at fault.
	GenerateKey() (public []byte, open func(ciphertext []byte) (k []byte, err error), err error)
	// Encapsulate makes a secret and the ciphertext from which the holder of
	// public's private half recovers it. An error means that public is at
	// fault.
	Encapsulate(public []byte) (ciphertext, k []byte, err error)
}

// New returns the method that runs kem in SSH_MSG_KEX_ECDH_INIT and
// SSH_MSG_KEX_ECDH_REPLY (RFC 5656, section 4), and hashes with hash. Neither
// kem nor hash may be nil.
func New(name string, hash func() hash.Hash, kem KEM) Method {
	return &method{script{name, hash}, kem}
}

// A script is what the methods that New makes and group exchange share.
type script struct {
	name string
	hash func() hash.Hash
}

func (m *script) Name() string { return m.name }

// A method is a KEM and what RFC 5656, section 4, wraps around it.
type method struct {
	script
	kem KEM
}

// Client implements [Method].
func (m *method) Client(c Conn, t *Transcript) (*Result, error) {
	public, open, err := m.kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("kex: %s: generating an ephemeral key: %w", m.name, err)
	}
	init := wire.KexECDHInit{Public: public}
	if err := c.WritePacket(init.Append(nil)); err != nil {
		return nil, err
	}
	p, err := m.read(c, wire.NumberKexECDHReply)
	if err != nil {
		return nil, err
	}
	reply, err := wire.ParseKexECDHReply(p)
	if err != nil {
		return nil, m.malformed(wire.NumberKexECDHReply, err)
	}
	k, err := open(reply.Public)
	if err != nil {
		return nil, &Error{Method: m.name, Err: err}
	}
	return &Result{
		Hash:      m.hash,
		K:         k,
		H:         m.exchangeHash(t, public, &reply, k),
		HostKey:   bytes.Clone(reply.HostKey),
		Signature: bytes.Clone(reply.Signature),
	}, nil
}

// Server implements [Method].
func (m *method) Server(c Conn, t *Transcript, id Identity) (*Result, error) {
	p, err := m.read(c, wire.NumberKexECDHInit)
	if err != nil {
		return nil, err
	}
	init, err := wire.ParseKexECDHInit(p)
	if err != nil {
		return nil, m.malformed(wire.NumberKexECDHInit, err)
	}
	ciphertext, k, err := m.kem.Encapsulate(init.Public)
	if err != nil {
		return nil, &Error{Method: m.name, Err: err}
	}
	reply := wire.KexECDHReply{HostKey: id.HostKey, Public: ciphertext}
	h := m.exchangeHash(t, init.Public, &reply, k)
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

// read returns the next message if it is a want, or one of the others. The
// numbers 30 to 49 mean something else in each method (RFC 4250,
// section 4.1.1), so nothing but what is due can be right.
func (m *script) read(c Conn, want wire.Number, others ...wire.Number) ([]byte, error) {
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, m.malformed(want, wire.ErrTruncated)
	}
	if got := wire.Number(p[0]); got != want && !slices.Contains(others, got) {
		return nil, &MessageError{Method: m.name, Want: want, Got: got}
	}
	return p, nil
}

func (m *script) malformed(n wire.Number, err error) error {
	return &MessageError{Method: m.name, Want: n, Got: n, Err: err}
}

// exchangeHash computes H (RFC 4253, section 8; RFC 5656, section 4). All of
// reply but its signature is part of it.
//
//	string    V_C, client's version line without CR LF
//	string    V_S, server's version line without CR LF
//	string    I_C, payload of the client's SSH_MSG_KEXINIT
//	string    I_S, payload of the server's SSH_MSG_KEXINIT
//	string    K_S, server's public host key
//	string    C_INIT, client's public value
//	string    S_REPLY, server's public value
//	....      K, shared secret, as the KEM encoded it
func (m *method) exchangeHash(t *Transcript, init []byte, reply *wire.KexECDHReply, k []byte) []byte {
	h := m.hash()
	t.hashTo(h, reply.HostKey, init, reply.Public)
	h.Write(k)
	return h.Sum(nil)
}

// hashTo writes t to h, and then more, each field as a string.
func (t *Transcript) hashTo(h hash.Hash, more ...[]byte) {
	var length [4]byte
	for _, field := range append([][]byte{t.ClientVersion, t.ServerVersion, t.ClientInit, t.ServerInit}, more...) {
		h.Write(wire.AppendUint32(length[:0], uint32(len(field))))
		h.Write(field)
	}
}
