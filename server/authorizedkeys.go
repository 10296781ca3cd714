package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// AuthorizedKeys returns a check of the method "publickey" that lets in whoever
// holds one of the keys in the authorized_keys files given, or a certificate by
// an authority that they mark as such: [PublicKeys] with nothing but
// AuthorizedKeys set.
func AuthorizedKeys(paths ...string) userauth.Check {
	return PublicKeys{AuthorizedKeys: slices.Clone(paths)}.Check()
}

// PublicKeys says which keys and certificates let users in. The zero PublicKeys
// lets in nobody. The fields are keywords of sshd_config(5).
//
//	key            AuthorizedKeys has it, and its options let it
//	certificate    AuthorizedKeys has its authority with cert-authority, and its
//	               options let it; or TrustedUserCAKeys has its authority, and
//	               AuthorizedPrincipals one of its principals
//	both           RevokedKeys has neither them nor the authority
//
// What the options of a line and of a certificate restrict is in the
// Permissions of the user's Grant, which the Server holds the user to: all that
// either restricts, and what both permit.
//
// The files are read again for each attempt, so that changes count at once. A
// file is not trusted, and nobody gets in by it, if others than its owner can
// write to it or to a directory above it, or if an owner is neither root nor
// the user that this process runs as (StrictModes of sshd_config(5)).
type PublicKeys struct {
	// AuthorizedKeys are files of authorized keys. They let a key in whatever
	// the user's name: wrap the check, or look at [Session.User], where names
	// matter. A certificate has to name the user, or one of the names in the
	// option "principals".
	AuthorizedKeys []string

	// TrustedUserCAKeys are files with the keys of authorities, a line each,
	// whose certificates let in the users they name.
	TrustedUserCAKeys []string

	// AuthorizedPrincipals, unless nil, are files of names of which a
	// certificate of TrustedUserCAKeys has to have one, instead of the user's.
	AuthorizedPrincipals []string

	// RevokedKeys are key revocation lists, or texts with a key a line. One
	// that cannot be read keeps everybody out.
	RevokedKeys []string

	// CASignatureAlgorithms are those that certificates may be signed with;
	// those of [hostkey.Default] if nil.
	CASignatureAlgorithms []string

	// PermitUserEnvironment names the variables that the option "environment"
	// may set, as [Server].AcceptEnv does; none if nil. Others are left out.
	PermitUserEnvironment []string
}

// Check returns the check of the method "publickey" that p describes.
func (p PublicKeys) Check() userauth.Check {
	return userauth.CheckPublicKey(func(ctx context.Context, a *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
		l := lookup{PublicKeys: p, key: key, user: a.User, addr: peerOf(ctx), now: time.Now()}
		r, err := l.find()
		if err != nil {
			return userauth.Decision{}, err
		}
		return accept(r), nil
	})
}

// accept lets a user in, restricted as r says.
func accept(r *hostkey.Restrictions) userauth.Decision {
	permissions := r.Permissions.Without(hostkey.VerifyRequired) // which Requiring sees to
	return userauth.Accept(permissions).Requiring(r.Flags)
}

// A lookup is a search for one key of one user.
type lookup struct {
	PublicKeys
	key  hostkey.PublicKey
	user string
	addr net.Addr
	now  time.Time
}

// find returns what the key is restricted to. Its error says all that spoke
// against it.
func (l *lookup) find() (*hostkey.Restrictions, error) {
	r, err := l.findAuthorized()
	if err != nil {
		return nil, err
	}
	return l.unlessRevoked(r)
}

// unlessRevoked returns r with what it sets, unless the key has been revoked.
func (l *lookup) unlessRevoked(r *hostkey.Restrictions) (*hostkey.Restrictions, error) {
	for _, path := range l.RevokedKeys {
		if err := checkRevoked(path, l.key); err != nil {
			return nil, err
		}
	}
	return l.withEnvironment(r)
}

