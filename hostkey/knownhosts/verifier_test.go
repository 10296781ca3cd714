package knownhosts_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

var (
	key   = testkeys.Ed25519().PublicKey()
	other = testkeys.Ed25519Other().PublicKey()
	rsa   = testkeys.RSA2048().PublicKey()
	p256  = testkeys.ECDSA256().PublicKey()
)

var everyPolicy = []knownhosts.Policy{
	knownhosts.Strict, knownhosts.AcceptNew, knownhosts.Ask, knownhosts.InsecureWarn, knownhosts.InsecureAcceptChanged,
}

// entry returns a line for a key.
func entry(hosts string, k hostkey.PublicKey) string {
	return hosts + " " + string(hostkey.MarshalAuthorizedKey(k, "comment"))
}

// write makes a known_hosts file of lines.
func write(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func host(name string) hostkey.Host { return hostkey.Host{Name: name} }

func TestZeroDenies(t *testing.T) {
	for _, v := range []*knownhosts.Verifier{{}, knownhosts.New(knownhosts.Config{})} {
		err := v.VerifyHostKey(t.Context(), host("example.com:22"), key)
		require.ErrorIs(t, err, knownhosts.ErrUnknown)
		require.ErrorContains(t, err, "not in any known_hosts file")
		require.Error(t, v.Add(host("example.com:22"), key))
	}
	v := knownhosts.New(knownhosts.Config{Policy: 99, Files: []string{filepath.Join(t.TempDir(), "f")}})
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), key), knownhosts.ErrUnknown, "no such policy")
}

func TestStrict(t *testing.T) {
	first := write(t,
		"# comment\n\n",
		entry("example.com,192.0.2.7", key),
		entry("Other.Example.com", rsa),
		entry("[example.com]:2222", other),
		entry("*.wild.test,!bad.wild.test", key),
		entry("2001:db8::1", key),
		entry("@cert-authority ca.test", key),
		entry("two.test", key))
	second := write(t, entry("second.test", key), entry("two.test", other), strings.TrimSuffix(entry("last.test", key), "\n"))
	v := knownhosts.New(knownhosts.Config{Files: []string{first, filepath.Join(t.TempDir(), "missing"), second}})

	for _, c := range []struct {
		host string
		key  hostkey.PublicKey
		want error
	}{
		{"example.com:22", key, nil},
		{"EXAMPLE.com:22", key, nil},
		{"192.0.2.7:22", key, nil},
		{"other.example.com:22", rsa, nil},
		{"example.com:2222", other, nil},
		{"a.wild.test:22", key, nil},
		{"[2001:DB8::1]:22", key, nil},
		{"second.test:22", key, nil},
		{"last.test:22", key, nil},
		{"two.test:22", key, nil},
		{"two.test:22", other, nil},
		{"example.com:3333", key, nil}, // the key of port 22, as ssh accepts it

		{"example.com:22", other, knownhosts.ErrChanged},
		{"example.com:22", rsa, knownhosts.ErrChanged}, // a key of another format is no new host
		{"example.com:2222", key, knownhosts.ErrChanged},
		{"example.com:3333", rsa, knownhosts.ErrUnknown},
		{"example.org:22", key, knownhosts.ErrUnknown},
		{"bad.wild.test:22", key, knownhosts.ErrUnknown},
		{"wild.test:22", key, knownhosts.ErrUnknown},
		{"ca.test:22", key, knownhosts.ErrUnknown}, // an authority is no host key
		{"*:22", key, knownhosts.ErrUnknown},
	} {
		err := v.VerifyHostKey(t.Context(), host(c.host), c.key)
		if c.want == nil {
			require.NoError(t, err, c.host)
			continue
		}
		require.ErrorIs(t, err, c.want, c.host)
		for _, kind := range []error{knownhosts.ErrUnknown, knownhosts.ErrChanged, knownhosts.ErrRevoked} {
			require.Equal(t, kind == c.want, errors.Is(err, kind), c.host)
		}
	}
}

