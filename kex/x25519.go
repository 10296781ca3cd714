package kex

import (
	"crypto/rand"

	"golang.org/x/crypto/curve25519"
)

// x25519 is the Diffie-Hellman on Curve25519 of RFC 8731, with public values of
// 32 bytes. The secret is raw: the 32 bytes in the order of RFC 7748. That this
// is little-endian is of no account when they are read as an integer (RFC 8731,
// section 3.1). Hybrids have the curve of the standard library.
type x25519 struct{}

func (x25519) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	scalar, public := newX25519()
	return public, func(peer []byte) ([]byte, error) {
		return x25519Secret(scalar, peer)
	}, nil
}

func (x25519) Encapsulate(peer []byte) ([]byte, []byte, error) {
	scalar, public := newX25519()
	secret, err := x25519Secret(scalar, peer)
	return public, secret, err
}

// newX25519 makes an ephemeral key pair.
func newX25519() (scalar *[curve25519.ScalarSize]byte, public []byte) {
	scalar = new([curve25519.ScalarSize]byte)
	rand.Read(scalar[:])
	// X25519 with curve25519.Basepoint says the same at twice the price.
	var dst [curve25519.PointSize]byte
	curve25519.ScalarBaseMult(&dst, scalar)
	return scalar, dst[:]
}

// x25519Secret computes the shared secret and clears scalar. It refuses a peer
// value of any but 32 bytes, and one of low order, whose secret would be all
// zero whatever the scalar (RFC 8731, section 3; RFC 7748, section 6.1).
func x25519Secret(scalar *[curve25519.ScalarSize]byte, peer []byte) ([]byte, error) {
	defer clear(scalar[:])
	if err := checkLength("X25519 public key", peer, curve25519.PointSize); err != nil {
		return nil, err
	}
	return curve25519.X25519(scalar[:], peer) // fails if the secret is all zero
}
