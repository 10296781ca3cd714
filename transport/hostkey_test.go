package transport

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/ed448"
	"github.com/whelk-ssh/whelk/hostkey/mldsa44"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func certificateSigner(t *testing.T, key hostkey.Signer) hostkey.Signer {
	t.Helper()
	c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"test"}}
	require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519Other()))
	s, err := hostkey.NewCertificateSigner(c, key)
	require.NoError(t, err)
	return s
}

func TestSecurityKeyAsHostKey(t *testing.T) {
	for _, a := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
		c, _ := newPair(t, &Config{Verifier: hostkey.Pin(a.PublicKey())}, &Config{HostKeys: []hostkey.Signer{a}})
		require.Equal(t, a.Algorithms()[0], c.State().HostKeyAlgorithm)
		a.Flags = 0 // G12
		_, _, err, _ := handshake(t, &Config{Verifier: hostkey.Pin(a.PublicKey())}, &Config{HostKeys: []hostkey.Signer{a}})
		var absent *hostkey.PresenceError
		require.ErrorAs(t, err, &absent)
	}
}

// Certificates are negotiated and verified when asked for, and no verifier that
// looks at keys takes one.
func TestCertificateAsHostKey(t *testing.T) {
	for _, key := range append(testkeys.All(), testkeys.SKECDSA256()) {
		signer := certificateSigner(t, key)
		server := &Config{HostKeys: []hostkey.Signer{signer, testkeys.Ed25519Other()}}
		for _, algorithm := range signer.Algorithms() {
			c, s := newPair(t, &Config{Verifier: hostkey.InsecureAcceptAny(), HostKeyAlgorithms: []string{algorithm}}, server)
			require.Equal(t, algorithm, c.State().HostKeyAlgorithm)
			require.True(t, hostkey.Equal(signer.PublicKey(), c.State().HostKey))
			require.NoError(t, c.Rekey())
			exchangeData(t, c, s, 20, 1000)
			require.Eventually(t, func() bool { return c.State().KeyExchangesFinished > 1 }, 10*time.Second, time.Millisecond)

			_, _, err, _ := handshake(t, &Config{Verifier: hostkey.Pin(key.PublicKey(), testkeys.Ed25519Other().PublicKey()), HostKeyAlgorithms: []string{algorithm}}, server)
			var refused *hostkey.PinError
			require.ErrorAs(t, err, &refused)
		}
		c, _ := newPair(t, &Config{Verifier: hostkey.Pin(testkeys.Ed25519Other().PublicKey())}, server)
		require.Equal(t, hostkey.Ed25519, c.State().HostKeyAlgorithm, "not asked for, it is not presented")
	}
}

// A certificate that its authority did not sign does not get as far as a
// verifier.
func TestCertificateThatNobodySigned(t *testing.T) {
	signer := certificateSigner(t, testkeys.Ed25519())
	signer.PublicKey().(*hostkey.Certificate).Principals = []string{"*"}
	verifier := hostkey.VerifierFunc(func(context.Context, hostkey.Host, hostkey.PublicKey) error {
		t.Error("asked about it")
		return nil
	})
	_, _, err, _ := handshake(t, &Config{Verifier: verifier, HostKeyAlgorithms: signer.Algorithms()}, &Config{HostKeys: []hostkey.Signer{signer}})
	require.ErrorContains(t, err, "did not sign it")
}

