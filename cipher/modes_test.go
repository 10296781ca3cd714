package cipher_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
)

func TestTable(t *testing.T) {
	type row struct {
		name            string
		keySize, ivSize int
		aead            bool
		limit           int64
	}
	rows := func(list []cipher.Mode) (rows []row) {
		for _, m := range list {
			rows = append(rows, row{m.Name, m.KeySize, m.IVSize, m.AEAD, m.RekeyAfter})
		}
		return rows
	}
	require.ElementsMatch(t, []row{ // the CPU orders them: see TestPreferred
		{"aes128-gcm@openssh.com", 16, 12, true, 64 << 30},
		{"aes256-gcm@openssh.com", 32, 12, true, 64 << 30},
		{"chacha20-poly1305@openssh.com", 64, 0, true, 1 << 30},
		{"aes128-ctr", 16, 16, false, 64 << 30},
		{"aes192-ctr", 24, 16, false, 64 << 30},
		{"aes256-ctr", 32, 16, false, 64 << 30},
	}, rows(cipher.Default()))
	require.Equal(t, []row{
		{"aes128-cbc", 16, 16, false, 64 << 30},
		{"aes192-cbc", 24, 16, false, 64 << 30},
		{"aes256-cbc", 32, 16, false, 64 << 30},
		{"3des-cbc", 24, 8, false, 1 << 30},
	}, rows(cipher.Insecure()))
}

func TestLookup(t *testing.T) {
	for _, m := range append(cipher.Default(), cipher.Insecure()...) {
		found, ok := cipher.Lookup(m.Name)
		require.True(t, ok, m.Name)
		require.Equal(t, m.KeySize, found.KeySize)
	}
	// RFC 4253 6.3: "none" is a name others know. Here it is none.
	for _, name := range []string{"", "none", "des-cbc", "AES128-CTR", "aes128-ctr,aes192-ctr", "aes128-gcm"} {
		m, ok := cipher.Lookup(name)
		require.False(t, ok, "%q", name)
		require.Nil(t, m.NewSealer)
		require.Nil(t, m.NewOpener)
	}
}

// The lists are copies: what one caller does to one is no other caller's concern.
func TestListsAreCopies(t *testing.T) {
	for _, get := range []func() []cipher.Mode{cipher.Default, cipher.Insecure} {
		list := get()
		first := list[0].Name
		list[0], list[1] = list[1], cipher.Mode{Name: "none"}
		require.Equal(t, first, get()[0].Name)
	}
	_, ok := cipher.Lookup("none")
	require.False(t, ok)
}
