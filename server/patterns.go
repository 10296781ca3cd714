package server

import (
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// matchList reports whether something matches one of a list of patterns that
// commas separate, and none of those that begin with "!".
func matchList(list string, matches func(p string) bool) bool {
	found := false
	for p := range strings.SplitSeq(list, ",") {
		p, negated := strings.CutPrefix(p, "!")
		if !matches(p) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// matchPatternList is matchList for a name; "" is the name of nothing.
func matchPatternList(list, name string) bool {
	return name != "" && pattern.MatchList(list, name)
}

// matchAnyOf is matchList for names of which one has to match, and none may
// match what is negated.
func matchAnyOf(list string, names []string) bool {
	return matchList(list, func(p string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return pattern.Match(p, name) })
	})
}
