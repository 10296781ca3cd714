package ed448

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Name is the name of the key format and of its signature algorithm (RFC 8709,
// section 3).
const Name = "ssh-ed448"

// SeedSize is the length in bytes of a private key (RFC 8032, section 5.2.5).
const SeedSize = ed448.SeedSize

// Format returns the key format.
func Format() hostkey.Format { return hostkey.Format{Name: Name, Parse: parse} }

// A publicKey is an Ed448 public key (RFC 8709, section 4).
type publicKey struct {
	key ed448.PublicKey // ed448.PublicKeySize bytes
}

func parse(r *wire.Reader) (hostkey.PublicKey, error) {
	key := r.Blob()
	if r.Err() != nil {
		return nil, r.Err()
	}
	if len(key) != ed448.PublicKeySize {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: fmt.Sprintf("it has %d bytes, not %d", len(key), ed448.PublicKeySize)}
	}
	if !isPoint(key) {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: "anybody can sign for it, or it has another encoding"}
	}
	return &publicKey{bytes.Clone(key)}, nil
}

// prime is p = 2^448 - 2^224 - 1.
var prime = slices.Concat(bytes.Repeat([]byte{0xff}, 27), []byte{0xfe}, bytes.Repeat([]byte{0xff}, 28))

// isPoint reports whether key is the one encoding of a point whose order does
// not divide the cofactor 4: those of smaller order have a y of 1, -1 or 0, and
// signatures that fit any text. Whether it is a point at all is found out when
// a signature is verified.
func isPoint(key []byte) bool {
	// RFC 8032, section 5.2.2: the last octet is the sign of x, the rest y.
	if key[56]&0x7f != 0 {
		return false
	}
	y := slices.Clone(key[:56])
	slices.Reverse(y)
	minusOne := slices.Clone(prime)
	minusOne[55]--
	zero := make([]byte, 56)
	one := slices.Clone(zero)
	one[55] = 1
	// RFC 8032, section 5.2.3: "If the resulting value is >= p, decoding fails."
	return bytes.Compare(y, minusOne) < 0 && !bytes.Equal(y, zero) && !bytes.Equal(y, one)
}

func (k *publicKey) Type() string { return Name }

func (k *publicKey) Marshal() []byte {
	return wire.AppendString(wire.AppendString(nil, Name), k.key)
}

// Verify checks a signature (RFC 8709, section 6). Package ed448 refuses S
// outside [0, L), without which signatures are malleable (RFC 8032,
// section 5.2.7).
func (k *publicKey) Verify(data []byte, sig *hostkey.Signature) error {
	if sig == nil {
		return hostkey.ErrSignature
	}
	if sig.Algorithm != Name {
		return &hostkey.AlgorithmError{Algorithm: sig.Algorithm, KeyType: Name}
	}
	if len(sig.Rest) > 0 || len(sig.Blob) != ed448.SignatureSize || !ed448.Verify(k.key, data, sig.Blob, "") {
		return hostkey.ErrSignature
	}
	return nil
}

// NewSigner returns a Signer for the private key seed, of [SeedSize] bytes. A
// fresh key is that many bytes of crypto/rand.
func NewSigner(seed []byte) (hostkey.Signer, error) {
	if len(seed) != SeedSize {
		return nil, &hostkey.KeyFormatError{Type: Name, Reason: fmt.Sprintf("its seed has %d bytes, not %d", len(seed), SeedSize)}
	}
	key := ed448.NewKeyFromSeed(seed)
	public, ok := key.Public().(ed448.PublicKey)
	if !ok {
		return nil, errors.New("ed448: the private key has no public half")
	}
	return &signer{key, &publicKey{public}}, nil
}

type signer struct {
	key    ed448.PrivateKey
	public *publicKey
}

func (s *signer) PublicKey() hostkey.PublicKey { return s.public }

func (s *signer) Algorithms() []string { return []string{Name} }

// Sign signs data. A done context prevents it, and nothing interrupts it.
func (s *signer) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if algorithm != Name {
		return nil, &hostkey.AlgorithmError{Algorithm: algorithm, KeyType: Name}
	}
	return &hostkey.Signature{Algorithm: Name, Blob: ed448.Sign(s.key, data, "")}, nil
}
