package sshconfig

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// A Config says what a destination is looked up in, and who is asked about what
// files cannot say. The zero Config has no files, and what it evaluates has the
// defaults of OpenSSH.
type Config struct {
	// Options come ahead of all files, as -o of ssh(1) does, and Defaults behind
	// them, ahead of the built-in ones.
	Options  []Option
	Files    []File
	Defaults []Option

	// Command is what is to be run there, for Match command and sessiontype.
	Command string

	// Account is the local user; the one who runs the program if it is zero.
	// Machine is the name of this machine; what it calls itself if empty.
	Account Account
	Machine string

	// Getenv returns variables of the environment; os.LookupEnv if nil.
	Getenv func(name string) (string, bool)

	// Exec runs the command of a Match exec, with tokens expanded, and reports
	// whether its status was zero. If nil, a file that has one is refused. Who
	// runs the command with a shell trusts the files, and the destination to
	// have passed [CheckHost] and [CheckUser], as Evaluate sees to.
	Exec func(ctx context.Context, command string) (bool, error)

	// Resolve looks up a name for CanonicalizeHostname, where family is that of
	// AddressFamily and a dot at the end of a name anchors it. It returns the
	// name that the host really has, or "", and fails if there is none. If nil,
	// files that want it are refused.
	Resolve func(ctx context.Context, family, name string) (canonical string, err error)

	// Addresses returns those of this machine, for Match localnetwork; those of
	// its interfaces that are up if nil.
	Addresses func() ([]netip.Addr, error)

	// Algorithms returns what a value of the named keyword means, which is in
	// lower case, and what its default is if the value is empty. If nil it is
	// [Algorithms]. Version is what Match version looks at; "Whelk_0.1" if empty.
	Algorithms func(keyword, value string) ([]string, error)
	Version    string

	// Own are further keywords, of the program's own, in lower case. Their
	// values are lists of words.
	Own []string
}

// An Option is a keyword with its value.
type Option struct {
	Keyword string
	Value   string

	// Literal says that Value is one word, whatever is in it, and that tokens
	// in it are none. Otherwise it is as in a file.
	Literal bool
}

// ParseOption parses an option as -o of ssh(1) has it: "Keyword=value", or
// "Keyword value".
func ParseOption(text string) (Option, error) {
	keyword, value := cutKeyword(text)
	if keyword == "" || strings.HasPrefix(strings.TrimLeft(text, blanks), "=") {
		return Option{}, errors.New("an option has the form Keyword=value")
	}
	return Option{Keyword: keyword, Value: value}, nil
}

// A File is one of configuration.
type File struct {
	Path string

	// System says that the file is of the machine and not of a user: what it
	// includes is in /etc/ssh and not in ~/.ssh.
	System bool

	// Checked says that the file is refused if another than root or the user
	// could have written it. Files that are included are always.
	Checked bool

	// Required says that there is a file, or it is an error.
	Required bool
}

// DefaultFiles returns those that ssh(1) reads: the config in a directory such
// as ~/.ssh, and that of the machine.
func DefaultFiles(dir string) []File {
	return []File{{Path: filepath.Join(dir, "config"), Checked: true}, {Path: filepath.Join(systemDir, "ssh_config"), System: true}}
}

const systemDir = "/etc/ssh"

// An Account is a user of this machine.
type Account struct{ Name, ID, Home string }

// Local returns the account that runs the program. Its home is that which the
// environment names.
func Local() (Account, error) {
	u, err := user.Current()
	if err != nil {
		return Account{}, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = u.HomeDir
	}
	return Account{Name: u.Username, ID: u.Uid, Home: home}, nil
}

// Evaluate returns the settings for a host, which may be any name that some file
// knows. What is known beside it, such as the user, is an Option. The context is
// for Exec and Resolve.
func (c *Config) Evaluate(ctx context.Context, host string) (*Settings, error) {
	if err := CheckHost(host); err != nil {
		return nil, &Error{Err: err}
	}
	e, err := c.begin(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{e.readOptions, e.readFiles, e.canonicalize, e.readAgain, e.readDefaults, e.finish} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return e.settings, nil
}

// begin fills in what the Config leaves to be found out.
func (c *Config) begin(ctx context.Context, host string) (*evaluation, error) {
	e := &evaluation{ctx: ctx, config: *c, host: host, contents: make(map[string]content)}
	e.settings = &Settings{destination: host, host: host, account: c.Account, machine: c.Machine, getenv: c.Getenv, values: make(map[string]Value)}
	s := e.settings
	if s.getenv == nil {
		s.getenv = os.LookupEnv
	}
	if s.machine == "" {
		s.machine, _ = os.Hostname()
	}
	if e.config.Algorithms == nil {
		e.config.Algorithms = Algorithms
	}
	if e.config.Version == "" {
		e.config.Version = "Whelk_0.1"
	}
	if s.account == (Account{}) {
		var err error
		if s.account, err = Local(); err != nil {
			return nil, &Error{Err: err}
		}
	}
	for _, name := range c.Own {
		if strings.ToLower(name) != name || find(name) != nil {
			return nil, &Error{Keyword: name, Err: errors.New("a keyword of one's own is in lower case, and none of OpenSSH's")}
		}
	}
	return e, nil
}
