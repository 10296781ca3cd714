package knownhosts_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

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
