package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// A MatchSpec is a connection and the user that it is for, as far as a Match of
// sshd_config(5) and [Access] ask for them. What is zero is not known, and fits
// nothing that asks for it.
type MatchSpec struct {
	User        string
	InvalidUser bool     // there is no such user
	Groups      []string // of the user

	Host          string // name of the client; its address if that has none
	Address       netip.Addr
	LocalAddress  netip.Addr
	LocalPort     int
	RoutingDomain string
}

// A condition is the criteria of a Match line, all of which have to hold; none
// are those of "Match all".
type condition struct {
	criteria []criterion
}

// A criterion is one of them.
type criterion struct {
	value string
	holds func(value string, c *MatchSpec) bool
}

func (cond *condition) holds(c *MatchSpec) bool {
	return !slices.ContainsFunc(cond.criteria, func(k criterion) bool { return !k.holds(k.value, c) })
}

// criteria are those of Match in sshd_config(5), in lower case: what is wrong
// with a value, and whether a connection fits it.
var criteria = map[string]struct {
	check func(value string) error
	holds func(value string, c *MatchSpec) bool
}{
	"user":         {anyPattern, func(v string, c *MatchSpec) bool { return matchPatternList(v, c.User) }},
	"group":        {anyPattern, func(v string, c *MatchSpec) bool { return matchAnyOf(v, c.Groups) }},
	"host":         {anyPattern, func(v string, c *MatchSpec) bool { return matchPatternList(pattern.Lower(v), pattern.Lower(c.Host)) }},
	"address":      {pattern.CheckAddresses, func(v string, c *MatchSpec) bool { return pattern.MatchAddresses(v, c.Address) }},
	"localaddress": {pattern.CheckAddresses, func(v string, c *MatchSpec) bool { return pattern.MatchAddresses(v, c.LocalAddress) }},
	"localport":    {checkPort, func(v string, c *MatchSpec) bool { return c.LocalPort != 0 && strconv.Itoa(c.LocalPort) == v }},
	"rdomain":      {anyPattern, func(v string, c *MatchSpec) bool { return matchPatternList(v, c.RoutingDomain) }},
}

func anyPattern(string) error { return nil }

func checkPort(v string) error {
	if n, err := strconv.ParseUint(v, 10, 16); err != nil || strconv.FormatUint(n, 10) != v {
		return fmt.Errorf("%q is not a port", v)
	}
	return nil
}

// matchError returns an error that begins with the keyword, as those of other
// lines do.
func matchError(format string, args ...any) error {
	return fmt.Errorf("Match: "+format, args...)
}

// parseCondition parses what stands behind Match.
func parseCondition(s string) (*condition, error) {
	words, err := matchWords(s)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, matchError("it has no criteria; `Match all` fits every connection")
	}
	if strings.EqualFold(words[0], "all") {
		if len(words) > 1 {
			return nil, matchError("all cannot be combined with other criteria")
		}
		return &condition{}, nil
	}
	c := &condition{}
	for len(words) > 0 {
		name := strings.ToLower(words[0])
		words = words[1:]
		if name == "invalid-user" { // which has no value
			c.criteria = append(c.criteria, criterion{holds: func(_ string, c *MatchSpec) bool { return c.InvalidUser }})
			continue
		}
		k, ok := criteria[name]
		switch {
		case name == "all":
			return nil, matchError("all cannot be combined with other criteria")
		case !ok:
			return nil, matchError("%q is none of User, Group, Host, LocalAddress, LocalPort, RDomain, Address, Invalid-User, all", name)
		case len(words) == 0 || words[0] == "":
			return nil, matchError("%s has no value", name)
		}
		if err := k.check(words[0]); err != nil {
			return nil, matchError("%s: %w", name, err)
		}
		c.criteria = append(c.criteria, criterion{words[0], k.holds})
		words = words[1:]
	}
	return c, nil
}

// matchWords takes the criteria apart. A name and its value may have "=" between
// them, and a value may be in double quotes, with no meaning to backslashes.
func matchWords(s string) (words []string, err error) {
	for {
		s = strings.TrimLeft(s, " \t\r")
		if s == "" || s[0] == '#' {
			return words, nil
		}
		if quoted, ok := strings.CutPrefix(s, `"`); ok {
			word, rest, closed := strings.Cut(quoted, `"`)
			if !closed {
				return nil, matchError(`a quote " is not closed`)
			}
			words, s = append(words, word), rest
			continue
		}
		end := strings.IndexAny(s, " \t\r=\"")
		if end < 0 {
			return append(words, s), nil
		}
		words, s = append(words, s[:end]), strings.TrimLeft(s[end:], " \t\r")
		s = strings.TrimPrefix(s, "=")
	}
}
