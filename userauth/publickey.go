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

// PublicKey returns the method "publickey" (RFC 4252, section 7) with the keys
// given, in order of preference. A single key signs at once; of several, each
// is asked about first, so that only a key the server would take has to sign.
// Keys that sign with nothing the server takes are passed over, and none signs
// over SHA-1 unless [Client.Algorithms] says so.
func PublicKey(signers ...hostkey.Signer) Method {
	signers = slices.Clone(signers)
	return publicKey{func(context.Context) ([]hostkey.Signer, error) { return signers, nil }}
}

// PublicKeyFunc is [PublicKey] with keys that are asked for each time the
// method is tried, as those of an agent are. Keys that come with an error are
// used all the same.
func PublicKeyFunc(signers func(ctx context.Context) ([]hostkey.Signer, error)) Method {
	return publicKey{signers}
}

type publicKey struct {
	signers func(ctx context.Context) ([]hostkey.Signer, error)
}

func (publicKey) Name() string { return methodPublicKey }

func (m publicKey) Authenticate(ctx context.Context, d *Dialog) (Answer, error) {
	if m.signers == nil {
		return Answer{}, errors.New("there is no function to give the keys")
	}
	signers, err := m.signers(ctx)
	if err == nil && len(signers) == 0 {
		err = errors.New("there are no keys")
	}
	offers, errs := d.offers(signers)
	if err != nil {
		errs = append(errs, err)
	}
	var last Answer
	for ask := len(offers) > 1; len(offers) > 0; {
		o := offers[0]
		offers = offers[1:]
		answer, err := o.send(ctx, d, ask)
		if d.err != nil {
			return Answer{}, d.err
		}
		if err != nil { // this key does not sign; another may
			errs = append(errs, fmt.Errorf("key %s: %w", hostkey.Fingerprint(o.signer.PublicKey()), err))
			continue
		}
		if answer.OK {
			return answer, nil
		}
		last = answer
		if answer.Partial || !slices.Contains(answer.Continue, methodPublicKey) {
			break
		}
		if d.relearn() {
			offers = d.reconsider(o, offers)
		} else if older, ok := d.older(o); ok {
			offers = append([]offer{older}, offers...)
		}
	}
	return last, errors.Join(errs...)
}

// relearn finds out whether the server has said in the meantime which
// algorithms it takes.
func (d *Dialog) relearn() bool {
	if d.binding.Algorithms != nil || d.binding.Relearn == nil {
		return false
	}
	d.binding.Algorithms, d.binding.Relearn = d.binding.Relearn(), nil
	return d.binding.Algorithms != nil
}

// reconsider returns the offers to be made once the algorithms are known that
// were not when they were chosen. The refused one is among them if it was for
// its algorithm.
func (d *Dialog) reconsider(refused offer, offers []offer) []offer {
	var again []offer
	for i, o := range append([]offer{refused}, offers...) {
		algorithm, ok := d.choose(o.signer.Algorithms())
		if !ok || i == 0 && algorithm == o.algorithm {
			continue
		}
		o.algorithm = algorithm
		again = append(again, o)
	}
	return again
}

// older returns the offer to be made after a refused one to a server that does
// not say what it takes, which may be older than RFC 8332: the same key, signing
// over SHA-1, if both the key and [Client.Algorithms] say that it may.
func (d *Dialog) older(refused offer) (offer, bool) {
	for _, a := range refused.signer.Algorithms() {
		if d.binding.Algorithms == nil && slices.Contains(overSHA1, a) && !slices.Contains(overSHA1, refused.algorithm) && d.maySign(a) {
			refused.algorithm = a
			return refused, true
		}
	}
	return offer{}, false
}

// An offer is a key to be offered to the server.
type offer struct {
	signer    hostkey.Signer
	algorithm string
	key       []byte // blob
}

// offers returns the keys worth offering, and an error for each other that the
// caller may have counted on.
func (d *Dialog) offers(signers []hostkey.Signer) (offers []offer, errs []error) {
	seen := map[string]bool{}
	for _, s := range signers {
		if s == nil {
			errs = append(errs, errors.New("one of the keys is nil"))
			continue
		}
		key := s.PublicKey().Marshal()
		if seen[string(key)] || d.keys[string(key)] {
			continue
		}
		seen[string(key)] = true
		algorithm, ok := d.choose(s.Algorithms())
		if !ok {
			errs = append(errs, fmt.Errorf("key %s signs with %q, of which the server takes none",
				hostkey.Fingerprint(s.PublicKey()), s.Algorithms()))
			continue
		}
		offers = append(offers, offer{s, algorithm, key})
	}
	return offers, errs
}

// overSHA1 are the algorithms that sign over SHA-1. RFC 8332, section 3, has
// the replacements, which any RSA key can sign with.
var overSHA1 = []string{
	"ssh-rsa", "ssh-rsa-cert-v01@openssh.com",
	"ssh-dss", "ssh-dss-cert-v01@openssh.com",
}

// maySign reports whether the client's keys may sign with an algorithm.
func (d *Dialog) maySign(algorithm string) bool {
	if d.algorithms == nil {
		return !slices.Contains(overSHA1, algorithm)
	}
	return slices.Contains(d.algorithms, algorithm)
}

// choose returns the first algorithm of ours that the server takes. Of a server
// that does not say RFC 8332, section 3.3, has clients try: those over SHA-1
// after the others.
func (d *Dialog) choose(ours []string) (string, bool) {
	theirs, last := d.binding.Algorithms, ""
	for _, a := range ours {
		switch {
		case !d.maySign(a) || theirs != nil && !slices.Contains(theirs, a):
		case !slices.Contains(overSHA1, a):
			return a, true
		case last == "":
			last = a
		}
	}
	return last, last != ""
}

