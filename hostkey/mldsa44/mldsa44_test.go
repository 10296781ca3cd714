package mldsa44_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"os"
	"slices"
	"testing"

	circl "github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/mldsa44"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

func blob(key []byte) []byte { return wire.AppendString(wire.AppendString(nil, mldsa44.Name), key) }

// The vector of draft-ietf-lamps-pq-composite-sigs.
func TestKnownAnswer(t *testing.T) {
	file, err := os.ReadFile("testdata/lamps.json")
	require.NoError(t, err)
	var v struct{ M, PK, SK, S []byte }
	require.NoError(t, json.Unmarshal(file, &v))

	s, err := mldsa44.NewSigner(v.SK)
	require.NoError(t, err)
	require.Equal(t, blob(v.PK), s.PublicKey().Marshal())
	k, err := hostkey.ParsePublicKey(blob(v.PK), mldsa44.Format())
	require.NoError(t, err)
	sig := &hostkey.Signature{Algorithm: mldsa44.Name, Blob: v.S}
	require.NoError(t, k.Verify(v.M, sig))

	again, err := s.Sign(t.Context(), mldsa44.Name, v.M)
	require.NoError(t, err)
	require.NoError(t, k.Verify(v.M, again))
	require.NotEqual(t, v.S, again.Blob, "ML-DSA hedges")
	require.Equal(t, v.S[2420:], again.Blob[2420:], "Ed25519 does not")
}

func newSigner(t testing.TB) (hostkey.Signer, []byte) {
	t.Helper()
	seed := make([]byte, mldsa44.SeedSize)
	rand.Read(seed)
	s, err := mldsa44.NewSigner(seed)
	require.NoError(t, err)
	kept := slices.Clone(seed)
	clear(seed) // which the signer does not keep
	return s, kept
}

func TestVerifyRefuses(t *testing.T) {
	s, _ := newSigner(t)
	other, _ := newSigner(t)
	k := s.PublicKey()
	sig, err := s.Sign(t.Context(), mldsa44.Name, []byte("data"))
	require.NoError(t, err)
	require.Len(t, sig.Blob, 2420+64)
	require.NoError(t, hostkey.Verify(k, mldsa44.Name, []byte("data"), sig))

	require.ErrorIs(t, k.Verify([]byte("other"), sig), hostkey.ErrSignature)
	require.ErrorIs(t, other.PublicKey().Verify([]byte("data"), sig), hostkey.ErrSignature)
	require.ErrorIs(t, k.Verify([]byte("data"), nil), hostkey.ErrSignature)
	require.ErrorIs(t, k.Verify([]byte("data"), &hostkey.Signature{Algorithm: mldsa44.Name, Blob: sig.Blob, Rest: []byte{1}}), hostkey.ErrSignature)
	for _, n := range []int{0, 64, 2420, 2483, 2485} {
		short := slices.Concat(sig.Blob, []byte{0})[:n]
		require.ErrorIs(t, k.Verify([]byte("data"), &hostkey.Signature{Algorithm: mldsa44.Name, Blob: short}), hostkey.ErrSignature, "%d bytes", n)
	}
	for _, algorithm := range []string{"ssh-ed25519", "", "ssh-mldsa44-ed25519", "ssh-mldsa44-ed25519-cert-v01@openssh.com"} {
		claim := &hostkey.Signature{Algorithm: algorithm, Blob: sig.Blob}
		var wrong *hostkey.AlgorithmError
		require.ErrorAs(t, k.Verify([]byte("data"), claim), &wrong, "G6")
		require.ErrorAs(t, hostkey.Verify(k, algorithm, []byte("data"), claim), &wrong, "G6")
	}
	for i := 0; i < len(sig.Blob); i += 11 {
		sig.Blob[i] ^= 1
		require.ErrorIs(t, k.Verify([]byte("data"), sig), hostkey.ErrSignature, "byte %d changed", i)
		sig.Blob[i] ^= 1
	}
}

