package userauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// PublicKey returns the method "publickey" (RFC 4252, section 7) with the keys
// given, in order of preference. A single key signs at once; of several, each
// is asked about first, so that only a key the server would take has to sign.
// Keys that sign with nothing the server takes are passed over, and none signs
// over SHA-1 unless [Client.Algorithms] says so. Where the server takes them,
// signatures are bound to its host key: see [Binding.HostBound].
//
// Once the server has refused all but one of [Client.MaxTries], no further key
// is offered as long as there is another method for the last of them.
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
		if d.spares() {
			errs = append(errs, fmt.Errorf("%d keys were not offered, because servers hang up after %d refusals: name the right key", len(offers), d.maxTries))
			break
		}
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
		if err := o.doubt(d.user); err != nil && !answer.Partial {
			errs = append(errs, err)
		}
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

// spares reports whether the refusals that the server is expected to stand are
// better spent on another method than on a further key.
func (d *Dialog) spares() bool {
	return d.refusals >= d.maxTries-1 && slices.ContainsFunc(d.left, func(m Method) bool {
		return m.Name() != methodPublicKey && !isNone(m) && d.allows(m)
	})
}

// relearn finds out whether the server has said in the meantime which
// algorithms it takes.
func (d *Dialog) relearn() bool {
	if d.binding.Algorithms != nil || d.binding.Relearn == nil {
		return false
	}
	d.binding.Relearn(&d.binding)
	return d.binding.Algorithms != nil
}

// hostBound reports whether signatures are to be bound to the host key. The
// server may have said so since the key was chosen, and only that counts here.
func (d *Dialog) hostBound() bool {
	if b := d.binding; b.Algorithms == nil && b.Relearn != nil {
		b.Relearn(&b)
		d.binding.HostBound = b.HostBound
	}
	return d.binding.HostBound && len(d.binding.HostKey) > 0
}

// reconsider returns the offers to be made once the algorithms are known that
// were not when they were chosen. The refused one is among them if it was for
// its algorithm.
func (d *Dialog) reconsider(refused offer, offers []offer) []offer {
	var again []offer
	for i, o := range append([]offer{refused}, offers...) {
		algorithm, ok := d.choose(o.signer)
		if !ok || i == 0 && algorithm == o.algorithm {
			continue
		}
		o.algorithm = algorithm
		again = append(again, o)
	}
	return again
}

// older returns the offer to be made after a refused one to a server that may be
// older than RFC 8332: the same key, signing over SHA-1, if both the key and
// [Client.Algorithms] say that it may.
func (d *Dialog) older(refused offer) (offer, bool) {
	if slices.Contains(overSHA1, refused.algorithm) {
		return offer{}, false
	}
	key := refused.signer.PublicKey()
	for _, a := range refused.signer.Algorithms() {
		if slices.Contains(overSHA1, a) && d.maySign(a) && (d.lists(key, a) || isCertificate(key)) {
			refused.algorithm = a
			return refused, true
		}
	}
	return offer{}, false
}

// isCertificate reports whether a key is a certificate. OpenSSH up to 7.7 takes
// those of RSA keys with signatures over SHA-1 only, whatever it lists.
func isCertificate(key hostkey.PublicKey) bool {
	_, ok := key.(*hostkey.Certificate)
	return ok
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
		algorithm, ok := d.choose(s)
		if !ok {
			errs = append(errs, fmt.Errorf("key %s signs with %q, of which the server takes none",
				hostkey.Fingerprint(s.PublicKey()), s.Algorithms()))
			continue
		}
		offers = append(offers, offer{s, algorithm, key})
	}
	return offers, errs
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
	answer, err := o.sign(ctx, d, fields)
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

// sign sends the key with a signature.
func (o *offer) sign(ctx context.Context, d *Dialog, fields wire.PublicKeyFields) (Answer, error) {
	request := signed{user: d.user, service: d.service, algorithm: o.algorithm, key: o.key}
	if d.hostBound() {
		request.hostKey = d.binding.HostKey
	}
	sig, err := d.sign(ctx, o.signer, &request)
	if err != nil {
		return Answer{}, err
	}
	fields.Signed, fields.Signature = true, sig
	if request.hostKey == nil {
		return d.Request(fields.Append(nil))
	}
	bound := wire.HostBoundFields{PublicKeyFields: fields, HostKey: request.hostKey}
	return d.request(methodHostBound, bound.Append(nil))
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
