//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// An account is the user that whelkd runs as, the only one it lets in.
type account struct {
	name, home, shell string
}

// currentAccount finds out who started whelkd.
func currentAccount() (account, error) {
	u, err := user.Current()
	if err != nil {
		return account{}, fmt.Errorf("cannot find out who runs this: %w", err)
	}
	a := account{name: u.Username, home: u.HomeDir, shell: os.Getenv("SHELL")}
	if !filepath.IsAbs(a.shell) {
		a.shell = loginShell(u.Uid)
	}
	return a, nil
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
	name = strings.ReplaceAll(name, "%h", a.home)
	name = strings.TrimPrefix(name, "~/")
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.home, name)
}
