package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/transport"
)

// DialHost connects to a destination as ssh(1) does: by the name it has in the
// user's configuration, as the user and in the way that says, by ProxyJump and
// ProxyCommand too, with the keys, the agent and the known_hosts files that it
// names. The destination is host, user@host or ssh://user@host:port.
//
// It reads ~/.ssh/config, /etc/ssh/ssh_config, and what these lead to, which no
// other function of this package does. What there is to be asked it asks by the
// functions of q, and does without the answers of those that are nil: an unknown
// host is then refused. A [HostDialer] reads other files.
//
// The context bounds all of that, as that of [Dial] does.
func DialHost(ctx context.Context, destination string, q Questions) (*Client, error) {
	account, err := sshconfig.Local()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	d := HostDialer{Questions: q, Config: sshconfig.Config{
		Account: account, Files: sshconfig.DefaultFiles(filepath.Join(account.Home, ".ssh")), Resolve: ResolveCanonical,
	}}
	return d.Dial(ctx, destination)
}

// A HostDialer connects to hosts by their configuration. Its zero value has no
// files, and so what it knows of a host are the defaults of OpenSSH. It is
// not changed by its methods, which are safe for concurrent use.
type HostDialer struct {
	Config    sshconfig.Config
	Questions Questions

	// Configure, unless nil, makes the Config for a host, and is in place of
	// [ConfigFor]. The connection is there by then, and for looking at only.
	Configure func(ctx context.Context, s *sshconfig.Settings, nc net.Conn) (*Config, error)

	// Shell runs a ProxyCommand that is more than words, such as one with a
	// pipe: the path of a program that takes -c. If empty, such commands are
	// refused. What is put into a command is checked to mean nothing to it.
	Shell string

	// Debug, unless nil, is told of each step.
	Debug func(message string)
}

// maxJumps bounds how many hosts the way to one may lead by.
const maxJumps = 16

var errJumps = errors.New("client: the way to the host leads by more than 16 others: see that no ProxyJump leads back")

// Settings returns what the configuration says about a destination.
func (d *HostDialer) Settings(ctx context.Context, destination string) (*sshconfig.Settings, error) {
	to, err := sshconfig.ParseDestination(destination)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	config := d.Config
	config.Options = append(config.Options[:len(config.Options):len(config.Options)], to.Options()...)
	return config.Evaluate(ctx, to.Host)
}

// Dial connects to a destination: host, user@host or ssh://user@host:port.
func (d *HostDialer) Dial(ctx context.Context, destination string) (*Client, error) {
	s, err := d.Settings(ctx, destination)
	if err != nil {
		return nil, err
	}
	return d.DialSettings(ctx, s)
}

// DialSettings is Dial for a host whose settings are known.
func (d *HostDialer) DialSettings(ctx context.Context, s *sshconfig.Settings) (*Client, error) {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	return d.dial(ctx, s, 0)
}

// dial connects to a host that is on the way to as many others.
func (d *HostDialer) dial(ctx context.Context, s *sshconfig.Settings, jumps int) (*Client, error) {
	if jumps > maxJumps {
		return nil, errJumps
	}
	noGuess := false
	for {
		nc, err := d.route(ctx, s, jumps)
		if err != nil {
			return nil, err
		}
		config, err := d.configure(ctx, s, nc)
		if err != nil {
			nc.Close()
			return nil, err
		}
		config.Transport.DisableGuess = config.Transport.DisableGuess || noGuess
		c, err := New(ctx, nc, hostAddress(s), config)
		if _, guessed := errors.AsType[*transport.GuessError](err); !guessed || config.Transport.DisableGuess {
			return c, hop(s, jumps, err)
		}
		d.debug("%v; connecting again.", err)
		noGuess = true
	}
}

func (d *HostDialer) configure(ctx context.Context, s *sshconfig.Settings, nc net.Conn) (*Config, error) {
	if d.Configure != nil {
		return d.Configure(ctx, s, nc)
	}
	return ConfigFor(s, d.Questions)
}

func (d *HostDialer) debug(format string, args ...any) {
	if d.Debug != nil {
		d.Debug(fmt.Sprintf(format, args...))
	}
}

func hostAddress(s *sshconfig.Settings) string {
	return net.JoinHostPort(s.HostName(), strconv.Itoa(s.Port()))
}

