package hostkey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"

	"golang.org/x/crypto/ed25519"
)

// A PublicKey is a public key or a certificate. Those of this package are
// immutable and safe for concurrent use.
type PublicKey interface {
	// Type returns the key format, such as "ssh-ed25519" (RFC 4253, section 6.6).
	Type() string
	// Marshal returns the key blob. The caller owns the result.
	Marshal() []byte
	// Verify checks sig over data. It refuses a signature whose algorithm is
	// not one of those the key may sign with, or is insecure. It does not know
	// which of them was agreed on, and the function [Verify] does.
	Verify(data []byte, sig *Signature) error
}

// A Signer signs with a private key, wherever that key lives. Implementations
// are safe for concurrent use.
type Signer interface {
	PublicKey() PublicKey
	// Algorithms returns the signature algorithms the key can sign with, in
	// order of preference. It is never empty. The caller must not change it.
	Algorithms() []string
	// Sign signs data with the named algorithm, one of Algorithms.
	Sign(ctx context.Context, algorithm string, data []byte) (*Signature, error)
}

// NewPublicKey returns the SSH form of a public key of Go's crypto packages:
// an ed25519.PublicKey, an *ecdsa.PublicKey on P-256, P-384 or P-521, or an
// *rsa.PublicKey. The result does not alias key.
func NewPublicKey(key crypto.PublicKey) (PublicKey, error) {
	return newPublicKey(key)
}

// A nativePublicKey is a public key that can bring the output of the
// crypto.Signer of its private half into the form of SSH.
type nativePublicKey interface {
	PublicKey
	signatureBlob(raw []byte) ([]byte, error)
}

func newPublicKey(key crypto.PublicKey) (nativePublicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return newEd25519(k)
	case *ecdsa.PublicKey:
		return newECDSA(k)
	case *rsa.PublicKey:
		return newRSA(k)
	}
	return nil, fmt.Errorf("hostkey: a public key of type %T is not supported: "+
		"want ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey", key)
}

// Verify checks that sig is a signature over data that key made with the named
// algorithm, the one that was negotiated or that a request names: the key has
// the format of that algorithm, and the signature says so too. If the algorithm
// is one of [Insecure], naming it is asking for it, so that a caller first makes
// sure that it is one of those it takes.
func Verify(key PublicKey, algorithm string, data []byte, sig *Signature) error {
	format, err := SignatureFormat(key, algorithm)
	if err != nil {
		return err
	}
	if sig == nil {
		return ErrSignature
	}
	if sig.Algorithm != format {
		return &AlgorithmError{Algorithm: sig.Algorithm, KeyType: key.Type()}
	}
	if c, ok := key.(*Certificate); ok {
		key = c.Key
	}
	if k, ok := key.(insecureKey); ok && isInsecure(format) {
		return k.verifyInsecure(data, sig)
	}
	return key.Verify(data, sig)
}

// Equal reports whether a and b are the same key. No key equals nil.
func Equal(a, b PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
