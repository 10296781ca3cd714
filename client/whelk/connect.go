package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/userauth"
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
	nc, err := dialer.DialContext(ctx, networks[p.family], address)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, &reachError{err}
	}
	p.log.printf(levelDebug1, "Connection established with %v.", nc.RemoteAddr())
	settings, hosts, name := p.transport, p.hosts(), p.knownName(address)
	settings.Trace = p.trace()
	if p.knownFirst {
		preferred := hosts.HostKeyAlgorithms(hostkey.Host{Name: name})
		settings.HostKeyAlgorithms = inOrderOf(preferred, settings.HostKeyAlgorithms)
	}
	config := &client.Config{User: p.user, Auth: p.methods(), HostKeys: hosts, Transport: settings, Banner: p.banner}
	p.lend(config)
	c, err := client.New(ctx, nc, name, config)
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

// knownName returns the name under which the host's key is looked for.
func (p *program) knownName(address string) string {
	if p.alias != "" {
		return p.alias
	}
	return address
}

// hosts returns what verifies the host's key.
func (p *program) hosts() *knownhosts.Verifier {
	var list []string
	for _, file := range slices.Concat(p.userHosts, p.globalHosts) {
		list = append(list, homePath(file))
	}
	return knownhosts.New(knownhosts.Config{
		Files: list, Policy: p.policy, Hash: p.hashHosts,
		Warn: func(warning error) {
			if errors.Is(warning, knownhosts.ErrChanged) {
				p.changed = true
				p.log.printf(levelInfo, "WARNING: %v; passwords will not be sent", oneLine(warning.Error()))
				return
			}
			p.log.printf(levelDebug1, "%v", warning)
		},
		Added: func(host string, key hostkey.PublicKey, file string) {
			p.log.printf(levelInfo, "Warning: Permanently added %q (%s %s) to %s.", host, key.Type(), hostkey.Fingerprint(key), file)
		},
	})
}

// methods returns the ways to log in, in the order asked for.
func (p *program) methods() (methods []userauth.Method) {
	for _, name := range p.preferred {
		switch {
		case name == "none":
			methods = append(methods, userauth.None())
		case name == "publickey" && p.publicKey:
			methods = append(methods, userauth.PublicKeyFunc(p.allKeys))
		case name == "password" && p.password:
			methods = append(methods, p.passwords()...)
		}
	}
	return methods
}

// passwords returns a method for each time a password is asked for.
func (p *program) passwords() (methods []userauth.Method) {
	times := p.prompts
	if !canAsk() {
		times = min(times, 1) // to say so
	}
	tried := false
	for range times {
		methods = append(methods, userauth.Password(func(ctx context.Context) (string, error) {
			if tried {
				p.log.printf(levelInfo, "Permission denied, please try again.")
			}
			tried = true
			return p.askPassword(ctx)
		}))
	}
	return methods
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