// A format that is passed is offered; one that is not is not known.
func TestKeyFormats(t *testing.T) {
	e, err := ed448.NewSigner(make([]byte, ed448.SeedSize))
	require.NoError(t, err)
	m, err := mldsa44.NewSigner(make([]byte, mldsa44.SeedSize))
	require.NoError(t, err)
	formats := []hostkey.Format{ed448.Format(), mldsa44.Format()}
	for _, key := range []hostkey.Signer{e, m} {
		server := &Config{HostKeys: []hostkey.Signer{testkeys.RSA2048(), key}}
		for _, verifier := range []hostkey.Verifier{
			hostkey.Pin(key.PublicKey()), hostkey.Pin(listed(t, key.PublicKey())),
			hostkey.VerifierFunc(hostkey.Pin(testkeys.RSA2048().PublicKey()).VerifyHostKey),
		} {
			c, s := newPair(t, &Config{Verifier: verifier, KeyFormats: formats}, server)
			want := key.Algorithms()[0]
			if _, chooses := verifier.(hostkey.AlgorithmChooser); !chooses {
				want = hostkey.RSASHA512 // the default ones come first
			}
			require.Equal(t, want, c.State().HostKeyAlgorithm)
			require.Equal(t, want, s.State().HostKeyAlgorithm)
		}
		_, _, err, _ := handshake(t, &Config{Verifier: hostkey.Pin(key.PublicKey())}, &Config{HostKeys: []hostkey.Signer{key}})
		var none *NegotiationError
		require.ErrorAs(t, err, &none, "nobody asked for it")
		_, _, err, _ = handshake(t, &Config{Verifier: hostkey.Pin(key.PublicKey()), HostKeyAlgorithms: key.Algorithms()}, server)
		require.ErrorContains(t, err, "whose format is not among Config.KeyFormats")
		_, _, err, _ = handshake(t, &Config{Verifier: hostkey.Pin(key.PublicKey()), HostKeyAlgorithms: key.Algorithms(), KeyFormats: formats}, server)
		require.NoError(t, err)
	}
	// A server announces that users may have such keys.
	_, s := newPair(t, clientConfig(), &Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}, KeyFormats: formats})
	require.Equal(t, append(hostkey.Default(), ed448.Name, mldsa44.Name), s.config.UserKeyAlgorithms)
	// And a certificate of such a key is verified when it is asked for.
	signer := certificateSigner(t, e)
	c, _ := newPair(t, &Config{Verifier: hostkey.InsecureAcceptAny(), HostKeyAlgorithms: signer.Algorithms(), KeyFormats: formats}, &Config{HostKeys: []hostkey.Signer{signer}})
	require.Equal(t, "ssh-ed448-cert-v01@openssh.com", c.State().HostKeyAlgorithm)
}

// listed returns a key as a file has it, whose format nobody knows.
func listed(t *testing.T, key hostkey.PublicKey) hostkey.PublicKey {
	t.Helper()
	k, err := hostkey.ParseAuthorizedKey(hostkey.MarshalAuthorizedKey(key, ""))
	require.NoError(t, err)
	return k.Key
}

// G6: SHA-1 is for those who ask for it, on both sides.
func TestInsecureHostKey(t *testing.T) {
	sha1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	verifier := hostkey.Pin(sha1.PublicKey())
	old := []string{"ssh-rsa"}
	c, _ := newPair(t, &Config{Verifier: verifier, HostKeyAlgorithms: old}, &Config{HostKeys: []hostkey.Signer{sha1}})
	require.Equal(t, "ssh-rsa", c.State().HostKeyAlgorithm)
	c, _ = newPair(t, &Config{Verifier: verifier}, &Config{HostKeys: []hostkey.Signer{sha1}})
	require.Equal(t, "rsa-sha2-512", c.State().HostKeyAlgorithm)
	for name, configs := range map[string][2]*Config{
		"the client does not ask": {{Verifier: verifier}, {HostKeys: []hostkey.Signer{sha1}, HostKeyAlgorithms: old}},
		"the server does not":     {{Verifier: verifier, HostKeyAlgorithms: old}, {HostKeys: []hostkey.Signer{testkeys.RSA2048()}}},
	} {
		_, _, err, _ := handshake(t, configs[0], configs[1])
		var none *NegotiationError
		require.ErrorAs(t, err, &none, name)
	}
}

// A server offers nothing that none of its keys signs with.
func TestServerWithoutTheKey(t *testing.T) {
	_, _, _, err := handshake(t, clientConfig(), &Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}, HostKeyAlgorithms: []string{"rsa-sha2-512", "x"}})
	require.ErrorIs(t, err, ErrNoAlgorithm)
	c, _ := newPair(t, clientConfig(), &Config{HostKeys: []hostkey.Signer{testkeys.Ed25519()}, HostKeyAlgorithms: []string{"ecdsa-sha2-nistp256", "ssh-ed25519"}})
	require.Equal(t, "ssh-ed25519", c.State().HostKeyAlgorithm)
}
