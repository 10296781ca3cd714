package server

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whelk-ssh/whelk/hostkey"
)

// maxRevokedKeys bounds a file of RevokedKeys: a list by fingerprint has 36
// bytes for a key.
const maxRevokedKeys = 16 << 20

// findTrusted decides about a certificate by the files of TrustedUserCAKeys and
// AuthorizedPrincipals.
func (l *lookup) findTrusted(c *hostkey.Certificate) (*hostkey.Restrictions, error) {
	if err := l.trusts(c.CA); err != nil {
		return nil, err
	}
	if l.AuthorizedPrincipals == nil {
		return l.certified(c, &hostkey.Restrictions{}, []string{l.user})
	}
	var problems []error
	for _, path := range l.AuthorizedPrincipals {
		r, err := l.findPrincipal(path, c)
		if err == nil {
			return r, nil
		}
		problems = append(problems, err)
	}
	if problems == nil {
		problems = []error{errors.New("server: there is no file of authorized principals")}
	}
	return nil, errors.Join(problems...)
}

// trusts looks for an authority in the files of TrustedUserCAKeys.
func (l *lookup) trusts(ca hostkey.PublicKey) error {
	var problems []error
	for _, path := range l.TrustedUserCAKeys {
		found, err := hasKey(path, ca)
		if found {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("server: trusted authorities %s: %s is not there", path, hostkey.Fingerprint(ca))
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// hasKey looks for a key in a file of keys without options.
func hasKey(path string, key hostkey.PublicKey) (found bool, problem error) {
	f, err := openTrusted(path)
	if err != nil {
		return false, fmt.Errorf("server: trusted authorities: %w", err)
	}
	defer f.Close()
	for k, err := range hostkey.AuthorizedKeys(f) {
		switch {
		case err != nil:
			problem = fmt.Errorf("server: trusted authorities %s: %w", path, err)
		case !hostkey.Equal(k.Key, key):
		case len(k.Options) > 0:
			problem = fmt.Errorf("server: trusted authorities %s: line %d has options, which are for authorized keys", path, k.Line)
		default:
			return true, nil
		}
	}
	return false, problem
}

// findPrincipal looks in a file of authorized principals for one that a
// certificate has.
func (l *lookup) findPrincipal(path string, c *hostkey.Certificate) (*hostkey.Restrictions, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("server: authorized principals: %w", err)
	}
	defer f.Close()
	return l.findPrincipalIn(f, path, c)
}

// findPrincipalIn is findPrincipal for lines wherever they come from, which errors
// name.
func (l *lookup) findPrincipalIn(text io.Reader, from string, c *hostkey.Certificate) (*hostkey.Restrictions, error) {
	var problem error
	for p, err := range hostkey.AuthorizedPrincipals(text) {
		if err != nil {
			problem = fmt.Errorf("server: authorized principals %s: %w", from, err)
			continue
		}
		if !slices.Contains(c.Principals, p.Name) {
			continue
		}
		r, err := p.Restrictions()
		if err == nil {
			err = r.Check(l.now, l.addr)
		}
		if err == nil {
			r, err = l.certified(c, r, []string{p.Name})
		}
		if err == nil {
			return r, nil
		}
		problem = fmt.Errorf("server: authorized principals %s: line %d: %w", from, p.Line, err)
	}
	if problem == nil {
		problem = fmt.Errorf("server: authorized principals %s: none of %.256q is there", from, c.Principals)
	}
	return nil, problem
}

// checkRevoked returns an error if a file of revoked keys has the key, the
// certificate or its authority, and if it cannot be told.
func checkRevoked(path string, key hostkey.PublicKey) error {
	f, err := openTrusted(path)
	if err != nil {
		return fmt.Errorf("server: revoked keys: %w", err)
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxRevokedKeys+1))
	if err == nil && len(file) > maxRevokedKeys {
		err = fmt.Errorf("it is larger than %d bytes", maxRevokedKeys)
	}
	if err != nil {
		return fmt.Errorf("server: revoked keys %s: %w", path, err)
	}
	list, err := hostkey.ParseRevokedKeys(file)
	if err == nil {
		err = list.Check(key)
	}
	if err != nil {
		return fmt.Errorf("server: revoked keys %s: %w", path, err)
	}
	return nil
}
