//go:build unix

package main

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// awaitExit waits until the program has exited, and leaves it to be reaped.
func awaitExit(cmd *exec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
