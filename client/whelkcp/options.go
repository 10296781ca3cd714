package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// options is what the command line asks for.
type options struct {
	said     []sshconfig.Option // -o, -i and so on
	stronger []sshconfig.Option // -C, -4 and so on: whatever the others say

	configFile string // -F
	server     string // -D: a program
	preserve   bool   // -p
	recursive  bool   // -r
	quiet      bool   // -q
	direct     bool   // -R
	verbose    int    // -v
	limit      int64  // -l, in bytes a second; 0 is none
	words      []string
}

const usage = "usage: whelkcp [-346ABCpqRrTv] [-c cipher] [-D sftp_server_path] [-F ssh_config] [-i identity_file] " +
	"[-J destination] [-l limit] [-o ssh_option] [-P port] source ... target"

// toggles are the flags without a value.
var toggles = map[byte]func(*options){
	'3': func(o *options) { o.direct = false },
	'4': func(o *options) { o.insist("AddressFamily", "inet") },
	'6': func(o *options) { o.insist("AddressFamily", "inet6") },
	'A': func(o *options) { o.insist("ForwardAgent", "yes") },
	'B': func(o *options) { o.insist("BatchMode", "yes") },
	'C': func(o *options) { o.insist("Compression", "yes") },
	'p': func(o *options) { o.preserve = true },
	'q': func(o *options) { o.quiet = true },
	'R': func(o *options) { o.direct = true },
	'r': func(o *options) { o.recursive = true },
	's': func(*options) {},
	'T': func(*options) {},
	'v': func(o *options) { o.verbose++ },
}

// shorthands are the flags that stand for a keyword.
var shorthands = map[byte]string{'c': "Ciphers", 'i': "IdentityFile", 'J': "ProxyJump", 'P': "Port"}

// valued are the other flags with a value.
var valued = map[byte]func(*options, string) error{
	'D': func(o *options, v string) error { o.server = v; return nil },
	'F': func(o *options, v string) error { o.configFile = v; return nil },
	'l': (*options).setLimit,
	'o': func(o *options, v string) error {
		option, err := sshconfig.ParseOption(v)
		o.said = append(o.said, option)
		return err
	},
	'X': func(*options, string) error { return nil }, // how many requests are under way is found out
}

// insist sets a keyword, whatever else is said about it. The last one counts.
func (o *options) insist(keyword, value string) {
	o.stronger = slices.Insert(o.stronger, 0, sshconfig.Option{Keyword: keyword, Value: value, Literal: true})
}

// setLimit takes Kbit/s.
func (o *options) setLimit(v string) error {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 || n > 100<<20 {
		return fmt.Errorf("%q is not a limit: it is a number of Kbit/s, up to 100 Gbit/s", v)
	}
	o.limit = n * 1024 / 8
	return nil
}

// parseOptions reads a command line in the manner of getopt(3).
func parseOptions(args []string) (*options, error) {
	o := new(options)
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		var err error
		if args, err = o.flags(word[1:], args); err != nil {
			return nil, err
		}
	}
	o.words = args
	if len(args) < 2 {
		return nil, errors.New(usage)
	}
	return o, nil
}

// flags takes the flags of one word, the last of which may have its value in
// the next. It returns the words that are left.
func (o *options) flags(letters string, rest []string) ([]string, error) {
	for letters != "" {
		flag := letters[0]
		letters = letters[1:]
		if toggle, ok := toggles[flag]; ok {
			toggle(o)
			continue
		}
		keyword, short := shorthands[flag]
		set, other := valued[flag]
		switch {
		case flag == 'O':
			return nil, errors.New("-O is for a protocol that whelkcp does not speak: leave it out, or use scp")
		case flag == 'S':
			return nil, errors.New("-S is not supported: whelkcp connects by itself")
		case !short && !other:
			return nil, fmt.Errorf("unknown flag -%c; %s", flag, usage)
		}
		value := letters
		if value == "" {
			if len(rest) == 0 {
				return nil, fmt.Errorf("flag -%c needs a value", flag)
			}
			value, rest = rest[0], rest[1:]
		}
		if short {
			o.said = append(o.said, sshconfig.Option{Keyword: keyword, Value: value, Literal: true})
			return rest, nil
		}
		if err := set(o, value); err != nil {
			return nil, fmt.Errorf("-%c: %w", flag, err)
		}
		return rest, nil
	}
	return rest, nil
}

// A location is a source or a target.
type location struct {
	host string // destination as client.HostDialer takes it, or "" for this machine
	path string
}

// parseLocation reads a source or target as scp(1) does: a colon separates a
// host from a path unless it comes first or behind a slash, and a host that is
// an address with colons is in brackets.
func parseLocation(text string) (location, error) {
	if rest, ok := strings.CutPrefix(text, "scp://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		d, err := sshconfig.ParseDestination("ssh://" + host)
		if err != nil || d.Host == "" {
			return location{}, fmt.Errorf("%q is not of the form scp://user@host:port/path", text)
		}
		return location{"ssh://" + host, orHere(path)}, nil
	}
	colon := separator(text)
	if colon < 0 {
		return location{path: text}, nil
	}
	host := text[:colon]
	if _, err := sshconfig.ParseDestination(host); err != nil {
		return location{}, fmt.Errorf("%q: %w", text, err)
	}
	return location{host, orHere(text[colon+1:])}, nil
}

// separator returns where the colon is that ends a host, or -1.
func separator(text string) int {
	if strings.HasPrefix(text, ":") {
		return -1
	}
	bracket := false
	for i, c := range text {
		switch {
		case c == '[' && (i == 0 || text[i-1] == '@'):
			bracket = true
		case c == ']':
			bracket = false
		case c == ':' && !bracket:
			return i
		case c == '/' && !bracket:
			return -1
		}
	}
	return -1
}

// orHere returns the path, or that of the home directory.
func orHere(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// String returns the location as it is written.
func (l location) String() string {
	if l.host == "" {
		return l.path
	}
	return l.host + ":" + l.path
}

// inside returns the name that a source gets in a directory. What is no name,
// as of ".." and "/", stands for what is in it.
func inside(source string) string {
	name := filepath.Base(filepath.ToSlash(source))
	if name == "." || name == ".." || name == "/" || name == string(filepath.Separator) {
		return "."
	}
	return name
}
