//go:build unix

package main

import (
	"fmt"
	"net/netip"
	"os/user"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// A spec is a connection as -C describes it.
type spec struct{ server.MatchSpec }

// setSpec reads name=value pairs with commas between them. Those of several -C
// add up.
func (a *arguments) setSpec(v string) error {
	if a.spec == nil {
		a.spec = &spec{}
	}
	for field := range strings.SplitSeq(v, ",") {
		if err := a.spec.set(field); err != nil {
			return fmt.Errorf("-C: %w", err)
		}
	}
	return nil
}

func (s *spec) set(field string) (err error) {
	name, value, ok := strings.Cut(field, "=")
	switch {
	case field == "invalid-user":
		s.InvalidUser = true
	case !ok:
		return fmt.Errorf("%q is not of the form name=value", field)
	case name == "user":
		s.User = value
		if u, err := user.Lookup(value); err == nil {
			s.Groups = groupsOf(u)
		}
	case name == "host":
		s.Host = value
	case name == "rdomain":
		s.RoutingDomain = value
	case value == "" && (name == "addr" || name == "laddr" || name == "lport"):
	case name == "addr":
		s.Address, err = netip.ParseAddr(value)
	case name == "laddr":
		s.LocalAddress, err = netip.ParseAddr(value)
	case name == "lport":
		s.LocalPort, err = strconv.Atoi(value)
	default:
		return fmt.Errorf("%q is none of user, host, addr, laddr, lport, rdomain, invalid-user", name)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", field, err)
	}
	return nil
}
