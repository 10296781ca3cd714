package userauth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// anyKey takes whatever key it is given.
func anyKey(d Decision) Check {
	return CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return d, nil })
}

// login has a client with one key log in to a server with one check, and
// returns whether it was let in and what the server reported.
func login(t *testing.T, signer hostkey.Signer, check Check, b Binding) (bool, error) {
	t.Helper()
	var reported error
	s := &Server{Checks: []Check{check}, Delay: -1, MaxTries: 2, Report: func(_ context.Context, _ *Attempt, err error) { reported = err }}
	near, far := newPipe()
	result := make(chan error, 1)
	b.SessionID = session
	c := &Client{User: "alice", Methods: []Method{PublicKey(signer)}, Algorithms: b.Algorithms}
	go func() {
		result <- c.Authenticate(t.Context(), near, Binding{SessionID: session, Algorithms: b.Algorithms})
		close(near.done)
	}()
	grant, _ := s.Authenticate(t.Context(), far, b)
	require.Equal(t, grant != nil, <-result == nil)
	return grant != nil, reported
}

func every() []string {
	return append(append(hostkey.Default(), hostkey.Optional()...), hostkey.Insecure()...)
}

func TestSecurityKeys(t *testing.T) {
	for _, a := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
		ok, err := login(t, a, onlyKey("alice", a), Binding{})
		require.True(t, ok, "%v", err)
	}
}

// G12, CVE-2026-39831: a login that nobody was there for.
func TestG12Presence(t *testing.T) {
	const present, verified = hostkey.UserPresent, hostkey.UserVerified
	for _, tt := range []struct {
		name     string
		flags    hostkey.Flags
		decision Decision
		ok       bool
	}{
		{"touched", present, Accept(nil), true},
		{"not touched", 0, Accept(nil), false},
		{"verified, not touched", verified, Accept(nil), false},
		{"not touched, partial", 0, AcceptPartial(nil, "publickey"), false},
		{"no-touch-required", 0, Accept(nil).Requiring(0), true},
		{"verify-required, touched", present, Accept(nil).Requiring(present | verified), false},
		{"verify-required", present | verified, Accept(nil).Requiring(present | verified), true},
		{"a refusal with a condition is one", present, Decision{}.Requiring(0), false},
	} {
		for _, a := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
			t.Run(tt.name+" "+a.Algorithms()[0], func(t *testing.T) {
				a.Flags = tt.flags
				ok, err := login(t, a, anyKey(tt.decision), Binding{})
				require.Equal(t, tt.ok, ok, "%v", err)
				var absent *hostkey.PresenceError
				if !ok && tt.decision.right() {
					require.ErrorAs(t, err, &absent)
				}
				signer := certificateSigner(t, a)
				ok, err = login(t, signer, anyKey(tt.decision), Binding{Algorithms: every()})
				require.Equal(t, tt.ok, ok, "a certificate: %v", err)
			})
		}
	}
	ok, _ := login(t, keyA(), anyKey(Accept(nil).Requiring(verified)), Binding{})
	require.True(t, ok, "of other keys nothing can be required")
}

func certificateSigner(t *testing.T, key hostkey.Signer) hostkey.Signer {
	t.Helper()
	c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.UserCertificate, Principals: []string{"alice"}}
	require.NoError(t, c.Certify(t.Context(), keyB()))
	s, err := hostkey.NewCertificateSigner(c, key)
	require.NoError(t, err)
	return s
}

// A certificate is not asked for by default, and is taken for its key by no
// check that knows only that.
func TestCertificates(t *testing.T) {
	for _, key := range append(testkeys.All(), testkeys.SKEd25519()) {
		signer := certificateSigner(t, key)
		// The server is asked, though it said that it takes nothing of the kind.
		conn := &script{in: [][]byte{signedBy(t, "alice", signer)}}
		s := &Server{Checks: []Check{anyKey(Accept(nil))}, Delay: -1}
		grant, _ := s.Authenticate(t.Context(), conn, bound)
		require.Nil(t, grant)

		ok, err := login(t, signer, onlyKey("alice", key), Binding{Algorithms: every()})
		require.False(t, ok)
		require.ErrorIs(t, err, ErrRefused)
		ok, err = login(t, signer, onlyKey("alice", keyB()), Binding{Algorithms: every()})
		require.False(t, ok, "nor for the authority")
		require.ErrorIs(t, err, ErrRefused)

		var seen hostkey.PublicKey
		ok, err = login(t, signer, CheckPublicKey(func(_ context.Context, _ *Attempt, k hostkey.PublicKey) (Decision, error) {
			seen = k
			return Accept(nil), nil
		}), Binding{Algorithms: every()})
		require.True(t, ok, "%v", err)
		require.True(t, hostkey.Equal(seen.(*hostkey.Certificate).Key, key.PublicKey()))
	}
}

// A certificate that its authority did not sign is none.
func TestCertificateThatNobodySigned(t *testing.T) {
	signer := certificateSigner(t, keyA())
	signer.PublicKey().(*hostkey.Certificate).Principals = []string{"root"}
	ok, err := login(t, signer, anyKey(Accept(nil)), Binding{Algorithms: every()})
	require.False(t, ok)
	require.ErrorContains(t, err, "did not sign it")
}

