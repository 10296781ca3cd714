//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// ssh learns the further keys of whelkd, and forgets those it has no more.
func TestSSHLearnsHostKeys(t *testing.T) {
	dir := t.TempDir()
	var args, lines []string
	for _, name := range []string{"rsa2048", "ecdsa256"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, testkeys.PEM(name), 0o600))
		args = append(args, "-h", path)
	}
	r := start(t, args...)
	line := func(key hostkey.Signer) string {
		return "[127.0.0.1]:" + r.port + " " + string(hostkey.MarshalAuthorizedKey(key.PublicKey(), ""))
	}
	for _, key := range []hostkey.Signer{testkeys.Ed25519(), testkeys.RSA2048(), testkeys.ECDSA256()} {
		lines = append(lines, line(key))
	}
	// ssh writes while the session lasts, which is until it has or 10 s are over.
	learned := "for i in $(seq 200); do grep -q nistp521 " + r.path("known_hosts") + " || break; sleep 0.05; done; echo in"
	for _, agreed := range []string{"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256"} {
		r.write("known_hosts", []byte(line(testkeys.ECDSA521())+strings.Join(lines[:1], "")))
		if agreed != "ssh-ed25519" {
			r.write("known_hosts", []byte(line(testkeys.ECDSA521())+strings.Join(lines[1:], "")))
		}
		stdout, stderr, status := r.output("-o", "UpdateHostKeys=yes", "-o", "HostKeyAlgorithms="+agreed+",ssh-ed25519,rsa-sha2-512,ecdsa-sha2-nistp256", learned)
		require.Zero(t, status, stderr)
		require.Equal(t, "in\n", stdout)
		known, err := os.ReadFile(r.path("known_hosts"))
		require.NoError(t, err)
		require.Len(t, strings.Split(strings.TrimSpace(string(known)), "\n"), 3, string(known))
		for _, line := range lines {
			require.Contains(t, string(known), line, agreed)
		}
	}
}
