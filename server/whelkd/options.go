package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
)

// Options are what the command line says.
type options struct {
	version  bool
	verbose  int
	address  string
	port     string
	hostKeys []string // files

	hostCertificates []string // files

	authorizedKeys []string // files
	principals     string   // file of authorized principals, or ""
	keys           server.PublicKeys
	pubkey         bool // whether they count
	methods        methods
	maxTries       int
	banner         string // a file, or ""

	acceptEnv  []string
	permitTTY  bool
	lendAgent  bool
	subsystems map[string]string // name to command
	forwarding forwarding
	x11        x11

	sessions   int
	startups   server.Startups
	sources    sources
	loginGrace time.Duration
	unused     time.Duration
	logLevel   slog.Level
	transport  transport.Config
	moduli     string // a file, or "" for the system's
}

// silent is a level above all that is logged.
const silent = slog.LevelError + 4

func newOptions() *options {
	return &options{
		address: "127.0.0.1", port: "22",
		authorizedKeys: []string{".ssh/authorized_keys"}, pubkey: true, methods: newMethods(),
		permitTTY: true, forwarding: newForwarding(), x11: newX11(), subsystems: make(map[string]string), logLevel: slog.LevelError,
	}
}

// parseArgs reads the command line in the manner of getopt(3).
func parseArgs(args []string) (*options, error) {
	o := newOptions()
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		flags, ok := strings.CutPrefix(arg, "-")
		if !ok || flags == "" {
			args = append([]string{arg}, args...)
			break
		}
		var err error
		if args, err = o.parseFlags(flags, args); err != nil {
			return nil, err
		}
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("%q is not an option; see `go doc github.com/whelk-ssh/whelk/server/whelkd`", args[0])
	}
	return o, nil
}

// parseFlags reads the flags of one argument, which may hold several and the
// value of the last. It returns the arguments that are left.
func (o *options) parseFlags(flags string, rest []string) ([]string, error) {
	for flags != "" {
		flag := flags[0]
		flags = flags[1:]
		switch flag {
		case 'v':
			o.verbose++
			continue
		case 'V':
			o.version = true
			continue
		case 'D', 'e': // sshd's for the foreground and standard error: always so
			continue
		}
		set, ok := valued[flag]
		if !ok {
			return nil, fmt.Errorf("there is no option -%c; there are -p -l -h -a -o -v -V", flag)
		}
		value := flags
		if value == "" {
			if len(rest) == 0 {
				return nil, fmt.Errorf("option -%c needs a value", flag)
			}
			value, rest = rest[0], rest[1:]
		}
		if err := set(o, value); err != nil {
			return nil, err
		}
		break
	}
	return rest, nil
}

// valued are the flags with a value.
var valued = map[byte]func(*options, string) error{
	'p': setPort,
	'l': func(o *options, v string) error { o.address = v; return nil },
	'h': setHostKey,
	'a': setKeyFile,
	'o': setOption,
}

// setKeyFile sets the file of authorized keys. As the shell's other names, and
// unlike those of AuthorizedKeysFile, it is relative to the working directory.
func setKeyFile(o *options, v string) error {
	path, err := filepath.Abs(v)
	if err != nil {
		return err
	}
	o.authorizedKeys = []string{path}
	return nil
}

// setOption reads Keyword=value or Keyword value.
func setOption(o *options, text string) error {
	text = strings.TrimSpace(text)
	i := strings.IndexAny(text, "= \t")
	if i < 0 {
		return fmt.Errorf("option %q has no value: write Keyword=value", text)
	}
	keyword := text[:i]
	value := strings.TrimSpace(strings.TrimPrefix(strings.TrimLeft(text[i:], " \t"), "="))
	set, ok := keywords[strings.ToLower(keyword)]
	if !ok {
		return fmt.Errorf("keyword %q is not known, or not supported", keyword)
	}
	if value == "" {
		return fmt.Errorf("keyword %s has no value", keyword)
	}
	if err := set(o, value); err != nil {
		return fmt.Errorf("%s: %w", keyword, err)
	}
	return nil
}
