//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// auth lets in the account's user.
func (d *daemon) auth(o *options) (userauth.Server, error) {
	a := userauth.Server{MaxTries: o.maxTries, Chains: o.methods.chains}
	keys, err := d.publicKeys(o)
	if err != nil {
		return a, err
	}
	if o.pubkey && len(o.authorizedKeys)+len(o.keys.TrustedUserCAKeys)+len(o.keysProgram.words) > 0 {
		a.Checks = append(a.Checks, keys.Check())
	}
	others, err := d.checks(&o.methods)
	if err != nil {
		return a, err
	}
	a.Checks = append(a.Checks, others...)
	if len(a.Checks) == 0 {
		if !d.conditional {
			return a, errors.New("nobody could log in: public keys are off, and so are the other ways")
		}
		a.Checks, a.Chains = []userauth.Check{nobody()}, nil
	}
	for i, c := range a.Checks {
		a.Checks[i] = guarded{check: c, account: &d.account, access: o.access, rootMode: o.rootMode}
	}
	if err := a.Validate(); err != nil {
		return a, fmt.Errorf("AuthenticationMethods: %w", err)
	}
	if o.banner != "" {
		text, err := os.ReadFile(o.banner)
		if err != nil {
			return a, fmt.Errorf("banner: %w", err)
		}
		a.Banner = func(context.Context, string) string { return string(text) }
	}
	if o.session.expose {
		a.Report = reportExposed
	}
	return a, nil
}

// nobody is a check for connections that have no way in, where others do.
func nobody() userauth.Check {
	return userauth.CheckPublicKey(func(context.Context, *userauth.Attempt, hostkey.PublicKey) (userauth.Decision, error) {
		return userauth.Decision{}, errors.New("public keys are off for this connection, and so are the other ways")
	})
}

// A guarded check refuses all users but one, and that one too if the settings
// say so. It asks the check it wraps whatever the name is, so that the time it
// takes does not depend on it.
type guarded struct {
	check    userauth.Check
	account  *account
	access   server.Access
	rootMode string
}

// Method implements [userauth.Check].
func (g guarded) Method() string { return g.check.Method() }

// Check implements [userauth.Check].
func (g guarded) Check(ctx context.Context, a *userauth.Attempt) (userauth.Decision, error) {
	d, err := g.check.Check(ctx, a)
	if refused := g.refuse(a.User, a.Binding().RemoteAddr); refused != nil {
		return userauth.Decision{}, refused
	}
	return d, err
}

// refuse says why a user may not log in, whatever the proof.
func (g guarded) refuse(user string, remote net.Addr) error {
	if user != g.account.name {
		return fmt.Errorf("user %q may not log in, only %q", user, g.account.name)
	}
	if g.account.uid == "0" && (g.rootMode == "no" || g.rootMode != "" && g.Method() != "publickey" && g.Method() != "hostbased") {
		return errors.New("root may not log in so: PermitRootLogin")
	}
	return g.access.Check(g.account.seenFrom(remote, nil))
}

// seenFrom returns what a Match sees of a connection for the account's user. A
// client's name is its address: nobody is asked for another (UseDNS is off).
func (a *account) seenFrom(remote, local net.Addr) *server.MatchSpec {
	m := &server.MatchSpec{User: a.name, Groups: a.groups}
	if ap, ok := addrPort(remote); ok {
		m.Address, m.Host = ap.Addr(), ap.Addr().String()
	}
	if ap, ok := addrPort(local); ok {
		m.LocalAddress, m.LocalPort = ap.Addr(), int(ap.Port())
	}
	return m
}
