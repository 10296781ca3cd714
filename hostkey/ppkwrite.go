package hostkey

import (
	"crypto"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/wire"
)

// usualArgon2 is the second recommended option of RFC 9106, section 4: three
// passes over 64 MiB, in four lanes.
var usualArgon2 = argon2Options{variant: "Argon2id", memory: 64 << 10, passes: 3, parallelism: 4}

// MarshalPPK returns the private key file of PuTTY, version 3, for key, not
// encrypted: whoever can read it has the key. The key is one that
// [MarshalPrivateKey] takes. Control characters in the comment become spaces. The
// caller owns the result.
//
// PuTTY reads version 3 since 0.75; `puttygen FILE -O private --ppk-param
// version=2` makes one for what is older.
func MarshalPPK(key crypto.Signer, comment string) ([]byte, error) {
	p, err := newPPK(key, comment)
	if err != nil {
		return nil, err
	}
	p.encryption = "none"
	return p.seal(nil)
}

// MarshalEncryptedPPK is [MarshalPPK] with a passphrase, which is not empty.
func MarshalEncryptedPPK(key crypto.Signer, comment string, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("hostkey: encrypting a private key: the passphrase is empty")
	}
	p, err := newPPK(key, comment)
	if err != nil {
		return nil, err
	}
	p.encryption, p.argon2 = ppkCipher, usualArgon2
	p.argon2.salt = make([]byte, saltSize)
	rand.Read(p.argon2.salt)
	return p.seal(passphrase)
}

// newPPK returns a file that is not yet sealed.
func newPPK(key crypto.Signer, comment string) (*ppk, error) {
	s, err := NewSigner(key)
	if err != nil {
		return nil, err
	}
	private, err := marshalPPKPrivate(s.(*nativeSigner).key)
	if err != nil {
		return nil, err
	}
	public := s.PublicKey()
	return &ppk{version: 3, keyType: public.Type(), comment: strings.Map(printable, comment), public: public.Marshal(), private: private}, nil
}

// marshalPPKPrivate returns what parsePrivate of a ppk reads, with room for
// padding.
func marshalPPKPrivate(key crypto.Signer) ([]byte, error) {
	b := make([]byte, 0, usualPrivate)
	switch k := key.(type) {
	case ed25519.PrivateKey:
		seed := k.Seed()
		defer clear(seed)
		return wire.AppendString(b, seed), nil
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return nil, &KeyFormatError{Type: "ECDSA", Reason: "the private key is out of range"}
		}
		defer clear(d)
		return wire.AppendUnsigned(b, d), nil
	case *rsa.PrivateKey:
		if len(k.Primes) != 2 || k.Validate() != nil {
			return nil, &KeyFormatError{Type: RSA, Reason: "it is not a valid key of two primes"}
		}
		p, q := k.Primes[0], k.Primes[1]
		for _, v := range []*big.Int{k.D, p, q, new(big.Int).ModInverse(q, p)} {
			b = wire.AppendMPInt(b, v)
		}
		return b, nil
	}
	return nil, fmt.Errorf("hostkey: a private key of type %T cannot be written", key)
}

// seal returns the file, and clears the private half.
func (p *ppk) seal(passphrase []byte) ([]byte, error) {
	defer func() { clear(p.private) }()
	keys, err := p.keys(passphrase)
	if err != nil {
		return nil, err
	}
	defer keys.clear()
	if p.encrypted() {
		for len(p.private)%aes.BlockSize != 0 {
			var padding [1]byte
			rand.Read(padding[:])
			p.private = append(p.private, padding[0])
		}
	}
	p.mac = p.sum(keys)
	if p.encrypted() {
		c, err := blockCrypter(aes.NewCipher, cbc)(keys.cipher, keys.iv)
		if err != nil {
			return nil, err
		}
		c.seal(p.private)
	}
	return p.append(nil), nil
}

// append appends the file, in lines that end with LF.
func (p *ppk) append(b []byte) []byte {
	b = fmt.Appendf(b, "%s%d: %s\nEncryption: %s\nComment: %s\n", ppkMagic, p.version, p.keyType, p.encryption, p.comment)
	b = appendPPKLines(b, "Public-Lines", p.public)
	if p.encrypted() {
		a := p.argon2
		b = fmt.Appendf(b, "Key-Derivation: %s\nArgon2-Memory: %d\nArgon2-Passes: %d\nArgon2-Parallelism: %d\nArgon2-Salt: %x\n",
			a.variant, a.memory, a.passes, a.parallelism, a.salt)
	}
	b = appendPPKLines(b, "Private-Lines", p.private)
	return append(append(append(b, "Private-MAC: "...), hex.EncodeToString(p.mac)...), '\n')
}

func appendPPKLines(b []byte, name string, blob []byte) []byte {
	text := base64.StdEncoding.AppendEncode(nil, blob)
	defer clear(text)
	b = fmt.Appendf(b, "%s: %d\n", name, (len(text)+ppkLine-1)/ppkLine)
	for rest := text; len(rest) > 0; {
		n := min(len(rest), ppkLine)
		b = append(append(b, rest[:n]...), '\n')
		rest = rest[n:]
	}
	return b
}
