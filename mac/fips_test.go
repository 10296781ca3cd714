package mac_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/mac"
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
	var names []string
	for _, a := range append(mac.Default(), mac.Insecure()...) {
		names = append(names, a.Name)
		require.Len(t, a.New(make([]byte, a.KeySize)).Append(nil, 0, nil), a.Size)
		require.Equal(t, a.Name, lookup(t, a.Name).Name)
	}
	require.Equal(t, []string{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"}, names)
	for _, name := range []string{"umac-128-etm@openssh.com", "umac-64@openssh.com", "hmac-sha1", "hmac-md5"} {
		_, ok := mac.Lookup(name)
		require.False(t, ok, name)
	}
}
