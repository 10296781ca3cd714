package ed448_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/internal/wycheproof"
	"github.com/whelk-ssh/whelk/wire"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	require.NoError(t, err)
	return b
}

// order is L (RFC 8032, section 5.2).
var order, _ = new(big.Int).SetString("181709681073901722637330951972001133588410340171829515070372549795146003961539585716195755291692375963310293709091662304773755859649779", 10)

func blob(key []byte) []byte { return wire.AppendString(wire.AppendString(nil, ed448.Name), key) }

func parse(t *testing.T, key []byte) hostkey.PublicKey {
	t.Helper()
	k, err := hostkey.ParsePublicKey(blob(key), ed448.Format())
	require.NoError(t, err)
	return k
}

func TestKnownAnswers(t *testing.T) {
	for _, test := range []struct{ name, seed, key, message, signature string }{
		{"RFC 8032 7.4: blank",
			"6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f032e7549a20098f95b",
			"5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
			"",
			"533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980" +
				"ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600"},
		{"RFC 8032 7.4: 1 octet",
			"c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
			"43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c235160627b4c3a9480",
			"03",
			"26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd77980" +
				"5e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00"},
		{"RFC 8032 7.4: 11 octets",
			"cd23d24f714274e744343237b93290f511f6425f98e64459ff203e8985083ffdf60500553abc0e05cd02184bdb89c4ccd67e187951267eb328",
			"dcea9e78f35a1bf3499a831b10b86c90aac01cd84b67a0109b55a36e9328b1e365fce161d71ce7131a543ea4cb5f7e9f1d8b00696447001400",
			"0c3e544074ec63b0265e0c",
			"1f0a8888ce25e8d458a21130879b840a9089d999aaba039eaf3e3afa090a09d389dba82c4ff2ae8ac5cdfb7c55e94d5d961a29fe0109941e00" +
				"b8dbdeea6d3b051068df7254c0cdc129cbe62db2dc957dbb47b51fd3f213fb8698f064774250a5028961c9bf8ffd973fe5d5c206492b140e00"},
		{"RFC 8032 7.4: 12 octets",
			"258cdd4ada32ed9c9ff54e63756ae582fb8fab2ac721f2c8e676a72768513d939f63dddb55609133f29adf86ec9929dccb52c1c5fd2ff7e21b",
			"3ba16da0c6f2cc1f30187740756f5e798d6bc5fc015d7c63cc9510ee3fd44adc24d8e968b6e46e6f94d19b945361726bd75e149ef09817f580",
			"64a65f3cdedcdd66811e2915",
			"7eeeab7c4e50fb799b418ee5e3197ff6bf15d43a14c34389b59dd1a7b1b85b4ae90438aca634bea45e3a2695f1270f07fdcdf7c62b8efeaf00" +
				"b45c2c96ba457eb1a8bf075a3db28e5c24f6b923ed4ad747c3c9e03c7079efb87cb110d3a99861e72003cbae6d6b8b827e4e6c143064ff3c00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := ed448.NewSigner(unhex(t, test.seed))
			require.NoError(t, err)
			require.Equal(t, blob(unhex(t, test.key)), s.PublicKey().Marshal())
			sig, err := s.Sign(t.Context(), ed448.Name, unhex(t, test.message))
			require.NoError(t, err)
			require.Equal(t, unhex(t, test.signature), sig.Blob)
			require.NoError(t, parse(t, unhex(t, test.key)).Verify(unhex(t, test.message), sig))
		})
	}
}

// Every signature that is valid verifies, and no other.
func TestG8Wycheproof(t *testing.T) {
	type group struct {
		PublicKey struct{ PK wycheproof.Hex }
		Tests     []struct {
			wycheproof.Test
			Msg, Sig wycheproof.Hex
		}
	}
	verified, refused := 0, 0
	for _, g := range wycheproof.Load[group](t, "ed448_test.json") {
		key := parse(t, g.PublicKey.PK)
		for _, v := range g.Tests {
			err := key.Verify(v.Msg, &hostkey.Signature{Algorithm: ed448.Name, Blob: v.Sig})
			if v.Result == wycheproof.Valid {
				require.NoError(t, err, "%v", &v)
				verified++
			} else {
				require.ErrorIs(t, err, hostkey.ErrSignature, "%v", &v)
				refused++
			}
		}
	}
	require.Equal(t, []int{17, 69}, []int{verified, refused})
}

