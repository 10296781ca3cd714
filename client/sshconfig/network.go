package sshconfig

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// matchHost reports whether a list of patterns describes the name of a host, whose
// case does not count.
func matchHost(list, host string) bool { return pattern.MatchList(lower(list), lower(host)) }

// lower returns s with the letters of US-ASCII in lower case.
func lower(s string) string { return pattern.Lower(s) }

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
