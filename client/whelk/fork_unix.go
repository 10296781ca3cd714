//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// forkVariable is set for a whelk that goes into the background, and forkFile
// is where it says that it does. A program of several threads cannot fork: it is
// another one from the start.
const (
	forkVariable = "WHELK_FORK"
	forkFile     = 3
)

// runForked runs whelk again, which goes into the background once the user is
// in, and returns then, or when that has failed.
func runForked(args []string) int {
	status, err := forkedStatus(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "whelk: -f: %v\n", err)
		return failure
	}
	return status
}

func forkedStatus(args []string) (status int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ready, theirs, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer ready.Close()
	cmd := exec.Command(self, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(os.Environ(), forkVariable+"=yes")
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return 0, err
	}
	if n, _ := ready.Read(make([]byte, 1)); n == 1 {
		return 0, nil
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// isForked reports whether this is the whelk that goes into the background. It
// is asked once.
func isForked() bool {
	forked := os.Getenv(forkVariable) != ""
	if forked {
		os.Unsetenv(forkVariable)
		syscall.CloseOnExec(forkFile)
	}
	return forked
}

// detach goes into the background.
func detach() {
	syscall.Setsid()
	ready := os.NewFile(forkFile, "")
	ready.Write([]byte{1})
	ready.Close()
}
