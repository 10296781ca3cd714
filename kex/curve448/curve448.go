package curve448

import (
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/dh/x448"

	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/wire"
)

// Method returns curve448-sha512.
func Method() kex.Method { return kex.New("curve448-sha512", sha512.New, kem{}) }

// A kem is the [kex.KEM] of RFC 8731: Diffie-Hellman on Curve448, public values
// of 56 bytes.
type kem struct{}

func (kem) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	scalar, public := newKey()
	return public, func(peer []byte) ([]byte, error) { return secret(scalar, peer) }, nil
}

func (kem) Encapsulate(peer []byte) ([]byte, []byte, error) {
	scalar, public := newKey()
	k, err := secret(scalar, peer)
	return public, k, err
}

// newKey makes an ephemeral key pair.
func newKey() (scalar *x448.Key, public []byte) {
	scalar = new(x448.Key)
	rand.Read(scalar[:])
	var p x448.Key
	x448.KeyGen(&p, scalar)
	return scalar, p[:]
}

// secret computes the shared secret as RFC 8731, section 3.1, encodes it: the 56
// bytes, which RFC 7748 has in little-endian order, read as a big-endian integer
// and made an mpint. It clears scalar. It refuses a peer value of any but 56
// bytes, and one of low order, whose secret would be all zero whatever the
// scalar (RFC 8731, section 3; RFC 7748, section 6.2).
func secret(scalar *x448.Key, peer []byte) ([]byte, error) {
	defer clear(scalar[:])
	if len(peer) != x448.Size {
		return nil, fmt.Errorf("X448 public key is %d bytes long, not %d", len(peer), x448.Size)
	}
	var shared x448.Key
	if !x448.Shared(&shared, scalar, (*x448.Key)(peer)) {
		return nil, errors.New("X448 public key is a low order point")
	}
	defer clear(shared[:])
	return wire.AppendUnsigned(nil, shared[:]), nil
}
