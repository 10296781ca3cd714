package hostkey

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
)

const (
	// maxKeyFile bounds a private key file.
	maxKeyFile = 1 << 20
	// maxPEMKey bounds a key in ASN.1. An RSA key of 16384 bits takes 9.3 KiB.
	maxPEMKey = 16 << 10
)

// ParsePrivateKey is [ParsePrivateKeyFile] for who needs nothing but the Signer.
func ParsePrivateKey(file, passphrase []byte) (Signer, error) {
	key, err := ParsePrivateKeyFile(file, passphrase)
	if err != nil {
		return nil, err
	}
	return key.Signer, nil
}

// ParsePrivateKeyFile parses a private key file: one of OpenSSH (OpenSSH
// PROTOCOL.key) or of PuTTY (PPK, versions 2 and 3), or a PEM file with an RSA
// PRIVATE KEY (PKCS#1), an EC PRIVATE KEY (SEC 1), a PRIVATE KEY or an ENCRYPTED
// PRIVATE KEY (PKCS#8). The first private key of the file counts. The passphrase
// is for a file that is encrypted, and nil or of no meaning for another.
//
// It returns a [*PassphraseError] if the file is encrypted and the passphrase
// does not open it. A file that no passphrase opens, because it is encrypted in
// a way that is not supported, is not that error, so that nobody is asked for
// one: it is a [*KeyFormatError] or an [*UnknownKeyTypeError], as all others
// are. The result does not alias file.
//
// What a file asks for is bounded, in time to about half a minute and in memory
// to 256 MiB, and both only if a passphrase is given. Those are for files that
// belong to the user: a program that takes files from strangers limits how many
// it opens at a time.
func ParsePrivateKeyFile(file, passphrase []byte) (*PrivateKey, error) {
	if len(file) > maxKeyFile {
		return nil, &KeyFormatError{Type: "private", Reason: fmt.Sprintf("its file is larger than %d bytes", maxKeyFile)}
	}
	if bytes.HasPrefix(file, []byte(ppkMagic)) {
		return parsePPK(file, passphrase)
	}
	block, err := privateBlock(file)
	if err != nil {
		return nil, err
	}
	defer clear(block.Bytes)
	if block.Type == opensshLabel {
		return parseOpenSSH(block.Bytes, passphrase)
	}
	key, err := parseBlock(block, passphrase)
	if err != nil {
		return nil, err
	}
	return newPrivateKey(key)
}

// privateBlock returns the first block that may hold a private key: openssl
// writes EC PARAMETERS ahead of the key they belong to.
func privateBlock(file []byte) (*pem.Block, error) {
	for rest := file; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, &KeyFormatError{Type: "private", Reason: whatInstead(file)}
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block, nil
		}
	}
}

// whatInstead says what a file without a private key might be.
func whatInstead(file []byte) string {
	if k, err := ParseAuthorizedKey(file); err == nil {
		return "the file holds the public half of the key " + Fingerprint(k.Key)
	}
	if k, _, err := ParseRFC4716(file); err == nil {
		return "the file holds the public half of the key " + Fingerprint(k)
	}
	return "the file holds no block that begins with -----BEGIN ... PRIVATE KEY-----"
}

// parseBlock parses a block in ASN.1, which it decrypts in place.
func parseBlock(block *pem.Block, passphrase []byte) (key crypto.Signer, err error) {
	der := block.Bytes
	if len(der) > maxPEMKey {
		return nil, &KeyFormatError{Type: "private", Reason: fmt.Sprintf("it is larger than %d bytes", maxPEMKey)}
	}
	switch block.Type {
	case "RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY":
		der, err = decryptPEM(block, passphrase)
	case "ENCRYPTED PRIVATE KEY":
		der, err = decryptPKCS8(der, passphrase)
	default:
		err = &UnknownKeyTypeError{Type: block.Type}
	}
	if err != nil {
		return nil, err
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return parsePKCS1(der)
	case "EC PRIVATE KEY":
		key, err := x509.ParseECPrivateKey(der)
		return x509Key(key, err)
	}
	return parsePKCS8(der)
}

// x509Key makes one error of those of package x509, which name the functions
// of that package.
func x509Key(key crypto.Signer, err error) (crypto.Signer, error) {
	if err != nil || key == nil {
		return nil, &KeyFormatError{Type: "private", Reason: "it is malformed, or on a curve that is not supported"}
	}
	return key, nil
}

// parsePKCS1 parses an RSAPrivateKey (RFC 8017, appendix A.1.2). Package x509
// would compute with numbers of any size before it had a look at them.
func parsePKCS1(der []byte) (crypto.Signer, error) {
	var k struct {
		Version             int
		N, E, D, P, Q       *big.Int
		DP, DQ, Coefficient *big.Int
	}
	rest, err := asn1.Unmarshal(der, &k)
	if err != nil || len(rest) > 0 || k.Version != 0 {
		return nil, &KeyFormatError{Type: RSA, Reason: "the private key is malformed, or has more than two primes"}
	}
	return newPrivateRSA(k.N, k.E, k.D, [2]*big.Int{k.P, k.Q})
}

// notApproved returns an error where nothing but what FIPS 140-3 approves may
// compute, which the way that a file is encrypted, or authenticated, is not.
func notApproved(what string) error {
	if fips140.Enforced() {
		return &KeyFormatError{Type: "private", Reason: what + " is not approved, and GODEBUG=fips140=only is set: " +
			"PKCS#8 with PBKDF2 is, with HMAC-SHA256, AES and a salt of 16 bytes"}
	}
	return nil
}
