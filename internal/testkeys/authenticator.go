package testkeys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	std "crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"math/big"

	"github.com/whelk-ssh/whelk/hostkey"
)

// An Authenticator is a security key in software: it signs what one of hardware
// would (OpenSSH PROTOCOL.u2f), and sets whatever flags it is told to. It is a
// [hostkey.Signer]. Its fields are changed before it signs.
type Authenticator struct {
	Flags       hostkey.Flags // as in its signatures
	Counter     uint32
	Application string

	// Of signatures with [hostkey.WebAuthnECDSA256]: the web site that asked
	// for it, what the browser says besides, and extensions of the
	// authenticator.
	Origin     string
	Members    string
	Extensions []byte

	keyType string
	fields  []string // of the key, before the application
	key     crypto.Signer
}

// SKEd25519 returns a security key with an Ed25519 key, the same in each call,
// that says it was touched.
func SKEd25519() *Authenticator {
	key := std.NewKeyFromSeed(bytes.Repeat([]byte{1}, std.SeedSize))
	return newAuthenticator(hostkey.SKEd25519, key, string(key.Public().(std.PublicKey)))
}

// SKECDSA256 is SKEd25519 with an ECDSA key on P-256.
func SKECDSA256() *Authenticator {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		panic("testkeys: " + err.Error())
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic("testkeys: " + err.Error())
	}
	return newAuthenticator(hostkey.SKECDSA256, key, "nistp256", string(point))
}

func newAuthenticator(keyType string, key crypto.Signer, fields ...string) *Authenticator {
	return &Authenticator{
		Flags: hostkey.UserPresent, Counter: 7, Application: "ssh:",
		Origin: "https://keys.example", Members: `,"crossOrigin":false}`,
		keyType: keyType, key: key, fields: fields,
	}
}

// Blob returns the public key, whether anybody would take it or not.
func (a *Authenticator) Blob() []byte {
	b := appendString(nil, a.keyType)
	for _, f := range a.fields {
		b = appendString(b, f)
	}
	return appendString(b, a.Application)
}

// PublicKey returns the public key.
func (a *Authenticator) PublicKey() hostkey.PublicKey {
	k, err := hostkey.ParsePublicKey(a.Blob())
	if err != nil {
		panic("testkeys: " + err.Error())
	}
	return k
}

// Algorithms returns the name of the key's format.
func (a *Authenticator) Algorithms() []string { return []string{a.keyType} }

// Sign signs data. An ECDSA key signs with [hostkey.WebAuthnECDSA256] too.
func (a *Authenticator) Sign(_ context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	rest := binary.BigEndian.AppendUint32([]byte{byte(a.Flags)}, a.Counter)
	var extensions []byte
	if algorithm == hostkey.WebAuthnECDSA256 {
		challenge := base64.RawURLEncoding.EncodeToString(data)
		data = []byte(`{"type":"webauthn.get","challenge":"` + challenge + `","origin":"` + a.Origin + `"` + a.Members)
		extensions = a.Extensions
		rest = appendString(appendString(appendString(rest, a.Origin), string(data)), string(extensions))
	}
	application, sum := sha256.Sum256([]byte(a.Application)), sha256.Sum256(data)
	message := append(application[:], byte(a.Flags))
	message = binary.BigEndian.AppendUint32(message, a.Counter)
	message = append(append(message, extensions...), sum[:]...)
	blob, err := a.sign(message)
	return &hostkey.Signature{Algorithm: algorithm, Blob: blob, Rest: rest}, err
}

func (a *Authenticator) sign(message []byte) ([]byte, error) {
	if a.keyType == hostkey.SKEd25519 {
		return a.key.Sign(rand.Reader, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	der, err := a.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	// An mpint has a zero byte in front of a first bit that is set.
	return appendString(appendString(nil, mpint(sig.R)), mpint(sig.S)), nil
}

func mpint(v *big.Int) string { return string(v.FillBytes(make([]byte, v.BitLen()/8+1))) }

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
