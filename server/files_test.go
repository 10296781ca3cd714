package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

func TestHostKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	var wg sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wg.Go(func() {
			key, err := server.HostKeyFile(path)
			if err == nil {
				keys[i] = hostkey.Fingerprint(key.PublicKey())
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		require.Equal(t, keys[0], k, "servers that start at once agree")
		require.NotEmpty(t, k)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "G14, CVE-2022-24302")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing else is left")
}

func TestHostKeyFileRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, mode))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	good := testkeys.PEM("ecdsa256")
	key, err := server.HostKeyFile(write("good", good, 0o600))
	require.NoError(t, err)
	require.Equal(t, "ecdsa-sha2-nistp256", key.PublicKey().Type())
	for _, test := range []struct{ name, path, why string }{
		{"readable by the group", write("group", good, 0o640), "others may read it"},
		{"readable by all", write("all", good, 0o604), "others may read it"},
		{"not a key", write("text", []byte("hello"), 0o600), "PRIVATE KEY"},
		{"empty", write("empty", nil, 0o600), ""},
		{"a directory", dir, "is a directory"},
		{"below a file", filepath.Join(dir, "good", "key"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := server.HostKeyFile(test.path)
			require.ErrorContains(t, err, test.why)
			require.ErrorContains(t, err, "server: ")
		})
	}
}

// attempt asks a check of public keys as userauth would, about alice's key.
func attempt(t *testing.T, check userauth.Check, signer hostkey.Signer) error {
	t.Helper()
	srv := newServer(nothing)
	srv.Auth.Checks = []userauth.Check{check}
	var reported error
	srv.Auth.Report = func(_ context.Context, _ *userauth.Attempt, err error) { reported = err }
	p := connect(t, srv).handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{userauth.PublicKey(signer)}}
	err := client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID})
	p.conn.Close()
	<-p.served
	if err != nil {
		require.Error(t, reported)
	}
	return reported
}

func line(signer hostkey.Signer) string {
	return string(hostkey.MarshalAuthorizedKey(signer.PublicKey(), "comment"))
}

func TestAuthorizedKeys(t *testing.T) {
	ours, other := testkeys.RSA2048(), testkeys.Ed25519Other()
	for _, test := range []struct{ name, file, why string }{
		{"the key is there", line(other) + "# comment\n\n" + line(ours), ""},
		{"the key is not there", line(other), "is not there"},
		{"an empty file", "", "is not there"},
		{"from elsewhere", `from="192.0.2.9" ` + line(ours), `"192.0.2.9", and not from 192.0.2.1`},
		{"J9: an option that is not known", "restrict,zork " + line(ours), `option "zork"`},
		{"a line that is none does not hide the next", "garbage\n" + line(ours), ""},
		{"a line that is none", "garbage\n", "line 1"},
		{"a line that lets it in, after one that does not", "zork " + line(ours) + line(ours), ""},
		{"a huge file", strings.Repeat("#", 2<<20), "larger"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "authorized_keys")
			require.NoError(t, os.WriteFile(path, []byte(test.file), 0o600))
			err := attempt(t, server.AuthorizedKeys(path), ours)
			if test.why == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.why)
		})
	}
}

func TestAuthorizedKeysOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	require.NoError(t, os.WriteFile(second, []byte(line(testkeys.Ed25519())), 0o600))
	require.NoError(t, attempt(t, server.AuthorizedKeys(first, second), testkeys.Ed25519()))
	require.ErrorIs(t, attempt(t, server.AuthorizedKeys(first), testkeys.Ed25519()), os.ErrNotExist)
	require.Error(t, attempt(t, server.AuthorizedKeys(), testkeys.Ed25519()))
	check := server.AuthorizedKeys(first)
	require.NoError(t, os.WriteFile(first, []byte(line(testkeys.ECDSA256())), 0o600))
	require.NoError(t, attempt(t, check, testkeys.ECDSA256()), "the file is read each time")
}

// StrictModes (attack J11, CVE-2017-9079): what is no file is not opened either.
func TestJ11AuthorizedKeysOthersMayWrite(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, dir, path string)
		ok     bool
	}{
		{"as it should be", func(*testing.T, string, string) {}, true},
		{"readable by all", func(t *testing.T, _, path string) { require.NoError(t, os.Chmod(path, 0o644)) }, true},
		{"writable by the group", func(t *testing.T, _, path string) { require.NoError(t, os.Chmod(path, 0o620)) }, false},
		{"writable by all", func(t *testing.T, _, path string) { require.NoError(t, os.Chmod(path, 0o602)) }, false},
		{"in a directory writable by all", func(t *testing.T, dir, _ string) { require.NoError(t, os.Chmod(dir, 0o777)) }, false},
		{"below one", func(t *testing.T, dir, _ string) { require.NoError(t, os.Chmod(filepath.Dir(dir), 0o777)) }, false},
		{"below one that is like /tmp", func(t *testing.T, dir, _ string) {
			require.NoError(t, os.Chmod(filepath.Dir(dir), 0o777|os.ModeSticky))
		}, true},
		{"a link to one that others may write", func(t *testing.T, dir, path string) {
			require.NoError(t, os.Chmod(path, 0o666))
			require.NoError(t, os.Rename(path, path+"2"))
			require.NoError(t, os.Symlink(path+"2", path))
		}, false},
		{"a directory", func(t *testing.T, _, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		}, false},
		{"a pipe", func(t *testing.T, _, path string) {
			require.NoError(t, os.Remove(path))
			mkfifo(t, path)
		}, false},
		{"another's", func(t *testing.T, _, path string) {
			if os.Getuid() != 0 {
				t.Skip("only root may give files away")
			}
			require.NoError(t, os.Chown(path, 12345, -1))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			require.NoError(t, os.MkdirAll(dir, 0o700))
			path := filepath.Join(dir, "authorized_keys")
			require.NoError(t, os.WriteFile(path, []byte(line(testkeys.Ed25519())), 0o600))
			test.change(t, dir, path)
			err := attempt(t, server.AuthorizedKeys(path), testkeys.Ed25519())
			require.Equal(t, test.ok, err == nil, "%v", err)
		})
	}
}
