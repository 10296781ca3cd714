package hostkey

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// Restrictions are what the options of a line of authorized keys or principals
// come to, or those of a certificate. The zero Restrictions is no result of
// this package.
type Restrictions struct {
	// CertAuthority says that the key is that of an authority: certificates it
	// signed let somebody in, and it does not by itself.
	CertAuthority bool
	Principals    []string // that certificates must name one of; nil if the user's name is

	From    string    // patterns and networks to come from; "" for anywhere
	Expires time.Time // after which the key lets nobody in; the zero Time for never

	// Flags are what the signature of a security key has to prove. Whoever sees
	// to that takes [VerifyRequired] from the Permissions.
	Flags       Flags
	Permissions *Permissions // nil if there is no limit
}

// An ExpiredError reports a key whose time is up.
type ExpiredError struct{ Expires time.Time }

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("hostkey: the key expired at %s (expiry-time)", e.Expires.Format(time.RFC3339))
}

// Check checks that a client at addr may be let in at a time. It fails with an
// [*ExpiredError] or a [*SourceError].
func (r *Restrictions) Check(at time.Time, addr net.Addr) error {
	// sshd(8): "a time after which the key will not be accepted".
	if !r.Expires.IsZero() && at.After(r.Expires) {
		return &ExpiredError{r.Expires}
	}
	if ip := addressOf(addr); r.From != "" && !pattern.MatchAddresses(r.From, ip) {
		return &SourceError{Addr: ip, Allowed: r.From}
	}
	return r.Permissions.CheckSource(addr)
}

// Narrow returns r with what q restricts besides. It fails if they restrict the
// user to different things. What only lines of authorized keys have is that of
// r.
func (r *Restrictions) Narrow(q *Restrictions) (*Restrictions, error) {
	both := *r
	both.Flags |= q.Flags
	var err error
	both.Permissions, err = r.Permissions.Narrow(q.Permissions)
	return &both, err
}

// An OptionError reports an option of a line of authorized keys or principals,
// because of which the line lets nobody in.
type OptionError struct {
	Name   string // in lower case
	Reason string
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("hostkey: option %q %s; the line does not count", e.Name, e.Reason)
}

// Restrictions returns what the options of k come to. It fails with an
// [*OptionError] if one of them is unknown, malformed, or asks for what there
// is not: an option that is not understood may be a restriction.
func (k *AuthorizedKey) Restrictions() (*Restrictions, error) {
	r, err := restrictions(k.Options)
	if err == nil && r.Principals != nil && !r.CertAuthority {
		return nil, &OptionError{"principals", "is for authorities: it goes with cert-authority"}
	}
	return r, err
}

// restrictions applies options in their order: "restrict" takes away what those
// before it permitted, and those after it give back.
func restrictions(options []Option) (*Restrictions, error) {
	b := &restrictionBuilder{touch: true}
	if len(options) > 0 {
		b.Permissions = everything()
	}
	for _, o := range options {
		if reason := b.apply(o); reason != nil {
			return nil, &OptionError{o.Name, reason.Error()}
		}
	}
	if b.touch {
		b.Flags |= UserPresent
	}
	if b.verify {
		b.Flags |= UserVerified
		b.Permissions.CriticalOptions[VerifyRequired] = ""
	}
	return &b.Restrictions, nil
}

// A restrictionBuilder makes Restrictions of options.
type restrictionBuilder struct {
	Restrictions
	touch, verify bool
}

// flagOptions are those that take or give one thing, by their names without
// "no-".
var flagOptions = map[string]string{
	"agent-forwarding": PermitAgentForwarding,
	"port-forwarding":  PermitPortForwarding,
	"pty":              PermitPty,
	"user-rc":          PermitUserRC,
	"x11-forwarding":   PermitX11Forwarding,
}

// valueOptions are those with a value.
var valueOptions = map[string]func(b *restrictionBuilder, value string) error{
	"command":      func(b *restrictionBuilder, v string) error { return b.once(ForceCommand, v) },
	"environment":  (*restrictionBuilder).setEnvironment,
	"expiry-time":  (*restrictionBuilder).setExpiry,
	"from":         (*restrictionBuilder).setFrom,
	"permitlisten": (*restrictionBuilder).addPermitListen,
	"permitopen":   (*restrictionBuilder).addPermitOpen,
	"principals":   (*restrictionBuilder).setPrincipals,
	"tunnel": func(*restrictionBuilder, string) error {
		return errors.New("asks for a tun device, which there is not: leave it out")
	},
}

