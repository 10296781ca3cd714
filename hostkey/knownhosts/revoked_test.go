package knownhosts_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// J6, CVE-2026-42508: what RevokedHostKeys has is refused by every policy, as
// the key, the certificate or its authority, in files that ssh-keygen wrote and
// in lists of keys.
func TestJ6RevokedHostKeys(t *testing.T) {
	c := certify(t, func(c *hostkey.Certificate) { c.Serial = 7 })
	dir := t.TempDir()
	file := func(name string, k hostkey.PublicKey) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(k, ""), 0o600))
		return path
	}
	krl := func(name string, k hostkey.PublicKey) string {
		path := filepath.Join(dir, name)
		out, err := exec.Command(sshKeygen(t), "-k", "-f", path, file(name+".pub", k)).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	lines := []string{entry("@cert-authority *", rsa), entry("h", key)}
	for name, test := range map[string]struct {
		path      string
		revoked   []hostkey.PublicKey
		untouched []hostkey.PublicKey
	}{
		"a key":                {file("key", key), []hostkey.PublicKey{key, c}, nil},
		"an authority":         {file("authority", rsa), []hostkey.PublicKey{c}, []hostkey.PublicKey{key}},
		"a list, a key":        {krl("key.krl", key), []hostkey.PublicKey{key, c}, nil},
		"a list, an authority": {krl("authority.krl", rsa), []hostkey.PublicKey{c}, []hostkey.PublicKey{key}},
		"a list, by serial":    {krl("serial.krl", c), []hostkey.PublicKey{c}, []hostkey.PublicKey{key}},
		"another key":          {file("other", other), nil, []hostkey.PublicKey{key, c}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range everyPolicy {
				v := knownhosts.New(knownhosts.Config{Files: []string{write(t, lines...)}, Policy: policy,
					Revoked: hostkey.RevokedKeyFiles(file("nothing", p256), test.path)})
				for _, k := range test.revoked {
					err := v.VerifyHostKey(t.Context(), host("h:22"), k)
					require.ErrorIs(t, err, knownhosts.ErrRevoked)
					require.NotErrorIs(t, err, knownhosts.ErrUnknown)
					require.ErrorAs(t, err, new(*hostkey.RevokedError))
					require.ErrorContains(t, err, "revoked: do not connect, and ask who runs the host for its key (revoked keys "+test.path)
				}
				for _, k := range test.untouched {
					require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), k))
				}
			}
		})
	}
}

// "Note that if this file does not exist or is not readable, then host
// authentication will be refused for all hosts." (ssh_config(5))
func TestRevokedKeysThatCannotBeRead(t *testing.T) {
	broken := errors.New("the revocation service is away")
	for why, revoked := range map[string]func(hostkey.PublicKey) error{
		"missing":   hostkey.RevokedKeyFiles(filepath.Join(t.TempDir(), "none")),
		"malformed": hostkey.RevokedKeyFiles(write(t, "ssh-ed25519 AAAA\n")),
		"own":       func(hostkey.PublicKey) error { return broken },
	} {
		for _, policy := range everyPolicy {
			path := write(t, entry("h", key))
			v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: policy, Revoked: revoked})
			for _, name := range []string{"h:22", "new:22"} {
				err := v.VerifyHostKey(t.Context(), host(name), key)
				require.ErrorContains(t, err, "no host is accepted while it is not known which keys are revoked", why)
				require.NotErrorIs(t, err, knownhosts.ErrRevoked)
			}
			require.Equal(t, entry("h", key), read(t, path), "nothing was added")
		}
	}
}

// Keys that a host announces are not believed on the word of one that is
// revoked.
func TestRevokedHostDoesNotUpdate(t *testing.T) {
	path := write(t, entry("h", key))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Revoked: func(k hostkey.PublicKey) error {
		return &hostkey.RevokedError{Key: k, By: "key"}
	}})
	err := v.UpdateHostKeys(t.Context(), &hostkey.Announcement{
		Host: host("h:22"), Key: key, Keys: []hostkey.PublicKey{key, testkeys.ECDSA256().PublicKey()},
	})
	require.ErrorIs(t, err, knownhosts.ErrNotUpdated)
	require.ErrorIs(t, err, knownhosts.ErrRevoked)
}
