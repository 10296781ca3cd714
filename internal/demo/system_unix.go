//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

const isUnix = true

// stopSignals are those that end the demo. SIGPIPE is that of a reader who has
// seen enough.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE}

// detach gives the program a session and a process group of its own: what is
// typed at our terminal, Ctrl-C among it, does not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killGroup ends a detached program and what it has started.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
