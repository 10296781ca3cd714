//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
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

	ignoreTrusted, ignoreKnown bool // files in the user's home
}

func newMethods() methods {
	return methods{
		knownHosts:   []string{".ssh/known_hosts", "/etc/ssh/ssh_known_hosts"},
		trustedHosts: []string{".shosts", "/etc/ssh/shosts.equiv"},
	}
}

// checks are those of m, for the account's user.
func (d *daemon) checks(m *methods) ([]userauth.Check, error) {
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
			Known:      knownhosts.New(knownhosts.Config{Files: d.paths(m.knownHosts, m.ignoreKnown), Policy: knownhosts.Strict}),
			Trusted:    d.paths(m.trustedHosts, m.ignoreTrusted),
			AnyAddress: m.anyAddress,
		}))
	}
	return checks, nil
}

// paths returns files of the account's, perhaps without those in its home.
func (d *daemon) paths(names []string, others bool) (paths []string) {
	for _, name := range names {
		if !others || filepath.IsAbs(name) {
			paths = append(paths, d.account.path(name))
		}
	}
	return paths
}

// setPasswords takes yes or no. What it is without that depends on whether
// there are any passwords.
func setPasswords(o *options, v string) error {
	on, err := yesNo(v)
	o.methods.password = map[bool]string{true: "yes", false: "no"}[on]
	return err
}

// fileList is a keyword with a list of files, or none.
func fileList(field func(*options) *[]string) func(*options, *server.ConfigLine) error {
	return words(func(o *options, v []string) error {
		*field(o) = nil
		if len(v) > 1 || unlessNone(v[0]) != "" {
			*field(o) = v
		}
		return nil
	})
}

// known are the methods that a chain can have.
var known = []string{"publickey", "password", "keyboard-interactive", "hostbased"}

// setChains reads lists of methods, each of them enough, or "any".
func setChains(o *options, v []string) error {
	o.methods.chains = nil
	if len(v) == 1 && strings.EqualFold(v[0], "any") {
		return nil
	}
	var chains [][]string
	for _, list := range v {
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
