package kex

import (
	"crypto/ecdh"
	"crypto/rand"
)

// nistp is the Diffie-Hellman on a NIST curve of RFC 5656, section 4, with
// public values of the uncompressed form 0x04 || x || y (SEC 1, section 2.3.3).
// The secret is raw: the x coordinate of the shared point, as wide as the field.
type nistp struct{ curve ecdh.Curve }

func (n nistp) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private, err := n.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	return private.PublicKey().Bytes(), func(peer []byte) ([]byte, error) {
		return n.secret(private, peer)
	}, nil
}

func (n nistp) Encapsulate(peer []byte) ([]byte, []byte, error) {
	private, err := n.curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err := n.secret(private, peer)
	return private.PublicKey().Bytes(), secret, err
}

// secret returns the x coordinate of the shared point. Public keys that are not
// points of the curve MUST be refused (RFC 5656, section 4); NewPublicKey also
// refuses the point at infinity and compressed points, which this method need
// not support.
func (n nistp) secret(private *ecdh.PrivateKey, peer []byte) ([]byte, error) {
	public, err := n.curve.NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	return private.ECDH(public)
}
