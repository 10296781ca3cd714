package knownhosts_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// certify returns a certificate for key that testkeys.RSA2048 signed.
func certify(t *testing.T, change func(*hostkey.Certificate)) *hostkey.Certificate {
	t.Helper()
	now := uint64(time.Now().Unix())
	c := &hostkey.Certificate{Key: key, Kind: hostkey.HostCertificate, Principals: []string{"h"}, ValidAfter: now - 1, ValidBefore: now + 100}
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Certify(t.Context(), testkeys.RSA2048()))
	return c
}

func TestCertificates(t *testing.T) {
	ca := entry("@cert-authority h", rsa)
	for _, test := range []struct {
		name   string
		lines  string
		change func(*hostkey.Certificate)
		want   string // in the error, or "" for none
	}{
		{"good", ca, nil, ""},
		{"with a port", ca, nil, ""},
		{"sshd(8): wildcard", entry("@cert-authority *.test,h*", rsa), nil, ""},
		{"a second authority", entry("@cert-authority h", p256) + ca, nil, ""},
		{"nothing known", "", nil, "@cert-authority"},
		{"authority of another host", entry("@cert-authority other", rsa), nil, "@cert-authority"},
		{"authority of all but this", entry("@cert-authority *,!h,![h]:*", rsa), nil, "@cert-authority"},
		{"another authority", entry("@cert-authority h", p256), nil, "@cert-authority"},
		{"its authority as a host key", entry("h", rsa), nil, "no line marked @cert-authority"},
		{"J2 CVE-2024-7594: no principals", ca, func(c *hostkey.Certificate) { c.Principals = nil }, "nobody's"},
		{"J3: names in one principal", ca, func(c *hostkey.Certificate) { c.Principals = []string{"a,h"} }, `"a,h"`},
		{"J4: wildcard", ca, func(c *hostkey.Certificate) { c.Principals = []string{"?"} }, ""},
		{"in capitals", ca, func(c *hostkey.Certificate) { c.Principals = []string{"H"} }, ""},
		{"J4: wildcard of others", ca, func(c *hostkey.Certificate) { c.Principals = []string{"*.h"} }, "does not name whom"},
		{"J5: of a user", ca, func(c *hostkey.Certificate) { c.Kind = hostkey.UserCertificate }, "user certificate"},
		{"J5: expired", ca, func(c *hostkey.Certificate) { c.ValidBefore = uint64(time.Now().Unix()) }, "expired"},
		{"J5: valid for ever", ca, func(c *hostkey.Certificate) { c.ValidAfter, c.ValidBefore = 0, 1<<64-1 }, ""},
		{"J5: from now on", ca, func(c *hostkey.Certificate) { c.ValidAfter = uint64(time.Now().Unix()) }, ""},
		{"J5: not yet", ca, func(c *hostkey.Certificate) { c.ValidAfter = uint64(time.Now().Unix()) + 1 }, "not valid yet (from "},
		{"J5: valid never", ca, func(c *hostkey.Certificate) { c.ValidAfter = 1<<64 - 1 }, "second 18446744073709551615"},
		{"J1: critical option", ca, func(c *hostkey.Certificate) {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: "force-command"}}
		}, "force-command"},
		{"J1: extension", ca, func(c *hostkey.Certificate) { c.Extensions = []hostkey.CertificateOption{{Name: "x"}} }, ""},
		{"P1: escapes in a principal", ca, func(c *hostkey.Certificate) { c.Principals = []string{"\x1b[2J"} }, `"\x1b[2J"`},
		{"many principals", ca, func(c *hostkey.Certificate) { c.Principals = []string{"a", "b", "c", "d", "e", "f"} }, `"e", 1 others`},
		{"its key is known all the same", entry("h", key), nil, ""},
		{"its key is known, and it has expired", ca + entry("h", key), func(c *hostkey.Certificate) { c.ValidBefore = 1 }, ""},
		{"its key is not the one known", ca + entry("h", other), func(c *hostkey.Certificate) { c.ValidBefore = 1 }, "expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := certify(t, test.change)
				v := knownhosts.New(knownhosts.Config{Files: []string{write(t, test.lines)}})
				for _, address := range []string{"h:22", "H:2222"} {
					err := v.VerifyHostKey(t.Context(), host(address), c)
					if test.want == "" {
						require.NoError(t, err)
						continue
					}
					require.ErrorContains(t, err, test.want)
					require.NotContains(t, err.Error(), "\x1b")
				}
			})
		})
	}
}

