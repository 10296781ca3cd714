package knownhosts

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTarget(t *testing.T) {
	for address, want := range map[string]string{
		"example.com:22":      "example.com",
		"example.com:022":     "example.com",
		"example.com:ssh":     "example.com",
		"example.com:":        "example.com",
		"example.com":         "example.com",
		"Example.COM:2222":    "[example.com]:2222",
		"example.com:HTTP":    "[example.com]:http", // found by fuzzing
		"192.0.2.1:22":        "192.0.2.1",
		"192.0.2.1:2222":      "[192.0.2.1]:2222",
		"[2001:DB8::1]:22":    "2001:db8::1",
		"[2001:db8::1]:2222":  "[2001:db8::1]:2222",
		"[2001:db8::1]":       "2001:db8::1",
		"2001:db8::1":         "2001:db8::1",
		"[fe80::1%eth0]:22":   "fe80::1%eth0",
		"\u212aelvin.test:22": "\u212aelvin.test", // KELVIN SIGN is no K
	} {
		require.Equal(t, want, newTarget(address).String(), address)
	}
}

func TestMatchHosts(t *testing.T) {
	for _, c := range []struct {
		field, host string
		want        bool
	}{
		{"example.com", "example.com", true},
		{"EXAMPLE.com", "example.com", true},
		{"\u212a.com", "k.com", false},
		{"example.com", "www.example.com", false},
		{"example.com", "example.comx", false},
		{"a,b,c", "b", true},
		{"a,b,c", "d", false},
		{"a,b,c", "a,b", false},
		{"*", "anything", true},
		{"*", "[anything]:2222", true},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "a.b.example.com", true},
		{"h?st", "host", true},
		{"h?st", "hst", false},
		{"h??t", "host", true},
		{"?", "", false},
		{"*?", "a", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"a*ba", "aba", true},
		{"ab*ba", "aba", false}, // the parts do not overlap
		{"a*a", "a", false},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
		{"*?b*", "ab", true},
		{"*?b*", "bab", true},
		{"*?b*", "b", false},
		{"*a?c", "abcadc", true},
		{"h*", "h", true},
		{"*h", "hh", true},
		{"**", "", true},
		{"", "", true},
		{"", "a", false},
		{"!a", "b", false}, // a negation alone accepts nobody
		{"!a", "a", false},
		{"*,!a", "a", false},
		{"!a,*", "a", false},
		{"*,!A", "a", false},
		{"*,!a", "b", true},
		{"*.test,!*.bad.test", "x.bad.test", false},
		{"*.test,!*.bad.test", "x.good.test", true},
		{"[example.com]:2222", "[example.com]:2222", true},
		{"[example.com]:2222", "example.com", false},
		{"[*.example.com]:22??", "[a.example.com]:2222", true},
		{"[ab].com", "a.com", false}, // brackets are no character class
		{"|1|x|y", "|1|x|y", false},
	} {
		require.Equal(t, c.want, matchHosts(c.field, c.host), "%q against %q", c.host, c.field)
	}
}

func TestHashedField(t *testing.T) {
	field := hashedField("[example.com]:2222")
	require.NotEqual(t, field, hashedField("[example.com]:2222"), "each has its own salt")
	require.NotContains(t, field, "example")
	require.True(t, matchHosts(field, "[example.com]:2222"))
	require.False(t, matchHosts(field, "example.com"))
}

func TestJ8MalformedHash(t *testing.T) {
	good := hashedField("h")
	salt := strings.Split(good, "|")[2]
	for name, field := range map[string]string{
		"no hash":           "|1|" + salt,
		"empty hash":        "|1|" + salt + "|",
		"empty salt":        "|1||" + salt,
		"only the magic":    "|1|",
		"another magic":     strings.Replace(good, "|1|", "|2|", 1),
		"short salt":        "|1|AAAA|" + salt,
		"short hash":        "|1|" + salt + "|AAAA",
		"salt not base64":   "|1|" + strings.Repeat("*", 28) + "|" + salt,
		"salt of 64 KiB":    "|1|" + strings.Repeat("A", 64<<10) + "|" + salt,
		"a third part":      good + "|" + salt,
		"followed by names": good + ",h",
		"a pipe":            "|",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, ok := parseHash(field)
			require.False(t, ok)
			require.False(t, matchHosts(field, "h"))
			_, err := parseLine([]byte(field + " ssh-ed25519 AAAA"))
			require.Error(t, err)
		})
	}
}

// M10: no pattern makes the matcher compute for long.
func TestM10MatchIsLinear(t *testing.T) {
	host := strings.Repeat("a", maxHost)
	for name, field := range map[string]string{
		"1000 stars":              strings.Repeat("*", 1000) + "b",
		"1000 stars between":      strings.Repeat("a*", 1000) + "b",
		"64 KiB of stars":         strings.Repeat("*", 64<<10) + "b",
		"64 KiB of star and a":    strings.Repeat("*a", 32<<10),
		"64 KiB of star and ?":    strings.Repeat("*?", 32<<10),
		"64 KiB after a star":     "*" + strings.Repeat("a", 64<<10) + "b",
		"64 KiB of short wrongs":  strings.Repeat("*b,", 20<<10),
		"64 KiB of questions":     strings.Repeat("?", 64<<10),
		"? at each position":      "*" + strings.Repeat("?", maxHost/2) + "b*",
		"half the host, two ways": "*" + strings.Repeat("a", maxHost/2) + "b*",
	} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 3 {
				start := time.Now()
				matchHosts(field, host)
				best = min(best, time.Since(start))
			}
			require.Less(t, best, 100*time.Millisecond)
		})
	}
}
