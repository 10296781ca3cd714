package hostkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"

	"github.com/whelk-ssh/whelk/wire"
)

// A curve is one of the required curves of RFC 5656, section 10.1.
type curve struct {
	keyType string
	name    string // the identifier of the curve in the key blob
	curve   elliptic.Curve
}

var curves = []curve{
	{ECDSA256, "nistp256", elliptic.P256()},
	{ECDSA384, "nistp384", elliptic.P384()},
	{ECDSA521, "nistp521", elliptic.P521()},
}

// An ecdsaKey is an ECDSA public key (RFC 5656, section 3.1).
//
//	string    "ecdsa-sha2-[identifier]"
//	string    [identifier]
//	string    Q, an uncompressed point
type ecdsaKey struct {
	curve *curve
	key   *ecdsa.PublicKey // a point on curve other than infinity
	point []byte           // key, encoded
}

// parse reads the fields of a key on c.
func (c *curve) parse(r *wire.Reader) (PublicKey, error) {
	k, err := c.parseKey(r)
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (c *curve) parseKey(r *wire.Reader) (*ecdsaKey, error) {
	name, point := r.Blob(), r.Blob()
	if r.Err() != nil {
		return nil, r.Err()
	}
	// The curve is named twice, and the names have to agree.
	if string(name) != c.name {
		return nil, &KeyFormatError{Type: c.keyType, Reason: "it is on another curve than its format says"}
	}
	// RFC 5656, section 3.1: "point compression MAY be used", which OpenSSH
	// does not. SEC 1, section 3.2.2: the point is on the curve and not
	// infinity, which ParseUncompressedPublicKey checks.
	key, err := ecdsa.ParseUncompressedPublicKey(c.curve, point)
	if err != nil {
		return nil, &KeyFormatError{Type: c.keyType, Reason: "its point is not an uncompressed point of the curve"}
	}
	return &ecdsaKey{c, key, slices.Clone(point)}, nil
}

func newECDSA(key *ecdsa.PublicKey) (nativePublicKey, error) {
	//lint:ignore SA1019 Bytes panics if these are nil, as in a key somebody put together
	if key == nil || key.Curve == nil || key.X == nil || key.Y == nil {
		return nil, &KeyFormatError{Type: "ECDSA", Reason: "it is nil"}
	}
	i := slices.IndexFunc(curves, func(c curve) bool { return c.curve == key.Curve })
	if i < 0 {
		return nil, &KeyFormatError{Type: "ECDSA", Reason: "its curve is none of P-256, P-384 and P-521"}
	}
	point, err := key.Bytes()
	if err != nil {
		return nil, &KeyFormatError{Type: curves[i].keyType, Reason: "its point is not on the curve"}
	}
	copied, err := ecdsa.ParseUncompressedPublicKey(key.Curve, point)
	if err != nil {
		return nil, &KeyFormatError{Type: curves[i].keyType, Reason: "its point is not on the curve"}
	}
	return &ecdsaKey{&curves[i], copied, point}, nil
}

func (k *ecdsaKey) Type() string { return k.curve.keyType }

func (k *ecdsaKey) Marshal() []byte {
	b := make([]byte, 0, 4+len(k.curve.keyType)+4+len(k.curve.name)+4+len(k.point))
	b = wire.AppendString(b, k.curve.keyType)
	b = wire.AppendString(b, k.curve.name)
	return wire.AppendString(b, k.point)
}

// Verify checks a signature whose blob is
//
//	mpint     r
//	mpint     s
//
// (RFC 5656, section 3.1.2).
func (k *ecdsaKey) Verify(data []byte, sig *Signature) error {
	if err := checkSignature(k, sig); err != nil {
		return err
	}
	hash, err := hashFor(sig.Algorithm, k.Type())
	if err != nil {
		return err
	}
	return k.verifyBlob(digest(hash, data), sig.Blob)
}

func (k *ecdsaKey) verifyBlob(digest, blob []byte) error {
	// Two mpints with a length and at most one leading zero byte each.
	if len(blob) > 2*(4+1+(k.key.Params().BitSize+7)/8) {
		return ErrSignature
	}
	in := wire.NewReader(blob)
	r, s := in.MPInt(), in.MPInt()
	if in.End() != nil || !k.inRange(r) || !k.inRange(s) || !ecdsa.Verify(k.key, digest, r, s) {
		return ErrSignature
	}
	return nil
}

// inRange reports whether v is in [1, n-1], n being the order of the curve
// (FIPS 186-5, section 6.4.2).
func (k *ecdsaKey) inRange(v *big.Int) bool {
	return v.Sign() > 0 && v.Cmp(k.key.Params().N) < 0
}

func (k *ecdsaKey) signatureBlob(raw []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int } // RFC 3279, section 2.2.3
	rest, err := asn1.Unmarshal(raw, &sig)
	if err != nil || len(rest) > 0 || !k.inRange(sig.R) || !k.inRange(sig.S) {
		return nil, errors.New("hostkey: the signer returned something that is not an ECDSA signature")
	}
	return wire.AppendMPInt(wire.AppendMPInt(nil, sig.R), sig.S), nil
}
