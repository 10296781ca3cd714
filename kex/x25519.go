package kex

import (
	"crypto/rand"

	"golang.org/x/crypto/curve25519"

	"github.com/whelk-ssh/whelk/wire"
)

// x25519 is the KEM of RFC 8731: Diffie-Hellman on Curve25519, public values
// of 32 bytes.
type x25519 struct{}

func (x25519) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	scalar, public := newX25519()
	return public, func(peer []byte) ([]byte, error) {
		return x25519MPInt(scalar, peer)
	}, nil
}

func (x25519) Encapsulate(peer []byte) ([]byte, []byte, error) {
	scalar, public := newX25519()
	k, err := x25519MPInt(scalar, peer)
	return public, k, err
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

// x25519MPInt returns the shared secret as RFC 8731, section 3.1, encodes it:
// the 32 bytes, which RFC 7748 has in little-endian order, read as a big-endian
// integer and made an mpint.
func x25519MPInt(scalar *[curve25519.ScalarSize]byte, peer []byte) ([]byte, error) {
	secret, err := x25519Secret(scalar, peer)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return wire.AppendUnsigned(nil, secret), nil
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
