package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// programs are the commands that are measured as such: whatever OpenSSH the
// machine has, and ours.
type programs struct {
	ssh, sshd     string
	whelk, whelkd string // once built
}

func (p *programs) clientSSH() string { return p.ssh }

func (p *programs) clientWhelk() string { return p.whelk }

// build builds our commands.
func (b *bench) build() error {
	cmd := exec.Command("go", "build", "-o", b.dir+string(filepath.Separator), "./client/whelk", "./server/whelkd")
	cmd.Dir = filepath.Join("..", "..")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bench: %v: %w\n%s", cmd.Args, err, output)
	}
	b.whelk, b.whelkd = filepath.Join(b.dir, "whelk"), filepath.Join(b.dir, "whelkd")
	return nil
}
