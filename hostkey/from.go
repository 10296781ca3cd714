package hostkey

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// addressOf returns the IP address of addr, which is not valid if it has none,
// as that of a Unix socket.
func addressOf(addr net.Addr) netip.Addr {
	if addr == nil {
		return netip.Addr{}
	}
	if ap, err := netip.ParseAddrPort(addr.String()); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	ip, err := netip.ParseAddr(addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

// parseNetwork parses an address, or one with the length of its network's mask.
// Bits behind the mask are a mistake: it is not known which of the two was
// meant.
func parseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		ip, err := netip.ParseAddr(s)
		if err != nil || ip.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an address", s)
		}
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

// parseNetworks parses the value of "source-address": networks that commas
// separate, and at least one of them.
func parseNetworks(list string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for s := range strings.SplitSeq(list, ",") {
		network, err := parseNetwork(s)
		if err != nil {
			return nil, err
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// contains reports whether one of networks has ip.
func contains(networks []netip.Prefix, ip netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(ip) || n.Addr().Is4In6() && n.Bits() >= 96 &&
			netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96).Contains(ip) {
			return true
		}
	}
	return false
}

// checkFrom checks the form of the value of "from": what has a slash is a
// network, or a mistake that would leave out a restriction.
func checkFrom(list string) error {
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

// matchFrom reports whether a client at ip may come by a list of patterns and
// networks. Nobody is asked what name an address has (UseDNS of sshd_config(5)
// is off), so that a pattern is one for addresses.
func matchFrom(list string, ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	found := false
	for s := range strings.SplitSeq(list, ",") {
		s, negated := strings.CutPrefix(s, "!")
		network, err := parseNetwork(s)
		if !(err == nil && contains([]netip.Prefix{network}, ip)) && !pattern.Match(pattern.Lower(s), ip.String()) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}
