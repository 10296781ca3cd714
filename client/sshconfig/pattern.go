package sshconfig

import (
	"fmt"
	"net/netip"
	"strings"
)

// Match reports whether s is what a pattern describes, as those of SendEnv do:
// "*" stands for any number of bytes and "?" for one.
func Match(pattern, s string) bool { return match(pattern, s) }

// match reports whether s is what pattern describes: "*" stands for any number
// of bytes and "?" for one (ssh_config(5), PATTERNS). When the rest of the
// pattern does not fit, the last star takes one byte more, so that the cost is
// at most the product of the lengths.
func match(pattern, s string) bool {
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
		case star >= 0:
			taken++
			p, i = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchList reports whether s is what one of the patterns describes that commas
// separate, and none of those behind a "!".
func matchList(list, s string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if pattern == "" && s != "" || !match(pattern, s) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// matchHost is matchList for names of hosts, whose case does not count.
func matchHost(list, host string) bool { return matchList(lower(list), lower(host)) }

// parseNetworks parses the networks, in CIDR notation, that commas separate.
// Bits behind the mask are a mistake.
func parseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q is not a network such as 192.0.2.0/24", text)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		if network != network.Masked() {
			return nil, fmt.Errorf("%q has bits behind its mask: write %s", text, network.Masked())
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// lower returns s with the letters of US-ASCII in lower case.
func lower(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}
