package hostkey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxKeyFile bounds a private key file.
	maxKeyFile = 1 << 20
	// maxPEMKey bounds a key in ASN.1. An RSA key of 16384 bits takes 9.3 KiB.
	maxPEMKey = 16 << 10
)

// ParsePrivateKey parses a private key file: one of OpenSSH (OpenSSH
// PROTOCOL.key), or a PEM file with an RSA PRIVATE KEY (PKCS#1), an EC PRIVATE
// KEY (SEC 1) or a PRIVATE KEY (PKCS#8). The first private key of the file
// counts.
//
// It returns a [*PassphraseError] if the file is encrypted, whatever the
// passphrase: this package does not decrypt. Other errors are
// [*KeyFormatError] and [*UnknownKeyTypeError]. The result does not alias file.
func ParsePrivateKey(file, passphrase []byte) (Signer, error) {
	if len(file) > maxKeyFile {
		return nil, &KeyFormatError{Type: "private", Reason: fmt.Sprintf("its file is larger than %d bytes", maxKeyFile)}
	}
	block, err := privateBlock(file)
	if err != nil {
		return nil, err
	}
	key, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	return NewSigner(key)
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
	if bytes.HasPrefix(file, []byte("PuTTY-User-Key-File-")) {
		return "the file is one of PuTTY: `puttygen FILE -O private-openssh-new -o COPY` converts it"
	}
	if k, err := ParseAuthorizedKey(file); err == nil {
		return "the file holds the public half of the key " + Fingerprint(k.Key)
	}
	return "the file holds no block that begins with -----BEGIN ... PRIVATE KEY-----"
}

func parseBlock(block *pem.Block) (crypto.Signer, error) {
	// RFC 1421, section 4.6.1.3, as OpenSSL uses it.
	if dek, ok := block.Headers["DEK-Info"]; ok {
		name, _, _ := strings.Cut(dek, ",")
		return nil, &PassphraseError{Format: "PEM", Cipher: name}
	}
	if block.Type == opensshLabel {
		return parseOpenSSH(block.Bytes)
	}
	if len(block.Bytes) > maxPEMKey {
		return nil, &KeyFormatError{Type: "private", Reason: fmt.Sprintf("it is larger than %d bytes", maxPEMKey)}
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return parsePKCS1(block.Bytes)
	case "EC PRIVATE KEY":
		key, err := x509.ParseECPrivateKey(block.Bytes)
		return x509Key(key, err)
	case "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, &PassphraseError{Format: "PKCS#8"}
	}
	return nil, &UnknownKeyTypeError{Type: block.Type}
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

// Algorithms of the keys in PKCS#8.
var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017, appendix A.1
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}     // RFC 5480, section 2.1.1
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}             // RFC 8410, section 3
)

// parsePKCS8 parses a PrivateKeyInfo (RFC 5208, section 5).
func parsePKCS8(der []byte) (crypto.Signer, error) {
	var info struct {
		Version   int
		Algorithm struct {
			Algorithm  asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		PrivateKey []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, &KeyFormatError{Type: "private", Reason: "it is malformed"}
	}
	switch oid := info.Algorithm.Algorithm; {
	case oid.Equal(oidRSA):
		return parsePKCS1(info.PrivateKey)
	case oid.Equal(oidEC), oid.Equal(oidEd25519):
		key, err := x509.ParsePKCS8PrivateKey(der)
		signer, _ := key.(crypto.Signer)
		return x509Key(signer, err)
	default:
		return nil, &UnknownKeyTypeError{Type: "PKCS#8 " + oid.String()}
	}
}

// WritePrivateKeyFile writes key to a file of its own in the format of
// [MarshalPrivateKey]. The file appears complete and readable by its owner
// only, or not at all; one that exists is left alone, with an error that is
// fs.ErrExist.
func WritePrivateKeyFile(path string, key crypto.Signer, comment string) (err error) {
	pem, err := MarshalPrivateKey(key, comment)
	if err != nil {
		return err
	}
	// CVE-2022-24302: the permissions are right from the start, which
	// os.CreateTemp sees to, and not put right after.
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return fmt.Errorf("hostkey: writing a private key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pem)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Link(f.Name(), path) // fails if path exists, unlike os.Rename
	}
	if err != nil {
		return fmt.Errorf("hostkey: writing a private key: %w", err)
	}
	return nil
}
