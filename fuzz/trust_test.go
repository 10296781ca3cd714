package fuzz_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A list that is accepted has a form of its own that means the same.
func FuzzKRL(f *testing.F) {
	ca := testkeys.Ed25519().PublicKey()
	l := &hostkey.KRL{Version: 1, Comment: "comment"}
	require.NoError(f, l.RevokeSerials(ca, 5, 9))
	require.NoError(f, l.RevokeSerials(ca, 12, 12))
	require.NoError(f, l.RevokeSerials(nil, 1<<40, 1<<63))
	l.RevokeKeyID(ca, "id")
	l.RevokeKey(testkeys.RSA2048().PublicKey())
	require.NoError(f, l.RevokeFingerprint(hostkey.Fingerprint(ca)))
	f.Add(l.Marshal(), uint64(7))
	f.Add([]byte("# text\n"+string(hostkey.MarshalAuthorizedKey(ca, ""))), uint64(0))
	f.Fuzz(func(t *testing.T, file []byte, serial uint64) {
		l, err := hostkey.ParseRevokedKeys(file)
		if err != nil {
			require.Nil(t, l)
			return
		}
		b := l.Marshal()
		again, err := hostkey.ParseKRL(b)
		require.NoError(t, err)
		require.Equal(t, b, again.Marshal())
		for _, n := range []uint64{serial - 1, serial, serial + 1} {
			c := &hostkey.Certificate{Key: testkeys.ECDSA256().PublicKey(), CA: ca, Serial: n, KeyID: "id"}
			require.Equal(t, l.Check(c) == nil, again.Check(c) == nil, n)
		}
	})
}

// Nobody signs without the key, and nobody is allowed whom no line names.
func FuzzSSHSIG(f *testing.F) {
	for _, s := range append(testkeys.All(), testkeys.SKEd25519()) {
		sig, err := hostkey.SignSSHSIG(f.Context(), s, "", "file", strings.NewReader("signed"))
		require.NoError(f, err)
		line := "me namespaces=\"file\" " + string(hostkey.MarshalAuthorizedKey(s.PublicKey(), ""))
		f.Add(sig.Marshal(), []byte(line), "data")
		f.Add(sig.Armor(), []byte(line), "signed")
	}
	f.Fuzz(func(t *testing.T, file, signers []byte, message string) {
		allowed := new(hostkey.AllowedSigners)
		for s, err := range hostkey.ParseAllowedSigners(strings.NewReader(string(signers))) {
			require.Equal(t, err == nil, s != nil)
			if err == nil {
				allowed.Signers = append(allowed.Signers, s)
			}
		}
		sig, err := hostkey.ParseSSHSIG(file)
		if err != nil {
			require.Nil(t, sig)
			return
		}
		again, err := hostkey.ParseSSHSIG(sig.Armor())
		require.NoError(t, err)
		require.Equal(t, sig.Marshal(), again.Marshal())
		err = allowed.Verify(sig, "me", "file", strings.NewReader(message))
		if message != "signed" || len(allowed.MatchPrincipals("me")) == 0 {
			require.Error(t, err)
		}
		if found, err := allowed.FindPrincipals(sig); err == nil {
			require.NotEmpty(t, found)
		}
	})
}

// What follows "restrict" is all that is permitted, and where nothing is known
// of the client nothing that depends on it is.
func FuzzRestrictions(f *testing.F) {
	for _, options := range []string{"", "no-pty", `from="192.0.2.0/24,!192.0.2.1"`, `expiry-time="20250101Z",command="x"`, `permitopen="h:1"`,
		`cert-authority,principals="a,b"`, `environment="A=1",environment="B=2"`, `permitlisten="8080",tunnel="0"`, "verify-required,no-touch-required"} {
		f.Add(options)
	}
	key := string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), ""))
	parse := func(options string) (*hostkey.Restrictions, error) {
		k, err := hostkey.ParseAuthorizedKey([]byte(options + " " + key))
		if err != nil {
			return nil, err
		}
		return k.Restrictions()
	}
	f.Fuzz(func(t *testing.T, options string) {
		r, err := parse(options)
		if err != nil {
			require.Nil(t, r)
			return
		}
		if r.From != "" {
			require.Error(t, r.Check(time.Time{}, nil))
			require.Error(t, r.Check(time.Time{}, &net.UnixAddr{Name: "/x"}))
		}
		if !r.Expires.IsZero() {
			require.Error(t, r.Check(r.Expires.Add(time.Second), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}))
		}
		for _, v := range r.Permissions.Environment() {
			require.Regexp(t, `^[A-Za-z0-9_]+=`, v)
		}
		if len(options) == 0 {
			return
		}
		last, err := parse(options + ",restrict")
		if err == nil {
			require.Empty(t, last.Permissions.Extensions)
		}
	})
}

// A certificate lets in whom it names, in its time, and nobody else.
func FuzzAuthority(f *testing.F) {
	f.Add(uint32(1), "alice", uint64(0), uint64(1<<40), "source-address", []byte("192.0.2.0/24"), "alice")
	f.Add(uint32(2), "*", uint64(0), uint64(1<<40), "", []byte{}, "host")
	f.Add(uint32(1), "", uint64(5), uint64(4), "force-command", []byte("ls"), "")
	ca, now := testkeys.Ed25519(), time.Unix(1700000000, 0)
	trusted := []hostkey.PublicKey{ca.PublicKey()}
	authority := &hostkey.Authority{Users: trusted, Hosts: trusted, Time: func() time.Time { return now }}
	known := map[string]bool{hostkey.ForceCommand: true, hostkey.SourceAddress: true, hostkey.VerifyRequired: true}
	f.Fuzz(func(t *testing.T, kind uint32, principal string, after, before uint64, name string, data []byte, wanted string) {
		c := &hostkey.Certificate{
			Key: testkeys.ECDSA256().PublicKey(), Kind: hostkey.CertificateKind(kind), Principals: []string{principal},
			ValidAfter: after, ValidBefore: before,
		}
		if name != "" {
			c.CriticalOptions = []hostkey.CertificateOption{{Name: name, Data: wire.AppendString(nil, data)}}
		}
		require.NoError(t, c.Certify(t.Context(), ca))
		valid := after <= 1700000000 && 1700000000 < before
		r, err := authority.CheckUser(c, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}, wanted)
		if err == nil {
			require.True(t, valid && kind == 1 && principal == wanted && wanted != "" && (name == "" || known[name]))
			require.NotNil(t, r.Permissions)
		} else {
			require.Nil(t, r)
			require.False(t, valid && kind == 1 && principal == wanted && wanted != "" && name == "")
		}
		if authority.CheckHost(c, wanted) == nil {
			require.True(t, valid && kind == 2 && name == "" && principal != "" && wanted != "")
		}
	})
}