// J6, CVE-2026-42508: the key, the certificate and its authority can each be
// revoked, and no policy helps.
func TestJ6RevokedAuthority(t *testing.T) {
	c := certify(t, nil)
	for name, lines := range map[string][]string{
		"authority":                {entry("@revoked *", rsa)},
		"authority, for this host": {entry("@revoked h", rsa)},
		"key":                      {entry("@revoked *", key)},
		"certificate":              {entry("@revoked *", c)},
		"key that is known":        {entry("@revoked *", rsa), entry("h", key)},
	} {
		for _, policy := range everyPolicy {
			lines := append(lines, entry("@cert-authority *", rsa))
			v := knownhosts.New(knownhosts.Config{Files: []string{write(t, lines...)}, Policy: policy})
			err := v.VerifyHostKey(t.Context(), host("h:22"), c)
			require.ErrorIs(t, err, knownhosts.ErrRevoked, name)
			if strings.HasPrefix(name, "authority") {
				require.ErrorContains(t, err, "in a certificate that rests on the ssh-rsa key "+hostkey.Fingerprint(rsa)+", which ")
			}
			require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:2222"), c), knownhosts.ErrRevoked, name)
		}
	}
}

func TestCASignatureAlgorithms(t *testing.T) {
	c := certify(t, nil)
	for want, allowed := range map[string][]string{"": {c.Signature.Algorithm}, "taken are ssh-ed25519)": {"ssh-ed25519"}, "that is not taken": {}} {
		v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("@cert-authority h", rsa))}, CASignatureAlgorithms: allowed})
		err := v.VerifyHostKey(t.Context(), host("h:22"), c)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// A certificate that somebody made up does not count, whoever it names.
func TestForgedCertificate(t *testing.T) {
	c := certify(t, nil)
	forged := *c
	forged.Principals = []string{"h", "other"}
	unsigned := &hostkey.Certificate{Key: key, Kind: hostkey.HostCertificate, Principals: []string{"h"}, ValidBefore: 1<<64 - 1}
	v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("@cert-authority *", rsa))}})
	require.ErrorContains(t, v.VerifyHostKey(t.Context(), host("h:22"), &forged), "did not sign")
	require.ErrorContains(t, v.VerifyHostKey(t.Context(), host("h:22"), unsigned), "not signed")
	require.Error(t, v.VerifyHostKey(t.Context(), host("h:22"), &hostkey.Certificate{}), "a certificate of nothing")
	require.Error(t, v.VerifyHostKey(t.Context(), host("h:22"), (*hostkey.Certificate)(nil)))
}

// A certificate that does not count is as good as its key: that is what is
// added, and a line that lists a certificate as a key vouches for nothing.
func TestCertificateOfANewHost(t *testing.T) {
	c := certify(t, nil)
	path := filepath.Join(t.TempDir(), "known_hosts")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), c))
	require.Equal(t, "h "+string(hostkey.MarshalAuthorizedKey(key, "")), read(t, path))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), key))
	require.ErrorContains(t, v.Add(host("h:22"), c), "cannot be added")

	for _, marker := range []string{"", "@cert-authority "} {
		var warned error
		v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry(marker+"h", c))}, Warn: func(err error) { warned = err }})
		require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), key), knownhosts.ErrUnknown)
		require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), c), knownhosts.ErrUnknown)
		require.ErrorContains(t, warned, "certificate")
	}
}

// A certificate is for the alias if there is one.
func TestAlias(t *testing.T) {
	c := certify(t, nil)
	path := write(t, entry("@cert-authority h", rsa))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Alias: "H", Policy: knownhosts.AcceptNew})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("127.0.0.1:2222"), c))
	require.Equal(t, hostkey.Optional(), v.HostKeyAlgorithms(host("x:1"))[:len(hostkey.Optional())])
	require.NoError(t, v.VerifyHostKey(t.Context(), host("127.0.0.1:2222"), p256))
	require.True(t, strings.HasSuffix(read(t, path), "\nh "+string(hostkey.MarshalAuthorizedKey(p256, ""))), "without a port")
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("other:22"), key), knownhosts.ErrChanged, "every name is this one")
}

// An IPv6 address and an alias are names as a whole, colons and all.
func TestCertificateOfNamesWithColons(t *testing.T) {
	for name, test := range map[string]struct{ dialed, alias, principal string }{
		"an address":             {"[2001:db8::1]:2222", "", "2001:db8::1"},
		"an alias":               {"h:22", "a:b", "a:b"},
		"one that looks dialed":  {"h:22", "a:22", "a:22"},
		"an address as an alias": {"h:22", "2001:db8::1", "2001:db8::1"},
	} {
		t.Run(name, func(t *testing.T) {
			v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("@cert-authority *", rsa))}, Alias: test.alias})
			good := certify(t, func(c *hostkey.Certificate) { c.Principals = []string{test.principal} })
			require.NoError(t, v.VerifyHostKey(t.Context(), host(test.dialed), good))
			half := certify(t, func(c *hostkey.Certificate) { c.Principals = []string{test.principal[:1]} })
			require.Error(t, v.VerifyHostKey(t.Context(), host(test.dialed), half))
		})
	}
}
