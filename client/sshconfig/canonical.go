package sshconfig

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// canonicalize finds the name of the host: what HostName says, the one way to
// write an address, or what the domain name system knows the name as.
func (e *evaluation) canonicalize() error {
	s := e.settings
	if v, ok := s.values["hostname"]; ok {
		name, err := expand(v.Words[0], tokens{'h': e.host}, nil)
		if err == nil {
			err = CheckHost(name)
		}
		if err != nil {
			return s.fail("hostname", err)
		}
		s.host = name
	}
	if addr, ok := parseAddress(s.host, s.Text("addressfamily")); ok {
		s.host = addr
	} else if !isAddress(s.host) {
		s.host = lower(s.host)
		if err := e.lookUp(); err != nil {
			return err
		}
	}
	if mode := s.Text("canonicalizehostname"); mode != "" && mode != "false" {
		e.wantFinal = true
	}
	e.host = s.host
	// From here on these have their defaults, whatever the final pass says.
	for _, name := range []string{"canonicalizehostname", "canonicalizemaxdots", "canonicalizefallbacklocal"} {
		keepFirst(s, name, Value{Words: find(name).unset}, false)
	}
	return nil
}

// lookUp takes the name to the domain name system, if it is to.
func (e *evaluation) lookUp() error {
	s := e.settings
	mode := s.Text("canonicalizehostname")
	direct := isNone(s.Text("proxycommand")) && isNone(s.Text("proxyjump"))
	// A name that a proxy will make sense of need not make any here.
	if !direct && mode != "always" {
		return nil
	}
	found := false
	if mode != "" && mode != "false" {
		var err error
		if found, err = e.tryDomains(); err != nil {
			return err
		}
	}
	if found || len(e.cnames()) == 0 {
		return nil
	}
	canonical, err := e.resolve(s.host)
	switch {
	case err == nil:
		e.followCNAME(canonical)
	case direct:
		return s.fail("canonicalizepermittedcnames", err)
	}
	return nil
}

func isNone(text string) bool { return text == "" || strings.EqualFold(text, "none") }

// tryDomains looks for the host in each of CanonicalDomains, and reports whether
// it is in one.
func (e *evaluation) tryDomains() (bool, error) {
	s := e.settings
	most := 1
	if _, ok := s.values["canonicalizemaxdots"]; ok {
		most = s.Number("canonicalizemaxdots")
	}
	var names []string
	switch {
	case strings.HasSuffix(s.host, "."):
		names = []string{s.host}
	case strings.Count(s.host, ".") > most:
		return false, nil
	default:
		for _, domain := range s.List("canonicaldomains") {
			if domain != "none" {
				names = append(names, s.host+"."+domain+".")
			}
		}
	}
	if len(names) > 0 && e.config.Resolve == nil {
		return false, s.fail("canonicalizehostname", ErrResolver)
	}
	for _, name := range names {
		canonical, err := e.resolve(name)
		if err == nil {
			s.host = strings.TrimSuffix(name, ".")
			e.followCNAME(canonical)
			return true, nil
		}
		if e.ctx.Err() != nil {
			return false, s.fail("canonicalizehostname", err)
		}
	}
	if s.Text("canonicalizefallbacklocal") == "no" {
		return false, s.fail("canonicalizefallbacklocal", fmt.Errorf("%q: %w", s.host, ErrUnresolved))
	}
	return false, nil
}

func (e *evaluation) resolve(name string) (string, error) {
	if e.config.Resolve == nil {
		return "", ErrResolver
	}
	family := e.settings.Text("addressfamily")
	if family == "" {
		family = "any"
	}
	return e.config.Resolve(e.ctx, family, name)
}

// cnames returns the rules of CanonicalizePermittedCNAMEs.
func (e *evaluation) cnames() []string {
	rules := e.settings.List("canonicalizepermittedcnames")
	if len(rules) == 1 && rules[0] == "none" {
		return nil
	}
	return rules
}

// followCNAME takes the name that the host really has, if a rule permits it and
// names are to be canonical. The name is the resolver's: it is no name if it
// could not be one.
func (e *evaluation) followCNAME(canonical string) {
	s := e.settings
	canonical = strings.TrimSuffix(canonical, ".")
	mode := s.Text("canonicalizehostname")
	if mode == "" || mode == "false" || !validDomain(canonical) || canonical == s.host {
		return
	}
	for _, rule := range e.cnames() {
		from, to, _ := strings.Cut(rule, ":")
		if matchHost(from, s.host) && matchHost(to, canonical) {
			s.host = lower(canonical)
			return
		}
	}
}

// readAgain reads the files once more, if there is a final pass.
func (e *evaluation) readAgain() error {
	if !e.wantFinal {
		return nil
	}
	e.final = true
	return e.readFiles()
}

// parseAddress returns the one way to write an address, which may be one of IPv4
// with parts left out, or in octal or hexadecimal, as inet_aton(3) has it.
func parseAddress(name, family string) (string, bool) {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.String(), !(family == "inet" && addr.Is6() || family == "inet6" && addr.Is4())
	}
	if family == "inet6" {
		return "", false
	}
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return "", false
	}
	value := uint64(0)
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32)
		last := i == len(parts)-1
		bits := 8
		if last {
			bits = 8 * (5 - len(parts))
		}
		if err != nil || strings.ContainsAny(part, "_oObB+") || n>>bits > 0 {
			return "", false
		}
		value = value<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}).String(), true
}
