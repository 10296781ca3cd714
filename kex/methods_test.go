package kex

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultOrder(t *testing.T) {
	require.Equal(t, []string{
		"mlkem768x25519-sha256",
		"sntrup761x25519-sha512",
		"sntrup761x25519-sha512@openssh.com",
		"curve25519-sha256",
		"curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256",
		"ecdh-sha2-nistp384",
		"ecdh-sha2-nistp521",
		"diffie-hellman-group-exchange-sha256",
		"diffie-hellman-group16-sha512",
		"diffie-hellman-group18-sha512",
		"diffie-hellman-group14-sha256",
	}, namesOf(Default()))
}

// D9, CVE-2002-20001: a server computes in no finite field unless told to.
func TestDefaultServerHasNoFiniteField(t *testing.T) {
	for i, m := range DefaultServer() {
		require.False(t, isFiniteField(m), m.Name())
		require.Equal(t, m.Name(), Default()[i].Name(), "what is left is in the same order")
	}
	for _, m := range Default()[len(DefaultServer()):] {
		require.True(t, isFiniteField(m), m.Name())
	}
}

// isFiniteField goes by the names of RFC 4253, section 8, and RFC 4419.
func isFiniteField(m Method) bool { return strings.HasPrefix(m.Name(), "diffie-hellman-") }

// What is not sound is not offered, and no name stands in two lists.
func TestListsAreApart(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		require.False(t, seen[m.Name()], m.Name())
		seen[m.Name()] = true
	}
	for _, m := range Insecure() {
		require.True(t, strings.HasSuffix(m.Name(), "-sha1"), m.Name())
	}
	for _, m := range slices.Concat(Default(), Optional()) {
		require.False(t, strings.HasSuffix(m.Name(), "-sha1"), m.Name())
	}
}

func namesOf(methods []Method) (names []string) {
	for _, m := range methods {
		names = append(names, m.Name())
	}
	return names
}

// RFC 5656, section 6.2.1, and the names of the hybrids.
func TestHashes(t *testing.T) {
	for name, size := range map[string]int{
		"mlkem768x25519-sha256":              32,
		"mlkem768nistp256-sha256":            32,
		"mlkem1024nistp384-sha384":           48,
		"sntrup761x25519-sha512":             64,
		"sntrup761x25519-sha512@openssh.com": 64,
		"curve25519-sha256":                  32,
		"curve25519-sha256@libssh.org":       32,
		"ecdh-sha2-nistp256":                 32,
		"ecdh-sha2-nistp384":                 48,
		"ecdh-sha2-nistp521":                 64,
		"diffie-hellman-group14-sha1":        20,
		"diffie-hellman-group14-sha256":      32,
	} {
		m, ok := Lookup(name)
		require.True(t, ok, name)
		r, _ := handshake(t, m, testTranscript())
		require.Len(t, r.H, size, name)
	}
}

func TestDefaultIsTheCallers(t *testing.T) {
	Default()[0] = nil
	require.NotNil(t, Default()[0])
}

func TestLookup(t *testing.T) {
	for _, want := range slices.Concat(Default(), Optional(), Insecure()) {
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
