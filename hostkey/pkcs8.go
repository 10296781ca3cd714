package hostkey

import (
	"crypto"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"hash"
	"slices"

	"golang.org/x/crypto/scrypt"
)

// An algorithmID is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
type algorithmID struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
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
		Version    int
		Algorithm  algorithmID
		PrivateKey []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, &KeyFormatError{Type: "private", Reason: "it is malformed"}
	}
	defer clear(info.PrivateKey)
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

// Bounds of what an encrypted file may ask for (G13). OpenSSL makes 2048
// iterations by itself, and OWASP advised 1.3 million of HMAC-SHA1 in 2023; a
// file of scrypt takes 16 MiB of memory there, and its blocks that much work.
const (
	maxIterations   = 4_000_000
	maxScryptMemory = 64 << 20
	maxScryptWork   = 1 << 30
)

// The schemes of RFC 8018, appendices A.2 to A.4, and of RFC 7914, section 7.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

// A prf is a pseudorandom function of PBKDF2: HMAC with a hash.
type prf struct {
	oid  asn1.ObjectIdentifier
	hash func() hash.Hash
}

// prfs are those of RFC 8018, appendix B.1.2. The first is the one of a file
// that names none.
var prfs = []prf{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}, sha1.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}, sha256.New224},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, sha256.New},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, sha512.New384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
}

func pkcs8Error(format string, a ...any) error {
	return &KeyFormatError{Type: "PKCS#8", Reason: fmt.Sprintf(format, a...)}
}

// A kdf turns a passphrase into a key of a given size in bytes.
type kdf struct {
	name   string
	derive func(passphrase []byte, size int) ([]byte, error)
}

// decryptPKCS8 decrypts an EncryptedPrivateKeyInfo (RFC 5208, section 6) of the
// scheme PBES2 (RFC 8018, section 6.2). The result is the caller's to clear.
func decryptPKCS8(der, passphrase []byte) ([]byte, error) {
	var info struct {
		Algorithm algorithmID
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, pkcs8Error("it is malformed")
	}
	if oid := info.Algorithm.Algorithm; !oid.Equal(oidPBES2) {
		return nil, pkcs8Error("it is encrypted with %v, which is not supported: `openssl pkcs8 -in FILE -topk8 -v2 aes-256-cbc -out COPY` takes another", oid)
	}
	var scheme struct{ KDF, Cipher algorithmID } // RFC 8018, appendix A.4
	if rest, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &scheme); err != nil || len(rest) > 0 {
		return nil, pkcs8Error("it is malformed")
	}
	i := slices.IndexFunc(cbcCiphers, func(c cbcCipher) bool { return c.oid.Equal(scheme.Cipher.Algorithm) })
	if i < 0 {
		return nil, pkcs8Error("its cipher %v is not supported: `openssl pkcs8 -in FILE -topk8 -v2 aes-256-cbc -out COPY` takes another", scheme.Cipher.Algorithm)
	}
	var iv []byte
	if rest, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil || len(rest) > 0 {
		return nil, pkcs8Error("it is malformed")
	}
	f, err := parseKDF(scheme.KDF, cbcCiphers[i].keySize)
	if err != nil {
		return nil, err
	}
	locked := &PassphraseError{Format: "PKCS#8", Cipher: cbcCiphers[i].name, KDF: f.name}
	return cbcCiphers[i].decryptDER(info.Data, iv, func(size int) ([]byte, error) {
		if len(passphrase) == 0 {
			return nil, locked
		}
		return f.derive(passphrase, size)
	}, locked)
}

func parseKDF(id algorithmID, keySize int) (kdf, error) {
	switch oid := id.Algorithm; {
	case oid.Equal(oidPBKDF2):
		return parsePBKDF2(id.Parameters.FullBytes, keySize)
	case oid.Equal(oidScrypt):
		return parseScrypt(id.Parameters.FullBytes, keySize)
	default:
		return kdf{}, pkcs8Error("it derives its key with %v, which is not supported", oid)
	}
}

// parsePBKDF2 parses PBKDF2-params (RFC 8018, appendix A.2).
func parsePBKDF2(der []byte, keySize int) (kdf, error) {
	var p struct {
		Salt       []byte
		Iterations int
		KeyLength  int         `asn1:"optional"`
		PRF        algorithmID `asn1:"optional"`
	}
	rest, err := asn1.Unmarshal(der, &p)
	if err != nil || len(rest) > 0 || p.KeyLength != 0 && p.KeyLength != keySize || len(p.Salt) > maxSalt {
		return kdf{}, pkcs8Error("what PBKDF2 should derive its key from is malformed")
	}
	if p.Iterations < 1 || p.Iterations > maxIterations {
		return kdf{}, pkcs8Error("its passphrase takes %d iterations, and from 1 to %d are accepted", p.Iterations, maxIterations)
	}
	i := 0
	if oid := p.PRF.Algorithm; oid != nil {
		if i = slices.IndexFunc(prfs, func(f prf) bool { return f.oid.Equal(oid) }); i < 0 {
			return kdf{}, pkcs8Error("PBKDF2 with %v is not supported", oid)
		}
	}
	return kdf{"PBKDF2", func(passphrase []byte, size int) ([]byte, error) {
		return derived(pbkdf2.Key(prfs[i].hash, string(passphrase), p.Salt, p.Iterations, size))
	}}, nil
}

// parseScrypt parses scrypt-params (RFC 7914, section 7.1).
func parseScrypt(der []byte, keySize int) (kdf, error) {
	var p struct {
		Salt                         []byte
		Cost, BlockSize, Parallelism int
		KeyLength                    int `asn1:"optional"`
	}
	rest, err := asn1.Unmarshal(der, &p)
	if err != nil || len(rest) > 0 || p.KeyLength != 0 && p.KeyLength != keySize || len(p.Salt) > maxSalt {
		return kdf{}, pkcs8Error("what scrypt should derive its key from is malformed")
	}
	// Each is bounded by itself first, so that no product overflows.
	const most = maxScryptMemory / 128
	if p.Cost < 2 || p.Cost > most || p.Cost&(p.Cost-1) != 0 || p.BlockSize < 1 || p.BlockSize > most || p.Parallelism < 1 || p.Parallelism > most ||
		uint64(p.Cost)*uint64(p.BlockSize) > most || uint64(p.Cost)*uint64(p.BlockSize)*uint64(p.Parallelism) > maxScryptWork/128 {
		return kdf{}, pkcs8Error("scrypt with a cost of %d, a block size of %d and a parallelism of %d is more than is accepted",
			p.Cost, p.BlockSize, p.Parallelism)
	}
	return kdf{"scrypt", func(passphrase []byte, size int) ([]byte, error) {
		if err := notApproved("scrypt"); err != nil {
			return nil, err
		}
		return derived(scrypt.Key(passphrase, p.Salt, p.Cost, p.BlockSize, p.Parallelism, size))
	}}, nil
}

// derived says of an error what was under way, which in the mode of
// GODEBUG=fips140=only is computing with SHA-1.
func derived(key []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("hostkey: deriving the key of a private key file: %w", err)
	}
	return key, nil
}
