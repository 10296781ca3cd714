package kex

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/wycheproof"
	"github.com/whelk-ssh/whelk/wire"
)

// agreed is Diffie-Hellman exchanges on one curve.
type agreed struct {
	Tests []struct {
		wycheproof.Test
		Public, Private, Shared wycheproof.Hex
	}
}

// D1, D7: the secret is the one of the vector, as an mpint, and refused if it
// is zero. All else that is "acceptable" are points of the twist and encodings
// that are not reduced, which RFC 7748, section 5, has implementations accept.
func TestWycheproofX25519(t *testing.T) {
	m, ok := Lookup("curve25519-sha256")
	require.True(t, ok)
	taken, refused := 0, 0
	for _, group := range wycheproof.Load[agreed](t, "x25519_test.json") {
		for _, v := range group.Tests {
			odd := v.Has("Twist") || v.Has("NonCanonicalPublic") || v.Has("ZeroSharedSecret")
			require.True(t, v.Result == wycheproof.Valid && !v.Has("ZeroSharedSecret") || v.Result == wycheproof.Acceptable && odd, "%v", &v)
			scalar := [32]byte(v.Private)
			secret, err := x25519Secret(&scalar, v.Public)
			if v.Has("ZeroSharedSecret") {
				require.Error(t, err, "%v", &v)
				require.Nil(t, secret)
				refuses(t, m, v.Public)
				refused++
				continue
			}
			require.NoError(t, err, "%v", &v)
			require.Equal(t, refMPInt(v.Shared), appendMPInt(secret), "%v", &v)
			accepts(t, m, v.Public)
			taken++
		}
	}
	require.Equal(t, []int{487, 31}, []int{taken, refused})
}

// D4, D7: likewise for the curves of NIST. The one "acceptable" point of each
// file is compressed, and refused.
func TestWycheproofNISTP(t *testing.T) {
	const stride = 8 / repetitions
	for _, test := range []struct {
		file, method   string
		curve          ecdh.Curve
		order          int // length in bytes
		taken, refused int
	}{
		{"ecdh_secp256r1_ecpoint_test.json", "ecdh-sha2-nistp256", ecdh.P256(), 32, 330, 25},
		{"ecdh_secp384r1_ecpoint_test.json", "ecdh-sha2-nistp384", ecdh.P384(), 48, 771, 19},
		{"ecdh_secp521r1_ecpoint_test.json", "ecdh-sha2-nistp521", ecdh.P521(), 66, 632, 29},
	} {
		t.Run("D4: "+test.file, func(t *testing.T) {
			m, ok := Lookup(test.method)
			require.True(t, ok)
			taken, refused := 0, 0
			for _, group := range wycheproof.Load[agreed](t, test.file) {
				for _, v := range group.Tests {
					if v.Result == wycheproof.Valid && taken%stride != 0 {
						taken++
						continue
					}
					d := new(big.Int).SetBytes(v.Private).FillBytes(make([]byte, test.order))
					private, err := test.curve.NewPrivateKey(d)
					require.NoError(t, err, "%v", &v)
					secret, err := ecdhCurve{test.curve}.secret(private, v.Public)
					if v.Result != wycheproof.Valid {
						require.True(t, v.Result == wycheproof.Invalid || v.Has("CompressedPoint"), "%v", &v)
						require.Error(t, err, "%v", &v)
						require.Nil(t, secret)
						refuses(t, m, v.Public)
						refused++
						continue
					}
					require.NoError(t, err, "%v", &v)
					require.Equal(t, []byte(v.Shared), secret, "raw, as hybrids want it: %v", &v)
					require.Equal(t, refMPInt(v.Shared), appendMPInt(secret), "%v", &v)
					if taken%16 == 0 { // both halves of an exchange take it too
						accepts(t, m, v.Public)
					}
					taken++
				}
			}
			require.Equal(t, []int{test.taken, test.refused}, []int{taken, refused})
		})
	}
}

// encapsulated is encapsulation keys of ML-KEM: good ones with the seed they
// were made of, and bad ones without.
type encapsulated struct {
	ParameterSet string
	Tests        []struct {
		wycheproof.Test
		EK, Seed wycheproof.Hex
	}
}

// D8: the server encapsulates to a good key, so that who has the seed finds
// the same secret, and refuses the others.
func TestWycheproofMLKEM(t *testing.T) {
	for _, test := range []struct {
		parameters, method string
		open               func(seed []byte) (func(ciphertext []byte) ([]byte, error), error)
		taken, refused     int
	}{
		{"ML-KEM-768", "mlkem768x25519-sha256", openMLKEM768, 1, 12},
		{"ML-KEM-768", "mlkem768nistp256-sha256", openMLKEM768, 1, 12},
		{"ML-KEM-1024", "mlkem1024nistp384-sha384", openMLKEM1024, 1, 16},
	} {
		t.Run("D8: "+test.method, func(t *testing.T) {
			m, ok := Lookup(test.method)
			require.True(t, ok)
			party := newRefParty(t, refMethods[test.method])
			taken, refused := 0, 0
			for _, group := range wycheproof.Load[encapsulated](t, "mlkem_test.json") {
				if group.ParameterSet != test.parameters {
					continue
				}
				for _, v := range group.Tests {
					init := wire.KexECDHInit{Public: append(v.EK, party.private.PublicKey().Bytes()...)}
					if v.Result != wycheproof.Valid {
						requireRefused(t, "INIT", &v, func() (*Result, error) {
							return m.Server(says(t, init.Append(nil)), testTranscript(), forbiddenIdentity(t))
						})
						refused++
						continue
					}
					var err error
					party.open, err = test.open(v.Seed)
					require.NoError(t, err, "%v", &v)
					var reply []byte
					result, err := m.Server(&scriptedConn{
						read:  func() ([]byte, error) { return init.Append(nil), nil },
						write: func(p []byte) error { reply = refParse(t, 31, 3, p)[1]; return nil },
					}, testTranscript(), testIdentity())
					require.NoError(t, err, "%v", &v)
					require.Equal(t, party.finish(t, reply), result.K, "%v", &v)
					taken++
				}
			}
			require.Equal(t, []int{test.taken, test.refused}, []int{taken, refused})
		})
	}
}

func openMLKEM768(seed []byte) (func([]byte) ([]byte, error), error) {
	private, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		return nil, err
	}
	return private.Decapsulate, nil
}

func openMLKEM1024(seed []byte) (func([]byte) ([]byte, error), error) {
	private, err := mlkem.NewDecapsulationKey1024(seed)
	if err != nil {
		return nil, err
	}
	return private.Decapsulate, nil
}
