package pattern

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The matcher agrees with the definition for all short patterns and names.
func TestMatchExhaustively(t *testing.T) {
	var define func(p, s string) bool
	define = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return define(p[1:], s) || s != "" && define(p, s[1:])
		}
		return s != "" && (p[0] == '?' || p[0] == s[0]) && define(p[1:], s[1:])
	}
	words := func(letters string, length int) []string {
		all, last := []string{""}, []string{""}
		for range length {
			var longer []string
			for _, w := range last {
				for _, c := range letters {
					longer = append(longer, w+string(c))
				}
			}
			all, last = append(all, longer...), longer
		}
		return all
	}
	for _, p := range words("ab*?", 5) {
		for _, s := range words("ab", 5) {
			if define(p, s) != Match(p, s) {
				t.Fatalf("%q against %q: %v", s, p, Match(p, s))
			}
		}
	}
}

// ssh_config(5), PATTERNS.
func TestMatchAny(t *testing.T) {
	for _, tt := range []struct {
		list, s string
		want    bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "A", false},
		{"", "", true},
		{"", "a", false},
		{"b,a", "a", true},
		{"*.co.uk", "a.b.co.uk", true},
		{"192.168.0.?", "192.168.0.7", true},
		{"192.168.0.?", "192.168.0.77", false},
		{"*,!a", "a", false},
		{"!a,*", "a", false},
		{"!a,*", "b", true},
		{"!a", "b", false}, // "a negated match will never produce a positive result by itself"
		{"!*.x,a.x", "a.x", false},
		{"!!a", "!a", false},
		{"a, b", "b", false},
		{"?", "\xff", true},
		{"?", "\u00e9", false}, // two bytes
	} {
		require.Equal(t, tt.want, MatchList(tt.list, tt.s), "%q in %q", tt.s, tt.list)
		require.Equal(t, tt.want, MatchAny(strings.Split(tt.list, ","), tt.s), "%q in %q", tt.s, tt.list)
	}
	require.False(t, MatchAny(nil, ""))
}

// Letters that are not of US-ASCII are left alone: the Kelvin sign is not a k.
func TestLower(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "AbZ": "abz", "@[`{": "@[`{", "\u212aK": "\u212ak", "\u0130": "\u0130", "\xffA": "\xffa",
	} {
		require.Equal(t, want, Lower(in))
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { Lower("host.example") }))
}

// CVE-2026-0967: patterns that other matchers take years for.
func TestM10PatternsAreFast(t *testing.T) {
	long := strings.Repeat("a", 64<<10)
	for name, tt := range map[string]struct{ pattern, s string }{
		"1000 stars":           {strings.Repeat("*", 1000) + "b", long},
		"a star for each two":  {strings.Repeat("*a", 32<<10) + "b", long},
		"stars and questions":  {strings.Repeat("*?", 32<<10) + "b", long},
		"a long part":          {"*" + long + "b*", long},
		"a part at the end":    {"*" + long[:32<<10] + "b", long},
		"the name is short":    {strings.Repeat("*a", 32<<10), "a"},
		"questions and a name": {"*" + strings.Repeat("?", 1000) + "b*", long[:1024]},
	} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 3 {
				begun := time.Now()
				require.False(t, Match(tt.pattern, tt.s))
				best = min(best, time.Since(begun))
			}
			require.Less(t, best, 100*time.Millisecond)
		})
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { Match("*.example.*", "host.example.com") }))
}
