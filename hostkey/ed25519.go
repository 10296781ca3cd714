package hostkey

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/wire"
)

// An ed25519Key is an Ed25519 public key (RFC 8709, section 4).
//
//	string    "ssh-ed25519"
//	string    key, 32 octets
type ed25519Key struct {
	key ed25519.PublicKey // ed25519.PublicKeySize bytes
}

func parseEd25519(r *wire.Reader) (PublicKey, error) {
	key := r.Blob()
	if r.Err() != nil {
		return nil, r.Err()
	}
	return newEd25519(key)
}

func newEd25519(key ed25519.PublicKey) (nativePublicKey, error) {
	// CVE-2020-9283: package ed25519 panics if the length is wrong.
	if len(key) != ed25519.PublicKeySize {
		return nil, &KeyFormatError{Type: Ed25519, Reason: fmt.Sprintf("it has %d bytes, not %d", len(key), ed25519.PublicKeySize)}
	}
	if !isEd25519Point(key) {
		return nil, &KeyFormatError{Type: Ed25519, Reason: "anybody can sign for it, or it has another encoding"}
	}
	return &ed25519Key{bytes.Clone(key)}, nil
}

// isEd25519Point reports whether key is the one encoding of a point that is not
// of small order. A point of small order has signatures that fit any text,
// which anybody can make: the key is nobody's. Whether it is a point at all is
// found out when a signature is verified.
func isEd25519Point(key []byte) bool {
	y := slices.Clone(key)
	y[31] &= 0x7f // the sign of x (RFC 8032, section 5.1.2)
	slices.Reverse(y)
	// RFC 8032, section 5.1.3: "If the resulting value is >= p, decoding fails."
	if bytes.Compare(y, ed25519Prime) >= 0 {
		return false
	}
	for _, small := range ed25519SmallOrder {
		if bytes.Equal(y, small) {
			return false
		}
	}
	return true
}

// ed25519Prime is p = 2^255 - 19.
var ed25519Prime = mustHex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed")

// ed25519SmallOrder are the y of the points whose order divides the cofactor 8:
// one of order 1, one of order 2, two of order 4 and four of order 8, of which
// each two differ in x only.
var ed25519SmallOrder = [][]byte{
	mustHex("0000000000000000000000000000000000000000000000000000000000000001"),
	mustHex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec"),
	mustHex("0000000000000000000000000000000000000000000000000000000000000000"),
	mustHex("05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"),
	mustHex("7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"),
}

func mustHex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

func (k *ed25519Key) Type() string { return Ed25519 }

func (k *ed25519Key) Marshal() []byte {
	b := make([]byte, 0, 4+len(Ed25519)+4+len(k.key))
	return wire.AppendString(wire.AppendString(b, Ed25519), k.key)
}

// Verify checks a signature of 64 octets (RFC 8709, section 6). Package
// ed25519 refuses S outside [0, L), without which signatures are malleable
// (RFC 8032, section 5.1.7).
func (k *ed25519Key) Verify(data []byte, sig *Signature) error {
	if err := checkSignature(k, sig); err != nil {
		return err
	}
	return k.verifyBlob(data, sig.Blob)
}

func (k *ed25519Key) verifyBlob(data, blob []byte) error {
	if len(blob) != ed25519.SignatureSize || !ed25519.Verify(k.key, data, blob) {
		return ErrSignature
	}
	return nil
}

func (k *ed25519Key) signatureBlob(raw []byte) ([]byte, error) {
	if len(raw) != ed25519.SignatureSize {
		return nil, fmt.Errorf("hostkey: the signer returned %d bytes for an Ed25519 signature", len(raw))
	}
	return raw, nil
}
