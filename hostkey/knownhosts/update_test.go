package knownhosts_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// announce is a host that presented key, and has it and those given.
func announce(keys ...hostkey.PublicKey) *hostkey.Announcement {
	return &hostkey.Announcement{Host: host("h:22"), Key: key, Keys: append([]hostkey.PublicKey{key}, keys...),
		Prove: func(context.Context, []hostkey.PublicKey) error { return nil }}
}

func plain(hosts string, k hostkey.PublicKey) string {
	return hosts + " " + string(hostkey.MarshalAuthorizedKey(k, ""))
}

func TestUpdateHostKeys(t *testing.T) {
	mine := entry("h", key)
	for _, test := range []struct {
		name       string
		file       string
		announced  *hostkey.Announcement
		want       string // the file after that
		learned    int
		deprecated int
	}{
		{"nothing new", mine, announce(), mine, 0, 0},
		{"a key more", mine, announce(rsa), mine + plain("h", rsa), 1, 0},
		{"two keys more", mine, announce(rsa, p256), mine + plain("h", rsa) + plain("h", p256), 2, 0},
		{"one known already", mine + entry("h", rsa), announce(rsa, p256), mine + entry("h", rsa) + plain("h", p256), 1, 0},
		{"a key less", entry("h", other) + "# comment\n" + mine, announce(), "# comment\n" + mine, 0, 1},
		{"one more, one less", entry("h", other) + mine, announce(rsa), mine + plain("h", rsa), 1, 1},
		{"no newline at the end", strings.TrimSpace(mine), announce(rsa), strings.TrimSpace(mine) + "\n" + plain("h", rsa), 1, 0},
		{"a name and an address", entry("h,192.0.2.1", key) + entry("h,192.0.2.1", other), announce(rsa), entry("h,192.0.2.1", key) + plain("h", rsa), 1, 1},
		{"others stay", strings.Join(everything[:5], "") + entry("g", p256) + entry("h", other) + strings.Replace(mine, "h ", " h\t ", 1), announce(),
			strings.Join(everything[:5], "") + entry("g", p256) + entry("h", other) + strings.Replace(mine, "h ", " h\t ", 1), 0, 0}, // @revoked *
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.file)
			var change *knownhosts.Change
			proved := 0
			test.announced.Prove = func(_ context.Context, keys []hostkey.PublicKey) error {
				proved = len(keys)
				require.Equal(t, test.file, read(t, path), "nothing is written before")
				return nil
			}
			v := knownhosts.New(knownhosts.Config{Files: []string{path}, Updating: func(_ context.Context, c *knownhosts.Change) error {
				change = c
				require.Equal(t, test.learned, proved)
				return nil
			}})
			err := v.UpdateHostKeys(t.Context(), test.announced)
			require.Equal(t, test.want, read(t, path))
			if test.learned+test.deprecated == 0 {
				require.Nil(t, change)
				return
			}
			require.NoError(t, err)
			require.Len(t, change.Learned, test.learned)
			require.Len(t, change.Deprecated, test.deprecated)
			require.NoError(t, v.UpdateHostKeys(t.Context(), test.announced))
			require.Equal(t, test.want, read(t, path), "once is enough")
		})
	}
}

// L8: nothing is learned from a host that may not say so, by the rules of
// UpdateHostKeys in ssh_config(5) and those of ssh(1).
func TestL8NotUpdated(t *testing.T) {
	mine := entry("h", key)
	with := func(change func(*hostkey.Announcement)) *hostkey.Announcement {
		a := announce(rsa)
		change(a)
		return a
	}
	for _, test := range []struct {
		name   string
		file   string
		system string
		a      *hostkey.Announcement
		want   string
	}{
		{"unknown host", "", "", announce(rsa), "not in"},
		{"changed key", entry("h", other), "", announce(rsa), "is known by"},
		{"revoked key", mine + entry("@revoked *", key), "", announce(rsa), "revokes"},
		{"known to the system only", "", mine, announce(rsa), "user's"},
		{"known without its port", mine, "", with(func(a *hostkey.Announcement) { a.Host = host("h:2222") }), "user's"},
		{"a certificate", mine, "", with(func(a *hostkey.Announcement) { a.Key = certify(t, nil) }), "certificate"},
		{"no key", mine, "", with(func(a *hostkey.Announcement) { a.Key = nil }), "no key"},
		{"the key in use is left out", mine, "", with(func(a *hostkey.Announcement) { a.Keys = []hostkey.PublicKey{rsa} }), "leaves out"},
		{"nothing announced", mine, "", with(func(a *hostkey.Announcement) { a.Keys = nil }), "leaves out"},
		{"a wildcard", entry("h*", key), "", announce(rsa), "more than a key"},
		{"a wildcard besides", mine + entry("?", p256), "", announce(rsa), "more than a key"},
		{"three names", entry("h,a,b", key), "", announce(rsa), "more than a key"},
		{"a negation", entry("!a,h", key), "", announce(rsa), "more than a key"},
		{"an authority", mine + entry("@cert-authority h", p256), "", announce(rsa), "more than a key"},
		{"an announced key is revoked", mine + entry("@revoked h", rsa), "", announce(rsa), "more than a key"},
		{"an announced key has another name", mine + entry("other", rsa), "", announce(rsa), "another name"},
		{"the key in use has another name", mine + entry("other", key), "", announce(rsa), "another name"},
		{"a deprecated key has another name", mine + entry("h", other) + entry("g", other), "", announce(), "another name"},
		{"L8: not proved", mine, "", with(func(a *hostkey.Announcement) {
			a.Prove = func(context.Context, []hostkey.PublicKey) error { return errTest }
		}), errTest.Error()},
		{"L8: not proved, with a deprecated key", mine + entry("h", other), "", with(func(a *hostkey.Announcement) {
			a.Prove = func(context.Context, []hostkey.PublicKey) error { return errTest }
		}), errTest.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, system := write(t, test.file), write(t, test.system)
			v := knownhosts.New(knownhosts.Config{Files: []string{path}, SystemFiles: []string{system}, Policy: knownhosts.InsecureAcceptChanged,
				Updating: func(context.Context, *knownhosts.Change) error { t.Error("nothing is to be written"); return nil }})
			require.ErrorContains(t, v.UpdateHostKeys(t.Context(), test.a), test.want)
			require.Equal(t, test.file, read(t, path))
			require.Equal(t, test.system, read(t, system))
		})
	}
}

