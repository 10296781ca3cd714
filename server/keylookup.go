package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// A KeyLookup is [PublicKeys] that ask a function besides files, as
// AuthorizedKeysCommand and AuthorizedPrincipalsCommand of sshd_config(5) do
// with a program: for keys in a database, or at another service. What a function
// returns has the form of a file of the same purpose, and is as good as one:
// options count, and RevokedKeys keeps out what it lists. The files are looked at
// first. A function that fails lets nobody in, and keeps nobody out whom a file
// lets in.
type KeyLookup struct {
	PublicKeys

	// Keys returns lines of authorized keys for a user of that name, who wants
	// to log in with a key. Lines with other keys do no harm.
	Keys func(ctx context.Context, user string, key hostkey.PublicKey) ([]byte, error)

	// Principals returns lines of authorized principals for a certificate by an
	// authority of TrustedUserCAKeys, which has to have one of them instead of
	// the user's name.
	Principals func(ctx context.Context, user string, c *hostkey.Certificate) ([]byte, error)
}

// Check returns the check of the method "publickey" that k describes. It calls
// the functions on the goroutine of the connection: once when a client asks
// whether a key would do, and again when it has signed.
func (k KeyLookup) Check() userauth.Check {
	return userauth.CheckPublicKey(func(ctx context.Context, a *userauth.Attempt, key hostkey.PublicKey) (userauth.Decision, error) {
		r, err := k.find(ctx, a.User, key)
		if err != nil {
			return userauth.Decision{}, err
		}
		return accept(r), nil
	})
}

// find returns what the key is restricted to.
func (k KeyLookup) find(ctx context.Context, user string, key hostkey.PublicKey) (*hostkey.Restrictions, error) {
	l := &lookup{PublicKeys: k.PublicKeys, key: key, user: user, addr: peerOf(ctx), now: time.Now()}
	if k.Principals != nil && l.AuthorizedPrincipals == nil {
		l.AuthorizedPrincipals = []string{} // so that the user's name is not one
	}
	r, err := l.find()
	if err == nil {
		return r, nil
	}
	problems := []error{err}
	var revoked *hostkey.RevokedError
	if errors.As(err, &revoked) {
		return nil, err // nobody need be asked
	}
	for _, ask := range []func(context.Context, *lookup) (*hostkey.Restrictions, error){k.byPrincipals, k.byKeys} {
		switch r, err := ask(ctx, l); {
		case err != nil:
			problems = append(problems, err)
		case r != nil:
			return l.unlessRevoked(r)
		}
	}
	return nil, errors.Join(problems...)
}

// lookedUp is where such texts come from, in errors about them.
const lookedUp = "that were looked up"

// byKeys asks for authorized keys. It returns nil if there is nobody to ask.
func (k KeyLookup) byKeys(ctx context.Context, l *lookup) (*hostkey.Restrictions, error) {
	if k.Keys == nil {
		return nil, nil
	}
	text, err := k.Keys(ctx, l.user, l.key)
	if err != nil {
		return nil, fmt.Errorf("server: looking up authorized keys: %w", err)
	}
	return l.findIn(bytes.NewReader(text), lookedUp)
}

// byPrincipals asks for authorized principals. It returns nil if there is nobody
// to ask, or nothing to ask about.
func (k KeyLookup) byPrincipals(ctx context.Context, l *lookup) (*hostkey.Restrictions, error) {
	c, ok := l.key.(*hostkey.Certificate)
	if !ok || k.Principals == nil || len(l.TrustedUserCAKeys) == 0 {
		return nil, nil
	}
	if err := l.trusts(c.CA); err != nil {
		return nil, nil // as find has said
	}
	text, err := k.Principals(ctx, l.user, c)
	if err != nil {
		return nil, fmt.Errorf("server: looking up authorized principals: %w", err)
	}
	return l.findPrincipalIn(bytes.NewReader(text), lookedUp, c)
}
