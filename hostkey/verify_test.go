package hostkey_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ed25519"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func TestSignAndVerify(t *testing.T) {
	data := []byte("the exchange hash")
	for _, s := range testkeys.All() {
		for _, algorithm := range s.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				sig, err := s.Sign(t.Context(), algorithm, data)
				require.NoError(t, err)
				require.Equal(t, algorithm, sig.Algorithm)
				require.Empty(t, sig.Rest)

				parsed, err := hostkey.ParseSignature(sig.Append(nil))
				require.NoError(t, err)
				require.NoError(t, s.PublicKey().Verify(data, parsed))

				require.ErrorIs(t, s.PublicKey().Verify([]byte("other data"), sig), hostkey.ErrSignature)
				for i := range sig.Blob {
					sig.Blob[i] ^= 0x40
					require.ErrorIs(t, s.PublicKey().Verify(data, sig), hostkey.ErrSignature, "byte %d changed", i)
					sig.Blob[i] ^= 0x40
				}
				for n := range sig.Blob {
					cut := &hostkey.Signature{Algorithm: algorithm, Blob: sig.Blob[:n]}
					require.ErrorIs(t, s.PublicKey().Verify(data, cut), hostkey.ErrSignature, "cut at %d", n)
				}
				long := &hostkey.Signature{Algorithm: algorithm, Blob: append(bytes.Clone(sig.Blob), 0)}
				require.ErrorIs(t, s.PublicKey().Verify(data, long), hostkey.ErrSignature)
			})
		}
	}
}

func TestVerifyRefusesForm(t *testing.T) {
	for _, s := range testkeys.All() {
		sig, err := s.Sign(t.Context(), s.Algorithms()[0], nil)
		require.NoError(t, err)
		require.NoError(t, s.PublicKey().Verify(nil, sig))

		sig.Rest = []byte{1, 0, 0, 0, 1} // flags and counter of a security key
		require.ErrorIs(t, s.PublicKey().Verify(nil, sig), hostkey.ErrSignature)
		require.ErrorIs(t, s.PublicKey().Verify(nil, nil), hostkey.ErrSignature)
	}
}

// G6, CVE-2026-44405: the algorithm that signed, the one the signature claims and the one the
// key has are all the same, or nothing verifies.
func TestG6AlgorithmMatrix(t *testing.T) {
	data := []byte("data")
	names := append(hostkey.Default(), "ssh-rsa", "ssh-dss", "", "RSA-SHA2-256", "rsa-sha2-256-cert-v01@openssh.com")
	for _, s := range testkeys.All() {
		for _, made := range s.Algorithms() {
			sig, err := s.Sign(t.Context(), made, data)
			require.NoError(t, err)
			for _, claimed := range names {
				for _, verifier := range testkeys.All() {
					claim := &hostkey.Signature{Algorithm: claimed, Blob: sig.Blob}
					err := verifier.PublicKey().Verify(data, claim)
					if made == claimed && hostkey.Equal(verifier.PublicKey(), s.PublicKey()) {
						require.NoError(t, err)
						continue
					}
					require.Error(t, err, "made by %s, claimed %q, verified by %s", made, claimed, verifier.PublicKey().Type())
					if hostkey.KeyType(claimed) != verifier.PublicKey().Type() {
						var wrong *hostkey.AlgorithmError
						require.ErrorAs(t, err, &wrong)
						require.Equal(t, claimed, wrong.Algorithm)
					}
				}
			}
		}
	}
}

func TestG1Ed25519SignatureLength(t *testing.T) {
	k := testkeys.Ed25519().PublicKey()
	for _, n := range []int{0, 31, 63, 65, 128} {
		sig := &hostkey.Signature{Algorithm: "ssh-ed25519", Blob: make([]byte, n)}
		require.ErrorIs(t, k.Verify(nil, sig), hostkey.ErrSignature, "%d bytes", n)
	}
}

// G8, CVE-2026-3706: S and S+L sign the same; RFC 8032, section 5.1.7, allows the first only.
func TestG8Ed25519Malleability(t *testing.T) {
	order, ok := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	require.True(t, ok)
	s := testkeys.Ed25519()
	sig, err := s.Sign(t.Context(), "ssh-ed25519", []byte("data"))
	require.NoError(t, err)

	le := bytes.Clone(sig.Blob[32:])
	reverse(le)
	sum := new(big.Int).Add(new(big.Int).SetBytes(le), order)
	require.LessOrEqual(t, sum.BitLen(), 256)
	le = sum.FillBytes(make([]byte, 32))
	reverse(le)
	copy(sig.Blob[32:], le)
	require.ErrorIs(t, s.PublicKey().Verify([]byte("data"), sig), hostkey.ErrSignature)
}

