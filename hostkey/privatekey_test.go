package hostkey_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func privateKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	return map[string]crypto.Signer{
		"ed25519":  ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)),
		"ecdsa256": testECDSA(t, elliptic.P256()),
		"ecdsa384": testECDSA(t, elliptic.P384()),
		"ecdsa521": testECDSA(t, elliptic.P521()),
		"rsa2048":  testRSA(t),
	}
}

func encode(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// pkcs8 returns a file of PKCS#8 that is not encrypted.
func pkcs8(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return encode("PRIVATE KEY", der)
}

func TestPrivateKeyRoundTrip(t *testing.T) {
	for name, key := range privateKeys(t) {
		want, err := hostkey.NewSigner(key)
		require.NoError(t, err)
		openssh, err := hostkey.MarshalPrivateKey(key, "a comment")
		require.NoError(t, err)
		files := map[string][]byte{"OpenSSH": openssh, "PKCS#8": pkcs8(t, key)}
		switch name {
		case "rsa2048":
			files["PKCS#1"] = encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key.(*rsa.PrivateKey)))
		case "ecdsa256", "ecdsa384", "ecdsa521":
			files["SEC1"] = append(encode("EC PARAMETERS", []byte{5, 0}), sec1(t, key)...)
		}
		for format, file := range files {
			t.Run(name+" "+format, func(t *testing.T) {
				s, err := hostkey.ParsePrivateKey(file, nil)
				require.NoError(t, err)
				require.True(t, hostkey.Equal(want.PublicKey(), s.PublicKey()))
				clear(file)
				sig, err := s.Sign(t.Context(), s.Algorithms()[0], []byte("data"))
				require.NoError(t, err)
				require.NoError(t, want.PublicKey().Verify([]byte("data"), sig))
			})
		}
	}
}

// A private is a file in the OpenSSH format, for changing a part of it.
type private struct {
	magic, cipher, kdf, options string
	count                       uint32
	public                      []byte
	check                       [2]uint32
	key                         []byte
	comment                     string
	padding                     []byte
	tail                        string
}

func (p *private) encode() []byte {
	list := wire.AppendUint32(wire.AppendUint32(nil, p.check[0]), p.check[1])
	list = wire.AppendString(append(list, p.key...), p.comment)
	list = append(list, p.padding...)
	b := append([]byte(p.magic), blob(p.cipher, p.kdf, p.options)...)
	b = wire.AppendString(wire.AppendUint32(b, p.count), p.public)
	return encode("OPENSSH PRIVATE KEY", append(wire.AppendString(b, list), p.tail...))
}

// pad sets the padding that the rest asks for.
func (p *private) pad() {
	p.padding = nil
	for i := byte(1); (8+len(p.key)+4+len(p.comment)+len(p.padding))%8 != 0; i++ {
		p.padding = append(p.padding, i)
	}
}

// validPrivate is a file that is valid once its comment is of the length that
// leaves one byte of padding.
func validPrivate() *private {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	public := string(key[32:])
	return &private{
		magic: "openssh-key-v1\x00", cipher: "none", kdf: "none", count: 1,
		public: blob("ssh-ed25519", public), check: [2]uint32{7, 7},
		key: blob("ssh-ed25519", public, string(key)), comment: "abcd", padding: []byte{1},
	}
}

func TestOpenSSHRefuses(t *testing.T) {
	p := validPrivate()
	for (8+len(p.key)+4+len(p.comment)+1)%8 != 0 {
		p.comment += "x"
	}
	_, err := hostkey.ParsePrivateKey(p.encode(), nil)
	require.NoError(t, err)
	comment := p.comment
	other := testkeys.Ed25519().PublicKey().Marshal()

	for name, c := range map[string]struct {
		change func(*private)
		want   string
	}{
		"magic":                             {func(p *private) { p.magic = "openssh-key-v2\x00" }, "does not begin"},
		"no key":                            {func(p *private) { p.count = 0 }, "0 keys"},
		"two keys":                          {func(p *private) { p.count = 2 }, "2 keys"},
		"2^32-1 keys":                       {func(p *private) { p.count = 1<<32 - 1 }, "4294967295 keys"},
		"G13 check numbers differ":          {func(p *private) { p.check[1]++ }, "check numbers"},
		"G13 padding is 0":                  {func(p *private) { p.padding[0] = 0 }, "padding is not 1, 2, 3"},
		"G13 padding is 2":                  {func(p *private) { p.padding[0] = 2 }, "padding is not 1, 2, 3"},
		"G13 padding of 256 bytes":          {func(p *private) { p.padding = bytes.Repeat([]byte{1}, 257) }, "padding is too long"},
		"G13 not a multiple of the block":   {func(p *private) { p.padding = nil }, "not padded to 8"},
		"G13 bytes after the end":           {func(p *private) { p.tail = "x" }, "after its end"},
		"a KDF without cipher":              {func(p *private) { p.kdf = "bcrypt" }, `"bcrypt" for no cipher`},
		"options of no KDF":                 {func(p *private) { p.options = "x" }, "for no cipher"},
		"a cipher name of 65 bytes":         {func(p *private) { p.cipher = strings.Repeat("x", 65) }, "truncated"},
		"public key of another":             {func(p *private) { p.public = other }, "does not belong"},
		"public key is missing":             {func(p *private) { p.public = nil }, "does not belong"},
		"G1 private key of 63 bytes":        {func(p *private) { p.key = blob("ssh-ed25519", string(make([]byte, 32)), string(make([]byte, 63))) }, "wrong length"},
		"key of an unknown format":          {func(p *private) { p.key = blob("ssh-dss") }, `"ssh-dss" is not supported`},
		"key of no format":                  {func(p *private) { p.key = nil }, `not supported`},
		"public halves of the list differ":  {func(p *private) { p.key[4+11+4] ^= 1 }, "does not belong"},
		"Ed25519: halves of the key differ": {func(p *private) { p.key[len(p.key)-1] ^= 1 }, "does not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			p := validPrivate()
			p.comment = comment
			c.change(p)
			if n := len(p.padding); n == 1 && p.padding[0] == 1 { // keep the multiple of 8 where it is not the matter
				for i := byte(2); (8+len(p.key)+4+len(p.comment)+len(p.padding))%8 != 0; i++ {
					p.padding = append(p.padding, i)
				}
			}
			s, err := hostkey.ParsePrivateKey(p.encode(), nil)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, s)
		})
	}
}

