package cipher

import (
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/des"

	"github.com/whelk-ssh/whelk/mac"
)

// A cbc is a block cipher in cipher block chaining mode (RFC 4253, section
// 6.3). All packets of a direction are one chain: the IV of each is the last
// block of the one before, which an observer has seen. Whoever makes the sender
// encrypt a block of his choice can then test a guess at an earlier one (RFC
// 4251, section 9.3.1). That, and the attack that [Framing] has Discard for, is
// why these modes are in [Insecure].
type cbc struct {
	keySize, blockSize int // bytes
	newCipher          func(key []byte) (stdcipher.Block, error)
}

func aesCBC(keySize int) cbc { return cbc{keySize, aes.BlockSize, aes.NewCipher} }

// tripleDES is 3DES with three keys (RFC 4253, section 6.3).
var tripleDES = cbc{24, des.BlockSize, des.NewTripleDESCipher}

func (c cbc) sealer(keys Keys, a mac.Algorithm) (Sealer, error) {
	return c.newLayout(keys, a, stdcipher.NewCBCEncrypter)
}

func (c cbc) opener(keys Keys, a mac.Algorithm) (Opener, error) {
	return c.newLayout(keys, a, stdcipher.NewCBCDecrypter)
}

// newLayout returns one direction's chain in the layout that the MAC asks for.
func (c cbc) newLayout(keys Keys, a mac.Algorithm, chain func(stdcipher.Block, []byte) stdcipher.BlockMode) (sealOpener, error) {
	if err := keys.check(c.keySize, c.blockSize); err != nil {
		return nil, err
	}
	m, err := keys.newMAC(a)
	if err != nil {
		return nil, err
	}
	block, err := c.newCipher(keys.Key)
	if err != nil {
		return nil, err
	}
	crypt := chain(block, keys.IV).CryptBlocks
	if a.EtM {
		layout := newEtM(c.blockSize, a.Size, crypt, m)
		layout.unit = c.blockSize
		return layout, nil
	}
	layout := newMtE(c.blockSize, a.Size, crypt, m)
	layout.unit = c.blockSize
	layout.framing.Discard = true
	return layout, nil
}
