package hostkey

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/wire"
)

// An Authority says whose certificates are believed, and what about: parsing
// one only shows that somebody signed it. The zero Authority believes nobody.
//
//	                  certificate
//	                       |
//	signed by one of Users or Hosts, by an algorithm taken?   UnknownAuthority, WeakSignature
//	for what it is used for, in its time?                     WrongKind, NotYetValid, Expired
//	for this user or host?                                    NoPrincipals, WrongPrincipal
//	without options nobody here enforces?                     UnknownOption, MalformedOption
//	and neither it nor its authority revoked?                 Revoked
//	                       |
//	               Restrictions, or nil
//
// An Authority must not be changed once it is used; it is safe for concurrent
// use then.
type Authority struct {
	// Users are the keys that may vouch for users, Hosts those for hosts. A key
	// that vouches for the one does not for the other.
	Users, Hosts []PublicKey

	// CASignatureAlgorithms are those that a certificate may be signed with;
	// those of [Default] if nil. None is over SHA-1 whatever it says.
	CASignatureAlgorithms []string

	// Revoked, unless nil, returns an error for a key or certificate that is
	// not to be believed any more: [KRL.Check] is one. It is asked about the
	// certificate, and then about its authority.
	Revoked func(key PublicKey) error

	Time func() time.Time // time.Now if nil
}

// A CertificateReason is why a certificate is refused.
type CertificateReason int

// The reasons there are.
const (
	UnknownAuthority CertificateReason = iota + 1
	WeakSignature                      // by an algorithm that is not taken
	WrongKind                          // a host's for a user, or a user's for a host
	NotYetValid
	Expired
	NoPrincipals // for nobody: never for everybody (CVE-2024-7594)
	WrongPrincipal
	UnknownOption
	MalformedOption
	WrongSource // from an address that it may not be used from
	Revoked
	BadSignature // not signed by its authority, or by a certificate
)

// certificateReasons say what is wrong, and what to do about it.
var certificateReasons = map[CertificateReason]struct{ what, todo string }{
	UnknownAuthority: {"its authority is not one that is trusted for this", "add the authority's key to the trusted ones if it should be"},
	WeakSignature:    {"its authority signed it with an algorithm that is not taken", "have it signed again with another"},
	WrongKind:        {"it is for the other purpose", "have one signed with `ssh-keygen -s` without -h for a user, with -h for a host"},
	NotYetValid:      {"it is not valid yet", "compare the clocks of the authority and of this system"},
	Expired:          {"it has expired", "have another one signed"},
	NoPrincipals:     {"it names no principals, and so is nobody's", "have it signed with `ssh-keygen -s ... -n NAME`"},
	WrongPrincipal:   {"it does not name whom it is used for", "have it signed with that name (`ssh-keygen -s ... -n NAME`)"},
	UnknownOption:    {"it has a critical option that is not known here, and may be a restriction", "have it signed without"},
	MalformedOption:  {"one of its options is malformed", "have it signed again"},
	WrongSource:      {"it may not be used from there", "use it from where its source-address says, or have it signed for there"},
	Revoked:          {"it has been revoked", "have another one signed"},
	BadSignature:     {"it is not signed as it should be", "have it signed again"},
}

// String returns what the reason is, and what to do about it.
func (r CertificateReason) String() string { return r.explain("") }

// explain is String with the details of one case.
func (r CertificateReason) explain(detail string) string {
	reason, ok := certificateReasons[r]
	if !ok {
		return fmt.Sprintf("reason %d", int(r))
	}
	if detail != "" {
		detail = " (" + detail + ")"
	}
	return reason.what + detail + ": " + reason.todo
}

// A CertificateError reports a certificate that is refused.
type CertificateError struct {
	Reason      CertificateReason
	Certificate *Certificate // nil if there was none
	Detail      string       // what was found and what was wanted, or ""
	Err         error        // what else there is to know, or nil
}

func (e *CertificateError) Error() string {
	b := new(strings.Builder)
	b.WriteString("hostkey: the certificate")
	if c := e.Certificate; c != nil && c.CA != nil {
		fmt.Fprintf(b, " %.128q (serial %d, by %s)", c.KeyID, c.Serial, Fingerprint(c.CA))
	}
	return b.String() + " is refused: " + e.Reason.explain(e.Detail)
}

