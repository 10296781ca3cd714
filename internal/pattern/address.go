package pattern

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseNetwork parses an address, or one with the length of its network's mask.
// Bits behind the mask are a mistake: it is not known which of the two was meant.
func ParseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 192.0.2.0/24", s)
		}
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network such as 192.0.2.0/24", s)
	}
	if network.Masked() != network {
		return netip.Prefix{}, fmt.Errorf("%q has bits behind its mask: write %s", s, network.Masked())
	}
	return network, nil
}

// ParseNetworks parses networks that commas separate, at least one of them.
func ParseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for s := range strings.SplitSeq(list, ",") {
		network, err := ParseNetwork(s)
		if err != nil {
			return nil, err
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// Contains reports whether a network has an address, which may be one of IPv4 in
// the form of IPv6, as the network may.
func Contains(network netip.Prefix, ip netip.Addr) bool {
	if network.Addr().Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Contains(ip.Unmap().WithZone(""))
}

// CheckAddresses finds out what is wrong with a list for [MatchAddresses]. A
// slash makes a network: one with a mistake in it would let nobody in, or keep
// nobody out.
func CheckAddresses(list string) error {
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimPrefix(s, "!")
		if s == "" {
			return fmt.Errorf("%q has an empty pattern", list)
		}
		if strings.Contains(s, "/") {
			if _, err := ParseNetwork(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// MatchAddress reports whether an address is in a network, or is what a pattern
// describes. One that is not valid is neither.
func MatchAddress(p string, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	if network, err := ParseNetwork(p); err == nil {
		return Contains(network, ip)
	}
	return Match(Lower(p), ip.Unmap().WithZone("").String())
}

// MatchAddresses reports whether an address matches one of a list of networks
// and patterns that commas separate, and none of those that begin with "!".
func MatchAddresses(list string, ip netip.Addr) bool {
	found := false
	for p := range strings.SplitSeq(list, ",") {
		p, negated := strings.CutPrefix(p, "!")
		if !MatchAddress(p, ip) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}
