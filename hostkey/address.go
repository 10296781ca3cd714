package hostkey

import (
	"net"
	"net/netip"
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
