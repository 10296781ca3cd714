package pattern

import "strings"

// Match reports whether s matches a pattern in which * stands for any number of
// characters and ? for one. Each part between two stars is taken where it is
// found first, and stays there: if the pattern matches at all, it matches so.
func Match(pattern, s string) bool {
	part, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return len(part) == len(s) && begins(s, part)
	}
	if len(part) > len(s) || !begins(s, part) {
		return false
	}
	s = s[len(part):]
	for {
		part, rest, starred = strings.Cut(rest, "*")
		if !starred { // the last part is at the end
			return len(part) <= len(s) && begins(s[len(s)-len(part):], part)
		}
		i := index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
}

// begins reports whether s, which is no shorter than part, begins with it.
func begins(s, part string) bool {
	for i := range len(part) {
		if part[i] != '?' && part[i] != s[i] {
			return false
		}
	}
	return true
}

// index returns where part is first found in s, or -1.
func index(s, part string) int {
	if !strings.Contains(part, "?") {
		return strings.Index(s, part)
	}
	for i := 0; i+len(part) <= len(s); i++ {
		if begins(s[i:], part) {
			return i
		}
	}
	return -1
}

// MatchAny reports whether s matches one of patterns, and none of those that
// begin with "!". A list of nothing but these matches nothing.
func MatchAny(patterns []string, s string) bool {
	found := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		switch {
		case negated && Match(p, s):
			return false
		case !negated && !found:
			found = Match(p, s)
		}
	}
	return found
}

// MatchList is [MatchAny] for a list with commas between the patterns.
func MatchList(list, s string) bool { return MatchAny(strings.Split(list, ","), s) }

// Lower returns s with the letters of US-ASCII in lower case. Unicode has
// letters whose lower case is one of those, and they are other names.
func Lower(s string) string {
	isUpper := func(c rune) bool { return 'A' <= c && c <= 'Z' }
	if !strings.ContainsFunc(s, isUpper) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if isUpper(rune(c)) {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
