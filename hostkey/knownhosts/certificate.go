package knownhosts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
)

// certified returns nil if one of the authorities signed the host's
// certificate, and it is for that host and that time.
func (c *check) certified(authorities []KnownKey) error {
	ca := c.certificate.CA
	if among(authorities, ca) == nil {
		if ca == nil {
			return errors.New("knownhosts: it is not signed")
		}
		return fmt.Errorf("knownhosts: no line marked @cert-authority has its authority for this host, the %s key %s", ca.Type(), hostkey.Fingerprint(ca))
	}
	if err := c.certificate.CheckSignature(); err != nil {
		return err
	}
	return c.v.appropriate(c.certificate, c.target.name)
}

// appropriate returns nil if a certificate is for the host of that name and for
// the present (OpenSSH PROTOCOL.certkeys).
func (v *Verifier) appropriate(c *hostkey.Certificate, name string) error {
	now := uint64(max(time.Now().Unix(), 0))
	allowed := v.config.CASignatureAlgorithms
	switch {
	case c.Kind != hostkey.HostCertificate:
		return fmt.Errorf("knownhosts: it is a %s certificate, not one of a host", c.Kind)
	case now < c.ValidAfter:
		return fmt.Errorf("knownhosts: it is valid from %s on: check the clocks of both sides", date(c.ValidAfter))
	case now >= c.ValidBefore:
		return fmt.Errorf("knownhosts: it expired at %s: the host needs a new one", date(c.ValidBefore))
	case allowed != nil && !slices.Contains(allowed, c.Signature.Algorithm):
		return fmt.Errorf("knownhosts: its authority signed with %q, which is not among the algorithms allowed", c.Signature.Algorithm)
	// "No critical options are defined for host certificates at present", and
	// one that is not understood must be refused.
	case len(c.CriticalOptions) > 0:
		return fmt.Errorf("knownhosts: it has the critical option %q, which is unknown", c.CriticalOptions[0].Name)
	}
	// A certificate without names is for none, and not for all (CVE-2024-7594).
	matches := func(principal string) bool { return matchPattern(principal, name) }
	if !slices.ContainsFunc(c.Principals, matches) {
		return fmt.Errorf("knownhosts: it is for %s and not for %q", principals(c.Principals), name)
	}
	return nil
}

// principals lists the names in a certificate, a few of them.
func principals(names []string) string {
	if len(names) == 0 {
		return "no host"
	}
	var quoted []string
	for _, name := range names[:min(len(names), 5)] {
		quoted = append(quoted, fmt.Sprintf("%.100q", name))
	}
	if len(names) > len(quoted) {
		quoted = append(quoted, "others")
	}
	return strings.Join(quoted, ", ")
}

func date(seconds uint64) string {
	const lastYear = 253402300799 // 9999-12-31T23:59:59Z
	return time.Unix(int64(min(seconds, lastYear)), 0).UTC().Format(time.RFC3339)
}
