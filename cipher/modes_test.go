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
	var got []row
	for _, m := range cipher.Default() {
		got = append(got, row{m.Name, m.KeySize, m.IVSize, m.AEAD, m.RekeyAfter})
	}
	require.Equal(t, []row{
		{"aes128-gcm@openssh.com", 16, 12, true, 64 << 30},
		{"aes256-gcm@openssh.com", 32, 12, true, 64 << 30},
		{"chacha20-poly1305@openssh.com", 64, 0, true, 1 << 30},
		{"aes128-ctr", 16, 16, false, 64 << 30},
		{"aes192-ctr", 24, 16, false, 64 << 30},
		{"aes256-ctr", 32, 16, false, 64 << 30},
	}, got)
	require.Empty(t, cipher.Insecure())
}

func TestLookup(t *testing.T) {
	for _, m := range cipher.Default() {
		found, ok := cipher.Lookup(m.Name)
		require.True(t, ok, m.Name)
		require.Equal(t, m.KeySize, found.KeySize)
	}
	// RFC 4253 6.3: "none" is a name others know. Here it is none.
	for _, name := range []string{"", "none", "aes128-cbc", "AES128-CTR", "aes128-ctr,aes192-ctr", "aes128-gcm"} {
		m, ok := cipher.Lookup(name)
		require.False(t, ok, "%q", name)
		require.Nil(t, m.NewSealer)
		require.Nil(t, m.NewOpener)
	}
}

// The lists are copies: what one caller does to one is no other caller's concern.
func TestListsAreCopies(t *testing.T) {
	list := cipher.Default()
	list[0], list[1] = list[1], cipher.Mode{Name: "none"}
	require.Equal(t, "aes128-gcm@openssh.com", cipher.Default()[0].Name)
	_, ok := cipher.Lookup("none")
	require.False(t, ok)
}
