package hostkey_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// orders are those of the curves, by algorithm.
var orders = map[string]*big.Int{
	"ecdsa-sha2-nistp256": elliptic.P256().Params().N,
	"ecdsa-sha2-nistp384": elliptic.P384().Params().N,
	"ecdsa-sha2-nistp521": elliptic.P521().Params().N,
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	require.NoError(t, err)
	return p
}

// testRSA returns the parts of testkeys.RSA2048.
func testRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(testkeys.PEM("rsa2048"))
	r := wire.NewReader(block.Bytes[len("openssh-key-v1\x00"):])
	r.Blob()
	r.Blob()
	r.Blob()
	r.Uint32()
	r.Blob()
	in := wire.NewReader(r.Blob())
	in.Uint64()
	in.Blob()
	n, e, d := in.MPInt(), in.MPInt(), in.MPInt()
	in.MPInt()
	p, q := in.MPInt(), in.MPInt()
	require.NoError(t, in.Err())
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
	key.Precompute()
	require.NoError(t, key.Validate())
	return key
}

func testECDSA(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

// An opaqueSigner is a key in hardware: only its public half is known.
type opaqueSigner struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (s *opaqueSigner) Public() crypto.PublicKey { return s.public }

func (s *opaqueSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(digest, opts)
}

func TestNewSignerOpaque(t *testing.T) {
	ed := ed25519.NewKeyFromSeed(make([]byte, 32))
	for _, key := range []crypto.Signer{ed, &ed, testRSA(t), testECDSA(t, elliptic.P256()),
		testECDSA(t, elliptic.P384()), testECDSA(t, elliptic.P521())} {
		opaque := &opaqueSigner{key.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return key.Sign(rand.Reader, digest, opts)
		}}
		direct, err := hostkey.NewSigner(key)
		require.NoError(t, err)
		s, err := hostkey.NewSigner(opaque)
		require.NoError(t, err)
		require.True(t, hostkey.Equal(direct.PublicKey(), s.PublicKey()))
		for _, algorithm := range s.Algorithms() {
			sig, err := s.Sign(t.Context(), algorithm, []byte("data"))
			require.NoError(t, err)
			require.NoError(t, direct.PublicKey().Verify([]byte("data"), sig))
		}
	}
}

func TestNewSignerRefuses(t *testing.T) {
	ed := ed25519.NewKeyFromSeed(make([]byte, 32))
	mixed := append(ed25519.PrivateKey(nil), ed...)
	mixed[63] ^= 1
	small := &opaqueSigner{public: &rsa.PublicKey{N: ones(1024), E: 3}}
	for name, c := range map[string]struct {
		key  crypto.Signer
		want string
	}{
		"nil":                          {nil, "it is nil"},
		"nil RSA":                      {(*rsa.PrivateKey)(nil), "it is nil"},
		"nil ECDSA":                    {(*ecdsa.PrivateKey)(nil), "it is nil"},
		"nil Ed25519":                  {(*ed25519.PrivateKey)(nil), "it is nil"},
		"G1 Ed25519 of 0 bytes":        {ed25519.PrivateKey{}, "0 bytes, not 64"},
		"G1 Ed25519 of 31 bytes":       {ed[:31], "31 bytes, not 64"},
		"G1 Ed25519 of 32 bytes":       {ed[:32], "32 bytes, not 64"},
		"G1 Ed25519 of 63 bytes":       {ed[:63], "63 bytes, not 64"},
		"G1 Ed25519 of 65 bytes":       {append(mixed[:64:64], 0), "65 bytes, not 64"},
		"Ed25519 of two halves":        {mixed, "does not belong"},
		"RSA of 1024 bits":             {small, "from 2048 to 16384"},
		"P-224":                        {testECDSA(t, elliptic.P224()), "none of P-256, P-384 and P-521"},
		"opaque with a string":         {&opaqueSigner{public: "key"}, "ed25519.PublicKey, *ecdsa.PublicKey or *rsa.PublicKey"},
		"opaque with no public key":    {&opaqueSigner{}, "type <nil>"},
		"opaque with a short Ed25519":  {&opaqueSigner{public: ed25519.PublicKey{1}}, "1 bytes, not 32"},
		"opaque with an RSA key value": {&opaqueSigner{public: rsa.PublicKey{}}, "type rsa.PublicKey"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := hostkey.NewSigner(c.key)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, s)
		})
	}
}

