package client

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// networks are what package net calls the values of AddressFamily.
var networks = map[string]string{"any": "tcp", "inet": "tcp4", "inet6": "tcp6"}

// attemptInterval is how long it takes to try again, with ConnectionAttempts.
const attemptInterval = time.Second

// dialDirect connects over TCP.
func dialDirect(ctx context.Context, s *sshconfig.Settings) (net.Conn, error) {
	dialer := net.Dialer{Timeout: s.Seconds("connecttimeout")}
	if !s.Yes("tcpkeepalive") {
		dialer.KeepAlive = -1
	}
	network := networks[s.Text("addressfamily")]
	local, err := localAddress(ctx, s, network)
	if err != nil {
		return nil, err
	}
	if local != nil {
		dialer.LocalAddr = local
	}
	for n := s.Number("connectionattempts"); ; n-- {
		nc, err := dialer.DialContext(ctx, network, hostAddress(s))
		if err == nil || n <= 1 || ctx.Err() != nil {
			return nc, atTimeout(ctx, err)
		}
		select {
		case <-time.After(attemptInterval):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// atTimeout returns err, or why ctx is done, which says more.
func atTimeout(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// localAddress returns the address that BindAddress or BindInterface names, or
// nil.
func localAddress(ctx context.Context, s *sshconfig.Settings, network string) (net.Addr, error) {
	ipNetwork := strings.Replace(network, "tcp", "ip", 1)
	if name := s.Text("bindaddress"); name != "" {
		ips, err := net.DefaultResolver.LookupIP(ctx, ipNetwork, name)
		if err != nil {
			return nil, fmt.Errorf("BindAddress %q: %w", name, err)
		}
		return &net.TCPAddr{IP: ips[0]}, nil
	}
	name := s.Text("bindinterface")
	if name == "" {
		return nil, nil
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("BindInterface %q: %w", name, err)
	}
	addresses, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("BindInterface %q: %w", name, err)
	}
	for _, a := range addresses {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLinkLocalUnicast() {
			continue
		}
		if isIPv4 := n.IP.To4() != nil; ipNetwork == "ip" || isIPv4 == (ipNetwork == "ip4") {
			return &net.TCPAddr{IP: n.IP}, nil
		}
	}
	return nil, fmt.Errorf("BindInterface %q: it has no address that could connect", name)
}
