package knownhosts

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/sha1" // a record may have nothing else, and then it is not trusted
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A Resolver looks up the fingerprints of a host's keys in DNS (RFC 4255).
type Resolver interface {
	// LookupSSHFP returns the SSHFP records of a name. They are authenticated
	// only if DNSSEC says so: the resolver validated the answer, or got it over
	// a path that nobody can change from one that did and set the AD bit. No
	// records without an error mean that there are none.
	LookupSSHFP(ctx context.Context, name string) (records []SSHFP, authenticated bool, err error)
}

// An SSHFP is the data of a DNS record of that type (RFC 4255, section 3.1).
//
//	algorithm          1 RSA, 2 DSA, 3 ECDSA, 4 Ed25519, 6 Ed448
//	fingerprint type   1 SHA-1, 2 SHA-256
//	fingerprint
type SSHFP struct {
	Algorithm   uint8
	Type        uint8
	Fingerprint []byte // of the key blob
}

// Numbers of fingerprint types (RFC 4255, section 3.1.2; RFC 6594, section 4.2).
const (
	sshfpSHA1   = 1
	sshfpSHA256 = 2
)

// sshfpAlgorithms are the numbers of key formats (RFC 4255, section 3.1.1; RFC
// 6594, section 4.1; RFC 7479, section 2; RFC 8709, section 7).
var sshfpAlgorithms = map[string]uint8{
	hostkey.RSA:      1,
	hostkey.DSA:      2,
	hostkey.ECDSA256: 3,
	hostkey.ECDSA384: 3,
	hostkey.ECDSA521: 3,
	hostkey.Ed25519:  4,
	"ssh-ed448":      6,
}

// An SSHFPAnswer is what DNS says about a key.
type SSHFPAnswer int

const (
	SSHFPNone          SSHFPAnswer = iota // nothing, or nobody asked
	SSHFPMismatch                         // it has fingerprints, and this is none of them
	SSHFPMatch                            // it has the fingerprint, and anybody may have put it into the answer
	SSHFPAuthenticated                    // it has the fingerprint with SHA-256, and the answer is authenticated
)

// String describes the fingerprint that DNS has.
func (a SSHFPAnswer) String() string {
	switch a {
	case SSHFPNone:
		return "no fingerprint"
	case SSHFPMismatch:
		return "no matching host key fingerprint, but others"
	case SSHFPMatch:
		return "a matching host key fingerprint, in an answer that is not authenticated"
	case SSHFPAuthenticated:
		return "a matching host key fingerprint, in an authenticated answer"
	}
	return fmt.Sprintf("SSHFPAnswer(%d)", int(a))
}

// askDNS asks about a host that is not in the files, and says in refused what
// came of it. It reports whether that is reason enough to accept the host.
func (c *check) askDNS(ctx context.Context, refused *KeyError) (trusted bool, err error) {
	name := strings.TrimSuffix(newTarget(c.host.Name).name, ".")
	_, notAName := netip.ParseAddr(name)
	if c.v.config.SSHFP == nil || notAName == nil {
		return false, nil
	}
	records, authenticated, err := c.v.config.SSHFP.LookupSSHFP(ctx, name)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		// An answer that did not come is no answer, whatever else was returned.
		c.v.warn(fmt.Errorf("knownhosts: looking up SSHFP records of %q: %w", name, err))
		return false, nil
	}
	refused.SSHFP = compareSSHFP(records, authenticated, c.key)
	return c.v.config.TrustSSHFP && refused.SSHFP == SSHFPAuthenticated, nil
}

// compareSSHFP looks for a key among records. "If the SHA-256 fingerprint is
// tested and does not match ... the key MUST be rejected rather than testing
// the alternative SHA-1 fingerprint" (RFC 6594, section 4.1).
func compareSSHFP(records []SSHFP, authenticated bool, key hostkey.PublicKey) SSHFPAnswer {
	blob := key.Marshal()
	strong := sha256.Sum256(blob)
	var weak [sha1.Size]byte
	// What it matches is shown and not trusted, so that FIPS 140 does not mind.
	fips140.WithoutEnforcement(func() { weak = sha1.Sum(blob) })
	number := sshfpAlgorithms[key.Type()]
	hasStrong, matchesStrong, matchesWeak := false, false, false
	for _, r := range records {
		if number == 0 || r.Algorithm != number {
			continue
		}
		hasStrong = hasStrong || r.Type == sshfpSHA256
		matchesStrong = matchesStrong || r.Type == sshfpSHA256 && bytes.Equal(r.Fingerprint, strong[:])
		matchesWeak = matchesWeak || r.Type == sshfpSHA1 && bytes.Equal(r.Fingerprint, weak[:])
	}
	switch {
	case len(records) == 0:
		return SSHFPNone
	case matchesStrong && authenticated:
		return SSHFPAuthenticated
	case matchesStrong, matchesWeak && !hasStrong:
		return SSHFPMatch
	}
	return SSHFPMismatch
}
