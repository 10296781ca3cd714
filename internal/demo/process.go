package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// programs are the paths of programs; those of OpenSSH are "" where it is not
// installed.
type programs struct {
	whelk, whelkd string
	ssh, sshd     string
}

// command returns a program to be run that is killed, and whatever it has
// started with it, when ctx is done.
func command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=") // keys of the demo, and no others
	detach(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = time.Second // for the pipes of what has escaped
	return cmd
}

// modulePath is the module that the demo builds.
const modulePath = "github.com/whelk-ssh/whelk"

// build builds whelk and whelkd.
func (d *demo) build(ctx context.Context) (string, error) {
	start := time.Now()
	cmd := command(ctx, "go", "build", "-o", d.dir, modulePath+"/client/whelk", modulePath+"/server/whelkd")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	d.programs.whelk, d.programs.whelkd = d.path("whelk"), d.path("whelkd")
	return fmt.Sprintf("%.1f s", time.Since(start).Seconds()), nil
}

// An outcome is what a program has done.
type outcome struct {
	stdout, stderr string
	status         int
}

// finish runs a program to its end. It is no error if it exits with a status
// other than 0.
func finish(ctx context.Context, cmd *exec.Cmd) (outcome, error) {
	var stdout, stderr strings.Builder
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, stderr.String())
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, err
}