// A key and its certificate are one factor.
func TestCertificateIsNoSecondKey(t *testing.T) {
	twice := CheckPublicKey(func(_ context.Context, a *Attempt, _ hostkey.PublicKey) (Decision, error) {
		if len(a.Passed) == 0 {
			return AcceptPartial(nil, "publickey"), nil
		}
		return Accept(nil), nil
	})
	for name, second := range map[string]hostkey.Signer{"the same": keyA(), "its certificate": certificateSigner(t, keyA()), "another": keyB()} {
		for _, first := range []hostkey.Signer{keyA(), certificateSigner(t, keyA())} {
			conn := &script{in: [][]byte{signedBy(t, "alice", first), signedBy(t, "alice", second)}}
			s := &Server{Checks: []Check{twice}, Delay: -1}
			grant, _ := s.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: every()})
			require.Equal(t, name == "another", grant != nil, name)
		}
	}
}

// A toyKey is of a format that package hostkey does not know.
type toyKey struct{}

const toyName = "toy@whelk"

func (toyKey) Type() string    { return toyName }
func (toyKey) Marshal() []byte { return wire.AppendString(nil, toyName) }
func (toyKey) Verify(_ []byte, sig *hostkey.Signature) error {
	if string(sig.Blob) != "signed" {
		return hostkey.ErrSignature
	}
	return nil
}
func (toyKey) PublicKey() hostkey.PublicKey { return toyKey{} }
func (toyKey) Algorithms() []string         { return []string{toyName} }
func (toyKey) Sign(_ context.Context, algorithm string, _ []byte) (*hostkey.Signature, error) {
	return &hostkey.Signature{Algorithm: algorithm, Blob: []byte("signed")}, nil
}

func TestKeyFormats(t *testing.T) {
	formats := []hostkey.Format{{Name: toyName, Parse: func(*wire.Reader) (hostkey.PublicKey, error) { return toyKey{}, nil }}}
	ok, err := login(t, toyKey{}, onlyKey("alice", toyKey{}), Binding{KeyFormats: formats})
	require.True(t, ok, "%v", err)
	ok, err = login(t, toyKey{}, onlyKey("alice", toyKey{}), Binding{})
	require.False(t, ok)
	require.ErrorContains(t, err, "not among those taken")

	// A list of algorithms is the whole list.
	conn := &script{in: [][]byte{signedBy(t, "alice", toyKey{})}}
	s := &Server{Checks: []Check{anyKey(Accept(nil))}, Delay: -1}
	grant, _ := s.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: hostkey.Default(), KeyFormats: formats})
	require.Nil(t, grant)
}

// G6: over SHA-1 a client signs, and a server verifies, when told to, and both.
func TestG6InsecureWhenAskedFor(t *testing.T) {
	sha1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	old := []string{"ssh-rsa"}
	ok, err := login(t, sha1, onlyKey("alice", sha1), Binding{Algorithms: old})
	require.True(t, ok, "%v", err)
	request := signing{signer: sha1, user: "alice", algorithm: "ssh-rsa", makeWith: "ssh-rsa"}.request(t)
	for name, b := range map[string]Binding{"by default": {}, "others": {Algorithms: hostkey.Default()}, "it": {Algorithms: old}} {
		s := &Server{Checks: []Check{anyKey(Accept(nil))}, Delay: -1}
		b.SessionID = session
		grant, _ := s.Authenticate(t.Context(), &script{in: [][]byte{request}}, b)
		require.Equal(t, name == "it", grant != nil, name)
	}
}

// RFC 8332, section 3.3: a server that does not say what it takes may be new or
// old. A key that may sign over SHA-1 does so after it was refused.
func TestOldServers(t *testing.T) {
	rsa := testkeys.RSA2048()
	sha1, err := hostkey.InsecureSHA1(rsa)
	require.NoError(t, err)
	refused := failureOf("publickey")
	allowed := append(hostkey.Default(), "ssh-rsa")
	for _, tt := range []struct {
		name       string
		signers    []hostkey.Signer
		algorithms []string
		learned    []string
		want       []string
	}{
		{"told to", []hostkey.Signer{sha1}, allowed, nil, []string{"rsa-sha2-512", "ssh-rsa"}},
		{"the key was not", []hostkey.Signer{rsa}, allowed, nil, []string{"rsa-sha2-512"}},
		{"the client was not", []hostkey.Signer{sha1}, nil, nil, []string{"rsa-sha2-512"}},
		{"neither SHA-512", []hostkey.Signer{sha1}, []string{"ssh-rsa"}, nil, []string{"ssh-rsa"}},
		{"the server says at last", []hostkey.Signer{sha1}, allowed, []string{"rsa-sha2-256"}, []string{"rsa-sha2-512", "rsa-sha2-256"}},
		{"a client without RSA", []hostkey.Signer{sha1}, []string{"ssh-ed25519"}, nil, nil},
		{"each of several", []hostkey.Signer{sha1, keyA()}, allowed, nil, []string{"rsa-sha2-512", "ssh-rsa", "ssh-ed25519"}},
		{"a certificate", []hostkey.Signer{certificateSigner(t, sha1)}, append(certificates(allowed), allowed...), nil,
			[]string{"rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"}},
		{"a certificate that may not", []hostkey.Signer{certificateSigner(t, sha1)}, nil, nil, []string{"rsa-sha2-512-cert-v01@openssh.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: [][]byte{refused, refused, refused, refused}}
			c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signers...)}, Algorithms: tt.algorithms}
			err := c.Authenticate(t.Context(), conn, Binding{SessionID: session, Relearn: func(b *Binding) { b.Algorithms = tt.learned }})
			require.Error(t, err)
			var got []string
			for _, r := range conn.requests(t) {
				if r.Method != "publickey" {
					continue
				}
				m, err := wire.ParsePublicKeyFields(r.Fields)
				require.NoError(t, err)
				got = append(got, m.Algorithm)
			}
			require.Equal(t, tt.want, got)
		})
	}
}
