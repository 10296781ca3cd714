package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/transport"
)

// settings are the values of keywords of ssh_config(5). As there, the first
// value given for a keyword counts.
type settings struct {
	given map[string]bool // keywords set, in lower case

	user   string
	port   int
	family string // "any", "inet" or "inet6"
	alias  string

	identities     []string
	identitiesOnly bool
	agent          string   // its address, or where it is to be found
	forwardAgent   string   // likewise, or "" for none
	preferred      []string // authentication methods
	publicKey      bool
	password       bool
	prompts        int
	batch          bool

	interactive bool
	hostbased   bool
	machineKeys []string // files

	policy      knownhosts.Policy
	userHosts   []string
	globalHosts []string
	hashHosts   bool
	checkIP     bool
	updateHosts string   // "yes", "no" or "ask"
	authorities []string // signature algorithms of certificate authorities

	revokedHosts []string // files

	connectTimeout time.Duration
	requestTTY     string // "auto", "no", "yes" or "force"
	setEnv         []string
	sendEnv        []string
	logLevel       level

	forwards forwardSettings
	x11      x11
	sessionSettings

	transport  transport.Config
	knownFirst bool // of the host key algorithms, those that the host is known by come first
}

func newSettings() settings {
	return settings{
		given:          map[string]bool{},
		port:           22,
		family:         "any",
		preferred:      []string{"hostbased", "publickey", "keyboard-interactive", "password"},
		publicKey:      true,
		password:       true,
		interactive:    true,
		machineKeys:    []string{"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_rsa_key"},
		prompts:        3,
		policy:         knownhosts.Ask,
		userHosts:      []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"},
		globalHosts:    []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"},
		connectTimeout: time.Minute,
		requestTTY:     "auto",
		agent:          agentVariable,
		logLevel:       levelInfo,
		x11:            newX11(),

		sessionSettings: defaultSession(),
	}
}

// fill sets what has a default that has to be looked for.
func (s *settings) fill() {
	if s.user == "" {
		if u, err := user.Current(); err == nil {
			s.user = u.Username
		}
	}
	if !s.given["identityfile"] {
		s.identities = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	if s.batch {
		s.password, s.interactive = false, false
	}
	// "UpdateHostKeys is enabled by default if the user has not overridden the
	// default UserKnownHostsFile setting" (ssh_config(5)).
	if s.updateHosts == "" {
		s.updateHosts = "yes"
		if s.given["userknownhostsfile"] {
			s.updateHosts = "no"
		}
	}
}

// assign takes the value of -o: "Keyword=value" or "Keyword value".
func (s *settings) assign(text string) error {
	text = strings.TrimSpace(text)
	end := strings.IndexAny(text, " \t=")
	if end <= 0 {
		return fmt.Errorf("-o %q is not of the form Keyword=value", text)
	}
	keyword, value := text[:end], strings.TrimLeft(text[end:], " \t")
	value = strings.TrimSpace(strings.TrimPrefix(value, "="))
	if err := s.set(keyword, value); err != nil {
		return fmt.Errorf("-o %s: %w", keyword, err)
	}
	return nil
}

// override sets a keyword, whether it has a value or not.
func (s *settings) override(keyword, value string) error {
	delete(s.given, strings.ToLower(keyword))
	return s.set(keyword, value)
}

// set sets a keyword, unless it has a value.
func (s *settings) set(keyword, value string) error {
	name := strings.ToLower(keyword)
	if accepted, ok := fixed[name]; ok {
		if strings.EqualFold(value, accepted) {
			return nil
		}
		return fmt.Errorf("%q is not supported yet by whelk, only %q: leave it out", value, accepted)
	}
	k, ok := keywords[name]
	if !ok {
		return fmt.Errorf("whelk has no keyword %q: leave it out", keyword)
	}
	if value == "" {
		return fmt.Errorf("there is no value")
	}
	if s.given[name] && !k.repeats {
		return k.set(new(settings), value) // to find mistakes
	}
	s.given[name] = true
	return k.set(s, value)
}

// words splits a value at blanks. Double quotes keep them together.
func words(value string) ([]string, error) {
	var all []string
	var word strings.Builder
	quoted, inside := false, false
	for _, c := range value {
		switch {
		case c == '"':
			quoted, inside = !quoted, true
		case !quoted && (c == ' ' || c == '\t'):
			if inside {
				all = append(all, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteRune(c)
			inside = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("%q has a quotation mark without its other half", value)
	}
	if inside {
		all = append(all, word.String())
	}
	return all, nil
}

// homePath replaces "~/" and "%d" by the user's home directory.
func homePath(path string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	return strings.ReplaceAll(path, "%d", home)
}

// parseBytes takes a number of bytes, which may end in K, M or G.
func parseBytes(text string) (int64, error) {
	shift := 0
	if i := strings.IndexAny(text, "kKmMgG"); i >= 0 && i == len(text)-1 {
		shift = map[byte]int{'k': 10, 'm': 20, 'g': 30}[text[i]|0x20]
		text = text[:i]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("%q is not a number of bytes such as 512M", text)
	}
	return n << shift, nil
}

// parseTime takes a time as sshd_config(5) has it: numbers of seconds, or with
// a unit of s, m, h, d or w behind each.
func parseTime(text string) (time.Duration, error) {
	units := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}
	var total time.Duration
	for rest := text; rest != "" || text == ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 32)
		unit := time.Second
		rest = rest[digits:]
		if rest != "" {
			unit = units[rest[0]|0x20]
			rest = rest[1:]
		}
		if err != nil || unit == 0 {
			return 0, fmt.Errorf("%q is not a time such as 90 or 1h30m", text)
		}
		total += time.Duration(n) * unit
	}
	return total, nil
}
