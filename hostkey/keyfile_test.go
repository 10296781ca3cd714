package hostkey_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

func TestG14WritePrivateKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	first, second := privateKeys(t)["ed25519"], privateKeys(t)["ecdsa256"]
	require.NoError(t, hostkey.WritePrivateKeyFile(path, first, "host"))

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "G14 CVE-2022-24302")
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err := hostkey.ParsePrivateKey(written, nil)
	require.NoError(t, err)
	require.Equal(t, "ssh-ed25519", s.PublicKey().Type())

	require.ErrorIs(t, hostkey.WritePrivateKeyFile(path, second, ""), fs.ErrExist)
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, written, again)

	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(filepath.Join(dir, "elsewhere"), link))
	require.ErrorIs(t, hostkey.WritePrivateKeyFile(link, second, ""), fs.ErrExist, "a dangling link is not followed")

	require.ErrorIs(t, hostkey.WritePrivateKeyFile(filepath.Join(dir, "none", "key"), second, ""), fs.ErrNotExist)
	require.Error(t, hostkey.WritePrivateKeyFile(filepath.Join(dir, "new"), nil, ""))

	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "no temporary file stays")
}

// G14: nobody sees the file before it is complete, nor readable by others.
func TestG14WritePrivateKeyFileAtomically(t *testing.T) {
	dir := t.TempDir()
	key := privateKeys(t)["rsa2048"]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			if err := hostkey.WritePrivateKeyFile(filepath.Join(dir, string(rune('a'+i%26))+strings.Repeat("x", i)), key, ""); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				continue // a temporary file that is gone
			}
			require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
			if !strings.HasPrefix(e.Name(), ".") {
				file, err := os.ReadFile(filepath.Join(dir, e.Name()))
				require.NoError(t, err)
				require.Contains(t, string(file), "-----END OPENSSH PRIVATE KEY-----")
			}
		}
	}
}

// A file that exists is replaced only by who says so.
func TestReplaceKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	require.NoError(t, hostkey.CreateKeyFile(path, []byte("one")))
	require.ErrorIs(t, hostkey.CreateKeyFile(path, []byte("two")), fs.ErrExist)
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, hostkey.ReplaceKeyFile(path, []byte("two")))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "two", string(content))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "G14: whatever the other had")

	elsewhere := filepath.Join(dir, "elsewhere")
	require.NoError(t, os.WriteFile(elsewhere, []byte("kept"), 0o600))
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(elsewhere, link))
	require.NoError(t, hostkey.ReplaceKeyFile(link, []byte("three")))
	content, err = os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.Equal(t, "kept", string(content), "a link is not followed")

	require.NoError(t, os.Mkdir(filepath.Join(dir, "directory"), 0o700))
	require.Error(t, hostkey.ReplaceKeyFile(filepath.Join(dir, "directory"), nil))
	require.ErrorIs(t, hostkey.ReplaceKeyFile(filepath.Join(dir, "none", "key"), nil), fs.ErrNotExist)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "no temporary file stays")
}
