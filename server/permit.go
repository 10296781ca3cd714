package server

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// PermitAll is a [Permit] for everything. Clients then reach what the server
// does, its own loopback and the services there included.
func PermitAll(context.Context, *Conn, Endpoint) bool { return true }

// PermitOpen returns a [Permit] for the addresses given, in the form of
// PermitOpen of sshd_config(5): host:port, where "*" stands for any host or any
// port. IPv6 addresses are in brackets. Names are compared as they are, and
// nothing is looked up: who is permitted a name is not permitted its address.
// "any" alone permits all, and "none" alone nothing.
func PermitOpen(addresses ...string) (Permit, error) {
	same := func(pattern, host string) bool { return pattern == "*" || pattern == host }
	return permitAddresses(addresses, same)
}

// PermitListen is [PermitOpen] for listeners (PermitListen of sshd_config(5)):
// a port without a host stands for any host, and "*" and "?" in a host for any
// characters or one, whatever their case. ssh(1) asks for "localhost" if its
// user names no address, which is neither "127.0.0.1" nor "::1". A client that
// leaves the port to the server asks for 0.
func PermitListen(addresses ...string) (Permit, error) {
	complete := make([]string, len(addresses))
	for i, a := range addresses {
		complete[i] = a
		if !strings.Contains(a, ":") && a != "any" && a != "none" {
			complete[i] = "*:" + a
		}
	}
	return permitAddresses(complete, func(pattern, host string) bool {
		return matches(strings.ToLower(pattern), strings.ToLower(host))
	})
}

// An allowed is a host and a port that are permitted.
type allowed struct {
	host    string // a pattern
	port    uint16
	anyPort bool
}

func permitAddresses(addresses []string, same func(pattern, host string) bool) (Permit, error) {
	if len(addresses) == 1 && addresses[0] == "any" {
		return PermitAll, nil
	}
	var list []allowed
	for _, address := range addresses {
		if address == "none" && len(addresses) == 1 {
			break
		}
		a, err := parseAllowed(address)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return func(_ context.Context, _ *Conn, e Endpoint) bool {
		for _, a := range list {
			if e.Network == "tcp" && (a.anyPort || a.port == e.Port) && same(a.host, e.Host) {
				return true
			}
		}
		return false
	}, nil
}

func parseAllowed(address string) (allowed, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return allowed{}, fmt.Errorf("server: %q is not host:port", address)
	}
	if port == "*" {
		return allowed{host: host, anyPort: true}, nil
	}
	n, err := strconv.ParseUint(port, 10, 16) // J10
	if err != nil || n == 0 {
		return allowed{}, fmt.Errorf("server: the port of %q is neither a number from 1 to 65535 nor *", address)
	}
	return allowed{host: host, port: uint16(n)}, nil
}

// matches reports whether name is what pattern describes. Its time is the
// product of their lengths at most (M10).
func matches(pattern, name string) bool {
	p, n := 0, 0
	star, resume := -1, 0 // the last "*", and where in name what follows it was tried
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			resume++
			p, n = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
