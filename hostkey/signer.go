package hostkey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ed25519"
)

// A nativeSigner signs with a key behind the interface of Go's crypto
// packages, in memory or in hardware.
type nativeSigner struct {
	key        crypto.Signer
	public     nativePublicKey
	algorithms []string
}

// NewSigner returns a Signer that signs with key: an ed25519.PrivateKey or a
// pointer to one, an *ecdsa.PrivateKey on P-256, P-384 or P-521, an
// *rsa.PrivateKey of at least [MinRSABits], or anything else whose Public
// method returns the public key of one of those, such as a key in a hardware
// module. Such a signer has to be safe for concurrent use.
//
// The Signer keeps what a pointer points to, which must not be changed after.
// A signature under way
// cannot be cancelled, since crypto.Signer knows no context: a done context
// only prevents it.
func NewSigner(key crypto.Signer) (Signer, error) {
	switch k := key.(type) {
	case ed25519.PrivateKey:
		key = slices.Clone(k)
	case *ed25519.PrivateKey:
		if k != nil {
			key = slices.Clone(*k)
		}
	}
	if err := checkPrivate(key); err != nil {
		return nil, err
	}
	public, err := newPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &nativeSigner{key, public, Algorithms(public.Type())}, nil
}

// checkPrivate refuses keys whose methods would panic, and Ed25519 keys whose
// halves do not belong together: two signatures by one seed under two public
// keys give the seed away.
func checkPrivate(key crypto.Signer) error {
	missing := key == nil
	switch k := key.(type) {
	case ed25519.PrivateKey:
		if len(k) != ed25519.PrivateKeySize {
			return &KeyFormatError{Type: Ed25519, Reason: fmt.Sprintf("it has %d bytes, not %d", len(k), ed25519.PrivateKeySize)}
		}
		if !bytes.Equal(k, ed25519.NewKeyFromSeed(k.Seed())) {
			return &KeyFormatError{Type: Ed25519, Reason: "its public half does not belong to the private one"}
		}
	case *ed25519.PrivateKey:
		missing = true
	case *ecdsa.PrivateKey:
		missing = k == nil
	case *rsa.PrivateKey:
		missing = k == nil
	}
	if missing {
		return errors.New("hostkey: there is no private key: it is nil")
	}
	return nil
}

func (s *nativeSigner) PublicKey() PublicKey { return s.public }

func (s *nativeSigner) Algorithms() []string { return s.algorithms }

func (s *nativeSigner) Sign(ctx context.Context, algorithm string, data []byte) (*Signature, error) {
	hash, err := hashFor(algorithm, s.public.Type())
	if err != nil {
		return nil, err
	}
	return s.sign(ctx, algorithm, hash, data)
}

// sign signs the hash of data.
func (s *nativeSigner) sign(ctx context.Context, algorithm string, hash crypto.Hash, data []byte) (*Signature, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := s.key.Sign(rand.Reader, digest(hash, data), hash)
	if err != nil {
		return nil, fmt.Errorf("hostkey: signing with %s: %w", algorithm, err)
	}
	blob, err := s.public.signatureBlob(raw)
	if err != nil {
		return nil, err
	}
	sig := &Signature{Algorithm: algorithm, Blob: blob}
	// One RSA signature in which the arithmetic went wrong gives the key away
	// to whoever sees it (Ryan, He, Sullivan, Heninger, CCS 2023).
	if s.public.Type() == RSA && Verify(s.public, algorithm, data, sig) != nil {
		return nil, errors.New("hostkey: the signer returned an RSA signature that its own key refuses")
	}
	return sig, nil
}