func TestSignerKeepsNoSlice(t *testing.T) {
	ed := ed25519.NewKeyFromSeed(make([]byte, 32))
	s, err := hostkey.NewSigner(ed)
	require.NoError(t, err)
	clear(ed)
	sig, err := s.Sign(t.Context(), "ssh-ed25519", nil)
	require.NoError(t, err)
	require.NoError(t, s.PublicKey().Verify(nil, sig))
}

func TestSignRefusesAlgorithm(t *testing.T) {
	for _, s := range testkeys.All() {
		for _, algorithm := range append(hostkey.Default(), "ssh-rsa", "ssh-dss", "") {
			sig, err := s.Sign(t.Context(), algorithm, nil)
			if hostkey.KeyType(algorithm) == s.PublicKey().Type() && algorithm != "ssh-rsa" {
				require.NoError(t, err)
				continue
			}
			var wrong *hostkey.AlgorithmError
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, s.PublicKey().Type(), wrong.KeyType)
			require.Nil(t, sig)
		}
	}
	_, err := testkeys.RSA2048().Sign(t.Context(), "ssh-rsa", nil)
	require.EqualError(t, err, `hostkey: algorithm "ssh-rsa" is not for ssh-rsa keys, which sign with rsa-sha2-512 or rsa-sha2-256`)
}

func TestSignContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := testkeys.Ed25519().Sign(ctx, "ssh-ed25519", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSignPassesErrorOn(t *testing.T) {
	gone := errors.New("token removed")
	s, err := hostkey.NewSigner(&opaqueSigner{testECDSA(t, elliptic.P256()).Public(),
		func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, gone }})
	require.NoError(t, err)
	_, err = s.Sign(t.Context(), "ecdsa-sha2-nistp256", nil)
	require.ErrorIs(t, err, gone)
}

func TestSignRefusesMalformedOutput(t *testing.T) {
	for _, public := range []crypto.PublicKey{ed25519.NewKeyFromSeed(make([]byte, 32)).Public(),
		testECDSA(t, elliptic.P256()).Public(), &testRSA(t).PublicKey} {
		for name, raw := range map[string][]byte{
			"nothing":        nil,
			"text":           []byte("not a signature"),
			"DER of 0, 0":    {0x30, 6, 2, 1, 0, 2, 1, 0},
			"DER of -1, 1":   {0x30, 6, 2, 1, 0xff, 2, 1, 1},
			"DER and a byte": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
			"256 zero bytes": make([]byte, 256),
			"257 zero bytes": make([]byte, 257),
		} {
			s, err := hostkey.NewSigner(&opaqueSigner{public, func([]byte, crypto.SignerOpts) ([]byte, error) { return raw, nil }})
			require.NoError(t, err)
			sig, err := s.Sign(t.Context(), s.Algorithms()[0], nil)
			require.ErrorContains(t, err, "hostkey: the signer returned", "%s: %s", s.Algorithms()[0], name)
			require.Nil(t, sig)
		}
	}
}

