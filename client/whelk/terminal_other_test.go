//go:build !linux

package main

import (
	"io"
	"os/exec"
	"testing"
)

// A screen is whelk on a terminal of ours, which there is only on Linux.
type screen struct {
	io.Writer
	cmd *exec.Cmd
}

func open(t *testing.T, _ *exec.Cmd) *screen {
	t.Skip("terminals are tried on Linux")
	return nil
}

func (s *screen) expect(*testing.T, string) string { return "" }

func (s *screen) finish(*testing.T, int) {}