func reverse(p []byte) {
	for i := range len(p) / 2 {
		p[i], p[len(p)-1-i] = p[len(p)-1-i], p[i]
	}
}

// RFC 8032, section 7.1, test 3.
func TestEd25519KnownAnswer(t *testing.T) {
	seed := unhex(t, "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
	s, err := hostkey.NewSigner(ed25519.NewKeyFromSeed(seed))
	require.NoError(t, err)
	require.Equal(t, unhex(t, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
		s.PublicKey().Marshal()[4+11+4:])
	sig, err := s.Sign(t.Context(), "ssh-ed25519", []byte{0xaf, 0x82})
	require.NoError(t, err)
	require.Equal(t, unhex(t, "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"+
		"18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"), sig.Blob)
}

func TestG7ECDSAScalars(t *testing.T) {
	for _, s := range []hostkey.Signer{testkeys.ECDSA256(), testkeys.ECDSA384(), testkeys.ECDSA521()} {
		algorithm, data := s.Algorithms()[0], []byte("data")
		sig, err := s.Sign(t.Context(), algorithm, data)
		require.NoError(t, err)
		in := wire.NewReader(sig.Blob)
		r, v := in.MPInt(), in.MPInt()
		require.NoError(t, in.End())
		n := orders[algorithm]

		two := func(r, s *big.Int) []byte { return wire.AppendMPInt(wire.AppendMPInt(nil, r), s) }
		require.NoError(t, s.PublicKey().Verify(data, &hostkey.Signature{Algorithm: algorithm, Blob: two(r, v)}))
		for name, blob := range map[string][]byte{
			"r is 0":                 two(new(big.Int), v),
			"s is 0":                 two(r, new(big.Int)),
			"both are 0":             two(new(big.Int), new(big.Int)),
			"r is n":                 two(n, v),
			"s is n":                 two(r, n),
			"r is r+n":               two(new(big.Int).Add(r, n), v),
			"s is s+n":               two(r, new(big.Int).Add(v, n)),
			"r is -r":                two(new(big.Int).Neg(r), v),
			"s is -s":                two(r, new(big.Int).Neg(v)),
			"r is r-n":               two(new(big.Int).Sub(r, n), v),
			"r and s change places":  two(v, r),
			"a byte follows":         append(two(r, v), 0),
			"r has a zero byte":      append(wire.AppendString(nil, append([]byte{0, 0}, r.Bytes()...)), wire.AppendMPInt(nil, v)...),
			"s has a zero byte":      wire.AppendString(wire.AppendMPInt(nil, r), append([]byte{0, 0}, v.Bytes()...)),
			"s is missing":           wire.AppendMPInt(nil, r),
			"nothing":                nil,
			"r of 1e6 bits":          two(ones(1e6), v),
			"r, s of fixed length":   append(r.Bytes(), v.Bytes()...),
			"DER as TLS has it":      {0x30, 6, 2, 1, 1, 2, 1, 1},
			"length beyond the blob": {0xff, 0xff, 0xff, 0xff},
		} {
			t.Run(algorithm+": "+name, func(t *testing.T) {
				err := s.PublicKey().Verify(data, &hostkey.Signature{Algorithm: algorithm, Blob: blob})
				require.ErrorIs(t, err, hostkey.ErrSignature)
			})
		}
	}
}

// Signers that leave leading zero bytes out are understood, as OpenSSH does.
func TestRSASignatureWithoutLeadingZeros(t *testing.T) {
	s := testkeys.RSA2048()
	for i := range 5000 {
		data := []byte{byte(i), byte(i >> 8)}
		sig, err := s.Sign(t.Context(), "rsa-sha2-256", data)
		require.NoError(t, err)
		require.Len(t, sig.Blob, 256)
		if sig.Blob[0] != 0 {
			continue
		}
		sig.Blob = sig.Blob[1:]
		require.NoError(t, s.PublicKey().Verify(data, sig))
		sig.Blob = sig.Blob[1:]
		require.ErrorIs(t, s.PublicKey().Verify(data, sig), hostkey.ErrSignature)
		return
	}
	t.Fatal("no signature began with a zero byte")
}

func TestRSASignatureLength(t *testing.T) {
	s := testkeys.RSA2048()
	for _, n := range []int{0, 257, 2048} {
		sig := &hostkey.Signature{Algorithm: "rsa-sha2-256", Blob: make([]byte, n)}
		require.ErrorIs(t, s.PublicKey().Verify(nil, sig), hostkey.ErrSignature)
	}
}