func newSigner(t testing.TB) hostkey.Signer {
	t.Helper()
	seed := make([]byte, ed448.SeedSize)
	rand.Read(seed)
	s, err := ed448.NewSigner(seed)
	require.NoError(t, err)
	clear(seed) // which the signer does not keep
	return s
}

func TestG1Lengths(t *testing.T) {
	for _, n := range []int{0, 32, 56, 58, 114} {
		_, err := hostkey.ParsePublicKey(blob(bytes.Repeat([]byte{9}, n)), ed448.Format())
		var bad *hostkey.KeyFormatError
		require.ErrorAs(t, err, &bad, "%d bytes", n)
		_, err = ed448.NewSigner(make([]byte, n))
		require.ErrorAs(t, err, &bad, "%d bytes", n)
	}
	k := newSigner(t).PublicKey()
	for n := range 140 {
		require.Error(t, k.Verify(nil, &hostkey.Signature{Algorithm: ed448.Name, Blob: make([]byte, n)}))
	}
}

func TestParseRefuses(t *testing.T) {
	good := newSigner(t).PublicKey().Marshal()
	for n := range good {
		_, err := hostkey.ParsePublicKey(good[:n], ed448.Format())
		require.Error(t, err, "cut at %d", n)
	}
	_, err := hostkey.ParsePublicKey(append(slices.Clone(good), 0), ed448.Format())
	require.ErrorContains(t, err, "trailing")
	_, err = hostkey.ParsePublicKey(good)
	var unknown *hostkey.UnknownKeyTypeError
	require.ErrorAs(t, err, &unknown, "nobody asked for it")

	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 448), new(big.Int).Lsh(big.NewInt(1), 224))
	p.Sub(p, big.NewInt(1))
	for name, y := range map[string]*big.Int{
		"G8 small order: the neutral element":    big.NewInt(1),
		"G8 small order: order 2":                new(big.Int).Sub(p, big.NewInt(1)),
		"G8 small order: order 4":                big.NewInt(0),
		"RFC 8032 5.2.3: y of p":                 p,
		"RFC 8032 5.2.3: y of p and 1":           new(big.Int).Add(p, big.NewInt(1)),
		"RFC 8032 5.2.3: y of 2^448 - 1":         new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 448), big.NewInt(1)),
		"RFC 8032 5.2.2: bits behind the number": new(big.Int).Lsh(big.NewInt(1), 448),
	} {
		t.Run(name, func(t *testing.T) {
			for _, sign := range []byte{0, 0x80} {
				key := y.FillBytes(make([]byte, 57))
				slices.Reverse(key)
				key[56] |= sign
				_, err := hostkey.ParsePublicKey(blob(key), ed448.Format())
				require.ErrorContains(t, err, "anybody can sign")
			}
		})
	}
}

func TestG8Malleability(t *testing.T) {
	s := newSigner(t)
	sig, err := s.Sign(t.Context(), ed448.Name, []byte("data"))
	require.NoError(t, err)
	require.NoError(t, s.PublicKey().Verify([]byte("data"), sig))
	number := slices.Clone(sig.Blob[57:])
	slices.Reverse(number)
	sum := new(big.Int).Add(new(big.Int).SetBytes(number), order)
	number = sum.FillBytes(make([]byte, 57))
	slices.Reverse(number)
	copy(sig.Blob[57:], number)
	require.ErrorIs(t, s.PublicKey().Verify([]byte("data"), sig), hostkey.ErrSignature)
}

