//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// ForwardingOptions are what may be forwarded.
type forwardingOptions struct {
	disabled bool   // and nothing at all is
	tcp      string // AllowTcpForwarding: "yes", "no", "local", "remote", or "" for yes
	sockets  string // AllowStreamLocalForwarding, likewise
	gateway  server.GatewayPorts
	unlink   bool        // StreamLocalBindUnlink
	mask     fs.FileMode // StreamLocalBindMask
	open     []permit    // nil for any
	listen   []permit
}

// A permit is a host and a port of PermitOpen or PermitListen: "*" for any of
// them. The zero permit is none.
type permit struct{ host, port string }

func (p permit) String() string {
	switch {
	case p.port == "":
		return "none"
	case strings.Contains(p.host, ":"):
		return net.JoinHostPort(p.host, p.port)
	}
	return p.host + ":" + p.port
}

// permits reports whether a list has a host and port, or is none.
func permits(list []permit, host string, port uint32) bool {
	return list == nil || slices.ContainsFunc(list, func(p permit) bool {
		return p.port != "" && (p.host == "*" || p.host == host) &&
			(p.port == "*" || p.port == strconv.FormatUint(uint64(port), 10))
	})
}

// permitsOpen reports whether PermitOpen allows connections to a host and port.
func (f *forwardingOptions) permitsOpen(host string, port uint32) bool {
	return !f.disabled && permits(f.open, host, port)
}

// permitsListen reports whether PermitListen allows to listen on a host and port.
func (f *forwardingOptions) permitsListen(host string, port uint32) bool {
	return !f.disabled && permits(f.listen, host, port)
}

func setPermitOpen(o *options, v []string) (err error) {
	o.forwarding.open, err = parsePermits(v, parseHostPort)
	return err
}

func setPermitListen(o *options, v []string) (err error) {
	o.forwarding.listen, err = parsePermits(v, func(s string) (permit, error) {
		if checkPort(s) == nil {
			return permit{"*", s}, nil
		}
		return parseHostPort(s)
	})
	return err
}

// parsePermits reads any, none, or what parse does.
func parsePermits(v []string, parse func(string) (permit, error)) ([]permit, error) {
	if len(v) == 1 && v[0] == "any" {
		return nil, nil
	}
	if len(v) == 1 && v[0] == "none" {
		return []permit{{}}, nil
	}
	var list []permit
	for _, s := range v {
		p, err := parse(s)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// parseHostPort reads host:port, or [host]:port.
func parseHostPort(s string) (permit, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return permit{}, fmt.Errorf("%q is not of the form host:port", s)
	}
	if host == "" {
		return permit{}, fmt.Errorf("%q has no host: * is any", s)
	}
	if err := checkPort(port); err != nil {
		return permit{}, err
	}
	return permit{host, port}, nil
}

// checkPort takes a port from 1 on, or "*".
func checkPort(s string) error {
	if s == "*" {
		return nil
	}
	if n, err := strconv.ParseUint(s, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is not a port: it is a number from 1 to 65535, or *", s)
	}
	return nil
}
