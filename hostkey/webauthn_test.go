package hostkey_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// Each is signed by the key, and none is about the data.
func TestWebAuthnRefuses(t *testing.T) {
	for name, change := range map[string]func(*testkeys.Authenticator){
		"PROTOCOL.u2f: a quote in the origin":         func(a *testkeys.Authenticator) { a.Origin = `https://a","x":"` },
		"a backslash in the origin":                   func(a *testkeys.Authenticator) { a.Origin = `https://a\` },
		"a control character in the origin":           func(a *testkeys.Authenticator) { a.Origin = "https://a\n" },
		"NUL in the origin":                           func(a *testkeys.Authenticator) { a.Origin = "https://a\x00" },
		"PROTOCOL.u2f: attested data":                 func(a *testkeys.Authenticator) { a.Flags |= 0x40 },
		"PROTOCOL.u2f: extensions without their flag": func(a *testkeys.Authenticator) { a.Extensions = []byte{0xa0} },
		"PROTOCOL.u2f: the flag without extensions":   func(a *testkeys.Authenticator) { a.Flags |= 0x80 },
		"WebAuthn 5.8.1.1: nothing behind the origin": func(a *testkeys.Authenticator) { a.Members = "" },
		"WebAuthn 5.8.1.1: text behind the origin":    func(a *testkeys.Authenticator) { a.Members = `x"}` },
		"WebAuthn 5.8.1.1: a space behind the origin": func(a *testkeys.Authenticator) { a.Members = ` ,"crossOrigin":false}` },
		"G12: nobody was there":                       func(a *testkeys.Authenticator) { a.Flags = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			a := testkeys.SKECDSA256()
			change(a)
			require.Error(t, a.PublicKey().Verify([]byte("data"), signSK(t, a, hostkey.WebAuthnECDSA256, []byte("data"))))
		})
	}
}

// What the browser says has to be about the data and about the origin that the
// signature claims.
func TestWebAuthnClientData(t *testing.T) {
	a := testkeys.SKECDSA256()
	sig := signSK(t, a, hostkey.WebAuthnECDSA256, []byte("data"))
	r := wire.NewReader(sig.Rest)
	flags, counter := r.Byte(), r.Uint32()
	origin, client, extensions := r.Text(), r.Text(), r.Text()
	require.NoError(t, r.End())
	with := func(origin, client, extensions string) error {
		rest := wire.AppendUint32([]byte{flags}, counter)
		rest = append(rest, blob(origin, client, extensions)...)
		return a.PublicKey().Verify([]byte("data"), &hostkey.Signature{Algorithm: sig.Algorithm, Blob: sig.Blob, Rest: rest})
	}
	require.NoError(t, with(origin, client, extensions))
	require.ErrorIs(t, with("https://evil.example", client, extensions), hostkey.ErrSignature)
	require.ErrorIs(t, with(origin[:len(origin)-1], client, extensions), hostkey.ErrSignature, "a prefix of the origin")
	require.ErrorIs(t, with("", client, extensions), hostkey.ErrSignature)
	require.ErrorIs(t, with(origin, client[1:], extensions), hostkey.ErrSignature)
	require.ErrorIs(t, with(origin, "", extensions), hostkey.ErrSignature)
	require.ErrorIs(t, with(origin, client, "\xa0"), hostkey.ErrSignature)

	// A signature for a web site's own log-in has another type of challenge.
	other := testkeys.SKECDSA256()
	other.Members = `","origin":"` + a.Origin + `"` + a.Members
	other.Origin = "https://x"
	require.Error(t, a.PublicKey().Verify([]byte("data"), signSK(t, other, hostkey.WebAuthnECDSA256, nil)))
}
