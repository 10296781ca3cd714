//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/whelk-ssh/whelk/server"
)

// What a program that says which keys or names let a user in may take.
const (
	programTime   = 20 * time.Second
	programOutput = 1 << 20
	programErrors = 1 << 10 // of which the first line is logged
	programsMost  = 16      // at once, of all connections
	lastOutput    = time.Second
)

// A program is one of AuthorizedKeysCommand or AuthorizedPrincipalsCommand.
type program struct {
	command string // as it is written; "" for none
	user    string // whom it runs as
	words   []string
}

// set reads a command line: words, each with tokens of those known; missing is
// what stands for no word behind the first.
func (p *program) set(v, known, missing string) error {
	if p.command = unlessNone(v); p.command == "" {
		return nil
	}
	words, err := server.SplitWords(v, false)
	if err != nil {
		return err
	}
	if len(words) == 0 || !filepath.IsAbs(words[0]) {
		return fmt.Errorf("%q does not begin with an absolute path", v)
	}
	if p.words = words; len(words) == 1 && missing != "" {
		p.words = append(p.words, missing)
	}
	return checkTokens(known, words...)
}

// check finds out whether the program can be run.
func (p *program) check(a *account) error {
	if p.command == "" {
		return nil
	}
	f, err := server.OpenTrusted(p.words[0])
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s cannot be executed: `chmod +x` it", p.words[0])
	}
	_, err = a.credential(p.user)
	return err
}

// A runner runs a program.
type runner struct {
	program program
	account *account
	slots   chan struct{} // of all runners
}

// output runs the program and returns what it wrote. No shell takes its
// arguments apart; who replaces it has to be root or this user.
func (r *runner) output(ctx context.Context, values map[byte]string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, programTime, fmt.Errorf("it took more than %v", programTime))
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", r.program.words[0], context.Cause(ctx))
	}
	cmd, err := r.prepare(values)
	if err != nil {
		return nil, err
	}
	out, err := collect(ctx, cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.program.words[0], err)
	}
	return out, nil
}

// prepare returns the command to run, in a process group of its own.
func (r *runner) prepare(values map[byte]string) (*exec.Cmd, error) {
	f, err := server.OpenTrusted(r.program.words[0])
	if err != nil {
		return nil, err
	}
	f.Close()
	credential, err := r.account.credential(r.program.user)
	if err != nil {
		return nil, err
	}
	args := []string{r.program.words[0]}
	for _, word := range r.program.words[1:] {
		arg, err := expand(word, values)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return &exec.Cmd{
		Path: f.Name(), // where symbolic links lead
		Args: args,
		Dir:  "/",
		Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
			"USER=" + r.program.user, "LOGNAME=" + r.program.user, "HOME=" + r.account.homeOf(r.program.user)},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Credential: credential},
	}, nil
}

// collect runs cmd and returns what it wrote, if that is all and it succeeded.
// Its group is killed when it has ended, when ctx is done or there is too much.
func collect(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	output, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	var errs complaint
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = w, &errs, lastOutput
	err = cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	kill := sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	ended := make(chan error, 1)
	go func() {
		awaitExit(cmd)
		kill() // what it left behind; its number is its own until it is reaped
		// Who left the group may have the output open.
		output.SetReadDeadline(time.Now().Add(lastOutput))
		_ = cmd.Wait()
		ended <- exitError(cmd)
	}()
	stop := context.AfterFunc(ctx, kill)
	defer stop()
	text, readErr := io.ReadAll(io.LimitReader(output, programOutput+1))
	if len(text) > programOutput {
		kill()
	}
	err = <-ended
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(text) > programOutput:
		return nil, fmt.Errorf("it wrote more than %d bytes", programOutput)
	case err != nil && errs.line() != "":
		return nil, fmt.Errorf("%w: %q", err, errs.line())
	case err != nil:
		return nil, err
	case readErr != nil:
		return nil, errors.New("its output did not end with it")
	}
	return text, nil
}

// exitError says how cmd ended, which Wait has found out, if that is no success.
func exitError(cmd *exec.Cmd) error {
	if cmd.ProcessState == nil {
		return errors.New("nobody knows how it ended")
	}
	if !cmd.ProcessState.Success() {
		return &exec.ExitError{ProcessState: cmd.ProcessState}
	}
	return nil
}

// A complaint keeps the beginning of what is written to it.
type complaint struct{ kept []byte }

func (c *complaint) Write(p []byte) (int, error) {
	c.kept = append(c.kept, p[:min(len(p), programErrors-len(c.kept))]...)
	return len(p), nil
}

// line returns the first line.
func (c *complaint) line() string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(c.kept), []byte("\n"))
	return strings.TrimSpace(string(line))
}
