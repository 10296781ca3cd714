package hostkey_test

import (
	//lint:ignore SA1019 the other half of what is verified
	"crypto/dsa"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"math/big"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

var dsaPrivate = sync.OnceValue(func() *dsa.PrivateKey {
	key := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		panic(err)
	}
	if err := dsa.GenerateKey(key, rand.Reader); err != nil {
		panic(err)
	}
	return key
})

func dsaBlob(p, q, g, y *big.Int) []byte {
	b := blob("ssh-dss")
	for _, n := range []*big.Int{p, q, g, y} {
		b = wire.AppendMPInt(b, n)
	}
	return b
}

func dsaPublic(t *testing.T) hostkey.PublicKey {
	t.Helper()
	key := dsaPrivate()
	k, err := hostkey.ParsePublicKey(dsaBlob(key.P, key.Q, key.G, key.Y))
	require.NoError(t, err)
	return k
}

func dsaSign(t *testing.T, data []byte) *hostkey.Signature {
	t.Helper()
	sum := sha1.Sum(data)
	r, s, err := dsa.Sign(rand.Reader, dsaPrivate(), sum[:])
	require.NoError(t, err)
	b := make([]byte, 40)
	r.FillBytes(b[:20])
	s.FillBytes(b[20:])
	return &hostkey.Signature{Algorithm: "ssh-dss", Blob: b}
}

func TestDSA(t *testing.T) {
	k := dsaPublic(t)
	require.Equal(t, "ssh-dss", k.Type())
	require.Nil(t, hostkey.Algorithms("ssh-dss"), "none that is sound")
	sig := dsaSign(t, []byte("data"))
	require.NoError(t, hostkey.Verify(k, "ssh-dss", []byte("data"), sig))
	require.ErrorIs(t, hostkey.Verify(k, "ssh-dss", []byte("other"), sig), hostkey.ErrSignature)

	var wrong *hostkey.AlgorithmError
	require.ErrorAs(t, k.Verify([]byte("data"), sig), &wrong, "nobody asked for it by name")
	require.EqualError(t, wrong, `hostkey: algorithm "ssh-dss" is insecure, and was not asked for by name`)
	for n := range 45 {
		b := append(sig.Blob[:40:40], 0, 0, 0, 0, 0)[:n]
		if n != 40 {
			require.ErrorIs(t, hostkey.Verify(k, "ssh-dss", []byte("data"), &hostkey.Signature{Algorithm: "ssh-dss", Blob: b}), hostkey.ErrSignature)
		}
	}
	sig.Rest = []byte{0}
	require.ErrorIs(t, hostkey.Verify(k, "ssh-dss", []byte("data"), sig), hostkey.ErrSignature)
	zero := &hostkey.Signature{Algorithm: "ssh-dss", Blob: make([]byte, 40)}
	require.ErrorIs(t, hostkey.Verify(k, "ssh-dss", []byte("data"), zero), hostkey.ErrSignature)
}

// G2 CVE-2026-39829: numbers that take minutes to compute with.
func TestG2DSASizes(t *testing.T) {
	key := dsaPrivate()
	p, q, g, y, one := key.P, key.Q, key.G, key.Y, big.NewInt(1)
	minus := func(n *big.Int) *big.Int { return new(big.Int).Sub(n, one) }
	for name, b := range map[string][]byte{
		"Q of 10^6 bits":    dsaBlob(p, ones(1e6), g, y),
		"P of 10^6 bits":    dsaBlob(ones(1e6), q, g, y),
		"G of 10^6 bits":    dsaBlob(p, q, ones(1e6), y),
		"Y of 10^6 bits":    dsaBlob(p, q, g, ones(1e6)),
		"P of 512 bits":     dsaBlob(ones(512), q, g, y),
		"P of 1023 bits":    dsaBlob(ones(1023), q, g, y),
		"P of 1025 bits":    dsaBlob(ones(1025), q, g, y),
		"P of 2048 bits":    dsaBlob(ones(2048), q, g, y),
		"P even":            dsaBlob(minus(p), q, g, y),
		"P of 0":            dsaBlob(new(big.Int), q, g, y),
		"P negative":        dsaBlob(new(big.Int).Neg(p), q, g, y),
		"Q of 159 bits":     dsaBlob(p, ones(159), g, y),
		"Q of 161 bits":     dsaBlob(p, ones(161), g, y),
		"Q of 256 bits":     dsaBlob(p, ones(256), g, y),
		"Q of 0":            dsaBlob(p, new(big.Int), g, y),
		"another Q":         dsaBlob(p, ones(160), g, y),
		"G of 0":            dsaBlob(p, q, new(big.Int), y),
		"G of 1":            dsaBlob(p, q, one, y),
		"G of order 2":      dsaBlob(p, q, minus(p), y),
		"G of P":            dsaBlob(p, q, p, y),
		"G negative":        dsaBlob(p, q, new(big.Int).Neg(g), y),
		"Y of 0":            dsaBlob(p, q, g, new(big.Int)),
		"Y of 1":            dsaBlob(p, q, g, one),
		"Y of order 2":      dsaBlob(p, q, g, minus(p)),
		"Y of P":            dsaBlob(p, q, g, p),
		"Y plus P":          dsaBlob(p, q, g, new(big.Int).Add(p, y)),
		"a number too many": wire.AppendMPInt(dsaBlob(p, q, g, y), one),
		"a number missing":  dsaBlob(p, q, g, y)[:200],
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := hostkey.ParsePublicKey(b)
			var bad *hostkey.KeyFormatError
			require.ErrorAs(t, err, &bad)
			require.Less(t, time.Since(start), 100*time.Millisecond)
		})
	}
}