func TestChangedError(t *testing.T) {
	path := write(t, "\n", entry("[example.com]:2222", key), entry("[example.com]:2222", rsa))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}})
	err := v.VerifyHostKey(t.Context(), host("Example.com:2222"), other)
	var changed *knownhosts.KeyError
	require.ErrorAs(t, err, &changed)
	require.Equal(t, "[example.com]:2222", changed.Host)
	require.True(t, hostkey.Equal(other, changed.Key))
	require.Len(t, changed.Want, 2)
	require.True(t, hostkey.Equal(key, changed.Want[0].Key))
	require.Equal(t, path, changed.Want[0].File)
	require.Equal(t, 2, changed.Want[0].Line)
	require.Equal(t, 3, changed.Want[1].Line)
	require.Nil(t, changed.Revoked)
	require.ErrorContains(t, err, hostkey.Fingerprint(other))
	require.ErrorContains(t, err, hostkey.Fingerprint(key)+" in "+path+":2")
	require.ErrorContains(t, err, "`ssh-keygen -f '"+path+"' -R '[example.com]:2222'`")
}

func TestChangedErrorQuotes(t *testing.T) {
	err := &knownhosts.KeyError{Host: "a\x1b'; rm -rf /", Key: key,
		Want: []knownhosts.KnownKey{{Key: rsa, File: "it's", Line: 1}, {Key: rsa, File: "it's", Line: 2}, {Key: rsa, File: "b", Line: 1}}}
	require.ErrorContains(t, err, `-f 'it'\''s' -R 'a`)
	require.ErrorContains(t, err, "'\\''; rm -rf /'` and `ssh-keygen -f 'b'")
	require.NotContains(t, err.Error(), "\x1b")
	err.Want[0].Hosts = "*.test"
	require.ErrorContains(t, err, "an editor, in line 1 of it's", "ssh-keygen -R would forget other hosts")
}

// J6: a revoked key is refused wherever the line is and whatever the policy.
func TestJ6Revoked(t *testing.T) {
	good, bad := entry("example.com", key), entry("@revoked *", key)
	for name, files := range map[string][]string{
		"before":           {write(t, bad, good)},
		"after":            {write(t, good, bad)},
		"in another file":  {write(t, good), write(t, "\n", bad)},
		"unknown host":     {write(t, bad)},
		"hashed":           {write(t, good, entry("@revoked |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=", rsa), bad)},
		"port 22 only":     {write(t, good, entry("@revoked example.com", key))},
		"several hosts":    {write(t, good, entry("@revoked a,example.com", key))},
		"wildcard and tab": {write(t, good, strings.ReplaceAll(bad, " ", "\t"))},
	} {
		for _, policy := range everyPolicy {
			t.Run(name, func(t *testing.T) {
				before := read(t, files[0])
				v := knownhosts.New(knownhosts.Config{Files: files, Policy: policy})
				for _, address := range []string{"example.com:22", "example.com:2222"} {
					err := v.VerifyHostKey(t.Context(), host(address), key)
					require.ErrorIs(t, err, knownhosts.ErrRevoked)
					require.ErrorContains(t, err, " revokes")
					require.ErrorIs(t, v.Add(host(address), key), knownhosts.ErrRevoked)
				}
				require.Equal(t, before, read(t, files[0]))
			})
		}
	}
	v := knownhosts.New(knownhosts.Config{Files: []string{write(t, good, entry("@revoked *", other))}})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("example.com:22"), key), "another key is revoked")
}

