package hostkey

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// Names in [Permissions] of what holds a user back. The first three are
// critical options of certificates (OpenSSH PROTOCOL.certkeys); the others come
// from authorized_keys files only (sshd(8)).
const (
	ForceCommand   = "force-command"   // the one command to be run
	SourceAddress  = "source-address"  // networks to come from, with commas between them
	VerifyRequired = "verify-required" // a security key has to check who touches it
	PermitOpen     = "permitopen"      // host:port to be connected to, with spaces between them
	PermitListen   = "permitlisten"    // host:port to be listened on, with spaces between them
	Environment    = "environment"     // NAME=value, a line each
)

// Names in [Permissions] of what a user may do. They are extensions of
// certificates (OpenSSH PROTOCOL.certkeys).
const (
	PermitX11Forwarding   = "permit-X11-forwarding"
	PermitAgentForwarding = "permit-agent-forwarding"
	PermitPortForwarding  = "permit-port-forwarding"
	PermitPty             = "permit-pty"
	PermitUserRC          = "permit-user-rc"
	NoTouchRequired       = "no-touch-required" // a security key may sign without anybody touching it
)

// permits are what a user may do unless an option takes it away.
var permits = []string{PermitX11Forwarding, PermitAgentForwarding, PermitPortForwarding, PermitPty, PermitUserRC}

// Permissions limit what a user may do. Names and values are those of
// certificates and authorized_keys files. A nil *Permissions sets no limit; the
// zero Permissions permits nothing that has to be permitted.
//
// Permissions must not be changed once somebody else uses them.
type Permissions struct {
	CriticalOptions map[string]string // what holds the user back, such as [ForceCommand]
	Extensions      map[string]string // what the user may do, such as [PermitPty]
}

// everything returns Permissions that take nothing away.
func everything() *Permissions {
	p := &Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}
	for _, name := range permits {
		p.Extensions[name] = ""
	}
	return p
}

// option returns a critical option.
func (p *Permissions) option(name string) (string, bool) {
	if p == nil {
		return "", false
	}
	value, ok := p.CriticalOptions[name]
	return value, ok
}

// Command returns the one command that the user may run, and whether there is
// one. It may be "", which runs a shell.
func (p *Permissions) Command() (command string, forced bool) { return p.option(ForceCommand) }

// Permits reports whether the user may do what an extension stands for.
func (p *Permissions) Permits(extension string) bool {
	if p == nil {
		return true
	}
	_, ok := p.Extensions[extension]
	return ok
}

// Environment returns the variables to be set for the user's programs, each as
// "NAME=value".
func (p *Permissions) Environment() []string {
	lines, ok := p.option(Environment)
	if !ok || lines == "" {
		return nil
	}
	return strings.Split(lines, "\n")
}

// PermitsOpen reports whether the user may have connections forwarded to a host
// and port. Names are compared as they are, and none is looked up.
func (p *Permissions) PermitsOpen(host string, port uint32) bool {
	return p.Permits(PermitPortForwarding) && p.permitsAddress(PermitOpen, host, port)
}

// PermitsListen reports whether the user may have the server listen on a host
// and port for connections that are forwarded to the client.
func (p *Permissions) PermitsListen(host string, port uint32) bool {
	return p.Permits(PermitPortForwarding) && p.permitsAddress(PermitListen, host, port)
}

func (p *Permissions) permitsAddress(option, host string, port uint32) bool {
	list, ok := p.option(option)
	if !ok {
		return true
	}
	for address := range strings.SplitSeq(list, " ") {
		h, n, err := net.SplitHostPort(address)
		if err == nil && (h == "*" || h == host) && (n == "*" || n == strconv.FormatUint(uint64(port), 10)) {
			return true
		}
	}
	return false
}

// A SourceError reports a client that comes from where it may not.
type SourceError struct {
	Addr    netip.Addr // the zero Addr if the client has no IP address
	Allowed string     // as the key or certificate has it
}

func (e *SourceError) Error() string {
	from := "a connection without an IP address"
	if e.Addr.IsValid() {
		from = e.Addr.String()
	}
	return fmt.Sprintf("hostkey: it may be used from %q, and not from %s", e.Allowed, from)
}

// CheckSource checks that a client at addr may be there, and returns a
// [*SourceError] if not. A list of addresses that is empty or malformed has
// none, and who has no IP address is in no list (CVE-2026-46595).
func (p *Permissions) CheckSource(addr net.Addr) error {
	list, ok := p.option(SourceAddress)
	if !ok {
		return nil
	}
	ip := addressOf(addr)
	networks, err := pattern.ParseNetworks(list)
	within := func(n netip.Prefix) bool { return pattern.Contains(n, ip) }
	if err != nil || !ip.IsValid() || !slices.ContainsFunc(networks, within) {
		return &SourceError{Addr: ip, Allowed: list}
	}
	return nil
}

// Narrow returns what both p and q permit: every restriction of either, and
// the extensions that both have. It fails if they restrict the user to
// different things. It changes neither.
func (p *Permissions) Narrow(q *Permissions) (*Permissions, error) {
	if p == nil {
		return q, nil
	}
	if q == nil {
		return p, nil
	}
	both := &Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}
	maps.Copy(both.CriticalOptions, p.CriticalOptions)
	for name, value := range q.CriticalOptions {
		if other, ok := both.CriticalOptions[name]; ok && other != value {
			return nil, fmt.Errorf("hostkey: %s is to be both %q and %q", name, other, value)
		}
		both.CriticalOptions[name] = value
	}
	for name, value := range p.Extensions {
		if other, ok := q.Extensions[name]; ok && other == value {
			both.Extensions[name] = value
		}
	}
	return both, nil
}

// Unknown returns the names of the critical options that are none of known, in
// order. Whoever grants something passes those it enforces, and grants nothing
// unless the result is empty.
func (p *Permissions) Unknown(known ...string) []string {
	if p == nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(p.CriticalOptions))
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(known, name) })
}

// Without returns p without a critical option, which the caller has enforced.
// It does not change p.
func (p *Permissions) Without(option string) *Permissions {
	if _, ok := p.option(option); !ok {
		return p
	}
	other := &Permissions{CriticalOptions: maps.Clone(p.CriticalOptions), Extensions: p.Extensions}
	delete(other.CriticalOptions, option)
	return other
}
