package mldsa44

import (
	"bytes"
	"context"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Name is the name of the key format and of its signature algorithm.
const Name = "ssh-mldsa44-ed25519@openssh.com"

// SeedSize is the length in bytes of a private key: the seed of the one of
// ML-DSA, and that of the one of Ed25519.
const SeedSize = mldsa44.SeedSize + ed25519.SeedSize

const (
	publicKeySize = mldsa44.PublicKeySize + ed25519.PublicKeySize
	signatureSize = mldsa44.SignatureSize + ed25519.SignatureSize
)

// What M' begins with (draft-ietf-lamps-pq-composite-sigs, sections 2.2 and 6).
const (
	prefix = "CompositeAlgorithmSignatures2025"
	label  = "COMPSIG-MLDSA44-Ed25519-SHA512"
)

// Format returns the key format.
func Format() hostkey.Format { return hostkey.Format{Name: Name, Parse: parse} }

// A publicKey is a pair of keys.
type publicKey struct {
	lattice mldsa44.PublicKey
	curve   hostkey.PublicKey // of Ed25519
	blob    []byte            // both, as they are sent
}

func parse(r *wire.Reader) (hostkey.PublicKey, error) {
	blob := r.Blob()
	if r.Err() != nil {
		return nil, r.Err()
	}
	if len(blob) != publicKeySize {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: fmt.Sprintf("it has %d bytes, not %d", len(blob), publicKeySize)}
	}
	return newPublicKey(blob)
}

// newPublicKey returns the key of publicKeySize bytes. Any bytes are a key of
// ML-DSA; the other half is checked as package hostkey does.
func newPublicKey(blob []byte) (*publicKey, error) {
	k := &publicKey{blob: bytes.Clone(blob)}
	k.lattice.Unpack((*[mldsa44.PublicKeySize]byte)(blob))
	var err error
	if k.curve, err = hostkey.NewPublicKey(ed25519.PublicKey(blob[mldsa44.PublicKeySize:])); err != nil {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: "its Ed25519 half is not a key"}
	}
	return k, nil
}

func (k *publicKey) Type() string { return Name }

func (k *publicKey) Marshal() []byte {
	return wire.AppendString(wire.AppendString(nil, Name), k.blob)
}

// Verify checks both halves of a signature.
func (k *publicKey) Verify(data []byte, sig *hostkey.Signature) error {
	if sig == nil {
		return hostkey.ErrSignature
	}
	if sig.Algorithm != Name {
		return &hostkey.AlgorithmError{Algorithm: sig.Algorithm, KeyType: Name}
	}
	if len(sig.Rest) > 0 || len(sig.Blob) != signatureSize {
		return hostkey.ErrSignature
	}
	m := representative(data)
	if !mldsa44.Verify(&k.lattice, m, []byte(label), sig.Blob[:mldsa44.SignatureSize]) {
		return hostkey.ErrSignature
	}
	return k.curve.Verify(m, &hostkey.Signature{Algorithm: hostkey.Ed25519, Blob: sig.Blob[mldsa44.SignatureSize:]})
}

// representative returns M', what both keys sign instead of data. SSH has no
// context of its own: its length is zero.
func representative(data []byte) []byte {
	sum := sha512.Sum512(data)
	return slices.Concat([]byte(prefix+label+"\x00"), sum[:])
}

// NewSigner returns a Signer for the private key seed, of [SeedSize] bytes. A
// fresh key is that many bytes of crypto/rand.
func NewSigner(seed []byte) (hostkey.Signer, error) {
	if len(seed) != SeedSize {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: fmt.Sprintf("its seed has %d bytes, not %d", len(seed), SeedSize)}
	}
	lattice, key := mldsa44.NewKeyFromSeed((*[mldsa44.SeedSize]byte)(seed))
	curve := ed25519.NewKeyFromSeed(seed[mldsa44.SeedSize:])
	public, err := newPublicKey(slices.Concat(lattice.Bytes(), curve[ed25519.SeedSize:]))
	if err != nil {
		return nil, err
	}
	return &signer{key, curve, public}, nil
}

type signer struct {
	lattice *mldsa44.PrivateKey
	curve   ed25519.PrivateKey
	public  *publicKey
}

func (s *signer) PublicKey() hostkey.PublicKey { return s.public }

func (s *signer) Algorithms() []string { return []string{Name} }

// Sign signs data, differently each time (FIPS 204, section 3.4: "hedged"). A
// done context prevents it, and nothing interrupts it.
func (s *signer) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if algorithm != Name {
		return nil, &hostkey.AlgorithmError{Algorithm: algorithm, KeyType: Name}
	}
	m := representative(data)
	blob := make([]byte, mldsa44.SignatureSize, signatureSize)
	if err := mldsa44.SignTo(s.lattice, m, []byte(label), true, blob); err != nil {
		return nil, fmt.Errorf("mldsa44: signing: %w", err)
	}
	return &hostkey.Signature{Algorithm: Name, Blob: append(blob, ed25519.Sign(s.curve, m)...)}, nil
}
