package main

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/transport"
)

// settings are what whelk makes of the configuration for a host.
type settings struct {
	resolved   *sshconfig.Settings
	passedOver []notice

	host  string
	user  string
	port  int
	alias string

	agent        string   // its address, or where it is to be found
	forwardAgent string   // likewise, or "" for none
	preferred    []string // authentication methods
	publicKey    bool
	password     bool
	prompts      int
	batch        bool

	interactive bool
	hostbased   bool
	machineKeys []string // files

	policy         knownhosts.Policy
	userHosts      []string
	globalHosts    []string
	hashHosts      bool
	checkIP        bool
	trustLocalhost bool
	updateHosts    string   // "yes", "no" or "ask"
	authorities    []string // signature algorithms of certificate authorities

	revokedHosts []string // files

	connectTimeout time.Duration
	requestTTY     string // "auto", "no", "yes" or "force"
	setEnv         []string
	sendEnv        []string
	logLevel       level

	sessionSettings

	transport  transport.Config
	knownFirst bool // of the host key algorithms, those that the host is known by come first
}

// newSettings returns the settings for a host.
func newSettings(from *sshconfig.Settings) (settings, error) {
	s := settings{
		resolved:       from,
		preferred:      []string{"hostbased", "publickey", "keyboard-interactive", "password"},
		machineKeys:    []string{"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_rsa_key"},
		connectTimeout: time.Minute,
	}
	if err := s.takeAll(from); err != nil {
		return s, err
	}
	if s.batch {
		s.password, s.interactive = false, false
	}
	return s, nil
}

// given reports whether somebody has set a keyword.
func (s *settings) given(keyword string) bool {
	_, ok := s.resolved.Set(keyword)
	return ok
}

// homePath returns a path in which "~/" at the beginning, and tokens such as
// "%d", are replaced.
func (s *settings) homePath(path string) string {
	if expanded, err := s.resolved.ExpandPath(path); err == nil {
		return expanded
	}
	return path
}

// environment returns the variables to be set for the remote command.
func (s *settings) environment(ours []string) []string {
	env := slices.Clone(s.setEnv)
	for _, v := range ours {
		name, _, _ := strings.Cut(v, "=")
		if slices.ContainsFunc(s.sendEnv, func(p string) bool { return pattern.Match(p, name) }) {
			env = append(env, v)
		}
	}
	return env
}

// configuration returns where the settings of a host are looked up.
func (o *options) configuration(p *program) (sshconfig.Config, error) {
	account, err := sshconfig.Local()
	if err != nil {
		return sshconfig.Config{}, err
	}
	config := sshconfig.Config{
		Options: slices.Concat(o.stronger, o.said), Command: o.command, Account: account, Machine: hostname(),
		Algorithms: algorithms, Own: own, Exec: p.runExec, Resolve: p.resolve,
	}
	switch {
	case o.configFile == "":
		config.Files = sshconfig.DefaultFiles(account.Home + "/.ssh")
	case !strings.EqualFold(o.configFile, "none"):
		config.Files = []sshconfig.File{{Path: o.configFile, Required: true}}
	}
	return config, nil
}

func hostname() string {
	name, _ := os.Hostname()
	return name
}