// route returns a connection to the host.
func (d *HostDialer) route(ctx context.Context, s *sshconfig.Settings, jumps int) (net.Conn, error) {
	if via, before, ok := s.Jump(); ok {
		return d.jump(ctx, s, via, jumpList{before, jumps + 1})
	}
	if command := s.Text("proxycommand"); command != "" {
		nc, err := d.proxy(ctx, s, command)
		if err != nil {
			return nil, hop(s, jumps, &ReachError{Host: s.HostName(), Port: s.Port(), Err: err})
		}
		return nc, nil
	}
	d.debug("Connecting to %s port %d as %q.", s.HostName(), s.Port(), s.User())
	nc, err := dialDirect(ctx, s)
	if err != nil {
		return nil, hop(s, jumps, &ReachError{Host: s.HostName(), Port: s.Port(), Err: err})
	}
	d.debug("Connection established with %v.", nc.RemoteAddr())
	return nc, nil
}

// A jumpList is what is on the way to a host that others are on the way to.
type jumpList struct {
	before string // hosts, as ProxyJump has them
	jumps  int    // to where it all leads
}

// jump connects by way of another host, of which all is as if it were connected
// to by itself but that no Option counts: those were for the host behind it.
func (d *HostDialer) jump(ctx context.Context, s *sshconfig.Settings, via sshconfig.Destination, list jumpList) (net.Conn, error) {
	config := d.Config
	config.Command = ""
	config.Options = via.Options()
	if list.before != "" {
		config.Options = append(config.Options, sshconfig.Option{Keyword: "ProxyJump", Value: list.before})
	}
	settings, err := config.Evaluate(ctx, via.Host)
	if err != nil {
		return nil, err
	}
	if via.Host == s.Destination() && hostAddress(settings) == hostAddress(s) && settings.User() == s.User() {
		return nil, fmt.Errorf("client: ProxyJump leads to %s by way of itself", via.Host)
	}
	c, err := d.dial(ctx, settings, list.jumps)
	if err != nil {
		return nil, err
	}
	d.debug("Connecting to %s port %d as %q, by way of %s.", s.HostName(), s.Port(), s.User(), via.Host)
	nc, err := c.DialContext(ctx, "tcp", hostAddress(s))
	if err != nil {
		c.Close()
		return nil, &ReachError{Host: s.HostName(), Port: s.Port(), Via: via.Host, Err: err}
	}
	return &jumpConn{Conn: nc, via: c}, nil
}

// A jumpConn is a connection by way of a host that is there for nothing else.
type jumpConn struct {
	net.Conn
	via *Client
}

func (c *jumpConn) Close() error {
	err := c.Conn.Close()
	c.via.Close()
	return err
}

// A ReachError reports that there is no connection to a host.
type ReachError struct {
	Host string
	Port int
	Via  string // the host that should have made it; "" if there is none
	Err  error
}

func (e *ReachError) Error() string {
	if e.Via != "" {
		return fmt.Sprintf("client: connect to host %s port %d by way of %s: %v", e.Host, e.Port, e.Via, e.Err)
	}
	return fmt.Sprintf("client: connect to host %s port %d: %v", e.Host, e.Port, e.Err)
}

// Unwrap returns why.
func (e *ReachError) Unwrap() error { return e.Err }

// A JumpError reports that a host on the way to another one failed.
type JumpError struct {
	Host string // on the way
	Err  error
}

func (e *JumpError) Error() string {
	return fmt.Sprintf("client: jump host %s: %s", e.Host, strings.TrimPrefix(e.Err.Error(), "client: "))
}

// Unwrap returns what that host failed with.
func (e *JumpError) Unwrap() error { return e.Err }

// hop says of which host an error is, unless it is the one that was asked for.
func hop(s *sshconfig.Settings, jumps int, err error) error {
	if err == nil || jumps == 0 {
		return err
	}
	if inner, ok := errors.AsType[*JumpError](err); ok {
		return inner
	}
	return &JumpError{Host: s.Destination(), Err: err}
}

// ResolveCanonical looks names up for CanonicalizeHostname, with the resolver of
// package net. It is for sshconfig.Config.Resolve.
func ResolveCanonical(ctx context.Context, family, name string) (string, error) {
	network := map[string]string{"inet": "ip4", "inet6": "ip6"}[family]
	if network == "" {
		network = "ip"
	}
	if _, err := net.DefaultResolver.LookupNetIP(ctx, network, name); err != nil {
		return "", err
	}
	canonical, err := net.DefaultResolver.LookupCNAME(ctx, name)
	if err != nil {
		return "", nil // there are addresses, and that is what counts
	}
	return canonical, nil
}
