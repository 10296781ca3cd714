package hostkey_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A key is revoked by the first file that has it, and none is sound while a file
// cannot be read: that one may have it.
func TestRevokedKeyFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	key, other := testkeys.ECDSA256(), testkeys.ECDSA384()
	list := new(hostkey.KRL)
	list.RevokeKey(key.PublicKey())
	krl := file("krl", string(list.Marshal()))
	text := file("text", "# comment\n\n"+keyText(key)+" comment\n")
	empty := file("empty", "")
	for name, test := range map[string]struct {
		paths   []string
		revoked bool
		err     error  // for every key
		why     string // for every key
	}{
		"no files":          {nil, false, nil, ""},
		"an empty one":      {[]string{empty}, false, nil, ""},
		"a list":            {[]string{krl}, true, nil, ""},
		"a text":            {[]string{text}, true, nil, ""},
		"the second":        {[]string{empty, text}, true, nil, ""},
		"one that is away":  {[]string{filepath.Join(dir, "none")}, false, fs.ErrNotExist, "none"},
		"the second is":     {[]string{empty, filepath.Join(dir, "none")}, false, fs.ErrNotExist, "none"},
		"a directory":       {[]string{dir}, false, nil, "is a directory"},
		"no list":           {[]string{file("no list", "SSHKRL\n\x00")}, false, nil, "hostkey: revoked keys " + filepath.Join(dir, "no list")},
		"a line of nothing": {[]string{file("bad", keyText(other)+"\nssh-ed25519\n")}, false, nil, "line 2"},
		"larger than 16 MiB": {[]string{file("large", strings.Repeat("#\n", 8<<20)+"#")}, false, nil,
			"it has more than 16777216 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			check := hostkey.RevokedKeyFiles(test.paths...)
			err := check(key.PublicKey())
			var revoked *hostkey.RevokedError
			require.Equal(t, test.revoked, errors.As(err, &revoked), "%v", err)
			other := check(other.PublicKey())
			if test.err == nil && test.why == "" {
				require.NoError(t, other)
				require.Equal(t, test.revoked, err != nil)
				return
			}
			for _, err := range []error{err, other} {
				require.ErrorContains(t, err, test.why)
				require.False(t, errors.As(err, &revoked), "it is not known to be")
				require.Equal(t, 1, strings.Count(err.Error(), "hostkey: "), "%v", err)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
				}
			}
		})
	}
}

// The files are read each time, and their names belong to the function.
func TestRevokedKeyFilesAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revoked")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	paths := []string{path}
	check := hostkey.RevokedKeyFiles(paths...)
	paths[0] = "/none"
	key := testkeys.Ed25519()
	require.NoError(t, check(key.PublicKey()))
	require.NoError(t, os.WriteFile(path, []byte(keyText(key)+"\n"), 0o600))
	require.ErrorContains(t, check(key.PublicKey()), "is revoked by its key")
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, check(key.PublicKey()), fs.ErrNotExist)
}

// It is what an Authority asks, about certificate and authority.
func TestRevokedKeyFilesOfAuthority(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revoked")
	a := authority()
	a.Revoked = hostkey.RevokedKeyFiles(path)
	c := certified(t, nil)
	_, err := a.CheckUser(c, here, "alice")
	requireReason(t, err, hostkey.Revoked, "no such file")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, revoked := range []hostkey.PublicKey{c, c.Key, c.CA} {
		require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(revoked, ""), 0o600))
		_, err := a.CheckUser(c, here, "alice")
		requireReason(t, err, hostkey.Revoked, "revoked keys "+path)
		require.ErrorAs(t, err, new(*hostkey.RevokedError))
	}
	require.NoError(t, os.WriteFile(path, []byte(keyText(testkeys.RSA2048())), 0o600))
	_, err = a.CheckUser(c, here, "alice")
	require.NoError(t, err)
}
