package fuzz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/wire"
)

// NullKex returns a key exchange without arithmetic: its public values and its
// secret are the same every time. A server still signs the exchange hash, which
// differs. It protects nothing and must never be offered outside of a test.
func NullKex() kex.Method { return kex.New("null@fuzz.invalid", sha256.New, nullKEM{}) }

type nullKEM struct{}

// nullValue is all that is public in a nullKEM.
var nullValue = []byte("null")

// GenerateKey implements [kex.KEM].
func (nullKEM) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	return nullValue, func(answer []byte) ([]byte, error) { return nullSecret(answer) }, nil
}

// Encapsulate implements [kex.KEM].
func (nullKEM) Encapsulate(public []byte) ([]byte, []byte, error) {
	k, err := nullSecret(public)
	return nullValue, k, err
}

var errNotNull = errors.New("fuzz: the public value is not the null one")

// nullSecret is the secret, unless the peer's value is wrong: a public value can
// be refused here as anywhere.
func nullSecret(public []byte) ([]byte, error) {
	if !bytes.Equal(public, nullValue) {
		return nil, errNotNull
	}
	return wire.AppendUnsigned(nil, nullValue), nil
}

// Plain returns a cipher that encrypts nothing. A packet ends in a tag of one
// byte, for which a sealer writes 0: an opener refuses 0xff and takes anything
// else. So a fuzzer that changes bytes gets past it mostly, as it does not get past
// a MAC, and fails sometimes, as it must be able to. It protects nothing and must
// never be offered outside of a test.
func Plain() cipher.Mode {
	return cipher.Mode{
		Name: "plain@fuzz.invalid", AEAD: true, RekeyAfter: 1 << 30,
		NewSealer: func(cipher.Keys, mac.Algorithm) (cipher.Sealer, error) { return plain{}, nil },
		NewOpener: func(cipher.Keys, mac.Algorithm) (cipher.Opener, error) { return plain{}, nil },
	}
}

type plain struct{}

// Framing implements [cipher.Sealer] and [cipher.Opener].
func (plain) Framing() cipher.Framing { return cipher.Framing{Head: 4, Block: 8, Tag: 1} }

// Seal implements [cipher.Sealer].
func (plain) Seal(_ uint32, packet []byte) { packet[len(packet)-1] = 0 }

// Length implements [cipher.Opener].
func (plain) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements [cipher.Opener].
func (plain) Open(dst []byte, _ uint32, packet []byte) ([]byte, error) {
	if len(packet) < 4+8+1 || packet[len(packet)-1] == 0xff {
		return nil, cipher.ErrAuthentication
	}
	copy(dst, packet)
	return dst[4 : len(packet)-1], nil
}
