package hostkey_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// writeFile writes a file of a test's and returns its name.
func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// keygenRevoked asks ssh-keygen which keys a list revokes.
func keygenRevoked(t *testing.T, list string, keys []hostkey.PublicKey) (revoked []bool) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-Q", "-f", list}
	for i, key := range keys {
		path := filepath.Join(dir, fmt.Sprintf("%d.pub", i))
		require.NoError(t, os.WriteFile(path, hostkey.MarshalAuthorizedKey(key, ""), 0o600))
		args = append(args, path)
	}
	out, _ := exec.Command(needSSHKeygen(t), args...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		require.Regexp(t, `: (REVOKED|ok)\n$`, line)
		revoked = append(revoked, strings.HasSuffix(line, "REVOKED\n"))
	}
	require.Len(t, revoked, len(keys))
	return revoked
}

// candidates are keys and certificates that one list or another revokes.
func candidates(t *testing.T) (keys []hostkey.PublicKey) {
	for _, s := range testkeys.All() {
		keys = append(keys, s.PublicKey())
	}
	for _, serial := range []uint64{0, 1, 5, 6, 7, 9, 100, 101, 102, 103, 104, 105, 106, 1 << 40, 1<<64 - 1} {
		for _, id := range []string{"id", "bad guy"} {
			keys = append(keys, certified(t, func(c *hostkey.Certificate) { c.Serial, c.KeyID = serial, id }))
		}
	}
	return keys
}

func revokedHere(l *hostkey.KRL, keys []hostkey.PublicKey) (revoked []bool) {
	for _, key := range keys {
		revoked = append(revoked, l.Check(key) != nil)
	}
	return revoked
}

// Lists that ssh-keygen makes mean the same here and there.
func TestReadsSSHKeygenKRL(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(path(name), []byte(text), 0o600))
	}
	write("ca.pub", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	write("cert.pub", string(hostkey.MarshalAuthorizedKey(certified(t, func(c *hostkey.Certificate) { c.Serial = 106 }), "")))
	rsa, ecdsa := keyText(testkeys.RSA2048()), keyText(testkeys.ECDSA384())
	for name, test := range map[string]struct{ ca, spec string }{
		"serials":               {path("ca.pub"), "serial: 5\nserial: 100\nserial: 102\nserial: 0x69\n"},
		"ranges":                {path("ca.pub"), "serial: 7-9\nserial: 1099511627776-18446744073709551615\n"},
		"a bitmap":              {path("ca.pub"), "serial: 5\nserial: 7-9\nserial: 100\nserial: 102\nserial: 104-105\n"},
		"the last serial":       {path("ca.pub"), "serial: 18446744073709551615\n"},
		"an id":                 {path("ca.pub"), "id: bad guy\n"},
		"an id of any":          {"none", "id: bad guy\nserial: 6\n"},
		"keys":                  {"", "key: " + rsa + "\n"},
		"a key in a line":       {"", rsa + "\n"},
		"SHA-1":                 {"", "sha1: " + rsa + "\n"},
		"SHA-256":               {"", "sha256: " + ecdsa + "\n"},
		"a hash":                {"", "hash: " + hostkey.Fingerprint(testkeys.ECDSA384().PublicKey()) + "\n"},
		"the authority":         {"", keyText(testkeys.Ed25519()) + "\n"},
		"a certificate":         {"", string(hostkey.MarshalAuthorizedKey(certified(t, func(c *hostkey.Certificate) { c.Serial = 103 }), ""))},
		"a certificate by id":   {"", string(hostkey.MarshalAuthorizedKey(certified(t, func(c *hostkey.Certificate) { c.Serial = 0 }), ""))},
		"all of it":             {path("ca.pub"), "serial: 1-100\nid: x\nkey: " + rsa + "\nsha1: " + rsa + "\nsha256: " + ecdsa + "\n"},
		"nothing":               {"", "\n"},
		"many, each by itself":  {path("ca.pub"), lines("serial: %d\n", 3000, 1000)},
		"many, near each other": {path("ca.pub"), lines("serial: %d\n", 3000, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			write("spec", test.spec)
			args := []string{"-q", "-k", "-f", path("krl"), "-z", "77"}
			if test.ca != "" {
				args = append(args, "-s", test.ca)
			}
			sshKeygen(t, append(args, path("spec"))...)
			file, err := os.ReadFile(path("krl"))
			require.NoError(t, err)
			l, err := hostkey.ParseKRL(file)
			require.NoError(t, err)
			require.EqualValues(t, 77, l.Version)
			ours := path("ours")
			require.NoError(t, os.WriteFile(ours, l.Marshal(), 0o600))
			keys := candidates(t)
			want := keygenRevoked(t, path("krl"), keys)
			require.Equal(t, want, revokedHere(l, keys))
			require.Equal(t, want, keygenRevoked(t, ours, keys), "what was read and written")
		})
	}
}

func lines(format string, n, step int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, 1+i*step)
	}
	return b.String()
}

// Lists that are made here mean the same to ssh-keygen, which adds to them too.
func TestSSHKeygenReadsKRL(t *testing.T) {
	ca := testkeys.Ed25519().PublicKey()
	l := &hostkey.KRL{Version: 12, Comment: "ours"}
	require.NoError(t, l.RevokeSerials(ca, 5, 5))
	require.NoError(t, l.RevokeSerials(ca, 7, 9))
	require.NoError(t, l.RevokeSerials(ca, 100, 105))
	require.NoError(t, l.RevokeSerials(nil, 1<<40, 1<<40+1000))
	l.RevokeKeyID(ca, "bad guy")
	l.RevokeKey(testkeys.RSA2048().PublicKey())
	require.NoError(t, l.RevokeFingerprint(hostkey.Fingerprint(testkeys.ECDSA384().PublicKey())))
	path := writeFile(t, "krl", l.Marshal())
	keys := candidates(t)
	require.Equal(t, revokedHere(l, keys), keygenRevoked(t, path, keys))
	text := sshKeygen(t, "-Q", "-l", "-f", path)
	for _, want := range []string{"# KRL version 12", "# Comment: ours", "serial: 5\n", "serial: 7-9\n", "serial: 100-105\n",
		"serial: 1099511627776-1099511628776", "id: bad guy", "# Wildcard CA", hostkey.Fingerprint(testkeys.RSA2048().PublicKey())} {
		require.Contains(t, text, want)
	}
	more := writeFile(t, "spec", []byte("id: id\n"))
	authority := writeFile(t, "ca.pub", hostkey.MarshalAuthorizedKey(ca, ""))
	sshKeygen(t, "-q", "-k", "-u", "-f", path, "-s", authority, more)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	l, err = hostkey.ParseKRL(file)
	require.NoError(t, err)
	require.Equal(t, "key id", revokes(t, l, serial(1)))
	require.Equal(t, "key", revokes(t, l, testkeys.RSA2048().PublicKey()))
}