// Unwrap returns Err.
func (e *CertificateError) Unwrap() error { return e.Err }

// refuse returns the error for a reason, with details for people.
func (c *Certificate) refuse(reason CertificateReason, format string, args ...any) error {
	return &CertificateError{Reason: reason, Certificate: c, Detail: fmt.Sprintf(format, args...)}
}

// CheckUser decides whether c lets in a user at addr, given the names that let
// that user in: usually the user's own. Names are compared as they are, and no
// character of theirs has a meaning. It returns what the certificate restricts
// the user to, and fails with a [*CertificateError]. That the user holds the
// certificate's key is for whoever verifies a signature by it.
func (a *Authority) CheckUser(c *Certificate, addr net.Addr, principals ...string) (*Restrictions, error) {
	if err := a.check(c, UserCertificate, a.Users); err != nil {
		return nil, err
	}
	if err := c.checkPrincipals(func(name string) bool { return slices.Contains(principals, name) }, principals); err != nil {
		return nil, err
	}
	r, err := c.restrictions()
	if err != nil {
		return nil, err
	}
	if err := r.Permissions.CheckSource(addr); err != nil {
		return nil, &CertificateError{Reason: WrongSource, Certificate: c, Detail: strings.TrimPrefix(err.Error(), "hostkey: "), Err: err}
	}
	if err := a.checkRevoked(c); err != nil {
		return nil, err
	}
	return r, nil
}

