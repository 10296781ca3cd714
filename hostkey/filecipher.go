package hostkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"errors"
	"slices"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 OpenSSH's construction takes Poly1305 over bytes that the AEAD of RFC 8439 cannot be given.
	"golang.org/x/crypto/poly1305"
)

// An opensshCipher is a cipher of private key files of OpenSSH, by the name it
// has in the transport layer. Sizes are in bytes.
type opensshCipher struct {
	name      string
	keySize   int
	ivSize    int
	blockSize int // what the text is padded to
	tagSize   int
	new       func(key, iv []byte) (fileCrypter, error)
}

// opensshCiphers is every cipher that OpenSSH reads. The first is the one that
// it writes; CBC and 3DES come last because they are old, and are no worse than
// the others here: who could alter the file gains nothing by it.
var opensshCiphers = []opensshCipher{
	{"aes256-ctr", 32, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, ctr)},
	{"aes192-ctr", 24, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, ctr)},
	{"aes128-ctr", 16, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, ctr)},
	{"aes256-gcm@openssh.com", 32, 12, aes.BlockSize, 16, newGCM},
	{"aes128-gcm@openssh.com", 16, 12, aes.BlockSize, 16, newGCM},
	{"chacha20-poly1305@openssh.com", 64, 0, 8, poly1305.TagSize, newChaCha20},
	{"aes256-cbc", 32, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, cbc)},
	{"aes192-cbc", 24, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, cbc)},
	{"aes128-cbc", 16, 16, aes.BlockSize, 0, blockCrypter(aes.NewCipher, cbc)},
	{"3des-cbc", 24, 8, des.BlockSize, 0, blockCrypter(des.NewTripleDESCipher, cbc)},
	{"none", 0, 0, 8, 0, nil},
}

func (c opensshCipher) encrypts() bool { return c.keySize > 0 }

func findOpensshCipher(name string) (opensshCipher, bool) {
	i := slices.IndexFunc(opensshCiphers, func(c opensshCipher) bool { return c.name == name })
	if i < 0 {
		return opensshCipher{}, false
	}
	return opensshCiphers[i], true
}

// KeyFileCiphers returns the names of the ciphers of an [Encryption], of which
// the first is the default. The caller owns the result.
func KeyFileCiphers() []string {
	var names []string
	for _, c := range opensshCiphers {
		if c.encrypts() {
			names = append(names, c.name)
		}
	}
	return names
}

// A fileCrypter encrypts or decrypts one text, in place.
type fileCrypter struct {
	seal func(text []byte) (tag []byte)
	open func(text, tag []byte) error
}

// errTag reports a text that is not what was encrypted.
var errTag = errors.New("hostkey: the authentication tag is wrong")

// blockCrypter returns the constructor for a mode of a block cipher that has no
// tag.
func blockCrypter(newBlock func([]byte) (cipher.Block, error), mode func(b cipher.Block, iv []byte) (seal, open func([]byte))) func(key, iv []byte) (fileCrypter, error) {
	return func(key, iv []byte) (fileCrypter, error) {
		b, err := newBlock(key)
		if err != nil {
			return fileCrypter{}, err
		}
		seal, open := mode(b, slices.Clone(iv))
		return fileCrypter{
			seal: func(text []byte) []byte { seal(text); return nil },
			open: func(text, _ []byte) error { open(text); return nil },
		}, nil
	}
}

func ctr(b cipher.Block, iv []byte) (seal, open func([]byte)) {
	crypt := func(text []byte) { cipher.NewCTR(b, iv).XORKeyStream(text, text) }
	return crypt, crypt
}

func cbc(b cipher.Block, iv []byte) (seal, open func([]byte)) {
	return func(text []byte) { cipher.NewCBCEncrypter(b, iv).CryptBlocks(text, text) },
		func(text []byte) { cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text) }
}

// newGCM takes the nonce from the passphrase too: it is used once, since the
// salt is made anew for each file.
func newGCM(key, iv []byte) (fileCrypter, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return fileCrypter{}, err
	}
	aead, err := cipher.NewGCM(b)
	if err != nil {
		return fileCrypter{}, err
	}
	iv = slices.Clone(iv)
	return fileCrypter{
		seal: func(text []byte) []byte {
			sealed := aead.Seal(nil, iv, text, nil)
			copy(text, sealed)
			return sealed[len(text):]
		},
		open: func(text, tag []byte) error {
			plain, err := aead.Open(nil, iv, slices.Concat(text, tag), nil)
			if err != nil {
				return err
			}
			copy(text, plain)
			clear(plain)
			return nil
		},
	}, nil
}

// newChaCha20 is ChaCha20 and Poly1305 as OpenSSH has them (OpenSSH
// PROTOCOL.chacha20poly1305), for packet 0 without a length: the first half of
// the key encrypts, and the second, for lengths, goes unused.
func newChaCha20(key, _ []byte) (fileCrypter, error) {
	s, err := chacha20.NewUnauthenticatedCipher(key[:chacha20.KeySize], make([]byte, chacha20.NonceSize))
	if err != nil {
		return fileCrypter{}, err
	}
	// Block 0 of the stream is the key of Poly1305, and the text begins with
	// block 1.
	var oneTime [32]byte
	s.XORKeyStream(oneTime[:], oneTime[:])
	s.SetCounter(1)
	sum := func(text []byte) []byte {
		var tag [poly1305.TagSize]byte
		poly1305.Sum(&tag, text, &oneTime)
		return tag[:]
	}
	return fileCrypter{
		seal: func(text []byte) []byte {
			s.XORKeyStream(text, text)
			return sum(text)
		},
		open: func(text, tag []byte) error {
			if subtle.ConstantTimeCompare(sum(text), tag) != 1 {
				return errTag
			}
			s.XORKeyStream(text, text)
			return nil
		},
	}, nil
}
