package hostkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"

	"golang.org/x/crypto/ed25519"
)

// DefaultRSABits is the size of the modulus of an RSA key when nothing else is
// asked for: by NIST SP 800-57, part 1, table 2, as strong as a key of AES-128.
const DefaultRSABits = 3072

// GenerateKey makes a private key of a format: [Ed25519], [ECDSA256],
// [ECDSA384], [ECDSA521] or [RSA]. The size in bits is that of the modulus of an
// RSA key, from [MinRSABits] to [MaxRSABits], and [DefaultRSABits] if 0; the
// other formats have one size, and take 0 or that. The result is an
// ed25519.PrivateKey, an *ecdsa.PrivateKey or an *rsa.PrivateKey, from
// crypto/rand.
//
// An RSA key of 4096 bits takes seconds, and one of 16384 many minutes.
func GenerateKey(keyType string, bits int) (crypto.Signer, error) {
	switch keyType {
	case Ed25519:
		if err := wantBits(keyType, bits, 256); err != nil {
			return nil, err
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return generated(key, err)
	case RSA:
		if bits == 0 {
			bits = DefaultRSABits
		}
		if bits < MinRSABits || bits > MaxRSABits {
			return nil, fmt.Errorf("hostkey: generating an RSA key of %d bits: want from %d to %d", bits, MinRSABits, MaxRSABits)
		}
		key, err := rsa.GenerateKey(rand.Reader, bits)
		return generated(key, err)
	}
	i := slices.IndexFunc(curves, func(c curve) bool { return c.keyType == keyType })
	if i < 0 {
		return nil, fmt.Errorf("hostkey: generating a key: there is no format %q: want one of %q",
			keyType, []string{Ed25519, ECDSA256, ECDSA384, ECDSA521, RSA})
	}
	if err := wantBits(keyType, bits, curves[i].curve.Params().BitSize); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(curves[i].curve, rand.Reader)
	return generated(key, err)
}

func wantBits(keyType string, bits, size int) error {
	if bits != 0 && bits != size {
		return fmt.Errorf("hostkey: generating a key of format %s with %d bits: it has %d", keyType, bits, size)
	}
	return nil
}

// generated returns no key with an error.
func generated(key crypto.Signer, err error) (crypto.Signer, error) {
	if err != nil {
		return nil, fmt.Errorf("hostkey: generating a key: %w", err)
	}
	return key, nil
}