// CheckHost decides whether c speaks for a host, given the name it was dialed
// by, with or without a port. In the names of a certificate * stands for any
// characters and ? for one, as in OpenSSH from 10.3 on; those before took
// neither. It fails with a [*CertificateError].
func (a *Authority) CheckHost(c *Certificate, host string) error {
	if err := a.check(c, HostCertificate, a.Hosts); err != nil {
		return err
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = pattern.Lower(host)
	matches := func(name string) bool { return host != "" && pattern.Match(pattern.Lower(name), host) }
	if err := c.checkPrincipals(matches, []string{host}); err != nil {
		return err
	}
	// OpenSSH PROTOCOL.certkeys: "No critical options are defined for host
	// certificates at present."
	if len(c.CriticalOptions) > 0 {
		return c.refuse(UnknownOption, "%q", c.CriticalOptions[0].Name)
	}
	return a.checkRevoked(c)
}

// VerifyHostKey makes an Authority a [Verifier] that takes certificates of its
// Hosts, and no keys.
func (a *Authority) VerifyHostKey(_ context.Context, host Host, key PublicKey) error {
	c, ok := key.(*Certificate)
	if !ok {
		return fmt.Errorf("hostkey: %q presented a key and no certificate: have the host's key certified by one of the trusted authorities", host.Name)
	}
	return a.CheckHost(c, host.Name)
}

// HostKeyAlgorithms makes an Authority an [AlgorithmChooser].
func (a *Authority) HostKeyAlgorithms(Host) []string { return Optional() }

// check checks what users' certificates and hosts' have in common.
func (a *Authority) check(c *Certificate, kind CertificateKind, trusted []PublicKey) error {
	if c == nil || c.Key == nil || c.CA == nil || c.Signature == nil {
		return &CertificateError{Reason: BadSignature, Err: errors.New("hostkey: there is no certificate, or it is not signed")}
	}
	if !slices.ContainsFunc(trusted, func(k PublicKey) bool { return Equal(k, c.CA) }) {
		return c.refuse(UnknownAuthority, "%d are trusted for %ss", len(trusted), kind)
	}
	// A certificate that was not parsed may hold anything.
	if err := c.CheckSignature(); err != nil {
		return &CertificateError{Reason: BadSignature, Certificate: c, Detail: strings.TrimPrefix(err.Error(), "hostkey: "), Err: err}
	}
	algorithms := a.CASignatureAlgorithms
	if algorithms == nil {
		algorithms = Default()
	}
	// An algorithm of another package's format is that of a key listed above.
	if known := KeyType(c.Signature.Algorithm) != ""; (known || a.CASignatureAlgorithms != nil) && !slices.Contains(algorithms, c.Signature.Algorithm) {
		return c.refuse(WeakSignature, "%s, and taken are %s", c.Signature.Algorithm, strings.Join(algorithms, " "))
	}
	if c.Kind != kind {
		return c.refuse(WrongKind, "it is a %s certificate, and a %s certificate is wanted", c.Kind, kind)
	}
	return c.checkTime(a.now())
}

func (a *Authority) now() time.Time {
	if a.Time != nil {
		return a.Time()
	}
	return time.Now()
}

// checkTime checks that a time is within that of c: from ValidAfter on, and
// before ValidBefore (OpenSSH PROTOCOL.certkeys).
func (c *Certificate) checkTime(at time.Time) error {
	now := uint64(max(0, at.Unix()))
	switch {
	case now < c.ValidAfter:
		return c.refuse(NotYetValid, "from %s on; it is %s", formatSeconds(c.ValidAfter), formatSeconds(now))
	case now >= c.ValidBefore:
		return c.refuse(Expired, "at %s; it is %s", formatSeconds(c.ValidBefore), formatSeconds(now))
	}
	return nil
}

// formatSeconds formats seconds since 1970, which somebody else may have
// chosen.
func formatSeconds(s uint64) string {
	const lastYear = 253402300799 // of four digits
	if s > lastYear {
		return fmt.Sprintf("second %d", s)
	}
	return time.Unix(int64(s), 0).UTC().Format(time.RFC3339)
}

// checkPrincipals checks that one of the principals of c is the one wanted.
// Those of no length are nobody.
func (c *Certificate) checkPrincipals(matches func(principal string) bool, wanted []string) error {
	if len(c.Principals) == 0 {
		return c.refuse(NoPrincipals, "")
	}
	for _, p := range c.Principals {
		if p != "" && matches(p) {
			return nil
		}
	}
	return c.refuse(WrongPrincipal, "it names %s, and wanted is %s", listNames(c.Principals), listNames(wanted))
}

// maxListed is how many names an error lists.
const maxListed = 5

// listNames lists names for people, a few of them.
func listNames(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	var quoted []string
	for _, name := range names[:min(len(names), maxListed)] {
		quoted = append(quoted, fmt.Sprintf("%.100q", name))
	}
	if n := len(names) - len(quoted); n > 0 {
		quoted = append(quoted, fmt.Sprintf("%d others", n))
	}
	return strings.Join(quoted, ", ")
}

// checkRevoked asks about the certificate and about its authority
// (CVE-2026-42508).
func (a *Authority) checkRevoked(c *Certificate) error {
	if a.Revoked == nil {
		return nil
	}
	for _, key := range []PublicKey{c, c.CA} {
		if err := a.Revoked(key); err != nil {
			return &CertificateError{Reason: Revoked, Certificate: c, Detail: strings.TrimPrefix(err.Error(), "hostkey: "), Err: err}
		}
	}
	return nil
}

// restrictions returns what the options of a user's certificate come to. One
// critical option that is not known refuses the certificate; an extension that
// is not known is passed on.
func (c *Certificate) restrictions() (*Restrictions, error) {
	p := &Permissions{CriticalOptions: map[string]string{}, Extensions: map[string]string{}}
	r := &Restrictions{Flags: UserPresent, Permissions: p}
	for _, o := range c.CriticalOptions {
		value, ok := o.text()
		switch o.Name {
		case ForceCommand:
			ok = ok && !strings.Contains(value, "\x00")
		case SourceAddress:
			_, err := pattern.ParseNetworks(value)
			ok = ok && err == nil
		case VerifyRequired:
			ok = len(o.Data) == 0
			r.Flags |= UserVerified
			value = ""
		default:
			return nil, c.refuse(UnknownOption, "%.64q", o.Name)
		}
		if !ok {
			return nil, c.refuse(MalformedOption, "%q", o.Name)
		}
		p.CriticalOptions[o.Name] = value
	}
	for _, o := range c.Extensions {
		if (o.Name == NoTouchRequired || slices.Contains(permits, o.Name)) && len(o.Data) > 0 {
			return nil, c.refuse(MalformedOption, "%q", o.Name)
		}
		if o.Name == NoTouchRequired {
			r.Flags &^= UserPresent
			continue
		}
		value, ok := o.text()
		if !ok {
			value = string(o.Data)
		}
		p.Extensions[o.Name] = value
	}
	return r, nil
}

// text returns the data of an option that is one string.
func (o *CertificateOption) text() (string, bool) {
	r := wire.NewReader(o.Data)
	s := r.Text()
	return s, r.End() == nil
}
