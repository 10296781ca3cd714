package cipher

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
	gcm := []string{"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"}
	want := append(gcm, "aes128-ctr", "aes192-ctr", "aes256-ctr")
	if fips140.Enforced() {
		want = want[len(gcm):]
	}
	require.Equal(t, want, names(Default()))
	require.Equal(t, []string{"aes128-cbc", "aes192-cbc", "aes256-cbc"}, names(Insecure()))
	for _, m := range append(Default(), Insecure()...) {
		a := mac.Default()[0]
		keys := Keys{Key: make([]byte, m.KeySize), IV: make([]byte, m.IVSize), MAC: make([]byte, a.KeySize)}
		sealer, err := m.NewSealer(keys, a)
		require.NoError(t, err, m.Name)
		opener, err := m.NewOpener(keys, a)
		require.NoError(t, err, m.Name)
		f := sealer.Framing()
		packet := make([]byte, f.Clear+2*f.Block+f.Tag)
		sealer.Seal(0, packet)
		opener.Length(0, packet[:f.Head])
		_, err = opener.Open(packet, 0, packet)
		require.NoError(t, err, m.Name)
	}
	for _, name := range []string{"chacha20-poly1305@openssh.com", "3des-cbc"} {
		_, ok := Lookup(name)
		require.False(t, ok, name)
	}
}
