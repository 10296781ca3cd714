package hostkey

import (
	"bytes"

	"github.com/whelk-ssh/whelk/wire"
)

// A Format is a kind of public key that this package does not know by itself,
// such as that of package [github.com/whelk-ssh/whelk/hostkey/ed448]. To hand
// it to somebody is to ask for keys of that kind.
type Format struct {
	// Name is the key format identifier. The one signature algorithm of such
	// keys is called the same.
	Name string

	// Parse reads the fields of a key that follow the identifier, and leaves
	// the Reader behind them. A key it returns has the type Name, aliases
	// nothing that it read, and has no other encoding than the one read. It
	// need not look at the Reader's error, which its caller does.
	Parse func(fields *wire.Reader) (PublicKey, error)
}

// formats are those of this package.
var formats = []Format{
	{Ed25519, parseEd25519},
	{ECDSA256, curves[0].parse},
	{ECDSA384, curves[1].parse},
	{ECDSA521, curves[2].parse},
	{SKEd25519, parseSKEd25519},
	{SKECDSA256, parseSKECDSA256},
	{RSA, parseRSA},
	{DSA, parseDSA},
}

// findFormat returns the format of keys of type keyType, or of the keys in
// certificates of that type. The formats of this package cannot be replaced.
func findFormat(keyType string, more []Format) (Format, bool) {
	for _, list := range [][]Format{formats, more} {
		for _, f := range list {
			if f.Parse != nil && (f.Name == keyType || isCertificateOf(keyType, f.Name)) {
				return f, true
			}
		}
	}
	return Format{}, false
}

// ParsePublicKey parses a key blob, all of it:
//
//	string    key format identifier
//	....      key data in a form that depends on the format
//
// (RFC 4253, section 6.6.) It knows the formats of this package, the
// certificates of their keys, and those passed. The key of a certificate is
// not the certificate: what the holder of the one may do, that of the other may
// not. The result is a [*Certificate] then, which its authority did sign.
//
// It returns an [*UnknownKeyTypeError] for another format, and a
// [*KeyFormatError] for a key that is malformed or unacceptable. The result
// does not alias blob.
func ParsePublicKey(blob []byte, more ...Format) (PublicKey, error) {
	r := wire.NewReader(blob)
	keyType := r.Text()
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: "public", Reason: "it is truncated"}
	}
	f, ok := findFormat(keyType, more)
	switch {
	case !ok:
		return nil, &UnknownKeyTypeError{Type: keyType}
	case f.Name == keyType:
		return f.parse(blob)
	}
	c, err := parseCertificate(f, blob, more)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// parsePlain is ParsePublicKey without certificates. It does not recurse.
func parsePlain(blob []byte, more []Format) (PublicKey, error) {
	r := wire.NewReader(blob)
	keyType := r.Text()
	f, ok := findFormat(keyType, more)
	if !ok || f.Name != keyType {
		return nil, &UnknownKeyTypeError{Type: keyType}
	}
	return f.parse(blob)
}

// parse parses a key blob of format f.
func (f Format) parse(blob []byte) (PublicKey, error) {
	r := wire.NewReader(blob)
	r.Blob() // f.Name
	key, err := f.parseFields(&r)
	if err != nil {
		return nil, err
	}
	if r.End() != nil {
		return nil, &KeyFormatError{Type: f.Name, Reason: "it has trailing bytes"}
	}
	// A key is told from others by its encoding: it may have one only.
	if !bytes.Equal(key.Marshal(), blob) {
		return nil, &KeyFormatError{Type: f.Name, Reason: "it is not in its one encoding"}
	}
	return key, nil
}

// parseFields reads the fields of a key, within a key blob or a certificate.
func (f Format) parseFields(r *wire.Reader) (PublicKey, error) {
	key, err := f.Parse(r)
	if r.Err() != nil {
		return nil, &KeyFormatError{Type: f.Name, Reason: "it is truncated or malformed"}
	}
	if err != nil {
		return nil, err
	}
	if key == nil || key.Type() != f.Name {
		return nil, &KeyFormatError{Type: f.Name, Reason: "its format made another key of it"}
	}
	return key, nil
}
