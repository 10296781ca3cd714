package fuzz_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// Whatever the file and the host, no policy but the insecure one accepts a key
// that the file does not hold for the host, and a host that is added is known.
func FuzzKnownHosts(f *testing.F) {
	key, other := testkeys.Ed25519().PublicKey(), testkeys.Ed25519Other().PublicKey()
	line := string(hostkey.MarshalAuthorizedKey(key, ""))
	for _, hosts := range []string{"example.com", "@revoked *", "@cert-authority *.test", "*.test,!b.test", "[h]:2222",
		"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="} {
		f.Add("example.com:22", []byte(hosts+" "+line))
	}
	f.Fuzz(func(t *testing.T, name string, file []byte) {
		path := filepath.Join(t.TempDir(), "known_hosts")
		require.NoError(t, os.WriteFile(path, file, 0o600))
		host := hostkey.Host{Name: name}

		strict := knownhosts.New(knownhosts.Config{Files: []string{path}})
		require.Error(t, strict.VerifyHostKey(t.Context(), host, other), "the seeds hold another key")
		require.Subset(t, strict.HostKeyAlgorithms(host), hostkey.Default())

		hash := len(file)%2 == 0
		v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew, Hash: hash})
		if v.VerifyHostKey(t.Context(), host, other) == nil {
			require.NoError(t, strict.VerifyHostKey(t.Context(), host, other))
			require.Error(t, strict.VerifyHostKey(t.Context(), host, key))
		}
	})
}
