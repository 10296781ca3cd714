//go:build !unix

package interop

import (
	"os"
	"os/exec"
)

// There are no groups of processes here.
func ownGroup(*exec.Cmd) {}

func killGroup(pid int) { killProcess(pid) }

func killProcess(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
	}
}

// No process can be stopped here.
func freeze(int) {}
func thaw(int)   {}

// alive reports whether a process exists.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err == nil {
		p.Release()
	}
	return err == nil
}
