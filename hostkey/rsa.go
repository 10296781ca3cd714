package hostkey

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/whelk-ssh/whelk/wire"
)

// The sizes of RSA modulus that are accepted, in bits. Below the first, the
// modulus can be factored by those with the means (NIST SP 800-131A asks for
// 2048). Above the second, which is OpenSSH's limit too, a peer could make us
// compute for minutes (CVE-2026-39829).
const (
	MinRSABits = 2048
	MaxRSABits = 16384
)

// maxRSAExponent bounds the public exponent: the cost of verifying grows with
// its length. Everybody uses 65537, or 3 or 37 in old keys.
const maxRSAExponent = 1 << 24

// An rsaKey is an RSA public key (RFC 4253, section 6.6).
//
//	string    "ssh-rsa"
//	mpint     e
//	mpint     n
type rsaKey struct {
	key  rsa.PublicKey // accepted by checkRSA
	blob []byte
}

func parseRSA(r *wire.Reader) (PublicKey, error) {
	// The lengths are looked at before any number is made of the bytes.
	probe := *r
	if len(probe.Blob()) > 4 || len(probe.Blob()) > MaxRSABits/8+1 {
		return nil, &KeyFormatError{Type: RSA, Reason: fmt.Sprintf("it is larger than %d bits, or its exponent than 24", MaxRSABits)}
	}
	e, n := r.MPInt(), r.MPInt()
	if r.Err() != nil {
		return nil, r.Err()
	}
	if err := checkRSA(n, e); err != nil {
		return nil, err
	}
	return makeRSA(n, e), nil
}

func newRSA(key *rsa.PublicKey) (nativePublicKey, error) {
	if key == nil || key.N == nil {
		return nil, &KeyFormatError{Type: RSA, Reason: "it is nil"}
	}
	e := big.NewInt(int64(key.E))
	if err := checkRSA(key.N, e); err != nil {
		return nil, err
	}
	return makeRSA(new(big.Int).Set(key.N), e), nil
}

// makeRSA returns a key that keeps n.
func makeRSA(n, e *big.Int) *rsaKey {
	blob := wire.AppendString(nil, RSA)
	blob = wire.AppendMPInt(blob, e)
	blob = wire.AppendMPInt(blob, n)
	return &rsaKey{rsa.PublicKey{N: n, E: int(e.Int64())}, blob}
}

// checkRSA accepts the public keys this package works with.
func checkRSA(n, e *big.Int) error {
	switch {
	case n.Sign() <= 0 || n.Bit(0) == 0:
		return &KeyFormatError{Type: RSA, Reason: "its modulus is not a positive odd number"}
	case n.BitLen() < MinRSABits || n.BitLen() > MaxRSABits:
		return &KeyFormatError{Type: RSA, Reason: fmt.Sprintf("it has %d bits, and from %d to %d are accepted",
			n.BitLen(), MinRSABits, MaxRSABits)}
	case e.Cmp(big.NewInt(3)) < 0 || e.Cmp(big.NewInt(maxRSAExponent)) > 0 || e.Bit(0) == 0:
		return &KeyFormatError{Type: RSA, Reason: "its exponent is not an odd number from 3 to 2^24"}
	}
	return nil
}

func (k *rsaKey) Type() string { return RSA }

func (k *rsaKey) Marshal() []byte { return append([]byte(nil), k.blob...) }

// Verify checks a RSASSA-PKCS1-v1_5 signature (RFC 8332, section 3).
func (k *rsaKey) Verify(data []byte, sig *Signature) error {
	if err := checkSignature(k, sig); err != nil {
		return err
	}
	hash, err := hashFor(sig.Algorithm, RSA)
	if err != nil {
		return err
	}
	return k.verifyBlob(hash, data, sig.Blob)
}

// verifyInsecure is Verify for "ssh-rsa" (RFC 4253, section 6.6).
func (k *rsaKey) verifyInsecure(data []byte, sig *Signature) error {
	if err := checkInsecure(k, sig); err != nil {
		return err
	}
	return k.verifyBlob(crypto.SHA1, data, sig.Blob)
}

func (k *rsaKey) verifyBlob(hash crypto.Hash, data, blob []byte) error {
	size := k.key.Size()
	if len(blob) == 0 || len(blob) > size {
		return ErrSignature
	}
	// Some signers leave leading zero bytes out, and OpenSSH puts them back as
	// well; the number signed is the same.
	if short := blob; len(short) < size {
		blob = make([]byte, size)
		copy(blob[size-len(short):], short)
	}
	if rsa.VerifyPKCS1v15(&k.key, hash, digest(hash, data), blob) != nil {
		return ErrSignature
	}
	return nil
}

func (k *rsaKey) signatureBlob(raw []byte) ([]byte, error) {
	if len(raw) != k.key.Size() {
		return nil, fmt.Errorf("hostkey: the signer returned %d bytes for an RSA signature of %d", len(raw), k.key.Size())
	}
	return raw, nil
}
