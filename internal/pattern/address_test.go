package pattern

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseNetworks(t *testing.T) {
	for list, want := range map[string][]string{
		"192.0.2.7":                    {"192.0.2.7/32"},
		"192.0.2.0/24,2001:db8::/32":   {"192.0.2.0/24", "2001:db8::/32"},
		"2001:db8::1":                  {"2001:db8::1/128"},
		"0.0.0.0/0":                    {"0.0.0.0/0"},
		"::ffff:192.0.2.0/120,::1/128": {"::ffff:192.0.2.0/120", "::1/128"},
	} {
		networks, err := ParseNetworks(list)
		require.NoError(t, err, list)
		var got []string
		for _, n := range networks {
			got = append(got, n.String())
		}
		require.Equal(t, want, got)
	}
	for list, why := range map[string]string{
		"":               `"" is neither an address`, // CVE-2026-46595: an empty list is nowhere
		"192.0.2.7,":     `"" is neither an address`,
		"192.0.2.7/24":   "write 192.0.2.0/24",
		"192.0.2.0/33":   "is no network such as",
		"192.0.2.*":      "is neither an address nor a network",
		"fe80::1%eth0":   "is neither an address nor a network",
		"fe80::%eth0/64": "is no network such as",
		"example.com":    "is neither an address nor a network",
	} {
		_, err := ParseNetworks(list)
		require.ErrorContains(t, err, why, list)
	}
}

func TestMatchAddresses(t *testing.T) {
	for _, tt := range []struct {
		list, ip string
		want     bool
	}{
		{"192.0.2.0/24", "192.0.2.7", true},
		{"192.0.2.0/24", "192.0.3.7", false},
		{"192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "::ffff:192.0.2.7", true},
		{"::ffff:192.0.2.0/120", "192.0.3.7", false},
		{"::/0", "192.0.2.7", false},
		{"192.0.2.7", "::ffff:192.0.2.7", true},
		{"192.0.2.*", "192.0.2.7", true},
		{"192.0.2.?", "192.0.2.77", false},
		{"2001:DB8::*", "2001:db8::1", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"*,!192.0.2.7", "192.0.2.7", false},
		{"!192.0.2.7,*", "192.0.2.7", false},
		{"!192.0.2.7", "192.0.2.8", false}, // what is excluded alone lets in nobody
		{"192.0.2.0/24,!192.0.2.0/28", "192.0.2.17", true},
		{"*", "", false}, // no address: a Unix socket
	} {
		ip, _ := netip.ParseAddr(tt.ip)
		require.Equal(t, tt.want, MatchAddresses(tt.list, ip), "%s in %s", tt.ip, tt.list)
	}
}

func TestCheckAddresses(t *testing.T) {
	for _, list := range []string{"192.0.2.*", "*,!10.0.0.0/8", "example.com", "2001:db8::/32"} {
		require.NoError(t, CheckAddresses(list), list)
	}
	for list, why := range map[string]string{
		"":              "empty pattern",
		"a,,b":          "empty pattern",
		"!":             "empty pattern",
		"!10.0.0.1/8":   "write 10.0.0.0/8",
		"a,192.0.2.*/8": "is no network such as",
	} {
		require.ErrorContains(t, CheckAddresses(list), why, list)
	}
}
