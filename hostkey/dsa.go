package hostkey

import (
	"crypto"
	//lint:ignore SA1019 old hosts have no other key: it verifies, when asked to, and never signs
	"crypto/dsa"
	"math/big"

	"github.com/whelk-ssh/whelk/wire"
)

// The sizes of DSA keys in bits: those of FIPS 186-2, with SHA-1, are all that
// "ssh-dss" has a signature format for. Package dsa computes with numbers of
// any size (CVE-2026-39829).
const (
	dsaModulusBits = 1024
	dsaOrderBits   = 160
)

// dsaNumber is the length of r and of s in a signature.
const dsaNumber = dsaOrderBits / 8

// A dsaKey is a DSA public key (RFC 4253, section 6.6).
//
//	string    "ssh-dss"
//	mpint     p
//	mpint     q
//	mpint     g
//	mpint     y
type dsaKey struct {
	key  dsa.PublicKey
	blob []byte
}

func parseDSA(r *wire.Reader) (PublicKey, error) {
	var v [4]*big.Int
	for i := range v {
		if probe := *r; len(probe.Blob()) > dsaModulusBits/8+1 {
			return nil, &KeyFormatError{Type: DSA, Reason: "it has more than 1024 bits"}
		}
		v[i] = r.MPInt()
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	p, q, g, y := v[0], v[1], v[2], v[3]
	one := big.NewInt(1)
	switch {
	case p.Sign() <= 0 || p.BitLen() != dsaModulusBits || p.Bit(0) == 0 || q.Sign() <= 0 || q.BitLen() != dsaOrderBits || q.Bit(0) == 0:
		return nil, &KeyFormatError{Type: DSA, Reason: "it is not one of 1024 bits with an order of 160"}
	case g.Cmp(one) <= 0 || g.Cmp(p) >= 0 || y.Cmp(one) <= 0 || y.Cmp(p) >= 0:
		return nil, &KeyFormatError{Type: DSA, Reason: "a number is out of range"}
	// FIPS 186-2, section 4: g has the order q, and y = g^x has it too. Of
	// others, some have signatures that anybody can make.
	case new(big.Int).Exp(g, q, p).Cmp(one) != 0 || new(big.Int).Exp(y, q, p).Cmp(one) != 0:
		return nil, &KeyFormatError{Type: DSA, Reason: "it is not of the order that it says"}
	}
	blob := wire.AppendString(nil, DSA)
	for _, n := range v {
		blob = wire.AppendMPInt(blob, n)
	}
	return &dsaKey{dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: g}, Y: y}, blob}, nil
}

func (k *dsaKey) Type() string { return DSA }

func (k *dsaKey) Marshal() []byte { return append([]byte(nil), k.blob...) }

// Verify refuses: DSA is insecure, and has to be asked for by name.
func (k *dsaKey) Verify(_ []byte, sig *Signature) error {
	return checkSignature(k, sig)
}

// verifyInsecure checks a signature of r and s, of 20 octets each, "without
// lengths or padding, unsigned, and in network byte order" (RFC 4253,
// section 6.6).
func (k *dsaKey) verifyInsecure(data []byte, sig *Signature) error {
	if err := checkInsecure(k, sig); err != nil {
		return err
	}
	if len(sig.Blob) != 2*dsaNumber {
		return ErrSignature
	}
	r, s := new(big.Int).SetBytes(sig.Blob[:dsaNumber]), new(big.Int).SetBytes(sig.Blob[dsaNumber:])
	if !dsa.Verify(&k.key, digest(crypto.SHA1, data), r, s) {
		return ErrSignature
	}
	return nil
}
