//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// backgroundVariable tells the program that it is the one that goes to the
// background, and that descriptor 3 is for it to say when.
const backgroundVariable = "WHELK_BACKGROUND"

// background runs the program as a process of its own, and leaves it alone once
// it has got as far as its command: a Go program cannot fork. It returns what to
// exit with.
func background() int {
	self, err := os.Executable()
	var r, w *os.File
	if err == nil {
		r, w, err = os.Pipe()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "whelk: -f: %v\n", err)
		return failure
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), backgroundVariable+"=3")
	err = cmd.Start()
	w.Close()
	if err != nil {
		fmt.Fprintf(os.Stderr, "whelk: -f: %v\n", err)
		return failure
	}
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() >= 0 {
		return exit.ExitCode()
	}
	if err != nil {
		return failure
	}
	return 0
}

// isBackground reports whether this is the process that background started.
func isBackground() bool { return os.Getenv(backgroundVariable) != "" }

// detach leaves the terminal, and lets the one who has started us go.
func detach() error {
	os.Unsetenv(backgroundVariable)
	if _, err := syscall.Setsid(); err != nil {
		return err
	}
	w := os.NewFile(3, "parent")
	if _, err := w.Write([]byte{1}); err != nil {
		return err
	}
	return w.Close()
}
