package cipher

import (
	"crypto/aes"
	stdcipher "crypto/cipher"

	"github.com/whelk-ssh/whelk/mac"
)

// newCTR returns AES in counter mode (RFC 4344, section 4) in the layout that
// the MAC asks for. The counter goes on from packet to packet: 128 bits of it
// start at the IV and are never set again.
func newCTR(keySize int, keys Keys, a mac.Algorithm) (sealOpener, error) {
	if err := keys.check(keySize, aes.BlockSize); err != nil {
		return nil, err
	}
	m, err := keys.newMAC(a)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(keys.Key)
	if err != nil {
		return nil, err
	}
	stream := stdcipher.NewCTR(block, keys.IV)
	if a.EtM {
		return newEtM(aes.BlockSize, a.Size, stream.XORKeyStream, m), nil
	}
	return newMtE(aes.BlockSize, a.Size, stream.XORKeyStream, m), nil
}

func ctrSealer(keySize int) func(Keys, mac.Algorithm) (Sealer, error) {
	return func(keys Keys, a mac.Algorithm) (Sealer, error) { return newCTR(keySize, keys, a) }
}

func ctrOpener(keySize int) func(Keys, mac.Algorithm) (Opener, error) {
	return func(keys Keys, a mac.Algorithm) (Opener, error) { return newCTR(keySize, keys, a) }
}
