package hostkey

import "github.com/whelk-ssh/whelk/wire"

// A Signature is a signature and the algorithm that made it.
//
//	string    signature format identifier
//	string    signature blob
//	....      security key flags and counter, for sk- algorithms
//
// (RFC 4253, section 6.6; RFC 8332, section 3; OpenSSH PROTOCOL.u2f.)
type Signature struct {
	Algorithm string
	Blob      []byte
	Rest      []byte // of a security key, what it signed besides: see [Signature.Authenticator]
}

// ParseSignature takes a signature apart. The result aliases p.
func ParseSignature(p []byte) (*Signature, error) {
	r := wire.NewReader(p)
	s := &Signature{Algorithm: r.Text(), Blob: r.Blob(), Rest: r.Rest()}
	return s, r.End()
}

// Append appends the encoded signature to b.
func (s *Signature) Append(b []byte) []byte {
	b = wire.AppendString(b, s.Algorithm)
	b = wire.AppendString(b, s.Blob)
	return append(b, s.Rest...)
}

// checkSignature refuses a signature that k cannot have made by its form.
func checkSignature(k PublicKey, sig *Signature) error {
	if sig == nil {
		return ErrSignature
	}
	// The algorithm, not the key, decides how the blob is read: an algorithm
	// of another kind of key, or one that is insecure, goes no further.
	if _, err := hashFor(sig.Algorithm, k.Type()); err != nil {
		return err
	}
	// Only security keys sign more than the blob (OpenSSH PROTOCOL.u2f).
	if len(sig.Rest) > 0 {
		return ErrSignature
	}
	return nil
}
