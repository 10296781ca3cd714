package kex

import "crypto/mlkem"

// mlkem768 is ML-KEM-768 (FIPS 203), for hybrids.
type mlkem768 struct{}

func (mlkem768) sizes() (public, ciphertext int) {
	return mlkem.EncapsulationKeySize768, mlkem.CiphertextSize768
}

func (mlkem768) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, nil, err
	}
	return private.EncapsulationKey().Bytes(), private.Decapsulate, nil
}

func (mlkem768) Encapsulate(public []byte) ([]byte, []byte, error) {
	// Refuses coefficients that are not reduced (FIPS 203, section 7.2).
	peer, err := mlkem.NewEncapsulationKey768(public)
	if err != nil {
		return nil, nil, err
	}
	k, ciphertext := peer.Encapsulate()
	return ciphertext, k, nil
}

// mlkem1024 is ML-KEM-1024 (FIPS 203), for hybrids.
type mlkem1024 struct{}

func (mlkem1024) sizes() (public, ciphertext int) {
	return mlkem.EncapsulationKeySize1024, mlkem.CiphertextSize1024
}

func (mlkem1024) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	private, err := mlkem.GenerateKey1024()
	if err != nil {
		return nil, nil, err
	}
	return private.EncapsulationKey().Bytes(), private.Decapsulate, nil
}

func (mlkem1024) Encapsulate(public []byte) ([]byte, []byte, error) {
	peer, err := mlkem.NewEncapsulationKey1024(public)
	if err != nil {
		return nil, nil, err
	}
	k, ciphertext := peer.Encapsulate()
	return ciphertext, k, nil
}
