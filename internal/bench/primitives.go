package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"
)

// primitives measures how often a second one core can do what the handshake of
// both ends cannot do without: ML-KEM-768 (keys, encapsulation and
// decapsulation), X25519 (two keys, two secrets), the signatures of host and
// user and their verification, and hashing.
func primitives(b *bench) (float64, error) {
	n := b.count(640)
	start := time.Now()
	for range n {
		if err := bareHandshake(b.keys); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

var errPrimitives = errors.New("bench: the primitives do not agree")

func bareHandshake(k *keys) error {
	quantum, err := bareMLKEM()
	if err != nil {
		return err
	}
	classical, err := bareX25519()
	if err != nil {
		return err
	}
	secret := sha256.Sum256(append(quantum, classical...))
	hash := exchangeHash(secret[:])
	for _, key := range []ed25519.PrivateKey{k.host, k.user} {
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), hash, ed25519.Sign(key, hash)) {
			return errPrimitives
		}
	}
	return nil
}

// bareMLKEM returns a secret of both ends.
func bareMLKEM() ([]byte, error) {
	decapsulation, err := mlkem.GenerateKey768()
	if err != nil {
		return nil, err
	}
	encapsulation, err := mlkem.NewEncapsulationKey768(decapsulation.EncapsulationKey().Bytes())
	if err != nil {
		return nil, err
	}
	server, ciphertext := encapsulation.Encapsulate()
	client, err := decapsulation.Decapsulate(ciphertext)
	if err != nil || !bytes.Equal(server, client) {
		return nil, errPrimitives
	}
	return client, nil
}

// bareX25519 returns a secret of both ends.
func bareX25519() ([]byte, error) {
	client, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	server, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	here, err := client.ECDH(server.PublicKey())
	if err != nil {
		return nil, err
	}
	there, err := server.ECDH(client.PublicKey())
	if err != nil || !bytes.Equal(here, there) {
		return nil, errPrimitives
	}
	return here, nil
}

// What a handshake hashes, in bytes and times.
const (
	exchangeSize = 4 << 10 // two KEXINITs, two public values, the host's key
	derivedKeys  = 4       // a key and an IV for each direction (RFC 4253, section 7.2)
)

// exchangeHash hashes as much as both ends do, and returns the last hash.
func exchangeHash(secret []byte) []byte {
	var hash []byte
	for range 2 {
		h := sha256.New()
		h.Write(zeros[:exchangeSize])
		h.Write(secret)
		hash = h.Sum(nil)
		for range derivedKeys {
			key := sha256.New()
			key.Write(secret)
			key.Write(hash)
			key.Sum(nil)
		}
	}
	return hash
}
