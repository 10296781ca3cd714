package hostkey

import (
	"bytes"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// maxFormatName is the length of the longest name of a format (RFC 4250,
// section 4.6.1).
const maxFormatName = 64

// An opaqueKey is a key of a format that this package does not know, as a file
// has it. It equals the key that somebody with the [Format] parsed, and
// verifies nothing.
type opaqueKey struct {
	keyType string
	blob    []byte
}

func (k *opaqueKey) Type() string { return k.keyType }

func (k *opaqueKey) Marshal() []byte { return bytes.Clone(k.blob) }

func (k *opaqueKey) Verify([]byte, *Signature) error { return &UnknownKeyTypeError{Type: k.keyType} }

// parseKeyInFile parses a key that somebody listed by itself.
func parseKeyInFile(blob []byte) (PublicKey, error) {
	r := wire.NewReader(blob)
	keyType := r.Text()
	if isCertificateName(keyType) {
		return nil, fmt.Errorf("hostkey: %q is a certificate, and a key is wanted: list the key of its authority", keyType)
	}
	if _, known := findFormat(keyType, nil); known || r.Err() != nil || KeyType(keyType) != "" || !isFormatName(keyType) {
		return ParsePublicKey(blob)
	}
	return &opaqueKey{keyType, bytes.Clone(blob)}, nil
}

// isFormatName reports whether name can be that of a format: printable, without
// a comma, and not too long (RFC 4250, section 4.6.1).
func isFormatName(name string) bool {
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f || name[i] == ',' {
			return false
		}
	}
	return name != "" && len(name) <= maxFormatName
}
