package client

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// Questions are what somebody may be asked, or told, on the way to a host. All
// may be nil. Those that take Settings are about the host whose these are, which
// may be one on the way.
type Questions struct {
	// Host decides about a host seen for the first time.
	Host func(ctx context.Context, q *knownhosts.Question) (bool, error)

	// Passphrase returns that of a key file, Password that of the user, and
	// NewPassword one in place of an expired one. Answer has a conversation with
	// the server.
	Passphrase  hostkey.PassphraseFunc
	Password    func(ctx context.Context, s *sshconfig.Settings) (string, error)
	NewPassword func(ctx context.Context, s *sshconfig.Settings, prompt string) (string, error)
	Answer      func(ctx context.Context, s *sshconfig.Settings, c userauth.Challenge) ([]string, error)

	// Banner is told what the host says before anyone is let in: see
	// [Config].Banner. Warn is told of what is no error: an *[UnsupportedError],
	// a file with a key that is of no use, and what knownhosts.Config.Warn is.
	Banner func(s *sshconfig.Settings, message string)
	Warn   func(warning error)

	changed bool // the key of the host is another than the one known
}

func (q *Questions) warn(warning error) {
	if q.Warn != nil {
		q.Warn(warning)
	}
}

// An UnsupportedError reports a keyword that asks for what this package does not
// do.
type UnsupportedError struct {
	Keyword string
	At      sshconfig.Position
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("client: %s: %s is not supported: leave it out, or use ssh for this host", e.At, e.Keyword)
}

// ConfigFor returns the configuration of a client for a host: algorithms, host
// keys, and ways to log in. Forwardings, and what is to be run, are left to the
// caller.
func ConfigFor(s *sshconfig.Settings, q Questions) (*Config, error) {
	for _, keyword := range []string{"PKCS11Provider", "SecurityKeyProvider", "KnownHostsCommand"} {
		if at, given := s.Set(keyword); given && s.Text(keyword) != "" {
			q.warn(&UnsupportedError{keyword, at})
		}
	}
	settings, err := transportFor(s)
	if err != nil {
		return nil, err
	}
	hosts := knownhosts.New(knownHostsFor(s, &q))
	config := &Config{User: s.User(), HostKeys: hosts, Transport: settings, Auth: methodsFor(s, &q)}
	config.KeepAlive = connection.KeepAlive{Interval: s.Seconds("serveraliveinterval"), Count: max(s.Number("serveralivecountmax"), 1)}
	if given := s.Given("hostkeyalgorithms"); given != "" && strings.Contains("+-", given[:1]) {
		preferred := hosts.HostKeyAlgorithms(hostkey.Host{Name: hostAddress(s)})
		config.Transport.HostKeyAlgorithms = inOrderOf(preferred, settings.HostKeyAlgorithms)
	}
	if s.Text("updatehostkeys") == "true" {
		config.Updater = hosts
	}
	if s.Yes("nohostauthenticationforlocalhost") && isLoopback(s.HostName()) {
		config.HostKeys, config.Updater = hostkey.InsecureAcceptAny(), nil
	}
	if lend, address := s.ForwardAgent(); lend {
		if address == "" {
			address = s.Text("identityagent")
		}
		if address = agentAddress(address); address != "" {
			config.Agent = agent.Dialer(address)
		}
	}
	if q.Banner != nil {
		config.Banner = func(message string) { q.Banner(s, message) }
	}
	return config, nil
}

// transportFor returns the algorithms, and when keys are exchanged anew.
func transportFor(s *sshconfig.Settings) (t transport.Config, err error) {
	if t.Ciphers, err = lookUp(s, "ciphers", cipher.Lookup); err != nil {
		return t, err
	}
	if t.MACs, err = lookUp(s, "macs", mac.Lookup); err != nil {
		return t, err
	}
	if t.KeyExchanges, err = lookUp(s, "kexalgorithms", kex.Lookup); err != nil {
		return t, err
	}
	itself := func(name string) (string, bool) { return name, true }
	if t.HostKeyAlgorithms, err = lookUp(s, "hostkeyalgorithms", itself); err != nil {
		return t, err
	}
	if t.UserKeyAlgorithms, err = lookUp(s, "pubkeyacceptedalgorithms", itself); err != nil {
		return t, err
	}
	t.Rekey.Bytes, t.Rekey.Interval = s.RekeyLimit()
	if s.Yes("compression") {
		t.Compression = []string{"zlib@openssh.com", "zlib", "none"}
	}
	return t, nil
}

// lookUp returns the algorithms that a keyword names, and none if it has its
// default, which is that of the transport too.
func lookUp[T any](s *sshconfig.Settings, keyword string, find func(string) (T, bool)) ([]T, error) {
	if s.Given(keyword) == "" {
		return nil, nil
	}
	var list []T
	for name := range strings.SplitSeq(s.Text(keyword), ",") {
		algorithm, ok := find(name)
		if !ok {
			return nil, fmt.Errorf("client: %s: nothing is called %q", keyword, name)
		}
		list = append(list, algorithm)
	}
	return list, nil
}

// inOrderOf returns algorithms in the order in which the formats of their keys
// appear among those of preferred, and the others last.
func inOrderOf(preferred, algorithms []string) []string {
	place := func(name string) int {
		i := slices.IndexFunc(preferred, func(p string) bool { return hostkey.KeyType(p) == hostkey.KeyType(name) })
		if i < 0 {
			return len(preferred)
		}
		return i
	}
	return slices.SortedStableFunc(slices.Values(algorithms), func(a, b string) int { return place(a) - place(b) })
}

// policies are what the values of StrictHostKeyChecking mean.
var policies = map[string]knownhosts.Policy{
	"true": knownhosts.Strict, "ask": knownhosts.Ask, "accept-new": knownhosts.AcceptNew, "false": knownhosts.InsecureAcceptChanged,
}

func knownHostsFor(s *sshconfig.Settings, q *Questions) knownhosts.Config {
	config := knownhosts.Config{
		Files: s.List("userknownhostsfile"), SystemFiles: s.List("globalknownhostsfile"),
		Policy: policies[s.Text("stricthostkeychecking")], Ask: q.Host,
		Revoked: hostkey.RevokedKeyFiles(s.List("revokedhostkeys")...),
		Alias:   s.Text("hostkeyalias"), CheckIP: s.Yes("checkhostip"), Hash: s.Yes("hashknownhosts"),
	}
	if s.Yes("batchmode") {
		config.Ask = nil
	}
	config.Warn = func(warning error) {
		if errors.Is(warning, knownhosts.ErrChanged) {
			q.changed = true
		}
		q.warn(warning)
	}
	if s.Given("casignaturealgorithms") != "" {
		config.CASignatureAlgorithms = strings.Split(s.Text("casignaturealgorithms"), ",")
	}
	return config
}

func isLoopback(name string) bool {
	addr, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && addr.IsLoopback()
}