func TestVerifyRefuses(t *testing.T) {
	s := newSigner(t)
	k := s.PublicKey()
	sig, err := s.Sign(t.Context(), ed448.Name, []byte("data"))
	require.NoError(t, err)
	require.NoError(t, hostkey.Verify(k, ed448.Name, []byte("data"), sig))

	require.ErrorIs(t, k.Verify([]byte("other"), sig), hostkey.ErrSignature)
	require.ErrorIs(t, newSigner(t).PublicKey().Verify([]byte("data"), sig), hostkey.ErrSignature)
	require.ErrorIs(t, k.Verify([]byte("data"), nil), hostkey.ErrSignature)
	require.ErrorIs(t, k.Verify([]byte("data"), &hostkey.Signature{Algorithm: ed448.Name, Blob: sig.Blob, Rest: []byte{1}}), hostkey.ErrSignature)
	for _, algorithm := range []string{"ssh-ed25519", "", "ssh-ed448-cert-v01@openssh.com", "ssh-rsa"} {
		claim := &hostkey.Signature{Algorithm: algorithm, Blob: sig.Blob}
		var wrong *hostkey.AlgorithmError
		require.ErrorAs(t, k.Verify([]byte("data"), claim), &wrong, "G6")
		require.ErrorAs(t, hostkey.Verify(k, algorithm, []byte("data"), claim), &wrong, "G6")
		require.ErrorAs(t, hostkey.Verify(k, ed448.Name, []byte("data"), claim), &wrong, "G6")
	}
	for i := range sig.Blob {
		sig.Blob[i] ^= 1
		require.ErrorIs(t, k.Verify([]byte("data"), sig), hostkey.ErrSignature, "byte %d changed", i)
		sig.Blob[i] ^= 1
	}
}

func TestSignRefuses(t *testing.T) {
	s := newSigner(t)
	require.Equal(t, []string{"ssh-ed448"}, s.Algorithms())
	_, err := s.Sign(t.Context(), "ssh-ed25519", nil)
	var wrong *hostkey.AlgorithmError
	require.ErrorAs(t, err, &wrong)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Sign(ctx, ed448.Name, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// Files hold such keys without being told about the format.
func TestInFiles(t *testing.T) {
	k := newSigner(t).PublicKey()
	listed, err := hostkey.ParseAuthorizedKey(hostkey.MarshalAuthorizedKey(k, "comment"))
	require.NoError(t, err)
	require.True(t, hostkey.Equal(k, listed.Key))
	require.NoError(t, hostkey.Pin(listed.Key).VerifyHostKey(t.Context(), hostkey.Host{}, k))
	require.Equal(t, "ssh-ed448", hostkey.PreferKeys([]hostkey.PublicKey{listed.Key})[0])
}

func TestCertificates(t *testing.T) {
	s := newSigner(t)
	for name, ca := range map[string]hostkey.Signer{"by Ed25519": testkeys.Ed25519(), "by Ed448": newSigner(t)} {
		t.Run(name, func(t *testing.T) {
			c := &hostkey.Certificate{Key: s.PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{"me"}}
			require.NoError(t, c.Certify(t.Context(), ca))
			require.Equal(t, "ssh-ed448-cert-v01@openssh.com", c.Type())
			again, err := hostkey.ParsePublicKey(c.Marshal(), ed448.Format())
			require.NoError(t, err)
			require.Equal(t, c.Marshal(), again.Marshal())
			_, err = hostkey.ParsePublicKey(c.Marshal())
			require.Error(t, err, "nobody asked for it")

			signer, err := hostkey.NewCertificateSigner(c, s)
			require.NoError(t, err)
			require.Equal(t, []string{"ssh-ed448-cert-v01@openssh.com"}, signer.Algorithms())
			sig, err := signer.Sign(t.Context(), signer.Algorithms()[0], []byte("data"))
			require.NoError(t, err)
			require.Equal(t, "ssh-ed448", sig.Algorithm)
			require.NoError(t, hostkey.Verify(again, signer.Algorithms()[0], []byte("data"), sig))
			require.Error(t, hostkey.Verify(again, ed448.Name, []byte("data"), sig), "the certificate is no key")
		})
	}
}
