package knownhosts_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// Names hashed by HMAC-SHA1 are found and written where whatever FIPS 140-3 has
// not approved panics: they are no security. The mode is chosen when a program
// starts.
func TestFIPS(t *testing.T) {
	if os.Getenv("WHELK_FIPS") == "" {
		for _, mode := range []string{"on", "only"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestFIPS$", "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "WHELK_FIPS=1")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", mode, out)
			require.Contains(t, string(out), "--- PASS: TestFIPS")
		}
		return
	}
	path := write(t)
	z := &zone{authenticated: true}
	fips140.WithoutEnforcement(func() { z.records = match(key) })
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew, Hash: true, SSHFP: z})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	require.Regexp(t, `^\|1\|`, read(t, path))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), other), knownhosts.ErrChanged)
	require.Equal(t, hostkey.PreferKeys([]hostkey.PublicKey{key}), v.HostKeyAlgorithms(host("h:22")))
}