// findAuthorized tries each file there is.
func (l *lookup) findAuthorized() (*hostkey.Restrictions, error) {
	var problems []error
	if c, ok := l.key.(*hostkey.Certificate); ok && len(l.TrustedUserCAKeys) > 0 {
		r, err := l.findTrusted(c)
		if err == nil {
			return r, nil
		}
		problems = append(problems, err)
	}
	for _, path := range l.AuthorizedKeys {
		r, err := l.findLine(path)
		if err == nil {
			return r, nil
		}
		problems = append(problems, err)
	}
	switch {
	case problems != nil:
		return nil, errors.Join(problems...)
	case len(l.TrustedUserCAKeys) > 0:
		return nil, fmt.Errorf("server: %s is a key, and certificates let users in", hostkey.Fingerprint(l.key))
	}
	return nil, errors.New("server: no file says which keys are authorized")
}

// findLine looks for the key in a file of authorized keys, and says why it is
// not there. A line that is not understood does not hide the next.
func (l *lookup) findLine(path string) (*hostkey.Restrictions, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("server: authorized keys: %w", err)
	}
	defer f.Close()
	return l.findIn(f, path)
}

// findIn is findLine for lines wherever they come from, which errors name.
func (l *lookup) findIn(text io.Reader, from string) (*hostkey.Restrictions, error) {
	var problem error
	for authorized, err := range hostkey.AuthorizedKeys(text) {
		if err != nil {
			problem = fmt.Errorf("server: authorized keys %s: %w", from, err)
			continue
		}
		r, found, err := l.match(authorized)
		if found && err == nil {
			return r, nil
		}
		if found {
			problem = fmt.Errorf("server: authorized keys %s: line %d: %w", from, authorized.Line, err)
		}
	}
	if problem == nil {
		problem = fmt.Errorf("server: authorized keys %s: %s", from, l.missing())
	}
	return nil, problem
}

// missing says what was not found.
func (l *lookup) missing() string {
	if c, ok := l.key.(*hostkey.Certificate); ok {
		return fmt.Sprintf("no line with cert-authority has the authority %s of the certificate; a certificate is not taken for its key",
			hostkey.Fingerprint(c.CA))
	}
	return fmt.Sprintf("%s is not there", hostkey.Fingerprint(l.key))
}

// match decides about a line of authorized keys, and reports whether it is
// about the key.
func (l *lookup) match(line *hostkey.AuthorizedKey) (r *hostkey.Restrictions, found bool, err error) {
	c, certified := l.key.(*hostkey.Certificate)
	if certified && !hostkey.Equal(line.Key, c.CA) || !certified && !hostkey.Equal(line.Key, l.key) {
		return nil, false, nil
	}
	if r, err = line.Restrictions(); err != nil {
		return nil, true, err
	}
	if r.CertAuthority != certified {
		return nil, !certified, errors.New("the key is there as an authority (cert-authority), and lets nobody in by itself")
	}
	if err = r.Check(l.now, l.addr); err != nil || !certified {
		return r, true, err
	}
	principals := r.Principals
	if principals == nil {
		principals = []string{l.user}
	}
	r, err = l.certified(c, r, principals)
	return r, true, err
}

// certified decides about a certificate of an authority that is trusted, given
// what a line in a file restricts.
func (l *lookup) certified(c *hostkey.Certificate, line *hostkey.Restrictions, principals []string) (*hostkey.Restrictions, error) {
	now := func() time.Time { return l.now }
	authority := hostkey.Authority{Users: []hostkey.PublicKey{c.CA}, CASignatureAlgorithms: l.CASignatureAlgorithms, Time: now}
	r, err := authority.CheckUser(c, l.addr, principals...)
	if err != nil {
		return nil, err
	}
	return line.Narrow(r)
}

// withEnvironment returns r with those variables that may be set.
func (l *lookup) withEnvironment(r *hostkey.Restrictions) (*hostkey.Restrictions, error) {
	variables := r.Permissions.Environment()
	if variables == nil {
		return r, nil
	}
	allowed := environment{}
	for _, v := range variables {
		allowed.add(l.PermitUserEnvironment, v)
	}
	p := r.Permissions.Without(hostkey.Environment)
	if allowed.variables != nil {
		p.CriticalOptions[hostkey.Environment] = allowed.String()
	}
	other := *r
	other.Permissions = p
	return &other, nil
}
