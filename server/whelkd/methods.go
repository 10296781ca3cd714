//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// Methods are the ways to log in besides public keys, and which are enough.
type methods struct {
	passwords    string // a file, or ""
	password     string // "yes", "no", or "" for what follows from passwords
	interactive  bool
	hostbased    bool
	knownHosts   []string   // files
	trustedHosts []string   // files
	anyAddress   bool       // a host need not have the client's
	chains       [][]string // nil for any method
}

func newMethods() methods {
	return methods{
		knownHosts:   []string{".ssh/known_hosts", "/etc/ssh/ssh_known_hosts"},
		trustedHosts: []string{".shosts", "/etc/ssh/shosts.equiv"},
	}
}

// checks are those of m, for the account's user.
func (d *daemon) checks(m *methods) ([]userauth.Check, error) {
	if m.passwords == "" && (m.password == "yes" || m.interactive) {
		return nil, errors.New("no password is known: name a file of them with PasswordFile, which `htpasswd -B` writes")
	}
	var checks []userauth.Check
	passwords := d.account.path(m.passwords)
	if _, err := os.Stat(passwords); m.passwords != "" && err != nil {
		return nil, fmt.Errorf("PasswordFile: %w; `htpasswd -cB %s %s` makes one", err, passwords, d.account.name)
	}
	if m.passwords != "" && m.password != "no" {
		checks = append(checks, server.PasswordFile(passwords))
	}
	if m.interactive {
		checks = append(checks, server.InteractivePasswordFile(passwords))
	}
	if m.hostbased {
		checks = append(checks, server.Hostbased(server.HostbasedPolicy{
			Known:      knownhosts.New(knownhosts.Config{Files: d.paths(m.knownHosts), Policy: knownhosts.Strict}),
			Trusted:    d.paths(m.trustedHosts),
			AnyAddress: m.anyAddress,
		}))
	}
	for i, c := range checks {
		checks[i] = onlyUser{c, d.account.name}
	}
	return checks, nil
}

// paths returns files of the account's.
func (d *daemon) paths(names []string) (paths []string) {
	for _, name := range names {
		paths = append(paths, d.account.path(name))
	}
	return paths
}

// onlyUser is a check that refuses all users but one. It asks the check it
// wraps whatever the name is, so that the time it takes does not depend on it.
type onlyUser struct {
	check userauth.Check
	name  string
}

// Method implements [userauth.Check].
func (c onlyUser) Method() string { return c.check.Method() }

// Check implements [userauth.Check].
func (c onlyUser) Check(ctx context.Context, a *userauth.Attempt) (userauth.Decision, error) {
	d, err := c.check.Check(ctx, a)
	if a.User != c.name {
		return userauth.Decision{}, fmt.Errorf("user %q may not log in, only %q", a.User, c.name)
	}
	return d, err
}

// setPasswords takes yes or no. What it is without that depends on whether
// there are any passwords.
func setPasswords(o *options, v string) error {
	on, err := yesNo(v)
	o.methods.password = map[bool]string{true: "yes", false: "no"}[on]
	return err
}

func setInteractive(o *options, v string) (err error) {
	o.methods.interactive, err = yesNo(v)
	return err
}

// fileList is a keyword with a list of files, or none.
func fileList(field func(*options) *[]string) func(*options, string) error {
	return func(o *options, v string) error {
		*field(o) = nil
		if unlessNone(v) != "" {
			*field(o) = strings.Fields(v)
		}
		return nil
	}
}

// known are the methods that a chain can have.
var known = []string{"publickey", "password", "keyboard-interactive", "hostbased"}

// setChains reads lists of methods, each of them enough, or "any".
func setChains(o *options, v string) error {
	o.methods.chains = nil
	if strings.EqualFold(v, "any") {
		return nil
	}
	var chains [][]string
	for list := range strings.FieldsSeq(v) {
		chain := strings.Split(list, ",")
		for _, method := range chain {
			if !slices.Contains(known, method) {
				return fmt.Errorf("%q is none of %s", method, strings.Join(known, ", "))
			}
		}
		chains = append(chains, chain)
	}
	o.methods.chains = chains
	return nil
}
