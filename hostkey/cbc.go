package hostkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
)

// A cbcCipher encrypts keys in ASN.1, whose padding says how long it is (RFC
// 8018, section 6.1.1).
type cbcCipher struct {
	name      string                // in DEK-Info, as OpenSSL has it
	oid       asn1.ObjectIdentifier // in PBES2 (RFC 8018, appendix B.2)
	keySize   int                   // in bytes
	blockSize int                   // in bytes
	new       func(key []byte) (cipher.Block, error)
}

var cbcCiphers = []cbcCipher{
	{"AES-128-CBC", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aes.BlockSize, aes.NewCipher},
	{"AES-192-CBC", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aes.BlockSize, aes.NewCipher},
	{"AES-256-CBC", asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, 32, aes.BlockSize, aes.NewCipher},
	{"DES-EDE3-CBC", asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, des.BlockSize, des.NewTripleDESCipher},
}

// decryptDER decrypts a structure of ASN.1 in place, and returns the error
// locked if that is not one then.
func (c cbcCipher) decryptDER(text, iv []byte, derive func(size int) ([]byte, error), locked *PassphraseError) ([]byte, error) {
	if len(iv) != c.blockSize || len(text) == 0 || len(text)%c.blockSize != 0 {
		return nil, &KeyFormatError{Type: locked.Format, Reason: "it is not a whole number of blocks of its cipher"}
	}
	key, err := derive(c.keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	b, err := c.new(key)
	if err != nil {
		return nil, fmt.Errorf("hostkey: the cipher %s of a private key file: %w", c.name, err)
	}
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	der, ok := unpad(text, c.blockSize)
	var whole asn1.RawValue
	if ok {
		rest, err := asn1.Unmarshal(der, &whole)
		ok = err == nil && len(rest) == 0 && whole.Class == asn1.ClassUniversal && whole.Tag == asn1.TagSequence
	}
	if !ok {
		clear(text)
		return nil, locked.wrong()
	}
	return der, nil
}

// unpad takes off as many bytes as each of them says.
func unpad(p []byte, blockSize int) ([]byte, bool) {
	n := int(p[len(p)-1])
	if n < 1 || n > blockSize {
		return nil, false
	}
	text, padding := p[:len(p)-n], p[len(p)-n:]
	return text, !slices.ContainsFunc(padding, func(b byte) bool { return int(b) != n })
}

// decryptPEM decrypts a block whose headers say that it is encrypted (RFC 1421,
// section 4.6.1.3, as OpenSSL uses it), in place:
//
//	Proc-Type: 4,ENCRYPTED
//	DEK-Info: AES-128-CBC,8F1D9E...
func decryptPEM(block *pem.Block, passphrase []byte) ([]byte, error) {
	dek, ok := block.Headers["DEK-Info"]
	if !ok {
		return block.Bytes, nil
	}
	name, hexIV, _ := strings.Cut(dek, ",")
	i := slices.IndexFunc(cbcCiphers, func(c cbcCipher) bool { return c.name == name })
	if i < 0 {
		return nil, &KeyFormatError{Type: block.Type, Reason: fmt.Sprintf("its cipher %q is not supported: `openssl pkey -in FILE -aes256 -out COPY` takes another",
			name[:min(len(name), maxCipherName)])}
	}
	iv, err := hex.DecodeString(hexIV)
	if err != nil {
		return nil, &KeyFormatError{Type: block.Type, Reason: "its initial vector is malformed"}
	}
	locked := &PassphraseError{Format: "PEM", Cipher: name}
	return cbcCiphers[i].decryptDER(block.Bytes, iv, func(size int) ([]byte, error) {
		if len(passphrase) == 0 {
			return nil, locked
		}
		return deriveMD5(passphrase, iv[:8], size)
	}, locked)
}

// deriveMD5 is how OpenSSL made a key of a passphrase before PKCS#5: each part
// of it is MD5 of the part before, the passphrase and the salt
// (EVP_BytesToKey(3), with a count of 1). A guess costs next to nothing.
func deriveMD5(passphrase, salt []byte, size int) ([]byte, error) {
	if err := notApproved("the encryption of PEM files"); err != nil {
		return nil, err
	}
	key := make([]byte, 0, size+md5.Size)
	var part []byte
	for len(key) < size {
		h := md5.New()
		h.Write(part)
		h.Write(passphrase)
		h.Write(salt)
		part = h.Sum(part[:0])
		key = append(key, part...)
	}
	clear(part)
	return key[:size], nil
}
