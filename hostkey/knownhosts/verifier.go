package knownhosts

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
)

// VerifyHostKey returns nil if the files say that key is one of host, or that
// of its certificate authority, or if the policy accepts it all the same. A key
// that is not accepted is a [*KeyError].
func (v *Verifier) VerifyHostKey(ctx context.Context, host hostkey.Host, key hostkey.PublicKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := v.newCheck(host, key, v.warn)
	if err != nil {
		return err
	}
	err = c.run()
	var refused *KeyError
	switch {
	case err == nil:
		v.confirm(c)
		return c.addAddress(ctx)
	case !errors.As(err, &refused):
		return err
	case !errors.Is(refused, ErrUnknown):
		return v.acceptChanged(refused)
	}
	trusted, err := c.askDNS(ctx, refused)
	if trusted || err != nil {
		return err
	}
	return v.newHost(ctx, c, refused)
}

// acceptChanged returns nil if the policy accepts a changed key.
func (v *Verifier) acceptChanged(refused *KeyError) error {
	if v.config.Policy == InsecureAcceptChanged && errors.Is(refused, ErrChanged) {
		v.warn(refused)
		return nil
	}
	return refused
}

// newHost decides about a host that is not in the files.
func (v *Verifier) newHost(ctx context.Context, c *check, refused *KeyError) error {
	switch v.config.Policy {
	case AcceptNew:
		// The user wants to hear of fingerprints in DNS, and these are others.
		if refused.SSHFP == SSHFPMismatch {
			return refused
		}
		return v.add(ctx, c.host, c.key, true)
	case Ask:
		return v.ask(ctx, c, refused)
	case InsecureWarn:
		v.warn(refused)
		return nil
	case InsecureAcceptChanged:
		err := v.add(ctx, c.host, c.key, true)
		var lost *AddError
		if errors.As(err, &lost) {
			v.warn(err)
			return nil
		}
		if errors.As(err, &refused) {
			return v.acceptChanged(refused)
		}
		return err
	}
	return refused
}

// A check is the comparison of what a host presented with the files.
type check struct {
	v           *Verifier
	host        hostkey.Host
	target      target
	address     string // as the files have it; "" if not to be looked for
	files       []file
	warn        func(error)
	key         hostkey.PublicKey    // as presented, or that of certificate
	certificate *hostkey.Certificate // nil if a key was presented
	refusal     error                // why certificate does not count

	named     search    // what the files say about the name
	addressed search    // and about the address
	by        *KnownKey // what vouches for the key by name; nil for certificates
	addressIn bool      // the files know the address
}

func (v *Verifier) newCheck(host hostkey.Host, key hostkey.PublicKey, warn func(error)) (*check, error) {
	c := &check{v: v, host: host, key: key, warn: warn}
	if cert, ok := key.(*hostkey.Certificate); ok && cert != nil {
		c.certificate, c.key = cert, cert.Key
	}
	if c.key == nil {
		return nil, fmt.Errorf("knownhosts: %q presented no key", host.Name)
	}
	if err := c.aim(); err != nil {
		return nil, err
	}
	var err error
	c.files, err = v.load()
	return c, err
}

// aim finds out what to look for.
func (c *check) aim() (err error) {
	if c.target, err = c.v.target(c.host); err != nil {
		return err
	}
	if c.v.config.CheckIP && c.v.config.Alias == "" {
		c.address = addressOf(c.host.Addr, c.target)
	}
	return nil
}

// target returns what a host is looked for as.
func (v *Verifier) target(host hostkey.Host) (target, error) {
	t := newTarget(host.Name)
	if v.config.Alias != "" {
		t = target{name: pattern.Lower(v.config.Alias), port: "22"}
	}
	if n := len(t.String()); t.name == "" || n > maxHost {
		return t, fmt.Errorf("knownhosts: a host name of %d characters cannot be looked for", n)
	}
	return t, nil
}

// run returns nil if the files vouch for what the host presented, and a
// [*KeyError] if they do not.
func (c *check) run() error {
	c.named = find(c.files, c.target.String(), c.warn)
	var bare search // what the files say about the host whatever its port
	if c.target.port != "22" {
		bare = find(c.files, c.target.name, ignore) // the first search has warned
	}
	if c.address != "" {
		c.addressed = find(c.files, c.address, ignore)
	}
	refused := &KeyError{Host: c.target.String(), Key: c.key, Want: c.named.known,
		Files: slices.Concat(c.v.config.Files, c.v.config.SystemFiles)}
	if err := c.revocation(refused); err != nil {
		return err
	}
	// "Revoked keys ... are never accepted for authentication or as
	// certification authorities" (sshd(8)).
	if refused.Revoked = c.revokedBy(c.named, bare, c.addressed); refused.Revoked != nil {
		return refused
	}
	if c.certificate != nil {
		c.refusal = c.certified(slices.Concat(c.named.authorities, bare.authorities))
		if c.refusal == nil {
			return nil
		}
		refused.Certificate = c.refusal
	}
	// Like OpenSSH, a host at an unknown port may have a key that it is known
	// by at port 22.
	c.by = among(c.named.known, c.key)
	unknown := len(c.named.known) == 0
	switch {
	case c.by != nil, unknown && among(bare.known, c.key) != nil:
		return c.checkAddress(refused)
	case unknown:
		c.checkAddress(refused) // which may find out more
	}
	return refused
}

// revokedBy returns the line that revokes what was presented, or nil.
func (c *check) revokedBy(searches ...search) *KnownKey {
	for _, s := range searches {
		for _, key := range c.presented() {
			if k := among(s.revoked, key); k != nil {
				return k
			}
		}
	}
	return nil
}

// checkAddress returns refused, of the address, if that is known by other keys.
func (c *check) checkAddress(refused *KeyError) error {
	c.addressIn = among(c.addressed.known, c.key) != nil
	if c.addressIn || len(c.addressed.known) == 0 {
		return nil
	}
	refused.Host, refused.Want = c.address, c.addressed.known
	return refused
}

// addAddress adds the address of a host that is known by name alone. The host
// is who it is if that fails.
func (c *check) addAddress(ctx context.Context) error {
	if c.address == "" || c.addressIn || c.by == nil || len(c.v.config.Files) == 0 {
		return nil
	}
	if err := c.v.append(ctx, c.key, c.address); err != nil {
		c.v.warn(err)
	}
	return nil
}

// HostKeyAlgorithms returns the default algorithms, those of the keys the host
// is known by first: a host with several keys then presents one that can be
// verified. Ahead of them are the algorithms of certificates if an authority
// of the host is known, and only then: a host offered the choice would present
// a certificate that nobody vouches for. For an unknown host it is the default
// order, always: a list that depended on anything else would tell an onlooker
// more than that (CVE-2020-14145).
func (v *Verifier) HostKeyAlgorithms(host hostkey.Host) []string {
	t, err := v.target(host)
	if err != nil {
		return hostkey.Default() // VerifyHostKey will say what is wrong
	}
	files, err := v.load()
	if err != nil {
		return hostkey.Default()
	}
	s := find(files, t.String(), ignore)
	authorities := len(s.authorities) + len(find(files, t.name, ignore).authorities)
	keys := make([]hostkey.PublicKey, len(s.known))
	for i, k := range s.known {
		keys[i] = k.Key
	}
	if authorities > 0 {
		return slices.Concat(hostkey.Optional(), hostkey.PreferKeys(keys))
	}
	return hostkey.PreferKeys(keys)
}
