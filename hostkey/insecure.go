package hostkey

import (
	"context"
	"crypto"
	"crypto/fips140"
	"errors"
	"slices"
)

// An insecureKey is a key that can verify signatures of an algorithm in
// [Insecure], which its method Verify refuses.
type insecureKey interface {
	PublicKey
	verifyInsecure(data []byte, sig *Signature) error
}

func isInsecure(algorithm string) bool {
	return algorithm == RSA || algorithm == DSA
}

// checkInsecure refuses a signature that k cannot have made by its form, or by
// none of the insecure algorithms.
func checkInsecure(k PublicKey, sig *Signature) error {
	if fips140.Enabled() || sig.Algorithm != k.Type() {
		return &AlgorithmError{Algorithm: sig.Algorithm, KeyType: k.Type()}
	}
	if len(sig.Rest) > 0 {
		return ErrSignature
	}
	return nil
}

// InsecureSHA1 returns a Signer that has "ssh-rsa" as its last algorithm, after
// those of s: it signs over SHA-1 for peers that know nothing else. s is an RSA
// key from [NewSigner] or [ParsePrivateKey].
//
// Two texts with one SHA-1 hash have one signature, so that a host key that
// signs like this can be made to vouch for what it never saw.
func InsecureSHA1(s Signer) (Signer, error) {
	native, ok := s.(*nativeSigner)
	switch {
	case !ok || native.public.Type() != RSA:
		return nil, errors.New("hostkey: only an RSA key from NewSigner or ParsePrivateKey can sign with ssh-rsa")
	case fips140.Enabled():
		return nil, errors.New("hostkey: FIPS 140 does not allow signatures over SHA-1")
	}
	return &sha1Signer{native, append(slices.Clone(native.algorithms), RSA)}, nil
}

type sha1Signer struct {
	*nativeSigner
	algorithms []string
}

func (s *sha1Signer) Algorithms() []string { return s.algorithms }

func (s *sha1Signer) Sign(ctx context.Context, algorithm string, data []byte) (*Signature, error) {
	if algorithm != RSA {
		return s.nativeSigner.Sign(ctx, algorithm, data)
	}
	return s.sign(ctx, algorithm, crypto.SHA1, data)
}