func TestOpenSSHTruncated(t *testing.T) {
	for _, name := range []string{"ed25519", "ecdsa256", "rsa2048"} {
		block, _ := pem.Decode(testkeys.PEM(name))
		for n := range block.Bytes {
			_, err := hostkey.ParsePrivateKey(encode(block.Type, block.Bytes[:n]), nil)
			require.Error(t, err, "%s cut at %d", name, n)
		}
	}
}

func TestOpenSSHECDSARefuses(t *testing.T) {
	key := testECDSA(t, elliptic.P256())
	s, err := hostkey.NewSigner(key)
	require.NoError(t, err)
	r := wire.NewReader(s.PublicKey().Marshal())
	r.Blob()
	r.Blob()
	point := r.Text()
	d, err := key.Bytes()
	require.NoError(t, err)
	order := orders["ecdsa-sha2-nistp256"]
	for name, c := range map[string][]byte{
		"d is 0":              wire.AppendMPInt(blob("ecdsa-sha2-nistp256", "nistp256", point), new(big.Int)),
		"d is n":              wire.AppendMPInt(blob("ecdsa-sha2-nistp256", "nistp256", point), order),
		"d is negative":       wire.AppendMPInt(blob("ecdsa-sha2-nistp256", "nistp256", point), big.NewInt(-5)),
		"d of 1e5 bits":       wire.AppendMPInt(blob("ecdsa-sha2-nistp256", "nistp256", point), ones(1e5)),
		"d of another point":  wire.AppendMPInt(blob("ecdsa-sha2-nistp256", "nistp256", point), big.NewInt(5)),
		"d with a zero byte":  wire.AppendString(blob("ecdsa-sha2-nistp256", "nistp256", point), append([]byte{0, 0}, d...)),
		"G5 another curve":    wire.AppendUnsigned(blob("ecdsa-sha2-nistp256", "nistp384", point), d),
		"G5 a curve of P-384": wire.AppendUnsigned(blob("ecdsa-sha2-nistp384", "nistp384", point), d),
	} {
		t.Run(name, func(t *testing.T) {
			p := validPrivate()
			p.public, p.key, p.comment = s.PublicKey().Marshal(), c, ""
			p.pad()
			_, err := hostkey.ParsePrivateKey(p.encode(), nil)
			var format *hostkey.KeyFormatError
			require.ErrorAs(t, err, &format)
		})
	}
}

