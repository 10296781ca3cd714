//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// In FIPS 140-3 mode ssh gets in with what is approved, and with nothing else.
func TestFIPS(t *testing.T) {
	t.Setenv("GODEBUG", "fips140=on")
	r := start(t, "-vv")
	for _, test := range []struct {
		option string
		status int
	}{
		{"KexAlgorithms=+ecdh-sha2-nistp256", 0},
		{"KexAlgorithms=ecdh-sha2-nistp521", 0},
		{"Ciphers=aes256-gcm@openssh.com", 0},
		{"Ciphers=aes128-ctr", 0},
		{"KexAlgorithms=curve25519-sha256", 255},
		{"KexAlgorithms=sntrup761x25519-sha512@openssh.com", 255},
		{"KexAlgorithms=diffie-hellman-group16-sha512", 255},
		{"Ciphers=chacha20-poly1305@openssh.com", 255},
		{"Ciphers=3des-cbc", 255},
	} {
		stdout, stderr, status := r.output("-o", test.option, "echo in")
		require.Equal(t, test.status, status, "%s: %s", test.option, stderr)
		require.Equal(t, status == 0, stdout == "in\n", test.option)
	}
	offers := 0
	for line := range strings.Lines(r.logged()) {
		if !strings.Contains(line, "msg=sent") || !strings.Contains(line, "SSH_MSG_KEXINIT") {
			continue
		}
		offers++
		for _, name := range []string{"x25519", "curve25519", "diffie-hellman", "chacha20", "umac", "sha1", "cbc"} {
			require.False(t, strings.Contains(line, name), name)
		}
	}
	require.Equal(t, 9, offers)
}
