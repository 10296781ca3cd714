package kex

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
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
			k, err := x25519MPInt(&scalar, v.Public)
			if v.Has("ZeroSharedSecret") {
				require.Error(t, err, "%v", &v)
				require.Nil(t, k)
				refuses(t, m, v.Public)
				refused++
				continue
			}
			require.NoError(t, err, "%v", &v)
			require.Equal(t, refMPInt(v.Shared), k, "%v", &v)
			accepts(t, m, v.Public)
			taken++
		}
	}
	require.Equal(t, []int{487, 31}, []int{taken, refused})
}

// D4, D7: likewise for the curves of NIST. The one "acceptable" point of each
// file is compressed, and refused.
func TestWycheproofNISTP(t *testing.T) {
	for _, test := range []struct {
		file, method   string
		curve          ecdh.Curve
		order          int // length in bytes
		taken, refused int
	}{
		{"ecdh_secp256r1_ecpoint_test.json", "ecdh-sha2-nistp256", ecdh.P256(), 32, 330, 25},
	} {
		t.Run("D4: "+test.file, func(t *testing.T) {
			m, ok := Lookup(test.method)
			require.True(t, ok)
			taken, refused := 0, 0
			for _, group := range wycheproof.Load[agreed](t, test.file) {
				for _, v := range group.Tests {
					d := new(big.Int).SetBytes(v.Private).FillBytes(make([]byte, test.order))
					private, err := test.curve.NewPrivateKey(d)
					require.NoError(t, err, "%v", &v)
					k, err := nistp{test.curve}.secret(private, v.Public)
					if v.Result != wycheproof.Valid {
						require.True(t, v.Result == wycheproof.Invalid || v.Has("CompressedPoint"), "%v", &v)
						require.Error(t, err, "%v", &v)
						require.Nil(t, k)
						refuses(t, m, v.Public)
						refused++
						continue
					}
					require.NoError(t, err, "%v", &v)
					require.Equal(t, refMPInt(v.Shared), k, "%v", &v)
					accepts(t, m, v.Public)
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
	m := hybrid(t)
	curve, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	taken, refused := 0, 0
	for _, group := range wycheproof.Load[encapsulated](t, "mlkem_test.json") {
		if group.ParameterSet != "ML-KEM-768" {
			continue
		}
		for _, v := range group.Tests {
			init := wire.KexECDHInit{Public: append(v.EK, curve.PublicKey().Bytes()...)}
			if v.Result != wycheproof.Valid {
				requireRefused(t, "INIT", &v, func() (*Result, error) {
					return m.Server(says(t, init.Append(nil)), testTranscript(), forbiddenIdentity(t))
				})
				refused++
				continue
			}
			private, err := mlkem.NewDecapsulationKey768(v.Seed)
			require.NoError(t, err, "%v", &v)
			require.Equal(t, private.EncapsulationKey().Bytes(), []byte(v.EK), "%v", &v)
			var reply []byte
			result, err := m.Server(&scriptedConn{
				read:  func() ([]byte, error) { return init.Append(nil), nil },
				write: func(p []byte) error { reply = refParse(t, 31, 3, p)[1]; return nil },
			}, testTranscript(), testIdentity())
			require.NoError(t, err, "%v", &v)
			party := refParty{curve: curve, kem: private}
			require.Equal(t, party.finish(t, reply), result.K, "%v", &v)
			taken++
		}
	}
	require.Equal(t, []int{1, 12}, []int{taken, refused})
}
