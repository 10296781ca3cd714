package hostkey_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/wycheproof"
	"github.com/whelk-ssh/whelk/wire"
)

// signed is a public key and signatures by it, or not by it.
type signed struct {
	PublicKey struct {
		PK                      wycheproof.Hex // Ed25519
		Uncompressed            wycheproof.Hex // ECDSA
		Modulus, PublicExponent wycheproof.Hex // RSA
	}
	Tests []struct {
		wycheproof.Test
		Msg, Sig wycheproof.Hex
	}
}

// Every signature that is valid verifies, and no other. Tests of ECDSA whose
// signature is not of twice the order's length are about IEEE P1363 and have
// no counterpart here: these are formless.
func TestWycheproof(t *testing.T) {
	for _, test := range []struct {
		id, file, algorithm         string
		verified, refused, formless int
	}{
		{"G8", "ed25519_test.json", "ssh-ed25519", 88, 62, 0},
		{"G7", "ecdsa_secp256r1_sha256_p1363_test.json", "ecdsa-sha2-nistp256", 169, 62, 21},
		{"G7", "ecdsa_secp384r1_sha384_p1363_test.json", "ecdsa-sha2-nistp384", 189, 62, 19},
		{"G7", "ecdsa_secp521r1_sha512_p1363_test.json", "ecdsa-sha2-nistp521", 227, 67, 14},
		{"RFC 8332 3", "rsa_signature_2048_sha256_test.json", "rsa-sha2-256", 9, 250, 0},
		{"RFC 8332 3", "rsa_signature_2048_sha512_test.json", "rsa-sha2-512", 8, 251, 0},
		{"RFC 8332 3", "rsa_signature_3072_sha256_test.json", "rsa-sha2-256", 8, 251, 0},
		{"RFC 8332 3", "rsa_signature_3072_sha512_test.json", "rsa-sha2-512", 8, 252, 0},
		{"RFC 8332 3", "rsa_signature_4096_sha256_test.json", "rsa-sha2-256", 7, 251, 0},
		{"RFC 8332 3", "rsa_signature_4096_sha512_test.json", "rsa-sha2-512", 7, 252, 0},
	} {
		t.Run(test.id+": "+test.file, func(t *testing.T) {
			var verified, refused, formless int
			for _, group := range wycheproof.Load[signed](t, test.file) {
				key, err := hostkey.ParsePublicKey(group.keyBlob(test.algorithm))
				require.NoError(t, err)
				for _, v := range group.Tests {
					// RSA with a hash identifier that lacks its NULL may be
					// accepted, and is not.
					if v.Result == wycheproof.Acceptable {
						require.Equal(t, []string{"MissingNull"}, v.Flags, "%v", &v)
					}
					blob, ok := signatureBlob(test.algorithm, v.Sig)
					if !ok {
						require.Equal(t, wycheproof.Invalid, v.Result, "%v", &v)
						formless++
						continue
					}
					err := key.Verify(v.Msg, &hostkey.Signature{Algorithm: test.algorithm, Blob: blob})
					if v.Result == wycheproof.Valid {
						require.NoError(t, err, "%v", &v)
						verified++
					} else {
						require.ErrorIs(t, err, hostkey.ErrSignature, "%v", &v)
						refused++
					}
				}
			}
			require.Equal(t, []int{test.verified, test.refused, test.formless}, []int{verified, refused, formless})
		})
	}
}

// keyBlob returns the key in the format of SSH.
func (s *signed) keyBlob(algorithm string) []byte {
	key := &s.PublicKey
	switch {
	case len(key.PK) > 0:
		return blob(algorithm, string(key.PK))
	case len(key.Uncompressed) > 0:
		return blob(algorithm, algorithm[len("ecdsa-sha2-"):], string(key.Uncompressed))
	}
	return rsaBlob(new(big.Int).SetBytes(key.PublicExponent), new(big.Int).SetBytes(key.Modulus))
}

// signatureBlob returns a signature as RFC 4253 has it. Of ECDSA, sig is r and
// s of equal length (IEEE P1363), which become two mpints; it reports whether
// sig is that.
func signatureBlob(algorithm string, sig []byte) ([]byte, bool) {
	if orders[algorithm] == nil {
		return sig, true
	}
	size := (orders[algorithm].BitLen() + 7) / 8
	if len(sig) != 2*size {
		return nil, false
	}
	return wire.AppendUnsigned(wire.AppendUnsigned(nil, sig[:size]), sig[size:]), true
}
