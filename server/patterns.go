package server

import (
	"fmt"
	"net/netip"
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
	return matchList(list, func(p string) bool { return matchAddress(p, ip) })
}

// matchAddress reports whether an address is in a network or matches a pattern.
func matchAddress(p string, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	ip = ip.Unmap().WithZone("")
	if n, err := parseNetwork(p); err == nil {
		return n.Contains(ip)
	}
	return pattern.Match(pattern.Lower(p), ip.String())
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