// J7: a line that is not understood is reported, and never accepted.
func TestJ7BadLines(t *testing.T) {
	k := strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(key, "")))
	format, encoded, _ := strings.Cut(k, " ")
	for name, line := range map[string]string{
		"two markers":                  "@revoked @cert-authority h " + k,
		"a marker twice":               "@revoked @revoked h " + k,
		"unknown marker":               "@trusted h " + k,
		"marker in upper case":         "@REVOKED h " + k,
		"marker only":                  "@revoked",
		"truncated after the host":     "h",
		"truncated after the format":   "h " + format,
		"key without format":           "h " + encoded,
		"no host":                      k,
		"format is not that of blob":   "h ssh-rsa " + encoded,
		"malformed DSA key":            "h ssh-dss AAAAB3NzaC1kc3MAAAAA",
		"options":                      "h restrict " + k,
		"blob is cut":                  "h " + format + " " + encoded[:40],
		"blob is not base64":           "h " + format + " ?",
		"NUL":                          "h " + format + " " + encoded + "\x00",
		"longer than 1 MiB":            "h " + k + " " + strings.Repeat("x", 1<<20),
		"hash and names":               "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=,h " + k,
		"hash is cut":                  "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wm " + k,
		"no-break space after host":    "h\u00a0" + k,
		"no-break space after format":  "h " + strings.Replace(k, " ", "\u00a0", 1),
		"SSH1 key":                     "h 2048 65537 1234567890",
		"byte order mark in the first": "\ufeff@revoked h",
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "# first\n", line+"\n", entry("good", key))
			var warnings []error
			v := knownhosts.New(knownhosts.Config{Files: []string{path}, Warn: func(w error) { warnings = append(warnings, w) }})
			err := v.VerifyHostKey(t.Context(), host("h:22"), key)
			require.ErrorIs(t, err, knownhosts.ErrUnknown)
			require.Len(t, warnings, 1)
			var skipped *knownhosts.LineError
			require.ErrorAs(t, warnings[0], &skipped)
			require.Equal(t, path, skipped.File)
			require.Equal(t, 2, skipped.Line)
			require.ErrorContains(t, warnings[0], path+":2: ")
			require.ErrorIs(t, warnings[0], skipped.Err)

			require.NoError(t, v.VerifyHostKey(t.Context(), host("good:22"), key), "the lines after count")
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	good := write(t, entry("h", key))
	big := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(big, make([]byte, 16<<20+1), 0o600))
	for name, path := range map[string]string{"a directory": t.TempDir(), "larger than 16 MiB": big, "NUL in the name": "a\x00b"} {
		t.Run(name, func(t *testing.T) {
			v := knownhosts.New(knownhosts.Config{Files: []string{good, path}, Policy: knownhosts.AcceptNew})
			err := v.VerifyHostKey(t.Context(), host("h:22"), key)
			require.ErrorContains(t, err, "knownhosts: ")
			require.Error(t, v.VerifyHostKey(t.Context(), host("new:22"), key))
			require.Equal(t, hostkey.Default(), v.HostKeyAlgorithms(host("h:22")))
		})
	}
}

func TestHostsThatCannotBeLookedFor(t *testing.T) {
	v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("*", key))}})
	require.Error(t, v.VerifyHostKey(t.Context(), host(""), key))
	require.Error(t, v.VerifyHostKey(t.Context(), host(":22"), key))
	require.Error(t, v.VerifyHostKey(t.Context(), host(strings.Repeat("a", 1025)), key))
	require.NoError(t, v.VerifyHostKey(t.Context(), host(strings.Repeat("a", 1024)), key))
	require.Error(t, v.VerifyHostKey(t.Context(), host("h:22"), nil), "no key")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.VerifyHostKey(ctx, host("h:22"), key), context.Canceled)
}

func TestAcceptNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home", ".ssh")
	path := filepath.Join(dir, "known_hosts")
	added := 0
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew,
		Added: func(name string, k hostkey.PublicKey, file string) {
			added++
			require.Equal(t, "[example.com]:2222", name)
			require.Equal(t, path, file)
			require.True(t, hostkey.Equal(key, k))
		}})
	for range 2 {
		require.NoError(t, v.VerifyHostKey(t.Context(), host("Example.com:2222"), key))
	}
	require.Equal(t, 1, added)
	k := strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(key, "")))
	require.Equal(t, "[example.com]:2222 "+k+"\n", read(t, path))

	for path, mode := range map[string]fs.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
	}

	err := v.VerifyHostKey(t.Context(), host("example.com:2222"), other)
	require.ErrorIs(t, err, knownhosts.ErrChanged)
	require.ErrorIs(t, v.Add(host("example.com:2222"), rsa), knownhosts.ErrChanged)
	require.Equal(t, "[example.com]:2222 "+k+"\n", read(t, path))

	strict := knownhosts.New(knownhosts.Config{Files: []string{path}})
	require.NoError(t, strict.VerifyHostKey(t.Context(), host("example.com:2222"), key))
}

func TestAcceptNewAppends(t *testing.T) {
	path := write(t, strings.TrimSuffix(entry("a", key), "\n"))
	second := write(t, entry("b", key))
	v := knownhosts.New(knownhosts.Config{Files: []string{path, second}, Policy: knownhosts.AcceptNew, Hash: true})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("c:22"), rsa))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("b:22"), key))

	content := read(t, path)
	require.True(t, strings.HasPrefix(content, entry("a", key)+"|1|"), "the first line is ended, then ours begins")
	require.Equal(t, 2, strings.Count(content, "\n"))
	require.NotContains(t, content, "c ssh-rsa")
	require.Equal(t, entry("b", key), read(t, second))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("a:22"), key))
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("c:22"), key), knownhosts.ErrChanged)
}

