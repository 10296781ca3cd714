package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// proxyGrace is how long a ProxyCommand may take to end, once it is told to.
const proxyGrace = 500 * time.Millisecond

// shellSigns are what a shell does more with than to take words apart.
const shellSigns = "|&;<>()$`*?[]#~{}\n"

// proxy starts a ProxyCommand, or takes our own standard streams for "-".
func (d *HostDialer) proxy(ctx context.Context, s *sshconfig.Settings, command string) (net.Conn, error) {
	if s.Yes("proxyusefdpass") {
		return nil, errors.New("ProxyUseFdpass is not supported: leave it out, and have the command pass on what it reads and writes")
	}
	if command == "-" {
		return &proxyConn{read: os.Stdin, write: os.Stdout}, nil
	}
	argv, err := d.proxyArgs(s, command)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	d.debug("Executing proxy command: %q", argv)
	return startProxy(argv)
}

// proxyArgs returns the command, as a shell would or with one. Names put into it
// mean nothing to a shell, and begin with no dash (attacks.md P3: CVE-2023-51385,
// CVE-2025-61984).
func (d *HostDialer) proxyArgs(s *sshconfig.Settings, command string) ([]string, error) {
	for _, check := range []error{sshconfig.CheckHost(s.HostName()), sshconfig.CheckUser(s.User())} {
		if check != nil {
			return nil, fmt.Errorf("ProxyCommand: %w", check)
		}
	}
	if alias := s.Text("hostkeyalias"); alias != "" {
		if err := sshconfig.CheckHost(alias); err != nil {
			return nil, fmt.Errorf("HostKeyAlias: %w", err)
		}
	}
	command = strings.TrimPrefix(command, "exec ")
	if strings.ContainsAny(command, shellSigns) {
		if d.Shell == "" {
			return nil, fmt.Errorf("ProxyCommand %q needs a shell, and none is run: put it into a script", command)
		}
		expanded, err := s.Expand(command, nil)
		return []string{d.Shell, "-c", "exec " + expanded}, err
	}
	words, err := sshconfig.Split(command)
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf("ProxyCommand %q cannot be taken apart: %w", command, err)
	}
	for i := range words {
		if words[i], err = s.Expand(words[i], nil); err != nil {
			return nil, fmt.Errorf("ProxyCommand: %w", err)
		}
	}
	return words, nil
}

// startProxy starts a program, whose standard input and output are a connection.
// It is in a session of its own, with no terminal to ask on, and with all that it
// starts is killed when the connection is closed.
func startProxy(argv []string) (net.Conn, error) {
	ourRead, itsWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	itsRead, ourWrite, err := os.Pipe()
	if err != nil {
		ourRead.Close()
		itsWrite.Close()
		return nil, err
	}
	defer itsWrite.Close()
	defer itsRead.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = itsRead, itsWrite, os.Stderr
	ownSession(cmd)
	if err := cmd.Start(); err != nil {
		ourRead.Close()
		ourWrite.Close()
		return nil, fmt.Errorf("ProxyCommand: %w: check its name, and that it is installed", err)
	}
	c := &proxyConn{read: ourRead, write: ourWrite, process: cmd.Process, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// A proxyConn is a connection over the pipes to a program.
type proxyConn struct {
	read, write *os.File
	process     *os.Process   // nil for ourselves
	ended       chan struct{} // closed when the program has

	closing sync.Once
	err     error
}

func (c *proxyConn) Read(p []byte) (int, error)  { return c.read.Read(p) }
func (c *proxyConn) Write(p []byte) (int, error) { return c.write.Write(p) }

// Close ends the program and what it has started.
func (c *proxyConn) Close() error {
	c.closing.Do(func() {
		c.err = errors.Join(c.write.Close(), c.read.Close())
		if c.process == nil {
			return
		}
		hangUp(c.process)
		select {
		case <-c.ended:
		case <-time.After(proxyGrace):
		}
		killSession(c.process)
		<-c.ended
	})
	return c.err
}

// A proxyAddr is the address of a connection that a program makes.
type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "ProxyCommand" }

func (c *proxyConn) LocalAddr() net.Addr  { return proxyAddr{} }
func (c *proxyConn) RemoteAddr() net.Addr { return proxyAddr{} }

func (c *proxyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *proxyConn) SetReadDeadline(t time.Time) error  { return c.read.SetReadDeadline(t) }
func (c *proxyConn) SetWriteDeadline(t time.Time) error { return c.write.SetWriteDeadline(t) }
