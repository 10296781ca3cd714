package kex

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultOrder(t *testing.T) {
	var names []string
	for _, m := range Default() {
		names = append(names, m.Name())
	}
	require.Equal(t, []string{
		"mlkem768x25519-sha256",
		"curve25519-sha256",
		"curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256",
	}, names)
	require.Empty(t, Insecure())
}

func TestDefaultIsTheCallers(t *testing.T) {
	Default()[0] = nil
	require.NotNil(t, Default()[0])
}

func TestLookup(t *testing.T) {
	for _, want := range Default() {
		m, ok := Lookup(want.Name())
		require.True(t, ok)
		require.Equal(t, want.Name(), m.Name())
	}
	for _, name := range []string{"", "none", "curve25519", "Curve25519-SHA256", "ext-info-c", "kex-strict-c-v00@openssh.com"} {
		m, ok := Lookup(name)
		require.False(t, ok, name)
		require.Nil(t, m, name)
	}
}