func TestInsecureSHA1(t *testing.T) {
	data := []byte("data")
	rsa := testkeys.RSA2048()
	s, err := hostkey.InsecureSHA1(rsa)
	require.NoError(t, err)
	require.Equal(t, []string{"rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"}, s.Algorithms())
	require.Equal(t, []string{"rsa-sha2-512", "rsa-sha2-256"}, rsa.Algorithms(), "the Signer itself is as it was")
	require.Equal(t, rsa.PublicKey(), s.PublicKey())
	for _, algorithm := range s.Algorithms() {
		sig, err := s.Sign(t.Context(), algorithm, data)
		require.NoError(t, err)
		require.Equal(t, algorithm, sig.Algorithm)
		require.NoError(t, hostkey.Verify(s.PublicKey(), algorithm, data, sig))
		require.ErrorIs(t, hostkey.Verify(s.PublicKey(), algorithm, []byte("other"), sig), hostkey.ErrSignature)
		// G6: a signature over SHA-1 is none of what was agreed on.
		if algorithm == "ssh-rsa" {
			var wrong *hostkey.AlgorithmError
			require.ErrorAs(t, s.PublicKey().Verify(data, sig), &wrong, "nobody asked for it by name")
			require.ErrorAs(t, hostkey.Verify(s.PublicKey(), "rsa-sha2-512", data, sig), &wrong)
			sig.Algorithm = "rsa-sha2-256"
			require.ErrorIs(t, hostkey.Verify(s.PublicKey(), "rsa-sha2-256", data, sig), hostkey.ErrSignature)
		} else {
			sig.Algorithm = "ssh-rsa"
			require.ErrorIs(t, hostkey.Verify(s.PublicKey(), "ssh-rsa", data, sig), hostkey.ErrSignature)
		}
	}
	sig, err := s.Sign(t.Context(), "ssh-rsa", data)
	require.NoError(t, err)
	sig.Rest = []byte{1}
	require.ErrorIs(t, hostkey.Verify(s.PublicKey(), "ssh-rsa", data, sig), hostkey.ErrSignature)
	require.ErrorIs(t, hostkey.Verify(s.PublicKey(), "ssh-rsa", data, nil), hostkey.ErrSignature)
	_, err = s.Sign(t.Context(), "ssh-dss", data)
	require.Error(t, err)
	for _, other := range []hostkey.Signer{testkeys.Ed25519(), testkeys.ECDSA256(), testkeys.SKEd25519(), s, nil} {
		_, err := hostkey.InsecureSHA1(other)
		require.Error(t, err)
	}
}

// A certificate of an RSA key signs over SHA-1 under a name of its own.
func TestInsecureCertificate(t *testing.T) {
	s, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	c := certify(t, s.PublicKey(), testkeys.Ed25519())
	signer, err := hostkey.NewCertificateSigner(c, s)
	require.NoError(t, err)
	const name = "ssh-rsa-cert-v01@openssh.com"
	require.Contains(t, signer.Algorithms(), name)
	sig, err := signer.Sign(t.Context(), name, []byte("data"))
	require.NoError(t, err)
	require.NoError(t, hostkey.Verify(c, name, []byte("data"), sig))
	require.Error(t, c.Verify([]byte("data"), sig))
	require.Error(t, hostkey.Verify(c, "rsa-sha2-512-cert-v01@openssh.com", []byte("data"), sig))
}

// The authority of a certificate is no DSA key, which nobody asked about.
func TestG2CertificateByDSA(t *testing.T) {
	c := newRaw(t)
	c.ca = dsaPublic(t).Marshal()
	c.sign = func(data []byte) []byte { return dsaSign(t, data).Append(nil) }
	_, err := hostkey.ParsePublicKey(c.blob())
	require.ErrorContains(t, err, "did not sign it")
}

// The mode of FIPS 140 is chosen when a program starts.
func TestFIPS(t *testing.T) {
	if os.Getenv("WHELK_FIPS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=on", "WHELK_FIPS=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestFIPS")
		return
	}
	require.Empty(t, hostkey.Insecure())
	require.Contains(t, hostkey.Default(), "ssh-ed25519", "FIPS 186-5, section 7")
	for _, s := range testkeys.All() {
		for _, algorithm := range s.Algorithms() {
			sig, err := s.Sign(t.Context(), algorithm, []byte("data"))
			require.NoError(t, err)
			require.NoError(t, hostkey.Verify(s.PublicKey(), algorithm, []byte("data"), sig))
		}
	}
	_, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.ErrorContains(t, err, "FIPS")
	require.Error(t, hostkey.Verify(dsaPublic(t), "ssh-dss", []byte("data"), dsaSign(t, []byte("data"))))
	sum := sha256.Sum256(nil)
	require.Error(t, hostkey.Verify(testkeys.RSA2048().PublicKey(), "ssh-rsa", nil, &hostkey.Signature{Algorithm: "ssh-rsa", Blob: sum[:]}))
}
