package server_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
)

// keys returns a function that gives a text.
func keys(text string) func(context.Context, string, hostkey.PublicKey) ([]byte, error) {
	return func(context.Context, string, hostkey.PublicKey) ([]byte, error) { return []byte(text), nil }
}

func TestKeyLookup(t *testing.T) {
	ours, other := testkeys.Ed25519(), testkeys.ECDSA256()
	fails := func(context.Context, string, hostkey.PublicKey) ([]byte, error) {
		return []byte(line(ours)), errors.New("broken")
	}
	tr := newTrial(t)
	file := tr.file("authorized_keys", line(ours))
	revoked := tr.file("revoked", line(ours))
	for _, test := range []struct {
		name   string
		lookup server.KeyLookup
		why    string
	}{
		{"nothing lets anybody in", server.KeyLookup{}, "no file says which keys are authorized"},
		{"it has the key", server.KeyLookup{Keys: keys(line(other) + line(ours))}, ""},
		{"it has another", server.KeyLookup{Keys: keys(line(other))}, "authorized keys that were looked up: SHA256:"},
		{"it has nothing", server.KeyLookup{Keys: keys("")}, "is not there"},
		{"it has something else", server.KeyLookup{Keys: keys("hello\n")}, "line 1"},
		{"its options count", server.KeyLookup{Keys: keys(`from="10.0.0.1" ` + line(ours))}, "may be used from"},
		{"an option is not known", server.KeyLookup{Keys: keys("zork " + line(ours))}, "zork"},
		{"it fails, whatever it says", server.KeyLookup{Keys: fails}, "looking up authorized keys: broken"},
		{"it fails, and a file has the key", server.KeyLookup{PublicKeys: server.PublicKeys{AuthorizedKeys: file}, Keys: fails}, ""},
		{"a file has not, and it has", server.KeyLookup{PublicKeys: server.PublicKeys{AuthorizedKeys: tr.file("other", line(other))}, Keys: keys(line(ours))}, ""},
		{"the key is revoked", server.KeyLookup{PublicKeys: server.PublicKeys{RevokedKeys: revoked}, Keys: keys(line(ours))}, "revoked"},
		{"a file has the key, and it is revoked", server.KeyLookup{PublicKeys: server.PublicKeys{AuthorizedKeys: file, RevokedKeys: revoked}, Keys: keys(line(ours))}, "revoked"},
		{"revoked keys cannot be read", server.KeyLookup{PublicKeys: server.PublicKeys{RevokedKeys: []string{tr.dir + "/none"}}, Keys: keys(line(ours))}, "revoked keys"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := attempt(t, test.lookup.Check(), ours)
			if test.why == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.why)
		})
	}
}

// What a function is asked, and that each attempt asks anew.
func TestKeyLookupAsks(t *testing.T) {
	asked := 0
	check := server.KeyLookup{Keys: func(_ context.Context, user string, key hostkey.PublicKey) ([]byte, error) {
		require.Equal(t, "alice", user)
		require.True(t, hostkey.Equal(testkeys.Ed25519().PublicKey(), key))
		if asked++; asked > 1 {
			return nil, os.ErrNotExist
		}
		return []byte(line(testkeys.Ed25519())), nil
	}}.Check()
	require.NoError(t, attempt(t, check, testkeys.Ed25519()))
	require.ErrorIs(t, attempt(t, check, testkeys.Ed25519()), os.ErrNotExist)
}

func TestKeyLookupOfPrincipals(t *testing.T) {
	ca := testkeys.RSA2048()
	tr := newTrial(t)
	trusted := server.PublicKeys{TrustedUserCAKeys: tr.file("ca", line(ca))}
	certify := func(principals ...string) hostkey.Signer {
		c := &hostkey.Certificate{Key: testkeys.Ed25519().PublicKey(), Kind: hostkey.UserCertificate, KeyID: "id", Principals: principals, ValidBefore: 1 << 40}
		require.NoError(t, c.Certify(t.Context(), ca))
		s, err := hostkey.NewCertificateSigner(c, testkeys.Ed25519())
		require.NoError(t, err)
		return s
	}
	names := func(text string, err error) func(context.Context, string, *hostkey.Certificate) ([]byte, error) {
		return func(_ context.Context, user string, c *hostkey.Certificate) ([]byte, error) {
			require.Equal(t, []any{"alice", "id"}, []any{user, c.KeyID})
			return []byte(text), err
		}
	}
	with := func(p server.PublicKeys, text string) server.KeyLookup {
		return server.KeyLookup{PublicKeys: p, Principals: names(text, nil)}
	}
	inFile := trusted
	inFile.AuthorizedPrincipals = tr.file("principals", "ops\n")
	for _, test := range []struct {
		name   string
		lookup server.KeyLookup
		signer hostkey.Signer
		why    string
	}{
		{"a name is there", with(trusted, "admin\nops\n"), certify("x", "ops"), ""},
		{"none is", with(trusted, "admin\n"), certify("x"), `none of ["x"] is there`},
		{"J3: a list is one name", with(trusted, "a,b\n"), certify("a", "b"), "is there"},
		{"the user's name is none", with(trusted, "admin\n"), certify("alice"), "is there"},
		{"a file has one", with(inFile, ""), certify("ops"), ""},
		{"a file has none", with(inFile, "admin\n"), certify("admin"), ""},
		{"its options count", with(trusted, `from="10.0.0.1" ops`), certify("ops"), "may be used from"},
		{"a line that is none", with(trusted, "\"\x00\n"), certify("ops"), "authorized principals that were looked up"},
		{"nothing is said", with(trusted, ""), certify("ops"), "is there"},
		{"it fails", server.KeyLookup{PublicKeys: trusted, Principals: names("ops", errors.New("broken"))}, certify("ops"), "looking up authorized principals: broken"},
		{"another authority", with(server.PublicKeys{TrustedUserCAKeys: tr.file("other", line(testkeys.ECDSA256()))}, "ops"), certify("ops"), "trusted authorities"},
		{"no authority", with(server.PublicKeys{}, "ops"), certify("ops"), "no file"},
		{"a key", with(trusted, "ops"), testkeys.Ed25519(), "is a key, and certificates let users in"},
		{"a key with an authority that was looked up", server.KeyLookup{Keys: keys("cert-authority " + line(ca))}, certify("alice"), ""},
		{"that is for others", server.KeyLookup{Keys: keys(`cert-authority,principals="bob" ` + line(ca))}, certify("alice"), "alice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := attempt(t, test.lookup.Check(), test.signer)
			if test.why == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.why)
		})
	}
}
