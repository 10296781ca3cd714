package kex

import "github.com/whelk-ssh/whelk/internal/sntrup761"

// sntrup is Streamlined NTRU Prime 761 (RFC 9941), for hybrids. Every public
// key of the right length is one.
type sntrup struct{}

func (sntrup) sizes() (public, ciphertext int) {
	return sntrup761.PublicKeySize, sntrup761.CiphertextSize
}

func (sntrup) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private := sntrup761.GenerateKey()
	return private.PublicKey(), private.Decapsulate, nil
}

func (sntrup) Encapsulate(public []byte) ([]byte, []byte, error) {
	k, ciphertext, err := sntrup761.Encapsulate(public)
	return ciphertext, k, err
}
