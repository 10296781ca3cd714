//go:build unix

package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// limited is a signer with some of the algorithms of another.
type limited struct {
	hostkey.Signer
	algorithms []string
}

func (l limited) Algorithms() []string { return l.algorithms }

// Our client logs in with a certificate of each kind of key, and with each
// algorithm: whelkd lists those of keys, which stand for both. What is refused is
// refused on both sides with a reason.
func TestCertificatesOfOurClient(t *testing.T) {
	r := start(t, "-v", "-o", "PubkeyAcceptedAlgorithms=-ecdsa-sha2-nistp521*")
	r.authority("cert-authority")
	logIn := func(t *testing.T, key hostkey.Signer, change func(*hostkey.Certificate), algorithms ...string) error {
		c := &hostkey.Certificate{Key: key.PublicKey(), Kind: hostkey.UserCertificate, KeyID: "id", Principals: []string{r.user}, ValidBefore: math.MaxUint64}
		if change != nil {
			change(c)
		}
		require.NoError(t, c.Certify(t.Context(), testkeys.ECDSA384()))
		signer, err := hostkey.NewCertificateSigner(c, key)
		require.NoError(t, err)
		if algorithms != nil {
			signer = limited{signer, algorithms}
		}
		conn, err := client.Dial(t.Context(), "tcp", "127.0.0.1:"+r.port, &client.Config{
			User: r.user, HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()), Auth: []userauth.Method{userauth.PublicKey(signer)},
		})
		if err != nil {
			return err
		}
		defer conn.Close()
		out, err := conn.Command("echo in").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "in\n", string(out))
		return nil
	}
	for _, key := range append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256()) {
		taken := key.PublicKey().Type() != hostkey.ECDSA521
		err := logIn(t, key, nil)
		require.Equal(t, taken, err == nil, "%s: %v", key.PublicKey().Type(), err)
		for _, algorithm := range key.Algorithms() {
			err := logIn(t, key, nil, hostkey.CertificateName(algorithm))
			require.Equal(t, taken, err == nil, "%s: %v", algorithm, err)
		}
	}
	// What the server lists may come behind the question.
	require.Regexp(t, "of which the server takes none|it may .* not take ecdsa-sha2-nistp521-cert", logIn(t, testkeys.ECDSA521(), nil))
	for why, change := range map[string]func(*hostkey.Certificate){
		"it has expired (at 1970-01-01T00:00:01Z": func(c *hostkey.Certificate) { c.ValidBefore = 1 },
		`it names "somebody"`:                     func(c *hostkey.Certificate) { c.Principals = []string{"somebody"} },
		"it is a host certificate":                func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate },
	} {
		require.ErrorContains(t, logIn(t, testkeys.Ed25519(), change), why)
	}
	require.Contains(t, r.logged(), "has expired")
}
