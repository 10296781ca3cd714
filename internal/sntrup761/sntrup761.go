package sntrup761

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"slices"
)

// Sizes in bytes.
const (
	PublicKeySize    = rqSize
	PrivateKeySize   = 2*smallSize + PublicKeySize + smallSize + hashSize
	CiphertextSize   = roundedSize + hashSize
	SharedSecretSize = hashSize
)

// hashSize is the length of a hash: half of a SHA-512.
const hashSize = 32

// A PrivateKey opens ciphertexts. Its encoding is that of round 3:
//
//	byte[191]   f, short
//	byte[191]   1/g in R/3, small
//	byte[1158]  public key
//	byte[191]   rho, random, that takes the place of r if a ciphertext is wrong
//	byte[32]    hash of the public key
type PrivateKey struct{ bytes [PrivateKeySize]byte }

// GenerateKey makes a key pair.
func GenerateKey() *PrivateKey {
	return generateKey(func(b []byte) { rand.Read(b) })
}

// generateKey is KEM_KeyGen. It takes what random bytes it needs in three
// calls or more: for g until it can be inverted, for f, and rho.
func generateKey(random func([]byte)) *PrivateKey {
	var source [randomSize]byte
	defer clear(source[:])
	var g, inverse poly
	for invertible := false; !invertible; {
		random(source[:])
		g = smallOf(&source)
		inverse, invertible = inverse1(&g)
	}
	random(source[:])
	f := shortOf(&source)
	h := inverse3(&f)
	h = mulQ(&h, &g)

	k := new(PrivateKey)
	b := appendSmall(k.bytes[:0], &f)
	b = appendSmall(b, &inverse)
	appendRq(b, &h)
	random(k.rho())
	hash := hashOf(4, k.publicKey())
	copy(k.hash(), hash[:])
	return k
}

// PublicKey returns the public key, whose owner is the caller.
func (k *PrivateKey) PublicKey() []byte { return slices.Clone(k.publicKey()) }

func (k *PrivateKey) publicKey() []byte { return k.bytes[2*smallSize:][:PublicKeySize] }

func (k *PrivateKey) rho() []byte { return k.bytes[2*smallSize+PublicKeySize:][:smallSize] }

func (k *PrivateKey) hash() []byte { return k.bytes[3*smallSize+PublicKeySize:] }

// Encapsulate makes a shared secret and the ciphertext from which the owner of
// public recovers it. The only error is a public key of any but
// [PublicKeySize] bytes: all others are one somebody might have made.
func Encapsulate(public []byte) (shared, ciphertext []byte, err error) {
	return encapsulate(public, func(b []byte) { rand.Read(b) })
}

// encapsulate is Encap. It takes its random bytes in one call.
func encapsulate(public []byte, random func([]byte)) (shared, ciphertext []byte, err error) {
	if len(public) != PublicKeySize {
		return nil, nil, fmt.Errorf("sntrup761: public key is %d bytes long, not %d", len(public), PublicKeySize)
	}
	var source [randomSize]byte
	defer clear(source[:])
	random(source[:])
	hash := hashOf(4, public)
	short := shortOf(&source)
	r, ciphertext := hide(&short, public, hash[:])
	return session(1, r, ciphertext), ciphertext, nil
}

// Decapsulate returns the secret shared with whoever made ciphertext, or if it
// was not made for this key, one that is shared with nobody. The only error is
// a ciphertext of any but [CiphertextSize] bytes.
func (k *PrivateKey) Decapsulate(ciphertext []byte) (shared []byte, err error) {
	if len(ciphertext) != CiphertextSize {
		return nil, fmt.Errorf("sntrup761: ciphertext is %d bytes long, not %d", len(ciphertext), CiphertextSize)
	}
	found := k.decrypt(ciphertext)
	r, again := hide(&found, k.publicKey(), k.hash())
	same := subtle.ConstantTimeCompare(ciphertext, again)
	subtle.ConstantTimeCopy(1-same, r, k.rho())
	return session(byte(same), r, ciphertext), nil
}

// decrypt returns the r of which ciphertext was made, or if it was not made as
// it should be, some other short polynomial: ZDecrypt.
func (k *PrivateKey) decrypt(ciphertext []byte) poly {
	f, inverse := parseSmall(k.bytes[:]), parseSmall(k.bytes[smallSize:])
	c := parseRounded(ciphertext)
	e := mulQ(&c, &f)
	e = e.tripled()
	r := mul3(&e, &inverse)
	return r.short()
}

// hide returns r, encoded, and the ciphertext that hides it: Hide. hash is that
// of public.
func hide(r *poly, public, hash []byte) (encoded, ciphertext []byte) {
	encoded = appendSmall(make([]byte, 0, smallSize), r)
	h := parseRq(public)
	c := mulQ(&h, r)
	c = c.rounded()
	ciphertext = appendRounded(make([]byte, 0, CiphertextSize), &c)
	once := hashOf(3, encoded)
	confirm := hashOf(2, once[:], hash) // HashConfirm
	return encoded, append(ciphertext, confirm[:]...)
}

// session returns the shared secret: HashSession. It clears r.
func session(prefix byte, r, ciphertext []byte) []byte {
	defer clear(r)
	once := hashOf(3, r)
	shared := hashOf(prefix, once[:], ciphertext)
	return shared[:]
}

// hashOf returns the first half of the SHA-512 of prefix and data: Hash_prefix.
func hashOf(prefix byte, data ...[]byte) [hashSize]byte {
	var buffer [1 + PublicKeySize]byte // more than any other has
	b := append(buffer[:0], prefix)
	for _, d := range data {
		b = append(b, d...)
	}
	sum := sha512.Sum512(b)
	return [hashSize]byte(sum[:])
}
