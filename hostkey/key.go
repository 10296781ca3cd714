package hostkey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"

	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/wire"
)

// A PublicKey is a public key or a certificate. Those of this package are
// immutable and safe for concurrent use.
type PublicKey interface {
	// Type returns the key format, such as "ssh-ed25519" (RFC 4253, section 6.6).
	Type() string
	// Marshal returns the key blob. The caller owns the result.
	Marshal() []byte
	// Verify checks sig over data. It refuses a signature whose algorithm is
	// not one of those the key may sign with.
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

// ParsePublicKey parses a key blob, all of it:
//
//	string    key format identifier
//	....      key data in a form that depends on the format
//
// (RFC 4253, section 6.6.) It returns an [*UnknownKeyTypeError] for a format
// this package does not know, and a [*KeyFormatError] for a key that is
// malformed or unacceptable. The result does not alias blob.
func ParsePublicKey(blob []byte) (PublicKey, error) {
	r := wire.NewReader(blob)
	keyType := r.Blob()
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: "public", Reason: "it is truncated"}
	}
	switch string(keyType) {
	case Ed25519:
		return parseEd25519(r)
	case ECDSA256, ECDSA384, ECDSA521:
		return parseECDSA(string(keyType), r)
	case RSA:
		return parseRSA(r)
	}
	return nil, &UnknownKeyTypeError{Type: string(keyType)}
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

// Equal reports whether a and b are the same key. No key equals nil.
func Equal(a, b PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
