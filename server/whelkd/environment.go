//go:build unix

package main

import (
	"net"
	"os"

	"github.com/whelk-ssh/whelk/server"
)

// environment returns the variables a program runs with, the client's ahead of
// those that it must not change.
func (d *daemon) environment(s *server.Session, tty string) []string {
	env := s.Env()
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
