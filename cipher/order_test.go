package cipher

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What leads depends on the CPU, and nothing is lost or offered twice.
func TestPreferred(t *testing.T) {
	for _, tt := range []struct {
		name   string
		hasAES bool
		want   []string
	}{
		{"AES instructions", true, []string{
			"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"}},
		{"none", false, []string{
			"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, names(preferred(tt.hasAES)))
			require.Equal(t, "aes128-gcm@openssh.com", modes[0].Name, "the table is nobody's to sort")
		})
	}
	require.Equal(t, names(preferred(aesInHardware)), names(Default()))
}

func names(list []Mode) (names []string) {
	for _, m := range list {
		names = append(names, m.Name)
	}
	return names
}
