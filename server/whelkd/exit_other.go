//go:build unix && !linux

package main

import "os/exec"

// awaitExit waits until the program has exited, and reaps it: its status is in
// cmd, and a signal sent in the moment after may find no process.
func awaitExit(cmd *exec.Cmd) { _ = cmd.Wait() }
