package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/term"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
)

// session runs the command or shell, and returns what it exits with.
func (p *program) session(ctx context.Context, c *client.Client) int {
	cmd := c.Command(p.command)
	cmd.Subsystem = p.subsystem()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = p.environment(os.Environ())
	cmd.ForwardAgent = p.lentAgent() != ""
	keys := input{os.Stdin, p}
	if !p.noStdin {
		cmd.Stdin = keys
	}
	var typist *console
	t := p.openTerminal()
	if t != nil {
		cmd.Pty = t.pty()
		cmd.Stdout, cmd.Stderr = t.screen(os.Stdout), t.screen(os.Stderr)
	}
	cmd.X11 = p.lendDisplay(ctx)
	if t != nil && t.here && p.escape != 0 {
		typist = newConsole(p, t, keys, os.Stderr)
		typist.client, typist.cmd = c, cmd
		cmd.Stdin = typist
	}
	err := cmd.Start(ctx)
	if p.withoutDisplay(err) {
		cmd = again(c, cmd)
		if typist != nil {
			typist.cmd = cmd
		}
		err = cmd.Start(ctx)
	}
	if err != nil {
		return p.fail(err)
	}
	if err := p.enter(ctx, c); err != nil {
		return p.fail(err)
	}
	if t != nil {
		t.attach(cmd)
		defer t.restore()
	}
	err = p.wait(ctx, cmd, typist)
	if t != nil {
		t.restore()
		p.log.printf(levelInfo, "Connection to %s closed.", p.host)
	}
	return p.status(c, err)
}

// An input is standard input. One that cannot be read is an empty one: the
// command's status is to count.
type input struct {
	file    *os.File
	program *program
}

func (i input) Read(p []byte) (int, error) {
	n, err := i.file.Read(p)
	if err != nil && err != io.EOF {
		i.program.log.printf(levelDebug1, "standard input: %v", err)
		err = io.EOF
	}
	select {
	case <-i.program.over:
		// The command has ended, and whoever types answers a question of ours.
		if err == nil && term.IsTerminal(int(i.file.Fd())) {
			i.program.typed <- string(p[:n])
		}
		return 0, io.EOF
	default:
	}
	return n, err
}

// enter does what is due when the session has begun.
func (p *program) enter(ctx context.Context, c *client.Client) error {
	err := c.NoMoreSessions()
	p.runLocal(ctx)
	if p.forked {
		detach()
	}
	return err
}

// WriteTo copies the input to a command. Once that takes no more, whoever writes
// it is told as by any program that ends; a terminal is left open for others.
func (i input) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, struct{ io.Reader }{i})
	if err != nil && !term.IsTerminal(int(i.file.Fd())) {
		i.file.Close()
	}
	return n, err
}

// wait waits for the command, a signal to us, or the end of it that is typed,
// if there is somebody who types. The command's context is not
// ours: ssh leaves it to the server what becomes of a command whose client is
// gone.
func (p *program) wait(ctx context.Context, cmd *client.Cmd, typist *console) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var escaped chan error
	if typist != nil {
		escaped = typist.ended
		go typist.attend()
	}
	select {
	case err := <-ended:
		return err
	case err := <-escaped:
		p.escaped = true
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// status returns what to exit with after a command that ended with err.
func (p *program) status(c *client.Client, err error) int {
	var exit *client.ExitError
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // whoever read our output has enough of it
		return 0
	case err == errEscaped:
		return failure
	case !errors.As(err, &exit):
		return p.fail(p.reason(c, err))
	}
	if exit.Signal == "" {
		return exit.Status & 0xff
	}
	if exit.Signal != channel.SIGPIPE { // of which our own reader knows
		p.log.printf(levelInfo, "%s", "whelk: "+p.explain(exit))
	}
	return failure
}

// reason returns the error of the connection if that is what ended a command.
func (p *program) reason(c *client.Client, err error) error {
	if c.Mux().Err() != nil {
		return fmt.Errorf("connection to %s lost: %s", p.host, p.explain(err))
	}
	return err
}

// stay waits for the connection to end.
func (p *program) stay(ctx context.Context, c *client.Client) int {
	if err := p.enter(ctx, c); err != nil {
		return p.fail(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return p.fail(fmt.Errorf("connection to %s lost: %s", p.host, p.explain(err)))
	case <-ctx.Done():
		return p.fail(context.Cause(ctx))
	}
}

// wantsTerminal reports whether to ask for a terminal, and whether to do so
// without having one: -t and -T count more than RequestTTY, and without
// either a shell gets one and a command does not.
func (p *program) wantsTerminal() (want, force bool) {
	switch {
	case p.terminal < 0:
		return false, false
	case p.terminal > 0:
		return true, p.terminal > 1
	case p.requestTTY == "no":
		return false, false
	case p.requestTTY != "auto":
		return true, p.requestTTY == "force"
	}
	return p.command == "", false
}

// openTerminal returns our terminal if the command is to have one.
func (p *program) openTerminal() *terminal {
	want, force := p.wantsTerminal()
	fd := int(os.Stdin.Fd())
	here := term.IsTerminal(fd) && !p.noStdin
	if want && !here && !force {
		p.log.printf(levelInfo, "Pseudo-terminal will not be allocated because stdin is not a terminal.")
		return nil
	}
	if !want {
		return nil
	}
	return newTerminal(fd, here, p.log)
}