// Each half has to be right, and neither is one of another scheme.
func TestBothHalves(t *testing.T) {
	s, seed := newSigner(t)
	other, otherSeed := newSigner(t)
	data := []byte("data")
	mine, err := s.Sign(t.Context(), mldsa44.Name, data)
	require.NoError(t, err)
	theirs, err := other.Sign(t.Context(), mldsa44.Name, data)
	require.NoError(t, err)
	_, lattice := circl.NewKeyFromSeed((*[32]byte)(seed))
	curve := ed25519.NewKeyFromSeed(seed[32:])
	plain := make([]byte, circl.SignatureSize)
	require.NoError(t, circl.SignTo(lattice, data, nil, false, plain))

	verify := func(halves ...[]byte) error {
		return s.PublicKey().Verify(data, &hostkey.Signature{Algorithm: mldsa44.Name, Blob: slices.Concat(halves...)})
	}
	require.NoError(t, verify(mine.Blob[:2420], mine.Blob[2420:]))
	require.ErrorIs(t, verify(mine.Blob[:2420], theirs.Blob[2420:]), hostkey.ErrSignature, "another's Ed25519")
	require.ErrorIs(t, verify(theirs.Blob[:2420], mine.Blob[2420:]), hostkey.ErrSignature, "another's ML-DSA")
	require.ErrorIs(t, verify(mine.Blob[:2420], ed25519.Sign(curve, data)), hostkey.ErrSignature, "Ed25519 of the data")
	require.ErrorIs(t, verify(plain, mine.Blob[2420:]), hostkey.ErrSignature, "ML-DSA of the data")

	// A key that shares one half is another key.
	mixed, err := mldsa44.NewSigner(slices.Concat(seed[:32], otherSeed[32:]))
	require.NoError(t, err)
	require.False(t, hostkey.Equal(mixed.PublicKey(), s.PublicKey()))
	require.ErrorIs(t, mixed.PublicKey().Verify(data, mine), hostkey.ErrSignature)
	// The Ed25519 half, taken for a key by itself, vouches for nothing.
	alone, err := hostkey.NewPublicKey(curve.Public())
	require.NoError(t, err)
	require.Error(t, alone.Verify(data, &hostkey.Signature{Algorithm: hostkey.Ed25519, Blob: mine.Blob[2420:]}))
}

func TestParseRefuses(t *testing.T) {
	s, _ := newSigner(t)
	good := s.PublicKey().Marshal()
	for n := range good {
		_, err := hostkey.ParsePublicKey(good[:n], mldsa44.Format())
		require.Error(t, err, "cut at %d", n)
	}
	_, err := hostkey.ParsePublicKey(append(slices.Clone(good), 0), mldsa44.Format())
	require.ErrorContains(t, err, "trailing")
	_, err = hostkey.ParsePublicKey(good)
	var unknown *hostkey.UnknownKeyTypeError
	require.ErrorAs(t, err, &unknown, "nobody asked for it")

	var bad *hostkey.KeyFormatError
	for _, n := range []int{0, 32, 1312, 1343, 1345} {
		_, err := hostkey.ParsePublicKey(blob(bytes.Repeat([]byte{9}, n)), mldsa44.Format())
		require.ErrorAs(t, err, &bad, "%d bytes", n)
		_, err = mldsa44.NewSigner(make([]byte, n))
		require.ErrorAs(t, err, &bad, "%d bytes", n)
	}
	weak := slices.Clone(good)
	clear(weak[len(weak)-32:])
	_, err = hostkey.ParsePublicKey(weak, mldsa44.Format())
	require.ErrorAs(t, err, &bad, "G8: an Ed25519 half of small order")
}

func TestSignRefuses(t *testing.T) {
	s, _ := newSigner(t)
	_, err := s.Sign(t.Context(), "ssh-ed25519", nil)
	var wrong *hostkey.AlgorithmError
	require.ErrorAs(t, err, &wrong)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Sign(ctx, mldsa44.Name, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCertificate(t *testing.T) {
	s, _ := newSigner(t)
	ca, _ := newSigner(t)
	for name, by := range map[string]hostkey.Signer{"by Ed25519": testkeys.Ed25519(), "by its like": ca} {
		t.Run(name, func(t *testing.T) {
			c := &hostkey.Certificate{Key: s.PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"h"}}
			require.NoError(t, c.Certify(t.Context(), by))
			require.Equal(t, "ssh-mldsa44-ed25519-cert-v01@openssh.com", c.Type())
			again, err := hostkey.ParsePublicKey(c.Marshal(), mldsa44.Format())
			require.NoError(t, err)
			signer, err := hostkey.NewCertificateSigner(c, s)
			require.NoError(t, err)
			sig, err := signer.Sign(t.Context(), signer.Algorithms()[0], []byte("data"))
			require.NoError(t, err)
			require.Equal(t, mldsa44.Name, sig.Algorithm)
			require.NoError(t, hostkey.Verify(again, "ssh-mldsa44-ed25519-cert-v01@openssh.com", []byte("data"), sig))
		})
	}
}
