package main

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/transport"
)

// networks are what net.Dial calls the address families.
var networks = map[string]string{"any": "tcp", "inet": "tcp4", "inet6": "tcp6"}

// connect connects and logs in.
func (p *program) connect(ctx context.Context) (*client.Client, error) {
	ctx, cancel := p.patience.apply(ctx)
	defer cancel()
	address := net.JoinHostPort(p.host, strconv.Itoa(p.port))
	p.log.printf(levelDebug1, "Connecting to %s port %d as %q.", p.host, p.port, p.user)
	var dialer net.Dialer
	if !p.tcpKeepAlive {
		dialer.KeepAlive = -1
	}
	nc, err := dialer.DialContext(ctx, networks[p.family], address)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, &reachError{err}
	}
	p.log.printf(levelDebug1, "Connection established with %v.", nc.RemoteAddr())
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
	p.lend(config)
	c, err := client.New(ctx, nc, address, config)
	if _, guessed := errors.AsType[*transport.GuessError](err); guessed && !p.transport.DisableGuess {
		p.log.printf(levelDebug1, "%v; connecting again.", err)
		p.transport.DisableGuess = true
		return p.connect(ctx)
	}
	if err != nil {
		return nil, err
	}
	p.log.printf(levelVerbose, "Authenticated to %s (%v).", p.host, nc.RemoteAddr())
	return c, nil
}

// A reachError reports that there is no connection to the host.
type reachError struct{ err error }

func (e *reachError) Error() string { return e.err.Error() }

func (e *reachError) Unwrap() error { return e.err }

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
