package hostkey_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// An algorithm is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
type algorithm struct {
	OID        asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

func asn1Value(t *testing.T, v any) asn1.RawValue {
	t.Helper()
	der, err := asn1.Marshal(v)
	require.NoError(t, err)
	return asn1.RawValue{FullBytes: der}
}

// A pbes2 is an encrypted file of PKCS#8, for changing a part of it.
type pbes2 struct {
	scheme, kdf, prf, cipher asn1.ObjectIdentifier
	salt, iv                 []byte
	iterations, keyLength    int
	cost, block, parallel    int // of scrypt
	text                     []byte
}

func (p *pbes2) encode(t *testing.T) []byte {
	t.Helper()
	var parameters any = struct {
		Salt                  []byte
		Iterations, KeyLength int
		PRF                   algorithm
	}{p.salt, p.iterations, p.keyLength, algorithm{OID: p.prf}}
	if p.cost != 0 {
		parameters = struct {
			Salt                         []byte
			Cost, BlockSize, Parallelism int
		}{p.salt, p.cost, p.block, p.parallel}
	}
	scheme := struct{ KDF, Cipher algorithm }{algorithm{p.kdf, asn1Value(t, parameters)}, algorithm{p.cipher, asn1Value(t, p.iv)}}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Data      []byte
	}{algorithm{p.scheme, asn1Value(t, scheme)}, p.text})
	require.NoError(t, err)
	return encode("ENCRYPTED PRIVATE KEY", der)
}

// validPBES2 encrypts a text, padding and all.
func validPBES2(t *testing.T, text []byte) *pbes2 {
	t.Helper()
	p := &pbes2{
		scheme: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, kdf: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12},
		prf: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, cipher: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2},
		salt: []byte("sixteen byte sal"), iv: make([]byte, 16), iterations: 10, keyLength: 16, text: bytes.Clone(text),
	}
	key, err := pbkdf2.Key(sha256.New, secret, p.salt, p.iterations, 16)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	cipher.NewCBCEncrypter(block, p.iv).CryptBlocks(p.text, p.text)
	return p
}

func padded(text []byte) []byte {
	n := 16 - len(text)%16
	return append(bytes.Clone(text), bytes.Repeat([]byte{byte(n)}, n)...)
}

func plainPKCS8(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(testECDSA(t, elliptic.P256()))
	require.NoError(t, err)
	return der
}

func TestPBES2Refuses(t *testing.T) {
	scrypt := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	costs := func(cost, block, parallel int) func(*pbes2) {
		return func(p *pbes2) { p.kdf, p.cost, p.block, p.parallel = scrypt, cost, block, parallel }
	}
	text := padded(plainPKCS8(t))
	_, err := hostkey.ParsePrivateKey(validPBES2(t, text).encode(t), []byte(secret))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*pbes2)
		want   string
	}{
		"another scheme":                {func(p *pbes2) { p.scheme = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 3} }, "1.2.840.113549.1.5.3, which is not supported: `openssl"},
		"another KDF":                   {func(p *pbes2) { p.kdf = asn1.ObjectIdentifier{1, 2, 3} }, "1.2.3, which is not supported"},
		"another PRF":                   {func(p *pbes2) { p.prf = asn1.ObjectIdentifier{1, 2, 3} }, "PBKDF2 with 1.2.3"},
		"another cipher":                {func(p *pbes2) { p.cipher = asn1.ObjectIdentifier{1, 2, 3} }, "cipher 1.2.3 is not supported"},
		"G13 2^31-1 iterations":         {func(p *pbes2) { p.iterations = math.MaxInt32 }, "2147483647 iterations"},
		"G13 2^63-1 iterations":         {func(p *pbes2) { p.iterations = math.MaxInt64 }, "9223372036854775807 iterations"},
		"no iterations":                 {func(p *pbes2) { p.iterations = 0 }, "0 iterations"},
		"negative iterations":           {func(p *pbes2) { p.iterations = -1 }, "-1 iterations"},
		"G13 a key of 2^31-1 bytes":     {func(p *pbes2) { p.keyLength = math.MaxInt32 }, "malformed"},
		"a key of another cipher":       {func(p *pbes2) { p.keyLength = 32 }, "malformed"},
		"G13 a salt of 1025 bytes":      {func(p *pbes2) { p.salt = make([]byte, 1025) }, "malformed"},
		"a vector of 15 bytes":          {func(p *pbes2) { p.iv = p.iv[:15] }, "whole number of blocks"},
		"no text":                       {func(p *pbes2) { p.text = nil }, "whole number of blocks"},
		"half a block":                  {func(p *pbes2) { p.text = p.text[:24] }, "whole number of blocks"},
		"scrypt: cost of 3":             {costs(3, 8, 1), "cost of 3"},
		"scrypt: cost of 1":             {costs(1, 8, 1), "cost of 1"},
		"scrypt: a negative cost":       {costs(-8, 8, 1), "cost of -8"},
		"G13 scrypt: 2^62":              {costs(1<<62, 1<<62, 1<<62), "more than is accepted"},
		"G13 scrypt: 128 MiB":           {costs(1<<17, 8, 1), "more than is accepted"},
		"G13 scrypt: 2^30 lanes":        {costs(1<<14, 8, 1<<30), "more than is accepted"},
		"G13 scrypt: 128 lanes, 16 MiB": {costs(1<<14, 8, 128), "more than is accepted"},
		"scrypt: no block":              {costs(1<<14, 0, 1), "block size of 0"},
		"scrypt: no lane":               {costs(1<<14, 8, 0), "parallelism of 0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := validPBES2(t, text)
			c.change(p)
			for _, passphrase := range [][]byte{nil, []byte(secret)} {
				start := time.Now()
				_, err := hostkey.ParsePrivateKey(p.encode(t), passphrase)
				var format *hostkey.KeyFormatError
				require.ErrorAs(t, err, &format, "nobody is asked for a passphrase")
				require.ErrorContains(t, err, c.want)
				require.Less(t, time.Since(start), time.Second)
			}
		})
	}
}

