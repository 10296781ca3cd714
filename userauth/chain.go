package userauth

import (
	"fmt"
	"slices"
)

// advance takes a step along the chains: each that begins with the method loses
// it. It reports whether one is at its end. A Decision that asks for more
// contradicts the chains, which say what is enough.
func (s *state) advance(chains [][]string, method string, d Decision) (enough bool, err error) {
	if d.verdict == partial {
		return false, fmt.Errorf("userauth: the check of %q asks for a further method, and Server.Chains says what is enough", method)
	}
	s.chains = slices.Clone(chains)
	for i, c := range s.chains {
		if c[0] == method {
			s.chains[i] = c[1:]
			enough = enough || len(c) == 1
		}
	}
	if !enough {
		s.next = heads(s.chains)
	}
	return enough, nil
}

// heads returns the methods that chains begin with.
func heads(chains [][]string) []string {
	var names []string
	for _, c := range chains {
		if !slices.Contains(names, c[0]) {
			names = append(names, c[0])
		}
	}
	return names
}

// validateChains finds chains that nobody can get to the end of.
func (s *Server) validateChains() error {
	if s.Chains != nil && len(s.Chains) == 0 {
		return fmt.Errorf("userauth: Server.Chains is empty and not nil: no chain would be enough")
	}
	for _, c := range s.Chains {
		if len(c) == 0 {
			return fmt.Errorf("userauth: a chain of Server.Chains has no methods, and would let anyone in")
		}
		for _, method := range c {
			if method == methodNone || s.check(method) == nil {
				return fmt.Errorf("userauth: the chain %q has method %q, which proves nothing or has no check", c, method)
			}
		}
	}
	return nil
}
