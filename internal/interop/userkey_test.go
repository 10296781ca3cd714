package interop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Every type of user key, from files that ssh-keygen(1) wrote in each of its
// formats, and from those that package hostkey wrote.
func TestUserKeys(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, key := range []struct{ name, kind, bits string }{
		{"ed25519", "ed25519", "256"}, {"ecdsa-256", "ecdsa", "256"}, {"ecdsa-384", "ecdsa", "384"}, {"ecdsa-521", "ecdsa", "521"},
		{"rsa-2048", "rsa", "2048"}, {"rsa-3072", "rsa", "3072"},
	} {
		for _, format := range []string{"RFC4716", "PEM", "PKCS8"} { // the first stands for OpenSSH's own
			if key.bits == "3072" && format != "RFC4716" {
				continue // takes long to make
			}
			file := filepath.Join(dir, key.name+"-"+format)
			keygen(t, "-q", "-t", key.kind, "-b", key.bits, "-m", format, "-N", "", "-C", "", "-f", file)
			files = append(files, file)
		}
	}
	authorized := authorizedKeys(t, dir, files)
	for _, keyType := range keyTypes {
		files = append(files, userKeyFile(t, keyType))
	}
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server, "AuthorizedKeysFile="+authorized+" "+authorizedKeysFile(t))
		for _, file := range files {
			between(t, filepath.Base(file), p.programs(), func(t *testing.T) {
				r := s.run(t, p.client, "echo in", "-i", file)
				require.Equal(t, 0, r.status, r.stderr)
				require.Equal(t, "in\n", r.stdout)
			})
		}
	})
}

func keygen(t *testing.T, args ...string) {
	t.Helper()
	path := installed("ssh-keygen")
	path.mustExist(t)
	output, err := commandOf(path.path, args...).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// authorizedKeys makes a file of the public keys that ssh-keygen wrote.
func authorizedKeys(t *testing.T, dir string, files []string) string {
	t.Helper()
	var text []byte
	for _, file := range files {
		line, err := os.ReadFile(file + ".pub")
		require.NoError(t, err)
		text = append(text, line...)
	}
	path := filepath.Join(dir, "authorized_keys")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// A user's key signs with the algorithm that the server takes. RFC 8308,
// section 3.1, and RFC 8332.
func TestUserKeyAlgorithms(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		for _, algorithm := range signingAlgorithms() {
			between(t, algorithm, p.programs(), func(t *testing.T) {
				if algorithm == hostkey.RSASHA256 && p.server == sshd {
					t.Skip("sshd announces rsa-sha2-512 whether it takes it or not, and ssh falls for it too")
				}
				s := serve(t, p.server, "PubkeyAcceptedAlgorithms="+algorithm)
				r := s.run(t, p.client, "echo in", "-i", userKeyFile(t, hostkey.KeyType(algorithm)))
				require.Equal(t, 0, r.status, r.stderr)
				require.Equal(t, "in\n", r.stdout)
				other := hostkey.Ed25519
				if algorithm == other {
					other = hostkey.RSA
				}
				r = s.run(t, p.client, "echo in", "-i", userKeyFile(t, other))
				require.Equal(t, 255, r.status, r.stderr)
			})
		}
	})
}

// Of several keys, the one that counts may come last.
func TestManyUserKeys(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		var options []string
		for _, keyType := range keyTypes[1:] {
			options = append(options, "-i", otherKeys.file(t, keyType))
		}
		r := s.run(t, p.client, "echo in", append(options, "-i", userKeyFile(t, hostkey.Ed25519))...)
		require.Equal(t, 0, r.status, r.stderr)
		require.Equal(t, "in\n", r.stdout)
	})
}
