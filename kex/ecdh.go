package kex

import (
	"crypto/ecdh"
	"crypto/rand"
)

// ecdhCurve is the Diffie-Hellman on one of the standard library's curves. Public
// values of NIST's have the uncompressed form 0x04 || x || y (RFC 5656, section 4;
// SEC 1, section 2.3.3), those of X25519 are 32 bytes. The secret is raw: the x
// coordinate of the shared point, as wide as the field.
type ecdhCurve struct{ curve ecdh.Curve }

func (e ecdhCurve) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private, err := e.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	return private.PublicKey().Bytes(), func(peer []byte) ([]byte, error) {
		return e.secret(private, peer)
	}, nil
}

func (e ecdhCurve) Encapsulate(peer []byte) ([]byte, []byte, error) {
	private, err := e.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err := e.secret(private, peer)
	return private.PublicKey().Bytes(), secret, err
}

// secret returns the x coordinate of the shared point. Public keys that are not
// points of the curve MUST be refused (RFC 5656, section 4); NewPublicKey also
// refuses the point at infinity and compressed points, which these methods need
// not support. ECDH refuses what makes an X25519 secret all zero (RFC 7748,
// section 6.1).
func (e ecdhCurve) secret(private *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	public, err := e.curve.NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	return private.ECDH(public)
}