// A host that nobody has confirmed yet teaches nothing; once it has come back
// with the key, or somebody has said yes, it does.
func TestUpdateOnFirstConnection(t *testing.T) {
	for _, policy := range []knownhosts.Policy{knownhosts.AcceptNew, knownhosts.InsecureAcceptChanged} {
		v := knownhosts.New(knownhosts.Config{Files: []string{filepath.Join(t.TempDir(), "f")}, Policy: policy})
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
		require.ErrorIs(t, v.UpdateHostKeys(t.Context(), announce(rsa)), knownhosts.ErrNotUpdated)
		require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
		require.NoError(t, v.UpdateHostKeys(t.Context(), announce(rsa)))
	}
	path := filepath.Join(t.TempDir(), "f")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Hash: true, Policy: knownhosts.Ask,
		Ask: func(context.Context, *knownhosts.Question) (bool, error) { return true, nil }})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	require.NoError(t, v.UpdateHostKeys(t.Context(), announce(rsa)))
	require.Equal(t, 2, strings.Count(read(t, path), "|1|"))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), rsa))
}

func TestUpdateIsPrevented(t *testing.T) {
	path := write(t, entry("h", key))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Updating: func(context.Context, *knownhosts.Change) error { return errTest }})
	require.ErrorIs(t, v.UpdateHostKeys(t.Context(), announce(rsa)), errTest)
	require.Equal(t, entry("h", key), read(t, path))
}

// Keys are added to the first file and taken out of all.
func TestUpdateSeveralFiles(t *testing.T) {
	first, second, system := write(t, entry("h", other)), write(t, entry("h", key)+entry("h", other)), write(t, entry("h", other))
	v := knownhosts.New(knownhosts.Config{Files: []string{first, second, filepath.Join(t.TempDir(), "none")}, SystemFiles: []string{system}})
	require.NoError(t, v.UpdateHostKeys(t.Context(), announce(rsa)))
	require.Equal(t, plain("h", rsa), read(t, first))
	require.Equal(t, entry("h", key), read(t, second))
	require.Equal(t, entry("h", other), read(t, system))
}

// The file may change while the host proves its keys.
func TestUpdateWhileFilesChange(t *testing.T) {
	for name, c := range map[string]struct{ meanwhile, want string }{
		"another host is added":     {entry("h", key) + entry("g", p256), entry("h", key) + entry("g", p256) + plain("h", rsa)},
		"the key is added":          {entry("h", key) + entry("h", rsa), entry("h", key) + entry("h", rsa)},
		"the key is revoked":        {entry("h", key) + entry("@revoked *", rsa), entry("h", key) + entry("@revoked *", rsa)},
		"another key is deprecated": {entry("h", key) + entry("h", p256), entry("h", key) + entry("h", p256) + plain("h", rsa)},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, entry("h", key)+entry("h", other))
			a := announce(rsa)
			a.Prove = func(context.Context, []hostkey.PublicKey) error {
				return os.WriteFile(path, []byte(c.meanwhile), 0o600)
			}
			knownhosts.New(knownhosts.Config{Files: []string{path}}).UpdateHostKeys(t.Context(), a)
			require.Equal(t, c.want, read(t, path))
		})
	}
}

// With CheckIP the address follows the name.
func TestUpdateWithAddress(t *testing.T) {
	at := hostkey.Host{Name: "h:2222", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}}
	const both = "[h]:2222,[192.0.2.7]:2222"
	for _, hash := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "f")
		v := knownhosts.New(knownhosts.Config{Files: []string{path}, CheckIP: true, Hash: hash})
		require.NoError(t, v.Add(at, key))
		a := announce(rsa)
		a.Host = at
		require.NoError(t, v.UpdateHostKeys(t.Context(), a))
		a.Keys, a.Key = []hostkey.PublicKey{rsa}, rsa
		require.NoError(t, v.UpdateHostKeys(t.Context(), a))
		require.NoError(t, v.VerifyHostKey(t.Context(), at, rsa))
		require.ErrorIs(t, v.VerifyHostKey(t.Context(), at, key), knownhosts.ErrChanged)
		if !hash {
			require.Equal(t, plain(both, rsa), read(t, path))
		}
		require.NotContains(t, read(t, path), "ssh-ed25519")
	}
	path := write(t, entry(both, key)+entry("g,[192.0.2.7]:2222", p256))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, CheckIP: true})
	a := announce(rsa)
	a.Host = at
	require.ErrorIs(t, v.UpdateHostKeys(t.Context(), a), knownhosts.ErrNotUpdated, "the address is another host's as well")
}

func TestErrorsOfUpdates(t *testing.T) {
	v := knownhosts.New(knownhosts.Config{Files: []string{t.TempDir()}})
	require.Error(t, v.UpdateHostKeys(t.Context(), announce(rsa)))
	require.EqualError(t, fmt.Errorf("%w", knownhosts.ErrNotUpdated), "knownhosts: the host's keys are not updated")
}