func TestPrivateRSARefuses(t *testing.T) {
	key := testRSA(t)
	p, q, one := key.Primes[0], key.Primes[1], big.NewInt(1)
	public, err := hostkey.NewPublicKey(&key.PublicKey)
	require.NoError(t, err)
	for name, v := range map[string][6]*big.Int{ // n, e, d, iqmp, p, q
		"p of another key":          {key.N, big.NewInt(65537), key.D, one, new(big.Int).Add(p, big.NewInt(2)), q},
		"p is 1":                    {key.N, big.NewInt(65537), key.D, one, one, key.N},
		"p is 0":                    {key.N, big.NewInt(65537), key.D, one, new(big.Int), q},
		"p and q are negative":      {key.N, big.NewInt(65537), key.D, one, new(big.Int).Neg(p), new(big.Int).Neg(q)},
		"d is wrong":                {key.N, big.NewInt(65537), new(big.Int).Sub(key.D, big.NewInt(2)), one, p, q},
		"d is 0":                    {key.N, big.NewInt(65537), new(big.Int), one, p, q},
		"d is n":                    {key.N, big.NewInt(65537), key.N, one, p, q},
		"e is wrong":                {key.N, big.NewInt(3), key.D, one, p, q},
		"e is even":                 {key.N, big.NewInt(65536), key.D, one, p, q},
		"G13 n of 1e6 bits":         {ones(1e6), big.NewInt(65537), key.D, one, p, q},
		"G13 p of 1e6 bits":         {key.N, big.NewInt(65537), key.D, one, ones(1e6), q},
		"G13 n of 16384 bits":       {ones(16384), big.NewInt(65537), key.D, one, p, q},
		"G13 p and q of 16384 bits": {key.N, big.NewInt(65537), key.D, one, ones(16384), ones(16384)},
	} {
		t.Run(name, func(t *testing.T) {
			f := validPrivate()
			f.public, f.key, f.comment = public.Marshal(), blob("ssh-rsa"), ""
			for _, x := range v {
				f.key = wire.AppendMPInt(f.key, x)
			}
			f.pad()
			start := time.Now()
			_, err := hostkey.ParsePrivateKey(f.encode(), nil)
			var format *hostkey.KeyFormatError
			require.ErrorAs(t, err, &format)
			require.Less(t, time.Since(start), time.Second)
		})
	}
}

func TestPEMRefuses(t *testing.T) {
	der := x509.MarshalPKCS1PrivateKey(testRSA(t))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(testRSA(t))
	require.NoError(t, err)
	public := hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":                      {nil, "no block"},
		"text":                         {[]byte("hello"), "no block"},
		"no end":                       {testkeys.PEM("ed25519")[:100], "no block"},
		"a certificate":                {encode("CERTIFICATE", der), "no block"},
		"the public key":               {public, "public half of the key SHA256:"},
		"the public key of RFC 4716":   {hostkey.MarshalRFC4716(testkeys.Ed25519().PublicKey(), ""), "public half of the key SHA256:"},
		"a PuTTY key of version 1":     {[]byte("PuTTY-User-Key-File-1: ssh-ed25519\n"), "puttygen"},
		"DSA":                          {encode("DSA PRIVATE KEY", der), `"DSA PRIVATE KEY" is not supported`},
		"PKCS#1 truncated":             {encode("RSA PRIVATE KEY", der[:len(der)-1]), "malformed"},
		"PKCS#1 and a byte":            {encode("RSA PRIVATE KEY", append(der[:len(der):len(der)], 0)), "malformed"},
		"PKCS#1 without content":       {encode("RSA PRIVATE KEY", nil), "malformed"},
		"PKCS#8 truncated":             {encode("PRIVATE KEY", pkcs8[:len(pkcs8)-1]), "malformed"},
		"PKCS#8 with X25519":           {encode("PRIVATE KEY", unhex(t, "302e020100300506032b656e0422042070076d0a7318a57d3c16c17251b26645df4c2f92ebc099b1d4a0a0a0a0a0a0a0")), "1.3.101.110"},
		"PKCS#8 Ed25519 of 31 bytes":   {encode("PRIVATE KEY", unhex(t, "302d020100300506032b65700421041f70076d0a7318a57d3c16c17251b26645df4c2f92ebc099b1d4a0a0a0a0a0a0a0")), "malformed"},
		"SEC1 malformed":               {encode("EC PRIVATE KEY", []byte{0x30, 0}), "malformed"},
		"SEC1 on P-224":                {sec1(t, testECDSA(t, elliptic.P224())), "none of P-256, P-384 and P-521"},
		"G13 a file of 100 MiB":        {make([]byte, 100<<20), "larger than 1048576"},
		"G13 ASN.1 of 17 KiB":          {encode("RSA PRIVATE KEY", make([]byte, 17<<10)), "larger than 16384"},
		"G13 RSA of 1024 bits, PKCS#1": {encode("RSA PRIVATE KEY", pkcs1(t, ones(1024))), "1024 bits"},
		"G13 RSA of 1e5 bits, PKCS#1":  {encode("RSA PRIVATE KEY", pkcs1(t, ones(1e5))), "100000 bits"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			s, err := hostkey.ParsePrivateKey(c.file, nil)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, s)
			require.Less(t, time.Since(start), time.Second)
		})
	}
}

func TestMarshalPrivateKeyRefuses(t *testing.T) {
	key := testRSA(t)
	broken := testRSA(t)
	broken.Precomputed = rsa.PrecomputedValues{}
	broken.D = big.NewInt(5)
	three := testRSA(t)
	three.Primes = append(three.Primes, big.NewInt(3))
	for name, k := range map[string]crypto.Signer{
		"nil":           nil,
		"opaque":        &opaqueSigner{public: key.Public()},
		"RSA, d wrong":  broken,
		"RSA, 3 primes": three,
		"P-224":         testECDSA(t, elliptic.P224()),
		"short Ed25519": ed25519.PrivateKey{1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hostkey.MarshalPrivateKey(k, "")
			require.ErrorContains(t, err, "hostkey: ")
		})
	}
}
