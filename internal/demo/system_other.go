//go:build !unix

package main

import (
	"os"
	"os/exec"
)

const isUnix = false

var stopSignals = []os.Signal{os.Interrupt}

func detach(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