// send offers the key, having asked about it first if ask is set. An error that
// does not end the dialogue is the signer's.
func (o *offer) send(ctx context.Context, d *Dialog, ask bool) (Answer, error) {
	fields := wire.PublicKeyFields{Algorithm: o.algorithm, Key: o.key}
	if ask {
		answer, err := d.Request(fields.Append(nil))
		if err != nil {
			return Answer{}, err
		}
		if answer.OK || answer.Partial {
			// RFC 4252, section 7: the server "MUST respond" with a failure
			// or SSH_MSG_USERAUTH_PK_OK. Nothing is proved yet.
			return Answer{}, d.end(&ProtocolError{What: "success for a key that has not signed"})
		}
		if answer.Message == nil {
			return answer, nil
		}
		if err := o.confirm(answer); err != nil {
			return Answer{}, d.end(err)
		}
	}
	var err error
	fields.Signed = true
	if fields.Signature, err = d.Sign(ctx, o.signer, o.algorithm); err != nil {
		return Answer{}, err
	}
	answer, err := d.Request(fields.Append(nil))
	if err != nil {
		return Answer{}, err
	}
	if answer.Message != nil {
		return Answer{}, d.end(unexpected(methodPublicKey, answer))
	}
	if answer.Partial {
		d.keys[string(o.key)] = true
	}
	return answer, nil
}

// confirm checks that the server's message is SSH_MSG_USERAUTH_PK_OK for o.
func (o *offer) confirm(a Answer) error {
	if wire.Number(a.Message[0]) != wire.NumberUserauthPKOK {
		return unexpected(methodPublicKey, a)
	}
	m, err := wire.ParseUserauthPKOK(a.Message)
	if err != nil {
		return &ProtocolError{What: "SSH_MSG_USERAUTH_PK_OK", Err: err}
	}
	// The algorithm is not compared: some servers put the key's format there.
	if !bytes.Equal(m.Key, o.key) {
		return &ProtocolError{What: "SSH_MSG_USERAUTH_PK_OK for a key that was not offered"}
	}
	return nil
}

// A signed is what the signature of a "publickey" request covers besides the
// session (RFC 4252, section 7).
type signed struct {
	user, service, algorithm string
	key                      []byte
}

// data returns the bytes to be signed in the session given:
//
//	string    session identifier
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name
//	string    service name
//	string    "publickey"
//	boolean   TRUE
//	string    public key algorithm name
//	string    public key to be used for authentication
func (s *signed) data(session []byte) []byte {
	m := wire.UserauthRequest{User: s.user, Service: s.service, Method: methodPublicKey}
	b := m.Append(wire.AppendString(nil, session))
	b = wire.AppendString(wire.AppendBool(b, true), s.algorithm)
	return wire.AppendString(b, s.key)
}

// errNoSession is what a zero [Binding] comes to.
var errNoSession = errors.New("userauth: there is no session identifier to sign over")

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
func CheckPublicKey(f func(ctx context.Context, a *Attempt, key hostkey.PublicKey) (Decision, error)) Check {
	return publicKeyCheck{f}
}

type publicKeyCheck struct {
	f func(ctx context.Context, a *Attempt, key hostkey.PublicKey) (Decision, error)
}

func (publicKeyCheck) Method() string { return methodPublicKey }

func (c publicKeyCheck) Check(ctx context.Context, a *Attempt) (Decision, error) {
	m, err := wire.ParsePublicKeyFields(a.fields)
	if err != nil {
		return Decision{}, a.violation(err)
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

// key returns the key of a request, if it may sign with the algorithm the
// request names, and if the request is signed, the signature, if it did.
func (a *Attempt) key(m *wire.PublicKeyFields) (hostkey.PublicKey, *hostkey.Signature, error) {
	if !a.binding.takes(m.Algorithm) {
		return nil, nil, fmt.Errorf("userauth: algorithm %.64q is not among those taken", m.Algorithm)
	}
	key, err := hostkey.ParsePublicKey(m.Key, a.binding.KeyFormats...)
	if err != nil {
		return nil, nil, err
	}
	if a.exchange != nil && slices.Contains(a.exchange.proofs, proofOf(key)) {
		return nil, nil, errors.New("userauth: the key has passed already")
	}
	// RFC 8332, section 3: one key format can have several algorithms.
	format, err := hostkey.SignatureFormat(key, m.Algorithm)
	if err != nil {
		return nil, nil, fmt.Errorf("userauth: algorithm %.64q is not one for a key of type %q", m.Algorithm, key.Type())
	}
	if !m.Signed {
		return key, nil, nil
	}
	sig, err := hostkey.ParseSignature(m.Signature)
	if err != nil {
		return nil, nil, fmt.Errorf("userauth: signature: %w", err)
	}
	if sig.Algorithm != format {
		return nil, nil, fmt.Errorf("userauth: the request says algorithm %q, its signature %.64q", m.Algorithm, sig.Algorithm)
	}
	return key, sig, a.verify(key, sig, m)
}

// verify checks that the request was signed by key for this session. What a
// security key has to prove besides depends on the Decision.
func (a *Attempt) verify(key hostkey.PublicKey, sig *hostkey.Signature, m *wire.PublicKeyFields) error {
	if len(a.binding.SessionID) == 0 {
		return errNoSession
	}
	request := signed{user: a.User, service: a.Service, algorithm: m.Algorithm, key: m.Key}
	return hostkey.Verify(hostkey.Require(key, 0), m.Algorithm, request.data(a.binding.SessionID), sig)
}
