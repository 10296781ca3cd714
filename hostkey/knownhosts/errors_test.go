package knownhosts_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// A KeyError is exactly one of the three kinds, and says what to do.
func TestKeyErrors(t *testing.T) {
	line := knownhosts.KnownKey{Key: other, File: "/etc/x", Line: 7, Hosts: "h"}
	expired := &hostkey.CertificateError{Reason: hostkey.Expired, Detail: "yesterday"}
	revoked := &hostkey.RevokedError{Key: key, By: "key"}
	for name, test := range map[string]struct {
		err  knownhosts.KeyError
		kind error
		text []string // in this order
	}{
		"unknown": {knownhosts.KeyError{}, knownhosts.ErrUnknown, []string{"any known_hosts file", "compare the fingerprint", "add the key"}},
		"unknown, with files": {knownhosts.KeyError{Files: []string{"/a", "/b"}}, knownhosts.ErrUnknown,
			[]string{"is not in /a, /b", "add the key"}},
		"unknown, with a certificate": {knownhosts.KeyError{Certificate: expired}, knownhosts.ErrUnknown,
			[]string{"it has expired (yesterday): have another one signed; without it, ", "compare the fingerprint", "add the key"}},
		"declined": {knownhosts.KeyError{Err: knownhosts.ErrDeclined}, knownhosts.ErrUnknown, []string{"and was not accepted"}},
		"not added": {knownhosts.KeyError{Err: errors.New("knownhosts: disk full")}, knownhosts.ErrUnknown,
			[]string{"(disk full)", "add the key"}},
		"DNS has it": {knownhosts.KeyError{SSHFP: knownhosts.SSHFPMatch}, knownhosts.ErrUnknown, []string{"though DNS has it", "add the key"}},
		"DNS has others": {knownhosts.KeyError{SSHFP: knownhosts.SSHFPMismatch}, knownhosts.ErrUnknown,
			[]string{"DNS has other fingerprints", "somebody may be intercepting"}},
		"changed": {knownhosts.KeyError{Want: []knownhosts.KnownKey{line}}, knownhosts.ErrChanged,
			[]string{"/etc/x:7", "somebody may be intercepting", "`ssh-keygen -f '/etc/x' -R 'h'`"}},
		"changed, and a certificate": {knownhosts.KeyError{Want: []knownhosts.KnownKey{line}, Certificate: expired}, knownhosts.ErrChanged,
			[]string{"have another one signed; without it, ", "is known by", "ssh-keygen -f '/etc/x' -R 'h'"}},
		"changed, of a pattern": {knownhosts.KeyError{Want: []knownhosts.KnownKey{{Key: other, File: "/etc/x", Line: 7, Hosts: "*"}}},
			knownhosts.ErrChanged, []string{"an editor, in line 7 of /etc/x"}},
		"revoked": {knownhosts.KeyError{Revoked: &knownhosts.KnownKey{Key: key, File: "/etc/x", Line: 3}}, knownhosts.ErrRevoked,
			[]string{", which /etc/x:3 revokes: do not connect"}},
		"revoked, its authority": {knownhosts.KeyError{Revoked: &knownhosts.KnownKey{Key: rsa, File: "/etc/x", Line: 3}}, knownhosts.ErrRevoked,
			[]string{"in a certificate that rests on the ssh-rsa key " + hostkey.Fingerprint(rsa), "/etc/x:3 revokes"}},
		"revoked, and known": {knownhosts.KeyError{Revoked: &line, Want: []knownhosts.KnownKey{line}}, knownhosts.ErrRevoked, []string{"do not connect"}},
		"revoked elsewhere":  {knownhosts.KeyError{Revocation: revoked}, knownhosts.ErrRevoked, []string{"which is revoked: do not connect", "by its key"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.err.Host, test.err.Key = "h", key
			text := test.err.Error()
			require.True(t, strings.HasPrefix(text, "knownhosts: "))
			require.Contains(t, text, `"h" presented the ssh-ed25519 key `+hostkey.Fingerprint(key))
			require.Equal(t, 1, strings.Count(text, "knownhosts: "), text)
			at := 0
			for _, want := range test.text {
				i := strings.Index(text[at:], want)
				require.GreaterOrEqual(t, i, 0, "%q in %q", want, text)
				at += i
			}
			for _, kind := range []error{knownhosts.ErrUnknown, knownhosts.ErrChanged, knownhosts.ErrRevoked} {
				require.Equal(t, kind == test.kind, errors.Is(&test.err, kind), "%v", kind)
			}
			for _, inner := range []error{test.err.Certificate, test.err.Err, test.err.Revocation} {
				if inner != nil {
					require.ErrorIs(t, &test.err, inner)
				}
			}
		})
	}
}

// What a file's name has for terminals to obey, and for shells to run, stays
// where it is.
func TestKeyErrorQuotesFiles(t *testing.T) {
	err := &knownhosts.KeyError{Host: "h", Key: key, Want: []knownhosts.KnownKey{{Key: other, File: "/tmp/it's\x1b[2J", Line: 1, Hosts: "h"}}}
	require.NotContains(t, err.Error(), "\x1b")
	require.Contains(t, err.Error(), `-f '/tmp/it'\''s?[2J' -R 'h'`)
}

// A file that is there and cannot be read or written to fails whatever is asked
// of it, and by every policy: it may be the one that revokes the key.
func TestFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	for name, path := range map[string]string{
		"a directory": dir, "below a file": filepath.Join(write(t), "known_hosts"),
		"a name that is too long": filepath.Join(dir, strings.Repeat("x", 300)), "a link that leads to itself": loop,
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range everyPolicy {
				v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: policy})
				for _, err := range []error{v.Add(host("h"), key), v.VerifyHostKey(t.Context(), host("h"), key)} {
					require.ErrorContains(t, err, "knownhosts: ")
					require.Equal(t, 1, strings.Count(err.Error(), "knownhosts: "))
					require.ErrorAs(t, err, new(*fs.PathError))
					require.NotErrorIs(t, err, knownhosts.ErrUnknown)
				}
				require.Equal(t, hostkey.Default(), v.HostKeyAlgorithms(host("h")))
			}
		})
	}
	var lost *knownhosts.AddError
	require.ErrorAs(t, knownhosts.New(knownhosts.Config{}).Add(host("h"), key), &lost)
	require.Empty(t, lost.File)
	require.ErrorContains(t, lost, `knownhosts: "h" is not remembered: `)
}

// TestFullDisk is a program that may write no file of more than 4 KiB when
// TestNoRoom runs it.
func TestFullDisk(t *testing.T) {
	path := os.Getenv("KNOWNHOSTS_TEST_FULL")
	if path == "" {
		t.Skip("is run by TestNoRoom")
	}
	before := read(t, path)
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	err := v.VerifyHostKey(t.Context(), host("new"), key)
	require.Error(t, err, "a host that cannot be remembered is not accepted")
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h"), key))
	_, err = v.Forget(t.Context(), host("h"))
	require.ErrorContains(t, err, "knownhosts: ")
	require.True(t, strings.HasPrefix(read(t, path), before), "what was there is there")
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "and nothing else")
}

// A disk that is full loses nothing of what was known.
func TestNoRoom(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	path := write(t, entry("h", key), entry("other", other), strings.Repeat("# filler\n", 1000))
	cmd := exec.Command(shell, "-c", `trap "" XFSZ; ulimit -f 4 && exec "$0" -test.run='^TestFullDisk$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "KNOWNHOSTS_TEST_FULL="+path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestFullDisk")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}
