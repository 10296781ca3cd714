package algolist

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What people type, and what they meant.
func TestSlips(t *testing.T) {
	for _, test := range []struct {
		parse       func(string) error
		typed, want string
	}{
		{cipherList, "aes128-gcm", "aes128-gcm@openssh.com"},
		{cipherList, "aes256gcm", "aes256-gcm@openssh.com"},
		{cipherList, "aes257-ctr", "aes256-ctr"},
		{cipherList, "AES192-CTR", "aes192-ctr"},
		{cipherList, "chacha20", "chacha20-poly1305@openssh.com"},
		{cipherList, "aes128-cb", "aes128-cbc"},
		{cipherList, "3des", "3des-cbc"},
		{macList, "hmac-md4", "hmac-md5"},
		{macList, "md5", "hmac-md5"},
		{macList, "hmac-sha256", "hmac-sha2-256"},
		{macList, "hmac-sha", "hmac-sha2-256"},
		{macList, "hmac-sha2-512@openssh.com", "hmac-sha2-512-etm@openssh.com"},
		{macList, "umac-128", "umac-128@openssh.com"},
		{kexList, "curve25519", "curve25519-sha256"},
		{kexList, "curve25519-sha512", "curve25519-sha256"},
		{kexList, "mlkem768", "mlkem768x25519-sha256"},
		{kexList, "sntrup761x25519-sha512@openssh", "sntrup761x25519-sha512@openssh.com"},
		{kexList, "diffie-hellman-group14", "diffie-hellman-group14-sha256"},
		{kexList, "diffie-hellman-group1", "diffie-hellman-group16-sha512"},
		{kexList, "curve448", "curve448-sha512"},
		{signatureList, "ed25519", "ssh-ed25519"},
		{signatureList, "rsa", "rsa-sha2-512"},
		{signatureList, "ssh-ed25518", "ssh-ed25519"},
		{signatureList, "rsa-sha2-384", "rsa-sha2-512"},
		{signatureList, "ed448", "ssh-ed448"},
		{signatureList, "ssh-mldsa44", "ssh-mldsa44-ed25519@openssh.com"},
		{signatureList, "ecdsa-nistp521", "ecdsa-sha2-nistp521"},
	} {
		err := test.parse(test.typed)
		var bad *Error
		require.ErrorAs(t, err, &bad, test.typed)
		require.Equal(t, test.want, bad.Nearest, test.typed)
		require.NoError(t, test.parse(bad.Nearest))
		require.Less(t, len(err.Error()), 200, "it does not list them all")
	}
}

func cipherList(list string) error    { _, err := Ciphers(list); return err }
func macList(list string) error       { _, err := MACs(list); return err }
func kexList(list string) error       { _, err := KeyExchanges(list); return err }
func signatureList(list string) error { _, err := Signatures(list); return err }

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		typed, name string
		want        int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 6},
		{"abc", "abc", 0},
		{"ac", "abc", 1},
		{"abbc", "abc", 2},
		{"axc", "abc", 2},
		{"ca", "ac", 3},
		{"kitten", "sitting", 5},
	} {
		require.Equal(t, test.want, distance(test.typed, test.name), "%q to %q", test.typed, test.name)
	}
}

func TestNearest(t *testing.T) {
	require.Equal(t, "", Nearest("a", nil))
	require.Equal(t, "first", Nearest("zzzzz", []string{"first", "other"}), "the first of equals")
	long := strings.Repeat("a", 1<<20)
	require.Equal(t, "aa", Nearest(long, []string{"b", "aa"}), "what is too long for any name is cut")
	err := cipherList(long)
	require.Less(t, len(err.Error()), 300)
}
