package server

import (
	"net"
	"net/netip"
)

// A source is what connections are counted and penalised by: a network, which
// may be a single address. The zero source is none.
type source = netip.Prefix

// sourceOf returns the source of an address in networks as large as p says.
func (p Startups) sourceOf(ip netip.Addr) source {
	bits := p.Bits4
	if ip.Is6() {
		bits = p.Bits6
	}
	from, err := ip.Prefix(min(max(bits, 0), ip.BitLen()))
	if err != nil || !ip.IsValid() {
		return source{}
	}
	return from
}

// addressOf returns the IP address of addr, which is not valid if it has none,
// as that of a Unix socket.
func addressOf(addr net.Addr) netip.Addr {
	if addr == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
