//go:build unix

package interop

import (
	"os/exec"
	"syscall"
)

// ownGroup has a command run in a group of processes of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the group of processes that a command began.
func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

func killProcess(pid int) { syscall.Kill(pid, syscall.SIGKILL) }

// freeze stops a process, and thaw has it go on.
func freeze(pid int) { syscall.Kill(pid, syscall.SIGSTOP) }
func thaw(pid int)   { syscall.Kill(pid, syscall.SIGCONT) }

// alive reports whether a process exists, be it as a zombie.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
