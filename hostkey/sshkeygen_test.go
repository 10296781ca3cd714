package hostkey_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// needPeer returns the path of a program, which is required in CI only.
func needPeer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(name + " is not installed")
	} else if err != nil {
		t.Skip(name + " is not installed")
	}
	return path
}

func needSSHKeygen(t *testing.T) string {
	t.Helper()
	return needPeer(t, "ssh-keygen")
}

// runPeer runs a program and returns what it prints.
func runPeer(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(needPeer(t, name), args...).CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, out)
	return string(out)
}

// sshKeygen runs ssh-keygen.
func sshKeygen(t *testing.T, args ...string) string {
	t.Helper()
	return runPeer(t, "ssh-keygen", args...)
}

// What ssh-keygen writes is read, in each of its formats.
func TestReadsSSHKeygen(t *testing.T) {
	dir := t.TempDir()
	for _, kind := range []string{"ed25519", "ecdsa 256", "ecdsa 384", "ecdsa 521", "rsa 2048", "rsa 4096"} {
		for _, format := range []string{"RFC4716", "PEM", "PKCS8"} {
			t.Run(kind+" "+format, func(t *testing.T) {
				path := filepath.Join(dir, strings.ReplaceAll(kind, " ", "")+format)
				name, bits, sized := strings.Cut(kind, " ")
				args := []string{"-q", "-t", name, "-N", "", "-C", "a comment", "-m", format, "-f", path}
				if sized {
					args = append(args, "-b", bits)
				}
				sshKeygen(t, args...)
				file, err := os.ReadFile(path)
				require.NoError(t, err)
				s, err := hostkey.ParsePrivateKey(file, nil)
				require.NoError(t, err)
				line, err := os.ReadFile(path + ".pub")
				require.NoError(t, err)
				public, err := hostkey.ParseAuthorizedKey(line)
				require.NoError(t, err)
				require.True(t, hostkey.Equal(s.PublicKey(), public.Key))
				require.Equal(t, "a comment", public.Comment)
				require.Equal(t, string(line), string(hostkey.MarshalAuthorizedKey(s.PublicKey(), "a comment")))
				require.Contains(t, sshKeygen(t, "-l", "-f", path+".pub"), " "+hostkey.Fingerprint(s.PublicKey())+" ")
			})
		}
	}
}

// What is written here is read by ssh-keygen.
func TestSSHKeygenReads(t *testing.T) {
	for name, key := range privateKeys(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			require.NoError(t, hostkey.WritePrivateKeyFile(path, key, "our comment"))
			s, err := hostkey.NewSigner(key)
			require.NoError(t, err)
			want := string(hostkey.MarshalAuthorizedKey(s.PublicKey(), "our comment"))
			require.Equal(t, want, sshKeygen(t, "-y", "-f", path))
			require.Contains(t, sshKeygen(t, "-l", "-f", path), " "+hostkey.Fingerprint(s.PublicKey())+" our comment")
		})
	}
}
