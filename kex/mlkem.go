package kex

import (
	"crypto/mlkem"
	"crypto/sha256"

	"golang.org/x/crypto/curve25519"

	"github.com/whelk-ssh/whelk/wire"
)

// mlkem768x25519 is the hybrid KEM of RFC 10042: ML-KEM-768 (FIPS 203) beside
// X25519, so that the secret holds as long as either of them does.
//
//	C_INIT     byte[1184]  ML-KEM-768 encapsulation key
//	           byte[32]    client's X25519 public key
//	S_REPLY    byte[1088]  ML-KEM-768 ciphertext
//	           byte[32]    server's X25519 public key
type mlkem768x25519 struct{}

const (
	mlkem768x25519InitSize  = mlkem.EncapsulationKeySize768 + curve25519.PointSize
	mlkem768x25519ReplySize = mlkem.CiphertextSize768 + curve25519.PointSize
)

func (mlkem768x25519) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, nil, err
	}
	scalar, public := newX25519()
	init := append(private.EncapsulationKey().Bytes(), public...)
	return init, func(reply []byte) ([]byte, error) {
		if err := checkLength("ML-KEM-768 ciphertext and X25519 public key", reply, mlkem768x25519ReplySize); err != nil {
			return nil, err
		}
		// A ciphertext made for another key does not fail: it gives a secret
		// nobody knows (FIPS 203, section 6.3), and the signature over H is
		// what does not match.
		pq, err := private.Decapsulate(reply[:mlkem.CiphertextSize768])
		if err != nil {
			return nil, err
		}
		return combine(pq, scalar, reply[mlkem.CiphertextSize768:])
	}, nil
}

func (mlkem768x25519) Encapsulate(init []byte) ([]byte, []byte, error) {
	if err := checkLength("ML-KEM-768 encapsulation key and X25519 public key", init, mlkem768x25519InitSize); err != nil {
		return nil, nil, err
	}
	// Refuses coefficients that are not reduced (FIPS 203, section 7.2).
	peer, err := mlkem.NewEncapsulationKey768(init[:mlkem.EncapsulationKeySize768])
	if err != nil {
		return nil, nil, err
	}
	pq, ciphertext := peer.Encapsulate()
	scalar, public := newX25519()
	k, err := combine(pq, scalar, init[mlkem.EncapsulationKeySize768:])
	return append(ciphertext, public...), k, err
}

// combine returns K = SHA-256(K_PQ || K_CL), which unlike that of the classical
// methods is encoded as a string (RFC 10042). K_PQ is ML-KEM's secret; K_CL is
// X25519's, as 32 raw bytes.
func combine(pq []byte, scalar *[curve25519.ScalarSize]byte, peer []byte) ([]byte, error) {
	defer clear(pq)
	cl, err := x25519Secret(scalar, peer)
	if err != nil {
		return nil, err
	}
	defer clear(cl)
	h := sha256.New()
	h.Write(pq)
	h.Write(cl)
	return h.Sum(wire.AppendUint32(nil, sha256.Size)), nil
}
