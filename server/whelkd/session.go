//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
)

// serveCommand runs what the client asked for: a command, or a shell.
func (d *daemon) serveCommand(s *server.Session) {
	if command, ok := d.onlyFiles(s); ok {
		d.serveFiles(s, command)
		return
	}
	d.serve(s, s.Command())
}

// serve runs a command for a session, to its end, unless ForceCommand has
// another. "" is a login shell.
func (d *daemon) serve(s *server.Session, command string) {
	more, stop := d.agentSocket(s)
	defer stop()
	display, stopDisplay := d.display(s)
	defer stopDisplay()
	more = append(more, display...)
	record, remove := d.exposed(s)
	defer remove()
	more = append(more, record...)
	command, original := d.forced(s, command)
	more = append(more, original...)
	p := &process{session: s, cmd: d.command(command), mute: d.session.command != ""}
	start := p.startOnPipes
	if _, ok := s.Pty(); ok {
		start = p.startOnPty
	}
	tty, err := start(func(tty string) { p.cmd.Env = append(d.environment(s, tty), more...) })
	if err != nil {
		d.log.Error("a program did not start", "command", fmt.Sprintf("%q", command), "err", err)
		fmt.Fprintf(s.Stderr(), "whelkd: cannot start a program: %v\r\n", err)
		s.Exit(failure)
		return
	}
	d.log.Debug("started", "pid", p.cmd.Process.Pid, "tty", tty, "command", fmt.Sprintf("%q", command))
	status := p.wait()
	d.log.Debug("ended", "pid", p.cmd.Process.Pid, "status", status)
	report(s, status)
}

// forced returns the command to run instead of the one asked for, and the
// variable that has that. ForceCommand comes ahead of what a key forces.
func (d *daemon) forced(s *server.Session, asked string) (command string, original []string) {
	permissions := s.Conn().Grant().Permissions
	key, byKey := permissions.Command()
	if byKey {
		env := s.Env()
		if last := len(env) - 1; last >= 0 && strings.HasPrefix(env[last], originalCommand) {
			original = env[last:]
		}
		asked = key
	}
	if d.session.command == "" {
		return asked, original
	}
	if asked != "" && !byKey {
		original = []string{originalCommand + asked}
	}
	return d.session.command, original
}

// command returns the shell to run, as sshd(8) does: with the command, or as a
// login shell, which the hyphen before its name tells it.
func (d *daemon) command(command string) *exec.Cmd {
	cmd := exec.Command(d.account.shell, "-c", command)
	cmd.Args[0] = filepath.Base(d.account.shell)
	if command == "" {
		cmd.Args = []string{"-" + filepath.Base(d.account.shell)}
	}
	cmd.Dir = d.account.home
	if _, err := os.Stat(cmd.Dir); err != nil {
		cmd.Dir = "/" // no reason to lock the user out
	}
	return cmd
}

// report tells the client how the program ended.
func report(s *server.Session, status syscall.WaitStatus) {
	if !status.Signaled() {
		s.Exit(status.ExitStatus())
		return
	}
	name, ok := channel.SignalOf(status.Signal())
	if !ok {
		name = "SIG@openssh.com" // a signal that RFC 4254 does not know
	}
	s.ExitSignal(name, status.CoreDump(), status.Signal().String())
}
