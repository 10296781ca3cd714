//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// An account is the user that whelkd runs as, the only one it lets in.
type account struct {
	name, home, shell string
	uid               string
	groups            []string // names
}

// currentAccount finds out who started whelkd.
func currentAccount() (account, error) {
	u, err := user.Current()
	if err != nil {
		return account{}, fmt.Errorf("cannot find out who runs this: %w", err)
	}
	a := account{name: u.Username, home: u.HomeDir, shell: os.Getenv("SHELL"), uid: u.Uid, groups: groupsOf(u)}
	if !filepath.IsAbs(a.shell) {
		a.shell = loginShell(u.Uid)
	}
	return a, nil
}

// groupsOf returns the names of a user's groups, without those that have none.
func groupsOf(u *user.User) (names []string) {
	ids, err := u.GroupIds()
	if err != nil {
		ids = []string{u.Gid}
	}
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			names = append(names, g.Name)
		}
	}
	return names
}

// loginShell returns the shell that /etc/passwd has for a user id.
func loginShell(uid string) string {
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return defaultShell
	}
	defer f.Close()
	return shellOf(f, uid)
}

const defaultShell = "/bin/sh"

// shellOf looks for a user id in the lines of passwd(5).
func shellOf(passwd io.Reader, uid string) string {
	for lines := bufio.NewScanner(passwd); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[2] == uid && filepath.IsAbs(fields[6]) {
			return fields[6]
		}
	}
	return defaultShell
}

// path returns a file of the user's: relative names start at the home
// directory, as do "~/" and "%h".
func (a *account) path(name string) string {
	if expanded, err := expand(name, map[byte]string{'h': a.home, 'u': a.name, 'U': a.uid}); err == nil {
		name = expanded
	}
	name = strings.TrimPrefix(name, "~/")
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.home, name)
}

// credential returns what it takes to run a program as a user, nil for this one.
// Only root can be anybody.
func (a *account) credential(name string) (*syscall.Credential, error) {
	if name == a.name {
		return nil, nil
	}
	if a.uid != "0" {
		return nil, fmt.Errorf("it cannot be run as %q, only as %q, who runs this", name, a.name)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(n))
		}
	}
	return c, nil
}

// homeOf returns the home directory of a user, "/" if there is none.
func (a *account) homeOf(name string) string {
	if name == a.name {
		return a.home
	}
	if u, err := user.Lookup(name); err == nil && u.HomeDir != "" {
		return u.HomeDir
	}
	return "/"
}
