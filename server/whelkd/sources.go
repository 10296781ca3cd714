//go:build unix

package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/server"
)

// Sources are what addresses that connect may and may not do, and who may say
// that a connection is another's.
type sources struct {
	unpunished bool // PerSourcePenalties is no
	penalties  server.Penalties

	proxied bool           // connections come through proxies
	proxies []netip.Prefix // which
}

// setPenalties reads yes, no, or pairs such as "authfail:10s overflow:deny-all".
// A duration of 0 is no penalty.
func setPenalties(o *options, v string) error {
	if on, err := yesNo(v); err == nil {
		o.sources.unpunished = !on
		return nil
	}
	for field := range strings.FieldsSeq(v) {
		name, value, _ := strings.Cut(field, ":")
		if err := o.sources.setPenalty(strings.ToLower(name), value); err != nil {
			return err
		}
	}
	o.sources.unpunished = false
	return nil
}

func (s *sources) setPenalty(name, value string) (err error) {
	p := &s.penalties
	durations := map[string]*time.Duration{
		"crash": &p.Crash, "authfail": &p.AuthFail, "noauth": &p.NoAuth, "grace-exceeded": &p.GraceExceeded,
		"refuseconnection": &p.Refused, "max": &p.Max, "min": &p.Min,
		// Nothing here says whether a user exists, not even to this.
		"invaliduser": new(time.Duration),
	}
	switch d := durations[name]; {
	case d != nil && value == "":
		return fmt.Errorf("%s has no value: write %s:10s", name, name)
	case d != nil:
		if *d, err = parseDuration(value); err == nil && *d == 0 {
			*d = -1
		}
	case name == "max-sources4":
		p.MaxSources4, err = positive(value)
	case name == "max-sources6":
		p.MaxSources6, err = positive(value)
	case name == "overflow":
		p.DenyAll4, err = denyAll(value)
		p.DenyAll6 = p.DenyAll4
	case name == "overflow6":
		p.DenyAll6, err = denyAll(value)
	default:
		return fmt.Errorf("%q is neither yes, no nor one of crash authfail invaliduser refuseconnection noauth "+
			"grace-exceeded max min max-sources4 max-sources6 overflow overflow6, with a colon and a value", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func denyAll(v string) (bool, error) {
	switch v {
	case "deny-all":
		return true, nil
	case "permissive":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither deny-all nor permissive", v)
}

// setNetBlockSize reads the bits of IPv4, and with a colon those of IPv6.
func setNetBlockSize(o *options, v string) error {
	first, second, both := strings.Cut(v, ":")
	bits, err := parseBits(first, 32)
	if err == nil {
		o.startups.Bits4 = bits
		if both {
			o.startups.Bits6, err = parseBits(second, 128)
		}
	}
	return err
}

// parseBits reads a number up to limit, as server.Startups has it.
func parseBits(v string, limit int) (int, error) {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil || n < 0 || n > limit:
		return 0, fmt.Errorf("%q is not a number of bits from 0 to %d", v, limit)
	case n == 0:
		return -1, nil
	}
	return n, nil
}

// setRate reads how many key exchanges an address may begin in a second.
func setRate(o *options, v string) (err error) {
	if unlessNone(v) == "" {
		o.startups.PerSecond = -1
		return nil
	}
	o.startups.PerSecond, err = positive(v)
	return err
}

func setExempt(o *options, v string) (err error) {
	o.sources.penalties.Exempt, err = parseNetworks(v)
	return err
}

func setProxies(o *options, v string) (err error) {
	o.sources.proxies, err = parseNetworks(v)
	return err
}

// parseNetworks reads addresses and networks with commas between them, or none.
func parseNetworks(v string) ([]netip.Prefix, error) {
	if unlessNone(v) == "" {
		return nil, nil
	}
	return pattern.ParseNetworks(v)
}

// policy returns the penalties, or nil if there are none. The proxies have none:
// what comes with their address is their look whether this is alive.
func (s *sources) policy() *server.Penalties {
	if s.unpunished {
		return nil
	}
	if s.proxied {
		s.penalties.Exempt = append(s.penalties.Exempt, s.proxies...)
	}
	return &s.penalties
}
