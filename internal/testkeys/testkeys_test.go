package testkeys

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

func TestKeys(t *testing.T) {
	for name, want := range map[string]struct {
		signer    hostkey.Signer
		algorithm string
	}{
		"ed25519":       {Ed25519(), "ssh-ed25519"},
		"ed25519-other": {Ed25519Other(), "ssh-ed25519"},
		"ecdsa256":      {ECDSA256(), "ecdsa-sha2-nistp256"},
		"ecdsa384":      {ECDSA384(), "ecdsa-sha2-nistp384"},
		"ecdsa521":      {ECDSA521(), "ecdsa-sha2-nistp521"},
		"rsa2048":       {RSA2048(), "rsa-sha2-512"},
		"rsa3072":       {RSA3072(), "rsa-sha2-512"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want.algorithm, want.signer.Algorithms()[0])
			require.True(t, bytes.HasPrefix(PEM(name), []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n")))

			sig, err := want.signer.Sign(t.Context(), want.algorithm, []byte("data"))
			require.NoError(t, err)
			require.NoError(t, want.signer.PublicKey().Verify([]byte("data"), sig))
		})
	}
}

func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(All(), Ed25519Other()) {
		seen[hostkey.Fingerprint(s.PublicKey())] = true
	}
	require.Len(t, seen, 7)
}

func TestPEMIsACopy(t *testing.T) {
	PEM("ed25519")[0] = 'x'
	require.Equal(t, byte('-'), PEM("ed25519")[0])
}

func TestUnknownNamePanics(t *testing.T) {
	require.Panics(t, func() { PEM("dsa") })
}
