package interop

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/mldsa44"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	whelkserver "github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// host runs package server in the test's process. Whatever the command is, a
// session exchanges streams of size bytes; states tells how the transport was
// when its connection ended.
func host(t *testing.T, size int64, change func(*transport.Config)) (s *server, states <-chan transport.State) {
	t.Helper()
	ended := make(chan transport.State, 1)
	return hostHandler(t, func(s *whelkserver.Session) {
		if err := exchangeStreams(size, session{s}); err != nil {
			s.Exit(1)
		}
		context.AfterFunc(s.Conn().Context(), func() { ended <- s.Conn().State() })
	}, change), ended
}

// hostHandler is host with sessions of another kind.
func hostHandler(t *testing.T, handler whelkserver.HandlerFunc, change func(*transport.Config)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := &whelkserver.Server{
		HostKeys: everySigner(t),
		Auth:     userauth.Server{Checks: []userauth.Check{whelkserver.AuthorizedKeys(authorizedKeysFile(t))}},
		Session:  handler,
	}
	change(&served.Transport)
	stopped := make(chan error, 1)
	go func() { stopped <- served.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, served.Close())
		require.ErrorIs(t, <-stopped, whelkserver.ErrServerClosed)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, served.Shutdown(ctx), "sessions have stayed")
	})
	s := &server{program: hosted, port: l.Addr().(*net.TCPAddr).Port}
	for _, key := range served.HostKeys {
		s.hostKeys = append(s.hostKeys, key.PublicKey())
	}
	s.writeKnownHosts(t)
	return s
}

// A session is an end whose standard error outlives its output, which it would
// not after CloseWrite: RFC 4254, section 5.3, has one EOF for both.
type session struct{ *whelkserver.Session }

func (session) CloseWrite() error { return nil }

// writeKnownHosts has ssh take the keys of s, and certificates for its host.
func (s *server) writeKnownHosts(t *testing.T) {
	t.Helper()
	var keys []hostkey.PublicKey
	for _, key := range s.hostKeys {
		if _, certified := key.(*hostkey.Certificate); !certified && hostkey.KeyType(key.Type()) != "" {
			keys = append(keys, key)
		}
	}
	authority := []byte("@cert-authority ")
	authority = append(authority, knownHosts(s.port, authorityOfHosts(t).PublicKey())...)
	s.knownHosts = filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(s.knownHosts, append(authority, knownHosts(s.port, keys...)...), 0o600))
}

// everySigner has a key for each algorithm that package hostkey signs with, and
// for those of others.
func everySigner(t *testing.T) (signers []hostkey.Signer) {
	t.Helper()
	for _, keyType := range keyTypes {
		s := signer(t, hostKeyFile(t, keyType))
		if keyType == hostkey.RSA {
			var err error
			s, err = hostkey.InsecureSHA1(s)
			require.NoError(t, err)
		}
		signers = append(signers, s)
	}
	signers = append(signers, testkeys.SKEd25519(), testkeys.SKECDSA256(), browser{testkeys.SKECDSA256()})
	for _, s := range signers {
		certified, err := hostkey.NewCertificateSigner(certify(t, s.PublicKey()), s)
		require.NoError(t, err)
		signers = append(signers, certified)
	}
	seed := bytes.Repeat([]byte{1}, 64)
	goldilocks, err := ed448.NewSigner(seed[:57])
	require.NoError(t, err)
	composite, err := mldsa44.NewSigner(seed)
	require.NoError(t, err)
	return append(signers, goldilocks, composite)
}

// A browser asks a security key for signatures in the form of WebAuthn.
type browser struct{ *testkeys.Authenticator }

func (browser) Algorithms() []string { return []string{hostkey.WebAuthnECDSA256} }

// authorityOfHosts is whom hosts have their certificates from.
func authorityOfHosts(t *testing.T) hostkey.Signer {
	t.Helper()
	return signer(t, otherKeys.file(t, hostkey.Ed25519))
}

// certify makes a certificate for the host that all servers are.
func certify(t *testing.T, key hostkey.PublicKey) *hostkey.Certificate {
	t.Helper()
	c := &hostkey.Certificate{
		Key: key, Kind: hostkey.HostCertificate, KeyID: "interop",
		Principals: []string{"127.0.0.1"}, ValidBefore: 1<<64 - 1,
	}
	require.NoError(t, c.Certify(t.Context(), authorityOfHosts(t)))
	return c
}

// vouched returns a verifier that takes the keys of s, and its certificates as
// they are.
func (s *server) vouched() hostkey.Verifier {
	return hostkey.VerifierFunc(func(ctx context.Context, h hostkey.Host, key hostkey.PublicKey) error {
		for _, k := range s.hostKeys {
			if bytes.Equal(k.Marshal(), key.Marshal()) {
				return nil
			}
		}
		return hostkey.Pin(s.hostKeys...).VerifyHostKey(ctx, h, key)
	})
}