// G9 (Ryan, He, Sullivan, Heninger 2023): whoever sees m and one signature s
// that is right modulo p and wrong modulo q learns p = gcd(s^e - m, n).
func TestG9FaultyRSASignatureNeverLeaves(t *testing.T) {
	key := testRSA(t)
	p, q := key.Primes[0], key.Primes[1]
	dp, dq := key.Precomputed.Dp, key.Precomputed.Dq
	// The hardware that computes modulo p and q by itself, and fails at times.
	var fault *big.Int
	crt := func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		good, err := key.Sign(rand.Reader, digest, opts)
		if err != nil {
			return nil, err
		}
		m := new(big.Int).Exp(new(big.Int).SetBytes(good), big.NewInt(int64(key.E)), key.N)
		sp := new(big.Int).Exp(m, dp, p)
		sq := new(big.Int).Exp(m, new(big.Int).Xor(dq, fault), q)
		h := new(big.Int).Sub(sp, sq)
		h.Mul(h, key.Precomputed.Qinv).Mod(h, p)
		return sq.Add(sq, h.Mul(h, q)).FillBytes(make([]byte, key.Size())), nil
	}
	s, err := hostkey.NewSigner(&opaqueSigner{key.Public(), crt})
	require.NoError(t, err)

	fault = new(big.Int)
	_, err = s.Sign(t.Context(), "rsa-sha2-512", []byte("H"))
	require.NoError(t, err, "the computation is right without the fault")

	for i := range 100 {
		fault = new(big.Int).Lsh(big.NewInt(1), uint(i*10))
		for _, algorithm := range s.Algorithms() {
			sig, err := s.Sign(t.Context(), algorithm, []byte("H"))
			require.ErrorContains(t, err, "its own key refuses")
			require.Nil(t, sig)
		}
	}
}

func TestG9CorruptPrecomputed(t *testing.T) {
	for name, corrupt := range map[string]func(*rsa.PrivateKey){
		"Dp":   func(k *rsa.PrivateKey) { k.Precomputed.Dp = flip(k.Precomputed.Dp) },
		"Dq":   func(k *rsa.PrivateKey) { k.Precomputed.Dq = flip(k.Precomputed.Dq) },
		"Qinv": func(k *rsa.PrivateKey) { k.Precomputed.Qinv = flip(k.Precomputed.Qinv) },
		"D":    func(k *rsa.PrivateKey) { k.D = flip(k.D) },
		"P":    func(k *rsa.PrivateKey) { k.Primes[0] = flip(k.Primes[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			key := testRSA(t)
			s, err := hostkey.NewSigner(key)
			require.NoError(t, err)
			corrupt(key)
			// Package rsa may work with a copy it made before.
			for i := range 50 {
				data := []byte{byte(i)}
				if sig, err := s.Sign(t.Context(), "rsa-sha2-256", data); err == nil {
					require.NoError(t, s.PublicKey().Verify(data, sig))
				}
			}
			// Without the copy the values themselves are used.
			key.Precomputed = rsa.PrecomputedValues{
				Dp: key.Precomputed.Dp, Dq: key.Precomputed.Dq, Qinv: key.Precomputed.Qinv,
			}
			for i := range 200 { // 1000 in all
				sig, err := s.Sign(t.Context(), "rsa-sha2-256", []byte{byte(i), byte(i >> 8)})
				require.Error(t, err)
				require.Nil(t, sig)
			}
		})
	}
}

func flip(v *big.Int) *big.Int { return new(big.Int).Xor(v, big.NewInt(4)) }

func TestSignConcurrently(t *testing.T) {
	for _, s := range testkeys.All() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					sig, err := s.Sign(t.Context(), s.Algorithms()[0], []byte("data"))
					if err != nil || s.PublicKey().Verify([]byte("data"), sig) != nil {
						t.Errorf("%s: %v", s.Algorithms()[0], err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// sec1 encodes an ECDSA key as openssl does.
func sec1(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	return encode("EC PRIVATE KEY", der)
}

// pkcs1 encodes a key that is nonsense but for its modulus.
func pkcs1(t *testing.T, n *big.Int) []byte {
	t.Helper()
	one := big.NewInt(1)
	der, err := asn1.Marshal(struct {
		Version                int
		N, E, D, P, Q, X, Y, Z *big.Int
	}{0, n, big.NewInt(3), one, one, one, one, one, one})
	require.NoError(t, err)
	return der
}
