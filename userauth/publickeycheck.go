package userauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// CheckPublicKey returns a check of the method "publickey" (RFC 4252,
// section 7). It calls f for each key the client names: once when the client
// asks whether the key would do, and again when it has proved to hold the key.
// Only the Decision of that second call is acted on: what a user may do belongs
// in it, and f keeps no note of the keys it has seen (CVE-2024-45337). The
// Attempt is valid until f returns.
//
// A key may be a [*hostkey.Certificate], if [Binding.Algorithms] has algorithms
// of certificates. It equals no other key, that in it included, and f refuses
// it unless it knows the authority, and what the certificate restricts. The
// signature of a [*hostkey.SecurityKey] has to prove that somebody touched it,
// unless [Decision.Requiring] says something else.
//
// It takes the method "publickey-hostbound-v00@openssh.com" too (OpenSSH
// PROTOCOL, section 3.1), which is the same with a signature that covers the
// host key, if [Binding.HostKey] is there to compare it with.
func CheckPublicKey(f func(ctx context.Context, a *Attempt, key hostkey.PublicKey) (Decision, error)) Check {
	return publicKeyCheck{f}
}

type publicKeyCheck struct {
	f func(ctx context.Context, a *Attempt, key hostkey.PublicKey) (Decision, error)
}

func (publicKeyCheck) Method() string { return methodPublicKey }

func (c publicKeyCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := a.publicKeyFields()
	if err != nil {
		return Decision{}, err
	}
	if c.f == nil {
		return Decision{}, errNoFunction
	}
	if !m.Signed {
		if err := a.queried(); err != nil {
			return Decision{}, err
		}
	}
	key, sig, err := a.key(&m)
	if err != nil {
		return Decision{}, err
	}
	decision, err := c.f(ctx, a, key)
	if err != nil || !decision.right() {
		return Decision{}, err
	}
	if m.Signed {
		if err := decision.satisfied(sig); err != nil {
			return Decision{}, err
		}
		decision.proof = proofOf(key)
		return decision, nil
	}
	ok := wire.UserauthPKOK{Algorithm: m.Algorithm, Key: m.Key}
	return Decision{verdict: wouldDo, message: ok.Append(nil)}, nil
}

// proofOf returns what a key that signed is remembered by. A certificate is no
// second key besides the one it is about.
func proofOf(key hostkey.PublicKey) string {
	if c, ok := key.(*hostkey.Certificate); ok {
		key = c.Key
	}
	return string(key.Marshal())
}

var defaultSignatures = sync.OnceValue(hostkey.Default)

// takes reports whether a server takes signatures of an algorithm.
func (b *Binding) takes(algorithm string) bool {
	if b.Algorithms != nil {
		return slices.Contains(b.Algorithms, algorithm)
	}
	return slices.Contains(defaultSignatures(), algorithm) ||
		slices.ContainsFunc(b.KeyFormats, func(f hostkey.Format) bool { return f.Name == algorithm })
}

// publicKeyFields reads the fields of a request of either form.
func (a *Attempt) publicKeyFields() (wire.PublicKeyFields, error) {
	if !a.bound {
		m, err := wire.ParsePublicKeyFields(a.fields)
		if err != nil {
			return m, a.violation(err)
		}
		return m, nil
	}
	m, err := wire.ParseHostBoundFields(a.fields)
	switch {
	case err != nil:
		return m.PublicKeyFields, a.violation(err)
	case len(a.binding.HostKey) == 0:
		return m.PublicKeyFields, errors.New("userauth: there is no host key to compare the one of the request with")
	case !bytes.Equal(m.HostKey, a.binding.HostKey):
		return m.PublicKeyFields, errors.New("userauth: the request is bound to another host key than ours: somebody is in between")
	}
	return m.PublicKeyFields, nil
}

// key returns the key of a request, if it may sign with the algorithm the
// request names, and if the request is signed, the signature, if it did.
func (a *Attempt) key(m *wire.PublicKeyFields) (hostkey.PublicKey, *hostkey.Signature, error) {
	key, err := a.binding.parseKey(m.Algorithm, m.Key)
	if err != nil {
		return nil, nil, err
	}
	if a.exchange != nil && slices.Contains(a.exchange.proofs, proofOf(key)) {
		return nil, nil, errors.New("userauth: the key has passed already")
	}
	if !m.Signed {
		return key, nil, nil
	}
	request := signed{user: a.User, service: a.Service, algorithm: m.Algorithm, key: m.Key}
	if a.bound {
		request.hostKey = a.binding.HostKey
	}
	// What a security key has to prove besides depends on the Decision.
	sig, err := a.binding.verify(hostkey.Require(key, 0), m.Algorithm, m.Signature, request.data)
	return key, sig, err
}

// parseKey reads a key that is to sign with the algorithm named.
func (b *Binding) parseKey(algorithm string, blob []byte) (hostkey.PublicKey, error) {
	if !b.takes(algorithm) {
		return nil, fmt.Errorf("userauth: algorithm %.64q is not among those taken", algorithm)
	}
	key, err := hostkey.ParsePublicKey(blob, b.KeyFormats...)
	if err != nil {
		return nil, err
	}
	// RFC 8332, section 3: one key format can have several algorithms.
	if _, err := hostkey.SignatureFormat(key, algorithm); err != nil {
		return nil, fmt.Errorf("userauth: algorithm %.64q is not one for a key of type %q", algorithm, key.Type())
	}
	return key, nil
}

// verify returns the signature in blob if it is key's, with the algorithm named
// and over what data returns for the session.
func (b *Binding) verify(key hostkey.PublicKey, algorithm string, blob []byte, data func(session []byte) []byte) (*hostkey.Signature, error) {
	if len(b.SessionID) == 0 {
		return nil, errNoSession
	}
	sig, err := hostkey.ParseSignature(blob)
	if err != nil {
		return nil, fmt.Errorf("userauth: signature: %w", err)
	}
	format, err := hostkey.SignatureFormat(key, algorithm)
	if err != nil || sig.Algorithm != format {
		return nil, fmt.Errorf("userauth: the request says algorithm %q, its signature %.64q", algorithm, sig.Algorithm)
	}
	return sig, hostkey.Verify(key, algorithm, data(b.SessionID), sig)
}
