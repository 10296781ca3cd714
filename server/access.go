package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// Access says who may log in, whatever they can prove: the lists are those of
// DenyUsers, AllowUsers, DenyGroups and AllowGroups in sshd_config(5), and are
// looked at in this order. The zero Access keeps nobody out.
//
// What names users is a pattern (ssh_config(5), PATTERNS), and behind it may be
// "@" and a list of patterns and networks for where they come from: "alice",
// "*@192.0.2.0/24", "bob@*.example.org". What names groups is a pattern.
type Access struct {
	DenyUsers, AllowUsers   []string
	DenyGroups, AllowGroups []string
}

// An AccessError says why Access keeps a user out.
type AccessError struct {
	User    string
	Keyword string // the list that decided
	Pattern string // what fits in a list that denies, or "" if nothing does in one that allows
}

func (e *AccessError) Error() string {
	if e.Pattern == "" {
		return fmt.Sprintf("server: user %q may not log in: not in %s", e.User, e.Keyword)
	}
	return fmt.Sprintf("server: user %q may not log in: %s has %q", e.User, e.Keyword, e.Pattern)
}

// Validate finds mistakes in the networks of the lists.
func (a *Access) Validate() error {
	for _, p := range slices.Concat(a.DenyUsers, a.AllowUsers) {
		_, from, ok := strings.Cut(p, "@")
		if !ok {
			continue
		}
		if err := pattern.CheckAddresses(from); err != nil {
			return fmt.Errorf("server: %q: %w", p, err)
		}
	}
	return nil
}

// Check returns an [*AccessError] if the user of c may not log in.
func (a *Access) Check(c *MatchSpec) error {
	user := func(p string) bool { return matchUser(p, c) }
	group := func(p string) bool {
		return slices.ContainsFunc(c.Groups, func(name string) bool { return pattern.Match(p, name) })
	}
	for _, list := range []struct {
		keyword  string
		patterns []string
		matches  func(string) bool
		allows   bool
	}{
		{"DenyUsers", a.DenyUsers, user, false},
		{"AllowUsers", a.AllowUsers, user, true},
		{"DenyGroups", a.DenyGroups, group, false},
		{"AllowGroups", a.AllowGroups, group, true},
	} {
		i := slices.IndexFunc(list.patterns, list.matches)
		switch {
		case !list.allows && i >= 0:
			return &AccessError{c.User, list.keyword, list.patterns[i]}
		case list.allows && i < 0 && len(list.patterns) > 0:
			return &AccessError{c.User, list.keyword, ""}
		}
	}
	return nil
}

// matchUser reports whether the user of c is one that a pattern is for, and
// comes from where it says, by address or by name.
func matchUser(p string, c *MatchSpec) bool {
	name, from, ok := strings.Cut(p, "@")
	if !pattern.Match(name, c.User) {
		return false
	}
	host := pattern.Lower(c.Host)
	return !ok || matchList(from, func(p string) bool {
		return pattern.MatchAddress(p, c.Address) || host != "" && pattern.Match(pattern.Lower(p), host)
	})
}
