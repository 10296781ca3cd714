package kex

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// The mode cannot change once a program runs, so this test is run again by
// itself.
func TestFIPS(t *testing.T) {
	if fips140.Enabled() {
		requireApproved(t)
		return
	}
	if runtime.GOARCH == "wasm" || runtime.GOOS == "openbsd" || runtime.GOOS == "aix" || runtime.GOOS+runtime.GOARCH == "windows386" {
		t.Skip("Go has no FIPS 140-3 mode here")
	}
	for _, mode := range []string{"on", "only"} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode)
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Contains(t, string(output), "--- PASS: TestFIPS")
		})
	}
}

// requireApproved requires that nothing unapproved can be had, by whatever name
// or way, and that what is left works.
func requireApproved(t *testing.T) {
	want := []string{
		"mlkem768nistp256-sha256",
		"mlkem1024nistp384-sha384",
		"ecdh-sha2-nistp256",
		"ecdh-sha2-nistp384",
		"ecdh-sha2-nistp521",
	}
	require.Equal(t, want, namesOf(Default()))
	require.Equal(t, want, namesOf(DefaultServer()))
	require.Empty(t, Optional())
	require.Empty(t, Insecure())
	for _, m := range Default() {
		client, server := handshake(t, m, testTranscript())
		require.Equal(t, client.K, server.K)
		require.Equal(t, client.H, server.H)
		require.NotEmpty(t, client.Key('A', client.H, 32))
	}
	for _, name := range []string{
		"mlkem768x25519-sha256", "sntrup761x25519-sha512", "curve25519-sha256", "diffie-hellman-group14-sha256",
		"diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1",
	} {
		_, ok := Lookup(name)
		require.False(t, ok, name)
	}
}
