package algolist

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// Every algorithm of every table can be asked for by its name.
func TestEveryNameIsKnown(t *testing.T) {
	for _, m := range slices.Concat(cipher.Default(), cipher.Insecure()) {
		got, err := Ciphers(m.Name)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, m.Name, got[0].Name)
	}
	for _, a := range slices.Concat(mac.Default(), mac.Insecure()) {
		got, err := MACs("+" + a.Name)
		require.NoError(t, err)
		require.Equal(t, a.Name, got[slices.IndexFunc(got, func(g mac.Algorithm) bool { return g.Name == a.Name })].Name)
	}
	for _, m := range slices.Concat(kex.Default(), kex.Optional(), kex.Insecure()) {
		for _, parse := range []func(string) ([]kex.Method, error){KeyExchanges, ServerKeyExchanges} {
			got, err := parse("^" + m.Name())
			require.NoError(t, err)
			require.Equal(t, m.Name(), got[0].Name())
		}
	}
	for _, name := range slices.Concat(hostkey.Default(), hostkey.Optional(), hostkey.Insecure()) {
		got, err := Signatures(name)
		require.NoError(t, err)
		require.Equal(t, []string{name}, got)
	}
	got, err := KeyExchanges("curve448-sha512")
	require.NoError(t, err)
	require.Equal(t, "curve448-sha512", got[0].Name())
}

// No name stands for two algorithms, and what is insecure comes last.
func TestAll(t *testing.T) {
	for _, test := range []struct {
		all      []string
		insecure int
	}{
		{ciphers().names(AllCiphers()), len(cipher.Insecure())},
		{macs().names(AllMACs()), len(mac.Insecure())},
		{keyExchanges(nil).names(AllKeyExchanges()), len(kex.Insecure())},
		{AllSignatures(), len(hostkey.Insecure())},
	} {
		sorted := slices.Sorted(slices.Values(test.all))
		require.Len(t, slices.Compact(sorted), len(test.all))
		require.NotZero(t, test.insecure)
	}
	require.Equal(t, "mlkem768x25519-sha256", AllKeyExchanges()[0].Name())
	require.Equal(t, hostkey.Insecure(), AllSignatures()[len(AllSignatures())-len(hostkey.Insecure()):])
}

func TestKinds(t *testing.T) {
	modes, err := Ciphers("aes256-ctr,aes128-ctr")
	require.NoError(t, err)
	require.Equal(t, []string{"aes256-ctr", "aes128-ctr"}, ciphers().names(modes))
	_, err = Ciphers("aes257-ctr")
	require.EqualError(t, err, `no cipher is called "aes257-ctr"; the nearest is "aes256-ctr", and "whelk -Q cipher" lists all`)

	algorithms, err := MACs("-hmac-sha2-256*")
	require.NoError(t, err)
	require.Len(t, algorithms, len(mac.Default())-2)
	_, err = MACs("hmac-md4")
	require.ErrorContains(t, err, `no MAC is called "hmac-md4"`)

	methods, err := KeyExchanges("^ecdh-sha2-nistp256")
	require.NoError(t, err)
	require.Len(t, methods, len(kex.Default()))
	require.Equal(t, "ecdh-sha2-nistp256", methods[0].Name())
	_, err = KeyExchanges("curve25519")
	require.ErrorContains(t, err, `no key exchange method is called "curve25519"`)
	_, err = ServerKeyExchanges("x")
	require.ErrorContains(t, err, `"whelk -Q kex"`)

	names, err := Signatures("-rsa-*")
	require.NoError(t, err)
	require.Len(t, names, len(hostkey.Default())-2)
	names, err = Signatures("+ssh-rsa,ssh-ed448")
	require.NoError(t, err)
	require.Equal(t, append(hostkey.Default(), "ssh-rsa", "ssh-ed448"), names)
	_, err = Signatures("+ssh-rsb")
	require.EqualError(t, err, `no signature algorithm is called "ssh-rsb"; the nearest is "ssh-rsa", and "whelk -Q key-sig" lists all`)
}

