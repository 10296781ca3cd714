package knownhosts_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// A certificate is refused whatever the policy, and whatever the files say.
func TestCertificateIsRefused(t *testing.T) {
	c := &hostkey.Certificate{Key: key, Kind: hostkey.HostCertificate, Principals: []string{"h"}}
	require.NoError(t, c.Certify(t.Context(), testkeys.RSA2048()))
	lines := []string{entry("@cert-authority h", rsa), entry("h", key), entry("h", c), entry("@cert-authority *", c)}
	for _, policy := range []knownhosts.Policy{knownhosts.Strict, knownhosts.AcceptNew, knownhosts.InsecureAcceptChanged} {
		for _, path := range []string{write(t, lines...), filepath.Join(t.TempDir(), "none")} {
			v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: policy})
			require.ErrorContains(t, v.VerifyHostKey(t.Context(), host("h:22"), c), "presented a certificate")
			require.ErrorContains(t, v.Add(host("h:22"), c), "presented a certificate")
		}
	}
	var warned error
	v := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("h", c))}, Warn: func(err error) { warned = err }})
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), key), knownhosts.ErrUnknown, "nor does the line vouch for its key")
	require.ErrorContains(t, warned, "is a certificate")
}

// A key of a format that only somebody else knows is compared like others.
func TestKeyOfAnotherFormat(t *testing.T) {
	s, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	k := s.PublicKey()
	path := filepath.Join(t.TempDir(), "known_hosts")
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, Policy: knownhosts.AcceptNew})
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), k))
	require.Equal(t, "h "+string(hostkey.MarshalAuthorizedKey(k, "")), read(t, path))
	require.NoError(t, v.VerifyHostKey(t.Context(), host("h:22"), k))
	require.ErrorIs(t, v.VerifyHostKey(t.Context(), host("h:22"), key), knownhosts.ErrChanged, "the host is not new")
	require.Equal(t, append([]string{"ssh-ed448"}, hostkey.Default()...), v.HostKeyAlgorithms(host("h:22")))
	revoked := knownhosts.New(knownhosts.Config{Files: []string{write(t, entry("@revoked *", k), entry("h", k))}})
	require.ErrorIs(t, revoked.VerifyHostKey(t.Context(), host("h:22"), k), knownhosts.ErrRevoked)
}
