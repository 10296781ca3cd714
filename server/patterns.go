package server

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// MatchPattern reports whether s matches a pattern in which * stands for any
// number of bytes and ? for one (ssh_config(5), PATTERNS), at a cost of at most
// the product of the lengths.
func MatchPattern(pattern, s string) bool {
	p, i := 0, 0
	star, taken := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0: // the last star takes one byte more
			taken++
			p, i = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchList reports whether something matches one of a list of patterns that
// commas separate, and none of those that begin with "!".
func matchList(list string, matches func(pattern string) bool) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !matches(pattern) {
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
	return name != "" && matchList(list, func(pattern string) bool { return MatchPattern(pattern, name) })
}

// matchAnyOf is matchList for names of which one has to match, and none may
// match what is negated.
func matchAnyOf(list string, names []string) bool {
	return matchList(list, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return MatchPattern(pattern, name) })
	})
}

// checkAddresses finds out what is wrong with a list of networks and patterns
// of addresses. A slash makes a network: one with a mistake in it would let
// nobody in, or keep nobody out.
func checkAddresses(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimPrefix(s, "!")
		if s == "" {
			return fmt.Errorf("%q has an empty pattern", list)
		}
		if strings.Contains(s, "/") {
			if _, err := parseNetwork(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// matchAddresses is matchList for an address.
func matchAddresses(list string, ip netip.Addr) bool {
	return matchList(list, func(pattern string) bool { return matchAddress(pattern, ip) })
}

// matchAddress reports whether an address is in a network or matches a pattern.
func matchAddress(pattern string, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	ip = ip.Unmap().WithZone("")
	if n, err := parseNetwork(pattern); err == nil {
		return n.Contains(ip)
	}
	return MatchPattern(lowerASCII(pattern), ip.String())
}

// parseNetwork parses an address, or one with the length of its network's mask.
func parseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an address", s)
		}
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address with the length of a mask", s)
	}
	if network.Masked() != network {
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its mask: write %s", s, network.Masked())
	}
	return network, nil
}

// lowerASCII returns s with the letters of US-ASCII in lower case.
func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}