// A name that would mean something else in the file is not written to it.
func TestAddRefusesNames(t *testing.T) {
	for _, name := range []string{"*", "a,b", "h?", "!h", "#h", "|1|x", "@revoked", "a b", "a\tb", "a\nb", "a\x00"} {
		path := filepath.Join(t.TempDir(), "known_hosts")
		v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
		require.ErrorContains(t, v.VerifyHostKey(t.Context(), host(name), key), "cannot stand in a file", "%q", name)
		require.NoFileExists(t, path)

		hashed := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew, Hash: true})
		require.NoError(t, hashed.VerifyHostKey(t.Context(), host(name), key), "%q", name)
		require.NoError(t, hashed.VerifyHostKey(t.Context(), host(name), key), "%q", name)
		require.Equal(t, 1, strings.Count(read(t, path), "\n"))
	}
}

func TestAcceptNewWantsToRemember(t *testing.T) {
	path := filepath.Join(write(t), "not a directory", "known_hosts")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	require.ErrorContains(t, v.VerifyHostKey(t.Context(), host("h:22"), key), "knownhosts: ")
}

func TestInsecureAcceptChanged(t *testing.T) {
	path := write(t, entry("h", key))
	var warnings []error
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.InsecureAcceptChanged,
		Warn: func(w error) { warnings = append(warnings, w) }})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	require.Empty(t, warnings)
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), other))
	require.Len(t, warnings, 1)
	require.ErrorIs(t, warnings[0], knownhosts.ErrChanged)
	require.Equal(t, entry("h", key), read(t, path), "the file keeps the key it had")

	require.NoError(t, v.VerifyHostKey(t.Context(), host("new:22"), other))
	require.Contains(t, read(t, path), "new ssh-ed25519 ")
	require.Len(t, warnings, 1)
}

func TestInsecureAcceptChangedWithoutFile(t *testing.T) {
	var warnings []error
	warn := func(w error) { warnings = append(warnings, w) }
	for _, files := range [][]string{nil, {"/dev/null"}} {
		v := knownhosts.New(knownhosts.Config{Files: files, Policy: knownhosts.InsecureAcceptChanged, Warn: warn})
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	}
	require.Len(t, warnings, 1, "/dev/null takes everything")
	quiet := knownhosts.New(knownhosts.Config{Policy: knownhosts.InsecureAcceptChanged})
	require.NoError(t, quiet.VerifyHostKey(t.Context(), host("h:22"), key))
}

// C10, CVE-2020-14145, CVE-2020-14002: the list says nothing about a host but that it is known.
func TestC10HostKeyAlgorithms(t *testing.T) {
	path := write(t, entry("known", rsa), entry("known", p256), entry("ed", key), entry("@revoked gone", rsa),
		entry("@cert-authority ca", rsa), "bad line\n")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Warn: func(error) { t.Error("nobody is warned twice") }})
	require.Equal(t, []string{"ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256",
		"ssh-ed25519", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}, v.HostKeyAlgorithms(host("known:22"))[:6])
	for _, unknown := range []string{"a:22", "b:2222", "known:2222", "ed:22", "gone:22", ""} {
		require.Equal(t, hostkey.Default(), v.HostKeyAlgorithms(host(unknown)), unknown)
	}
	for _, certified := range []string{"ca:22", "ca:2222"} {
		require.Equal(t, append(hostkey.Optional(), hostkey.Default()...), v.HostKeyAlgorithms(host(certified)), certified)
	}
	var _ hostkey.AlgorithmChooser = v
	var _ hostkey.Verifier = v
	var _ hostkey.Updater = v
}

// Of several connections to a new host with different keys, one wins.
func TestAcceptNewConcurrently(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := map[string]int{}
	for range 10 {
		for _, k := range []hostkey.PublicKey{key, other, rsa} {
			wg.Go(func() {
				if v.VerifyHostKey(context.Background(), host("h:22"), k) == nil {
					mu.Lock()
					accepted[hostkey.Fingerprint(k)]++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	require.Len(t, accepted, 1)
	for _, n := range accepted {
		require.Equal(t, 10, n)
	}
	require.Equal(t, 1, strings.Count(read(t, path), "\n"))
}

func TestConfigIsCopied(t *testing.T) {
	files := []string{write(t, entry("h", key))}
	v := knownhosts.New(knownhosts.Config{Files: files})
	files[0] = "/dev/null"
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
}
