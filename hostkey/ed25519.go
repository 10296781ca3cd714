package hostkey

import (
	"bytes"
	"fmt"

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

func parseEd25519(r wire.Reader) (PublicKey, error) {
	key := r.Blob()
	if r.End() != nil {
		return nil, &KeyFormatError{Type: Ed25519, Reason: "it is truncated or has trailing bytes"}
	}
	return newEd25519(key)
}

func newEd25519(key ed25519.PublicKey) (nativePublicKey, error) {
	// CVE-2020-9283: package ed25519 panics if the length is wrong.
	if len(key) != ed25519.PublicKeySize {
		return nil, &KeyFormatError{Type: Ed25519, Reason: fmt.Sprintf("it has %d bytes, not %d", len(key), ed25519.PublicKeySize)}
	}
	return &ed25519Key{bytes.Clone(key)}, nil
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
	if len(sig.Blob) != ed25519.SignatureSize || !ed25519.Verify(k.key, data, sig.Blob) {
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