// With the right key, what comes out is no key: only somebody who knows the
// passphrase could have made that.
func TestPBES2Content(t *testing.T) {
	der := plainPKCS8(t)
	good := padded(der)
	for name, c := range map[string]struct {
		text  []byte
		wrong bool
	}{
		"padding of 0":             {append(bytes.Clone(good[:len(good)-1]), 0), true},
		"padding of 17":            {append(bytes.Clone(good[:len(good)-1]), 17), true},
		"padding of 16, of others": {append(bytes.Repeat([]byte{1}, 31), 16), true},
		"nothing but padding":      {bytes.Repeat([]byte{16}, 16), true},
		"a byte too much":          {padded(append(bytes.Clone(der), 0)), true},
		"a byte too few":           {padded(der[:len(der)-1]), true},
		"an OCTET STRING":          {padded([]byte{4, 1, 0}), true},
		"an empty SEQUENCE":        {padded([]byte{0x30, 0}), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hostkey.ParsePrivateKey(validPBES2(t, c.text).encode(t), []byte(secret))
			var locked *hostkey.PassphraseError
			var format *hostkey.KeyFormatError
			if c.wrong {
				require.ErrorAs(t, err, &locked)
				require.True(t, locked.Wrong)
			} else {
				require.ErrorAs(t, err, &format)
			}
		})
	}
}

func TestEncryptedPKCS8Malformed(t *testing.T) {
	p := validPBES2(t, padded(plainPKCS8(t)))
	block, _ := pem.Decode(p.encode(t))
	for n := range block.Bytes {
		_, err := hostkey.ParsePrivateKey(encode(block.Type, block.Bytes[:n]), []byte(secret))
		require.Error(t, err, "cut at %d", n)
	}
	_, err := hostkey.ParsePrivateKey(encode(block.Type, append(block.Bytes, 0)), []byte(secret))
	require.ErrorContains(t, err, "malformed")
}

func TestDEKInfoRefuses(t *testing.T) {
	const vector = "00112233445566778899AABBCCDDEEFF"
	for name, c := range map[string]struct {
		label, dek string
		bytes      int
		want       string
	}{
		"an unknown cipher":         {"RSA PRIVATE KEY", "DES-CBC,0011223344556677", 16, `"DES-CBC" is not supported`},
		"a cipher of 100 KiB":       {"RSA PRIVATE KEY", strings.Repeat("x", 100<<10), 16, `xxx" is not supported`},
		"no vector":                 {"RSA PRIVATE KEY", "AES-128-CBC", 16, "whole number of blocks"},
		"a short vector":            {"RSA PRIVATE KEY", "AES-128-CBC,0011223344556677", 16, "whole number of blocks"},
		"a vector of other letters": {"RSA PRIVATE KEY", "AES-128-CBC,hello", 16, "vector is malformed"},
		"no text":                   {"RSA PRIVATE KEY", "AES-128-CBC," + vector, 0, "whole number of blocks"},
		"17 bytes":                  {"EC PRIVATE KEY", "AES-128-CBC," + vector, 17, "whole number of blocks"},
		"DSA":                       {"DSA PRIVATE KEY", "AES-128-CBC," + vector, 16, `"DSA PRIVATE KEY" is not supported`},
		"G13 17 KiB":                {"RSA PRIVATE KEY", "AES-128-CBC," + vector, 17 << 10, "larger than 16384"},
	} {
		t.Run(name, func(t *testing.T) {
			file := pem.EncodeToMemory(&pem.Block{Type: c.label, Bytes: make([]byte, c.bytes),
				Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": c.dek}})
			_, err := hostkey.ParsePrivateKey(file, nil)
			require.ErrorContains(t, err, c.want)
			require.Less(t, len(err.Error()), 1000)
			_, err = hostkey.ParsePrivateKey(file, []byte(secret))
			require.ErrorContains(t, err, c.want)
		})
	}
}
