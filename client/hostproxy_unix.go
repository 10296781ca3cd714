//go:build unix

package client

import (
	"os"
	"os/exec"
	"syscall"
)

// ownSession makes a program the first of a session, and of a process group that
// has its number.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// hangUp tells the group of a program that nobody is there any more, as ssh does.
func hangUp(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGHUP) }

// killSession ends the group of a program.
func killSession(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }
