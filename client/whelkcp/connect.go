package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// connect returns the connection to a host, which is made once.
func (p *program) connect(ctx context.Context, host string) (*connection, error) {
	if c, ok := p.hosts[host]; ok {
		return c, nil
	}
	c, err := p.dial(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	p.hosts[host] = c
	return c, nil
}

func (p *program) dial(ctx context.Context, host string) (*connection, error) {
	if p.server != "" {
		files, err := startServer(ctx, p.server)
		return &connection{files: files}, err
	}
	c, err := p.dialSSH(ctx, host)
	if err != nil {
		return nil, err
	}
	files, err := c.SFTP(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &connection{c, files}, nil
}

// dialSSH connects as ssh(1) would.
func (p *program) dialSSH(ctx context.Context, host string) (*client.Client, error) {
	account, err := sshconfig.Local()
	if err != nil {
		return nil, err
	}
	config := sshconfig.Config{
		Account: account, Files: sshconfig.DefaultFiles(filepath.Join(account.Home, ".ssh")), Resolve: client.ResolveCanonical,
		Options: append(append([]sshconfig.Option(nil), p.stronger...), p.said...), Exec: runExec,
	}
	switch {
	case strings.EqualFold(p.configFile, "none"):
		config.Files = nil
	case p.configFile != "":
		config.Files = []sshconfig.File{{Path: p.configFile, Required: true}}
	}
	d := client.HostDialer{Config: config, Shell: shell()}
	if p.verbose > 1 {
		d.Debug = func(message string) { p.say("debug1: %s", message) }
	}
	s, err := d.Settings(ctx, host)
	if err != nil {
		return nil, err
	}
	d.Questions = p.questions(s.Text("batchmode") == "yes")
	c, err := d.DialSettings(ctx, s)
	if err == nil && p.verbose > 0 {
		state := c.State()
		p.say("Authenticated to %s, %s, %s", host, state.ServerVersion, state.Send.Cipher)
	}
	return c, err
}

// shell returns the user's, as ssh has it.
func shell() string {
	if path := os.Getenv("SHELL"); path != "" {
		return path
	}
	return "/bin/sh"
}

// runExec runs the command of a Match exec.
func runExec(ctx context.Context, command string) (bool, error) {
	cmd := exec.CommandContext(ctx, shell(), "-c", command)
	cmd.Stderr = os.Stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return false, nil
	}
	return err == nil, err
}

// startServer starts a program that speaks SFTP on its standard streams.
func startServer(ctx context.Context, command string) (*sftp.Client, error) {
	cmd := exec.Command(command)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return sftp.NewClient(ctx, &server{Reader: out, WriteCloser: in, output: out, cmd: cmd})
}

// A server is a program at the other end of two pipes.
type server struct {
	io.Reader
	io.WriteCloser
	output io.Closer
	cmd    *exec.Cmd
}

// Close ends the program, which sees the end of its input.
func (s *server) Close() error {
	return errors.Join(s.WriteCloser.Close(), s.output.Close())
}