// apply applies one option (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Its error is
// the end of a sentence.
func (b *restrictionBuilder) apply(o Option) error {
	if set, ok := valueOptions[o.Name]; ok {
		if !o.HasValue {
			return fmt.Errorf("has no value: write %s=\"...\"", o.Name)
		}
		return set(b, o.Value)
	}
	base, negated := strings.CutPrefix(o.Name, "no-")
	extension, isFlag := flagOptions[base]
	switch {
	case isFlag && negated:
		delete(b.Permissions.Extensions, extension)
	case isFlag:
		b.Permissions.Extensions[extension] = ""
	case base == "touch-required":
		b.touch = !negated
	case base == "verify-required":
		b.verify = !negated
	case o.Name == "cert-authority":
		b.CertAuthority = true
	case o.Name == "restrict":
		clear(b.Permissions.Extensions)
	default:
		return errors.New("is not known: correct it, or take it out if nothing depends on it")
	}
	if o.HasValue {
		return errors.New("takes no value")
	}
	return nil
}

// once sets a critical option that may be there once only.
func (b *restrictionBuilder) once(name, value string) error {
	if _, ok := b.Permissions.CriticalOptions[name]; ok {
		return errors.New("is there twice")
	}
	b.Permissions.CriticalOptions[name] = value
	return nil
}

func (b *restrictionBuilder) setFrom(v string) error {
	if b.From != "" {
		return errors.New("is there twice: write one list, with commas")
	}
	if err := pattern.CheckAddresses(v); err != nil {
		return fmt.Errorf("is malformed: %w", err)
	}
	b.From = v
	return nil
}

// setExpiry keeps the earliest of several.
func (b *restrictionBuilder) setExpiry(v string) error {
	t, err := parseTime(v)
	if err != nil {
		return err
	}
	if b.Expires.IsZero() || t.Before(b.Expires) {
		b.Expires = t
	}
	return nil
}

// setPrincipals takes names with commas between them. A name in a certificate
// that has a comma is none of them (CVE-2026-35414).
func (b *restrictionBuilder) setPrincipals(v string) error {
	if b.Principals != nil {
		return errors.New("is there twice: write one list, with commas")
	}
	b.Principals = strings.Split(v, ",")
	if slices.Contains(b.Principals, "") {
		return errors.New("has an empty name")
	}
	return nil
}

// setEnvironment takes NAME=value. Of two for one name the first counts.
func (b *restrictionBuilder) setEnvironment(v string) error {
	name, _, ok := strings.Cut(v, "=")
	if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return !isNameRune(c) }) {
		return fmt.Errorf("is %q, and not NAME=value with letters, digits and _ in the name", v)
	}
	options := b.Permissions.CriticalOptions
	lines, more := options[Environment]
	if more {
		for line := range strings.SplitSeq(lines, "\n") {
			if strings.HasPrefix(line, name+"=") {
				return nil
			}
		}
		v = lines + "\n" + v
	}
	options[Environment] = v
	return nil
}

// isNameRune reports whether c may stand in the name of a variable.
func isNameRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func (b *restrictionBuilder) addPermitOpen(v string) error { return b.addAddress(PermitOpen, v) }

// addPermitListen takes a port without a host too, which stands for any host.
func (b *restrictionBuilder) addPermitListen(v string) error {
	if !strings.Contains(v, ":") {
		v = "*:" + v
	}
	return b.addAddress(PermitListen, v)
}

// addAddress adds host:port to a critical option. The port is a number from 1
// to 65535, or * for any; the host is taken as it is, or * for any.
func (b *restrictionBuilder) addAddress(name, v string) error {
	host, port, err := net.SplitHostPort(v)
	n, numeric := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || strings.ContainsAny(host, " \t") || port != "*" && (numeric != nil || n == 0) {
		return fmt.Errorf("is %q, and not host:port with a port from 1 to 65535 or *", v)
	}
	if port != "*" {
		port = strconv.FormatUint(n, 10)
	}
	options := b.Permissions.CriticalOptions
	address := net.JoinHostPort(host, port)
	if list, ok := options[name]; ok {
		address = list + " " + address
	}
	options[name] = address
	return nil
}

// timeLayouts are those of sshd(8) and ssh-keygen(1), by their length.
var timeLayouts = map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}

// parseTime parses YYYYMMDD[HHMM[SS]], in the time zone of the system or, with
// a Z behind it, in UTC.
func parseTime(v string) (time.Time, error) {
	digits, utc := strings.CutSuffix(v, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(timeLayouts[len(digits)], digits, zone)
	if err != nil || timeLayouts[len(digits)] == "" {
		return time.Time{}, fmt.Errorf("is %q, and not a time: write YYYYMMDD[HHMM[SS]][Z]", v)
	}
	return t, nil
}
