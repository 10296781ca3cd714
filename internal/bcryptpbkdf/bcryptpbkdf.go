package bcryptpbkdf

import (
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"slices"

	//lint:ignore SA1019 OpenSSH derives the keys of its files with it, and from nothing else.
	"golang.org/x/crypto/blowfish"
)

const (
	blockSize = 32   // bytes that one call of bcrypt makes
	maxKey    = 1024 // bytes, as in OpenBSD
	expand    = 64   // how often bcrypt takes up the passphrase and the salt
)

// magic is what bcrypt encrypts.
const magic = "OxychromaticBlowfishSwatDynamite"

// Key derives a key of the given size in bytes. The passphrase and the salt
// must not be empty, and there is at least one round. The caller owns the
// result.
func Key(passphrase, salt []byte, rounds, size int) ([]byte, error) {
	switch {
	case rounds < 1:
		return nil, errors.New("bcryptpbkdf: there are no rounds")
	case len(passphrase) == 0 || len(salt) == 0:
		return nil, errors.New("bcryptpbkdf: the passphrase or the salt is empty")
	case size < 1 || size > maxKey:
		return nil, errors.New("bcryptpbkdf: the key has no bytes, or more than 1024")
	}
	hashed := sha512.Sum512(passphrase)
	defer clear(hashed[:])
	blocks := (size + blockSize - 1) / blockSize
	key := make([]byte, blocks*blockSize)
	for i := range blocks {
		sum := block(hashed[:], salt, uint32(i+1), rounds)
		// Byte j of block i is byte j*blocks+i of the key.
		for j, b := range sum {
			key[j*blocks+i] = b
		}
		clear(sum[:])
	}
	return key[:size:size], nil
}

// block returns the block of the given number, counted from 1: the sum of what
// all rounds make.
func block(hashed, salt []byte, number uint32, rounds int) (sum [blockSize]byte) {
	first := sha512.Sum512(binary.BigEndian.AppendUint32(slices.Clone(salt), number))
	round := bcrypt(hashed, first[:])
	sum = round
	for range rounds - 1 {
		next := sha512.Sum512(round[:])
		round = bcrypt(hashed, next[:])
		for i := range sum {
			sum[i] ^= round[i]
		}
	}
	clear(round[:])
	return sum
}

// bcrypt is the pseudorandom function: bcrypt with SHA-512 of the passphrase
// and of the salt in their place.
func bcrypt(passphrase, salt []byte) (out [blockSize]byte) {
	c, err := blowfish.NewSaltedCipher(passphrase, salt)
	if err != nil {
		panic("bcryptpbkdf: " + err.Error()) // not with 64 bytes
	}
	for range expand {
		blowfish.ExpandKey(salt, c)
		blowfish.ExpandKey(passphrase, c)
	}
	copy(out[:], magic)
	for i := 0; i < blockSize; i += blowfish.BlockSize {
		for range expand {
			c.Encrypt(out[i:], out[i:])
		}
	}
	// bcrypt takes its words as they lie in the memory of a little-endian
	// machine.
	for i := 0; i < blockSize; i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:]))
	}
	*c = blowfish.Cipher{}
	return out
}
