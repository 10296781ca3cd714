package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"unicode"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
)

// connect connects and logs in, by way of other hosts if there are any.
func (p *program) connect(ctx context.Context) (*client.Client, error) {
	ctx, cancel := p.patience.apply(ctx)
	defer cancel()
	d := client.HostDialer{
		Config: p.config, Configure: p.configure, Shell: shell(),
		Debug: func(message string) { p.log.printf(levelDebug1, "%s", message) },
	}
	c, err := d.DialSettings(ctx, p.resolved)
	if err != nil {
		return nil, err
	}
	p.log.printf(levelVerbose, "Authenticated to %s (%v).", p.host, c.RemoteAddr())
	return c, nil
}

// shell returns the user's, as ssh has it.
func shell() string {
	if path := os.Getenv("SHELL"); path != "" {
		return path
	}
	return "/bin/sh"
}

// configure returns the configuration for a host: the one that was asked for, or
// one on the way.
func (p *program) configure(_ context.Context, s *sshconfig.Settings, nc net.Conn) (*client.Config, error) {
	asked := s == p.resolved
	if !asked {
		hop, err := p.hop(s)
		if err != nil {
			return nil, err
		}
		p = hop
	}
	address := net.JoinHostPort(p.host, strconv.Itoa(p.port))
	settings, hosts := p.transport, p.hosts()
	settings.Trace = p.trace()
	if p.knownFirst {
		preferred := hosts.HostKeyAlgorithms(hostkey.Host{Name: address})
		settings.HostKeyAlgorithms = inOrderOf(preferred, settings.HostKeyAlgorithms)
	}
	config := &client.Config{User: p.user, Auth: p.methods(nc.LocalAddr()), HostKeys: hosts, Transport: settings, Banner: p.banner}
	config.KeepAlive = p.alive
	if p.updateHosts != "no" {
		config.Updater = hosts
	}
	if p.trustLocalhost && p.isLocal() {
		config.HostKeys, config.Updater = hostkey.InsecureAcceptAny(), nil
	}
	if asked {
		p.lend(config)
	}
	return config, nil
}

// isLocal reports whether the host is this machine.
func (p *program) isLocal() bool {
	ip := net.ParseIP(p.host)
	return p.host == "localhost" || ip != nil && ip.IsLoopback()
}

// hop returns a program that is about a host on the way, which has no options:
// those are for the host behind it.
func (p *program) hop(s *sshconfig.Settings) (*program, error) {
	settings, err := newSettings(s)
	if err != nil {
		return nil, err
	}
	settings.updateHosts = strings.Replace(settings.updateHosts, "ask", "no", 1) // the terminal is for the session
	hop := *p
	o := *p.options
	o.settings = settings
	hop.options, hop.spoke, hop.entered, hop.changed = &o, false, false, false
	p.hops[s.Destination()] = &hop
	return &hop, nil
}

// runExec runs the command of a Match exec, as ssh does.
func (p *program) runExec(ctx context.Context, command string) (bool, error) {
	cmd := exec.CommandContext(ctx, shell(), "-c", command)
	cmd.Stderr = os.Stderr
	err := cmd.Run()
	var status *exec.ExitError
	if errors.As(err, &status) && status.Exited() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("running %q: %w", command, err)
	}
	return true, nil
}

// resolve looks up a name for CanonicalizeHostname.
func (p *program) resolve(ctx context.Context, family, name string) (string, error) {
	return client.ResolveCanonical(ctx, family, name)
}

// banner shows what the server says before anyone is let in.
func (p *program) banner(message string) {
	p.log.printf(levelInfo, "%s", printable(strings.TrimSuffix(message, "\n")))
}

// printable returns text of a peer's with everything escaped that a terminal
// might act on.
func printable(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\r':
		case c == '\n' || c == '\t' || unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
		}
	}
	return b.String()
}
