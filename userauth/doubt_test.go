package userauth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Who is refused with a certificate that cannot be good is told so, which no
// server can do, and of one that can be good what a server may know
// about it.
func TestRefusedCertificate(t *testing.T) {
	of := func(change func(*hostkey.Certificate)) hostkey.Signer {
		c := &hostkey.Certificate{Key: keyA().PublicKey(), KeyID: "id", Kind: hostkey.UserCertificate, Principals: []string{"alice"}, ValidBefore: 1<<64 - 1}
		change(c)
		require.NoError(t, c.Certify(t.Context(), keyB()))
		s, err := hostkey.NewCertificateSigner(c, keyA())
		require.NoError(t, err)
		return s
	}
	option := func(name string, value string) func(*hostkey.Certificate) {
		return func(c *hostkey.Certificate) {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: name, Data: append([]byte{0, 0, 0, byte(len(value))}, value...)}}
		}
	}
	for name, test := range map[string]struct {
		signer hostkey.Signer
		reason hostkey.CertificateReason // 0 if nothing is to be said
		text   string
	}{
		"good":                 {of(func(*hostkey.Certificate) {}), 0, ""},
		"for certain networks": {of(option("source-address", "192.0.2.0/24")), 0, ""},
		"for a command":        {of(option("force-command", "true")), 0, ""},
		"a key":                {keyA(), 0, ""},
		"expired":              {of(func(c *hostkey.Certificate) { c.ValidBefore = 1 }), hostkey.Expired, "it has expired (at 1970-01-01T00:00:01Z; it is "},
		"not valid yet":        {of(func(c *hostkey.Certificate) { c.ValidAfter = 1<<64 - 2 }), hostkey.NotYetValid, "compare the clocks"},
		"of a host":            {of(func(c *hostkey.Certificate) { c.Kind = hostkey.HostCertificate }), hostkey.WrongKind, "it is a host certificate"},
		"for another":          {of(func(c *hostkey.Certificate) { c.Principals = []string{"bob"} }), hostkey.WrongPrincipal, `it names "bob", and wanted is "alice"`},
		"for nobody":           {of(func(c *hostkey.Certificate) { c.Principals = nil }), hostkey.NoPrincipals, "ssh-keygen -s"},
		"a strange option":     {of(option("x@example.com", "")), hostkey.UnknownOption, "x@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, signers := range [][]hostkey.Signer{{test.signer}, {test.signer, keyC()}} {
				conn := &script{in: slicesRepeat(failureOf("publickey"), 4)}
				c := &Client{User: "alice", Methods: []Method{PublicKey(signers...)}}
				err := c.Authenticate(t.Context(), conn, bound)
				var failed *Error
				require.ErrorAs(t, err, &failed)
				var refused *hostkey.CertificateError
				if test.reason == 0 {
					require.NotErrorAs(t, err, &refused)
					require.Equal(t, name != "a key", strings.Contains(err.Error(), "it may not trust that authority for this user"), "%v", err)
					continue
				}
				require.ErrorAs(t, err, &refused)
				require.Equal(t, test.reason, refused.Reason)
				require.ErrorContains(t, err, "publickey: the server may have had this against a certificate: the certificate \"id\"")
				require.ErrorContains(t, err, test.text)
			}
		})
	}
	// One that was right, and not enough, is nothing to complain about.
	conn := &script{in: [][]byte{partialOf("password"), failureOf("password")}}
	c := &Client{User: "alice", Methods: []Method{PublicKey(of(func(c *hostkey.Certificate) { c.ValidBefore = 1 })), Password(secret("x"))}}
	require.NotErrorAs(t, c.Authenticate(t.Context(), conn, bound), new(*hostkey.CertificateError))
}
