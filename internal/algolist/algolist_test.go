package algolist

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// letters is a table of a, b and c by default, and x and y besides.
var letters = table[string]{
	[]string{"a", "b", "c"}, []string{"x", "y"}, func(name string) string { return name },
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, list, want string }{
		{"a plain list replaces", "c,a", "c a"},
		{"a plain list may name what is off by default", "y,b", "y b"},
		{"ssh_config(5): + appends to the default set", "+x", "a b c x"},
		{"+ holds for what follows", "+x,y", "a b c x y"},
		{"+ of what is there changes nothing", "+b", "a b c"},
		{"ssh_config(5): - removes from the default set", "-b", "a c"},
		{"- holds for what follows", "-a,b", "c"},
		{"- with a wildcard", "-?", ""},
		{"- with a wildcard that fits nothing", "-*-cbc", "a b c"},
		{"ssh_config(5): ^ places at the head", "^c", "c a b"},
		{"^ keeps its own order", "^c,x", "c x a b"},
		{"signs may change", "+x,-a,^c", "c b x"},
		{"a name twice", "a,b,a", "a b"},
		{"a head that is taken away again", "^c,-c", "a b"},
		{"a head that is added", "^c,+c", "c a b"},
		{"a name after a plain one", "a,+x", "a x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse("letter", test.list, letters)
			if test.want == "" {
				require.EqualError(t, err, `list "`+test.list+`" leaves no letter; there are a,b,c,x,y`)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, list, bad string }{
		{"nothing", "", ""},
		{"a misspelled name", "a,bb", "bb"},
		{"a misspelled name to add", "+xx", "xx"},
		{"a misspelled name to take away would leave it on", "-aa", "aa"},
		{"a misspelled name for the head", "^cc", "cc"},
		{"a wildcard where a name has to be", "+*", "*"},
		{"an empty name", "a,,b", ""},
		{"a sign alone", "+", ""},
		{"a space is part of a name", "a, b", " b"},
		{"text that a terminal would act on", "\x1b[2J", "\x1b[2J"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse("letter", test.list, letters)
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, test.bad, bad.Name)
			require.NotContains(t, err.Error(), "\x1b")
			require.Contains(t, err.Error(), "a,b,c,x,y")
		})
	}
}

func TestDefaultsAreNotChanged(t *testing.T) {
	before := cipher.Default()
	_, err := Ciphers("-aes*,^chacha20-poly1305@openssh.com")
	require.NoError(t, err)
	require.Equal(t, len(before), len(cipher.Default()))
	require.Equal(t, []string{"a", "b", "c"}, letters.byDefault)
}

func TestKinds(t *testing.T) {
	ciphers, err := Ciphers("aes256-ctr,aes128-ctr")
	require.NoError(t, err)
	require.Len(t, ciphers, 2)
	require.Equal(t, "aes256-ctr", ciphers[0].Name)
	_, err = Ciphers("aes257-ctr")
	require.ErrorContains(t, err, `no cipher is called "aes257-ctr"; there are aes128-gcm@openssh.com,`)

	macs, err := MACs("-hmac-sha2-256*")
	require.NoError(t, err)
	require.Len(t, macs, len(mac.Default())-2)
	_, err = MACs("hmac-md4")
	require.ErrorContains(t, err, `no MAC is called "hmac-md4"`)

	methods, err := KeyExchanges("^ecdh-sha2-nistp256")
	require.NoError(t, err)
	require.Len(t, methods, len(kex.Default()))
	require.Equal(t, "ecdh-sha2-nistp256", methods[0].Name())
	methods, err = KeyExchanges("curve448-sha512,diffie-hellman-group1-sha1,diffie-hellman-group15-sha512")
	require.NoError(t, err)
	require.Len(t, methods, 3)
	methods, err = ServerKeyExchanges("+diffie-hellman-group14-sha256")
	require.NoError(t, err)
	require.Len(t, methods, len(kex.DefaultServer())+1, "D9: no other finite field comes with it")
	_, err = ServerKeyExchanges("x")
	require.ErrorContains(t, err, "ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256,")
	_, err = KeyExchanges("curve25519")
	require.ErrorContains(t, err, `no key exchange method is called "curve25519"`)

	names, err := Signatures("-rsa-*")
	require.NoError(t, err)
	require.Len(t, names, len(hostkey.Default())-2)
	_, err = Signatures("+ssh-rsa")
	require.ErrorContains(t, err, `no signature algorithm is called "ssh-rsa"`)
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbb", false},
		{"a*b*c", "axxbxxbc", true},
		{"?", "a", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"*-cbc", "aes128-cbc", true},
		{"*-cbc", "aes128-cbc@x", false},
	} {
		require.Equal(t, test.want, match(test.pattern, test.name), "%q against %q", test.pattern, test.name)
	}
}

// M10: a pattern that makes a naive matcher take exponential time.
func TestMatchIsFast(t *testing.T) {
	require.False(t, match(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 2000)))
}
