package main

import (
	"context"
	"os"
	"os/exec"
)

// runLocal runs LocalCommand, if it is permitted, by the user's shell. What
// becomes of it does not matter, as with ssh.
func (p *program) runLocal(ctx context.Context) {
	if !p.permitLocal || p.localCommand == "" {
		return
	}
	command, err := p.resolved.Expand(p.localCommand, nil)
	if err != nil {
		p.log.printf(levelInfo, "LocalCommand: %v", err)
		return
	}
	cmd := exec.CommandContext(ctx, shell(), "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		p.log.printf(levelDebug1, "LocalCommand: %v", err)
	}
}
