//go:build unix

package main

import (
	"net"
	"os"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/server"
)

// environment returns the variables a program runs with, the client's ahead of
// those that it must not change.
func (d *daemon) environment(s *server.Session, tty string) []string {
	env := d.accepted(s)
	set := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	set("HOME", d.account.home)
	set("USER", d.account.name)
	set("LOGNAME", d.account.name)
	set("SHELL", d.account.shell)
	set("PATH", searchPath())
	set("MAIL", "/var/mail/"+d.account.name)
	set("TZ", os.Getenv("TZ"))
	// What the user's key sets may be any of these, as with sshd.
	env = append(env, s.Conn().Grant().Permissions.Environment()...)
	env = append(env, d.session.setEnv...)
	clientIP, clientPort := hostPort(s.Conn().RemoteAddr())
	serverIP, serverPort := hostPort(s.Conn().LocalAddr())
	set("SSH_CLIENT", clientIP+" "+clientPort+" "+serverPort)
	set("SSH_CONNECTION", clientIP+" "+clientPort+" "+serverIP+" "+serverPort)
	if p, ok := s.Pty(); ok {
		set("TERM", p.Term)
		set("SSH_TTY", tty)
	}
	return env
}

// accepted returns what the client sets, without what AcceptEnv does not have:
// the server takes more, and the others are the last it has.
func (d *daemon) accepted(s *server.Session) []string {
	env := s.Env()
	permissions := s.Conn().Grant().Permissions
	others := len(permissions.Environment())
	if asked := len(env) - 1; asked >= 0 && strings.HasPrefix(env[asked], originalCommand) {
		if _, forced := permissions.Command(); forced {
			others++
		}
	}
	return slices.DeleteFunc(env[:len(env)-others], func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !slices.ContainsFunc(d.session.acceptEnv, func(p string) bool { return pattern.Match(p, name) })
	})
}

// originalCommand begins the variable with the command asked for, where another
// is forced.
const originalCommand = "SSH_ORIGINAL_COMMAND="

// beginnings returns patterns for [server.Server].AcceptEnv that admit what
// AcceptEnv of sshd_config(5) does, and more: up to the first wildcard, and
// whatever follows.
func beginnings(patterns []string) (all []string) {
	for _, p := range patterns {
		if i := strings.IndexAny(p, "*?"); i >= 0 {
			p = p[:i] + "*"
		}
		all = append(all, p)
	}
	return all
}

// searchPath returns where shells look for programs before they have read the
// user's files.
func searchPath() string {
	if path := os.Getenv("PATH"); path != "" {
		return path
	}
	return "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
}

func hostPort(a net.Addr) (host, port string) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "UNKNOWN", "65535" // as sshd has it
	}
	return host, port
}
