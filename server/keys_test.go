package server_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// keyAttempt has alice log in with a key that authorized_keys lists, on a server
// that is configured so.
func keyAttempt(t *testing.T, config transport.Config, signer, listed hostkey.Signer) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authorized_keys")
	require.NoError(t, os.WriteFile(path, []byte(line(listed)), 0o600))
	srv := newServer(nothing)
	srv.Transport, srv.Auth.Delay = config, -1
	srv.Auth.Checks = []userauth.Check{server.AuthorizedKeys(path)}
	var reported error
	srv.Auth.Report = func(_ context.Context, _ *userauth.Attempt, err error) { reported = err }
	p := connect(t, srv).handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{userauth.PublicKey(signer)}}
	err := client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID})
	p.conn.Close()
	<-p.served
	require.Equal(t, err == nil, reported == nil)
	return reported
}

func TestKeyFormats(t *testing.T) {
	s, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	formats := transport.Config{KeyFormats: []hostkey.Format{ed448.Format()}}
	require.NoError(t, keyAttempt(t, formats, s, s))
	require.ErrorContains(t, keyAttempt(t, transport.Config{}, s, s), "not among those taken", "nobody asked for it")
	require.ErrorContains(t, keyAttempt(t, formats, s, testkeys.Ed25519()), "is not there")
}

func TestSecurityKeys(t *testing.T) {
	a := testkeys.SKEd25519()
	require.NoError(t, keyAttempt(t, transport.Config{}, a, a))
	a.Flags = 0
	var absent *hostkey.PresenceError
	require.ErrorAs(t, keyAttempt(t, transport.Config{}, a, a), &absent, "G12")
}

// A certificate is not taken for its key, nor for its authority, whatever is
// listed; and clients may have to do without them.
func TestCertificates(t *testing.T) {
	plain := transport.Config{UserKeyAlgorithms: hostkey.Default()}
	for _, key := range append(testkeys.All(), testkeys.SKEd25519()) {
		c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{"alice"}}
		require.NoError(t, c.Certify(t.Context(), testkeys.ECDSA384()))
		signer, err := hostkey.NewCertificateSigner(c, key)
		require.NoError(t, err)
		for _, listed := range []hostkey.Signer{key, signer, testkeys.ECDSA384()} {
			why := "a certificate is not taken for its key"
			if listed == signer {
				why = "list the key of its authority"
			}
			require.ErrorContains(t, keyAttempt(t, transport.Config{}, signer, listed), why)
			require.ErrorContains(t, keyAttempt(t, plain, signer, listed), "not among those taken")
		}
		require.NoError(t, keyAttempt(t, transport.Config{}, key, key))
	}
}