// D9: no other finite field comes along with the one that a server asks for.
func TestServerKeyExchanges(t *testing.T) {
	methods, err := ServerKeyExchanges("+diffie-hellman-group14-sha256")
	require.NoError(t, err)
	require.Len(t, methods, len(kex.DefaultServer())+1)
	methods, err = ServerKeyExchanges("-*nistp*")
	require.NoError(t, err)
	require.Len(t, methods, len(kex.DefaultServer())-3)
	for _, m := range methods {
		require.NotContains(t, m.Name(), "diffie-hellman")
	}
}

// The names that OpenSSH's wildcards mean.
func TestWildcards(t *testing.T) {
	for list, want := range map[string][]string{
		"rsa-*":         {"rsa-sha2-512", "rsa-sha2-256", "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"},
		"ssh-ed25519*":  {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"},
		"ssh-rsa,rsa-?": nil,
	} {
		got, err := Signatures(list)
		require.Equal(t, want, got)
		require.Equal(t, want == nil, err != nil)
	}
	all, err := Signatures("*")
	require.NoError(t, err)
	require.NotContains(t, all, "ssh-rsa", "not unless it is asked for by its name")
	require.Contains(t, all, "ssh-mldsa44-ed25519@openssh.com")
}

func TestDefaultsAreNotChanged(t *testing.T) {
	before := ciphers().names(cipher.Default())
	_, err := Ciphers("-aes*,^chacha20-poly1305@openssh.com")
	require.NoError(t, err)
	require.Equal(t, before, ciphers().names(cipher.Default()))
}

// Each algorithm has a format of keys that can be parsed.
func TestFormats(t *testing.T) {
	require.Empty(t, Formats(nil))
	require.Empty(t, Formats(hostkey.Default()))
	formats := Formats([]string{"ssh-ed448", "ssh-ed25519"})
	require.Len(t, formats, 1)
	require.Equal(t, "ssh-ed448", formats[0].Name)
	require.Len(t, Formats(AllSignatures()), 2)
	require.Equal(t, "ssh-ed448", KeyType("ssh-ed448"))
	require.Equal(t, "ssh-rsa", KeyType("rsa-sha2-512"))
	require.Equal(t, "ssh-rsa-cert-v01@openssh.com", KeyType("rsa-sha2-512-cert-v01@openssh.com"))
}

func TestIsCertificate(t *testing.T) {
	for _, name := range hostkey.Optional() {
		require.True(t, IsCertificate(name), name)
	}
	for _, name := range append(hostkey.Default(), "ssh-ed448", "ssh-rsa", "") {
		require.False(t, IsCertificate(name), name)
	}
}

func TestRestrict(t *testing.T) {
	for _, test := range []struct {
		name string
		key  hostkey.Signer
		list []string
		want []string
	}{
		{"none", testkeys.Ed25519(), hostkey.Insecure(), nil},
		{"one", testkeys.Ed25519(), hostkey.Default(), []string{"ssh-ed25519"}},
		{"RFC 8332: in the order of the list", testkeys.RSA2048(), []string{"rsa-sha2-256", "ssh-ed25519", "rsa-sha2-512"}, []string{"rsa-sha2-256", "rsa-sha2-512"}},
		{"SHA-1 when asked for", testkeys.RSA2048(), []string{"rsa-sha2-256", "ssh-rsa"}, []string{"rsa-sha2-256", "ssh-rsa"}},
		{"SHA-1 alone", testkeys.RSA2048(), []string{"ssh-rsa"}, []string{"ssh-rsa"}},
		{"SHA-1 asks nothing of other keys", testkeys.ECDSA256(), []string{"ssh-rsa", "ecdsa-sha2-nistp256"}, []string{"ecdsa-sha2-nistp256"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, ok := Restrict(test.key, test.list)
			require.Equal(t, test.want != nil, ok)
			if !ok {
				return
			}
			require.Equal(t, test.want, s.Algorithms())
			for _, algorithm := range test.want {
				sig, err := s.Sign(t.Context(), algorithm, []byte("data"))
				require.NoError(t, err)
				require.NoError(t, hostkey.Verify(s.PublicKey(), algorithm, []byte("data"), sig))
			}
		})
	}
	require.NotContains(t, testkeys.RSA2048().Algorithms(), "ssh-rsa", "the key itself is as before")
}
