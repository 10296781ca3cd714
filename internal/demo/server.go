package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A server is an SSH server that runs until stop is called.
type server struct {
	name       string
	cmd        *exec.Cmd
	log        serverLog
	done       chan struct{} // closed when it has ended
	port       string
	knownHosts string // a file with its host key
}

// A serverLog is what a server writes. Its first mention of a port to listen
// on goes to the channel.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
	port chan string
}

// listening is how whelkd and sshd say that they accept connections.
var listening = regexp.MustCompile(`(?i)listening on 127\.0\.0\.1(?::| port )(\d+)\b[.\n\r]`)

// Write implements [io.Writer].
func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if found := listening.FindSubmatch(l.text.Bytes()); found != nil {
		select {
		case l.port <- string(found[1]):
		default: // it was told before
		}
	}
	return len(p), nil
}

// String returns what was written so far.
func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.text.String())
}

// start starts a server and waits until it accepts connections.
func (d *demo) start(ctx context.Context, name, path string, args ...string) (*server, error) {
	s := &server{name: name, cmd: exec.Command(path, args...), done: make(chan struct{})}
	s.log.port = make(chan string, 1)
	detach(s.cmd)
	s.cmd.Env = append(os.Environ(), "SHELL=/bin/sh")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.cmd.Wait()
		close(s.done)
	}()
	ctx, cancel := soon(ctx)
	defer cancel()
	var err error
	select {
	case s.port = <-s.log.port:
		s.knownHosts = d.path("known_hosts_" + name)
		err = os.WriteFile(s.knownHosts, d.hostKey.knownHost(s.port), 0o600)
	case <-s.done:
		err = errors.New("it ended at once")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s does not start: %w\n%s", name, err, &s.log)
	}
	return s, nil
}

// stop ends the server and waits for the end of its sessions, which whelkd may
// take a few seconds for.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.done:
	case <-time.After(stopPatience):
		_ = killGroup(s.cmd)
		<-s.done
	}
}

// stopPatience is a little more than programs have on whelkd between SIGHUP
// and SIGKILL.
const stopPatience = 8 * time.Second

// serve is the step that starts a server. It returns nil if that fails.
func (d *demo) serve(ctx context.Context, name string, start func(context.Context) (*server, error)) (s *server) {
	d.step(ctx, name, func(ctx context.Context) (_ string, err error) {
		if s, err = start(ctx); err != nil {
			return "", err
		}
		return "listens on " + net.JoinHostPort(loopback, s.port), nil
	})
	return s
}

// startWhelkd starts whelkd on a free port.
func (d *demo) startWhelkd(ctx context.Context) (*server, error) {
	return d.start(ctx, "whelkd", d.programs.whelkd,
		"-p", "0", "-l", loopback, "-h", d.hostKey.path, "-a", d.path("authorized_keys"))
}
