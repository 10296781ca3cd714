//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/whelk-ssh/whelk/server"
)

// Arguments are what the command line says.
type arguments struct {
	version bool
	verbose int
	test    bool   // check the configuration, and no more
	dump    bool   // print it
	file    string // configuration, or ""

	options []*server.ConfigLine // of -o and -h, ahead of the file
	flags   []*server.ConfigLine // of -p, -l and -a: instead of lines of the file
	spec    *spec                // of -C, or nil
}

// parseArgs reads the command line in the manner of getopt(3).
func parseArgs(args []string) (*arguments, error) {
	a := &arguments{}
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
		if args, err = a.parseFlags(flags, args); err != nil {
			return nil, err
		}
	}
	if len(args) > 0 {
		return nil, fmt.Errorf("%q is not an option; see `go doc github.com/whelk-ssh/whelk/server/whelkd`", args[0])
	}
	if a.spec != nil && !a.dump {
		return nil, fmt.Errorf("option -C is for -T")
	}
	return a, nil
}

// parseFlags reads the flags of one argument, which may hold several and the
// value of the last. It returns the arguments that are left.
func (a *arguments) parseFlags(flags string, rest []string) ([]string, error) {
	for flags != "" {
		flag := flags[0]
		flags = flags[1:]
		if a.set(flag) {
			continue
		}
		set, ok := valued[flag]
		if !ok {
			return nil, fmt.Errorf("there is no option -%c; there are -p -l -h -a -f -o -v -t -T -C -V", flag)
		}
		value := flags
		if value == "" {
			if len(rest) == 0 {
				return nil, fmt.Errorf("option -%c needs a value", flag)
			}
			value, rest = rest[0], rest[1:]
		}
		if err := set(a, value); err != nil {
			return nil, err
		}
		break
	}
	return rest, nil
}

// set takes a flag without a value, if it is one.
func (a *arguments) set(flag byte) bool {
	switch flag {
	case 'v':
		a.verbose++
	case 'V':
		a.version = true
	case 't':
		a.test = true
	case 'T':
		a.dump = true
	case 'D', 'e': // sshd's for the foreground and standard error: always so
	default:
		return false
	}
	return true
}

// valued are the flags with a value.
var valued = map[byte]func(*arguments, string) error{
	'p': func(a *arguments, v string) error { return a.flag("Port", v) },
	'l': func(a *arguments, v string) error { return a.flag("ListenAddress", v) },
	'a': (*arguments).setKeyFile,
	'h': func(a *arguments, v string) error { return a.add(lineOf("HostKey", v)) },
	'f': func(a *arguments, v string) error { a.file = v; return nil },
	'o': (*arguments).setOption,
	'C': (*arguments).setSpec,
}

// lineOf returns the line for a keyword with a value of one word, whatever is in
// it.
func lineOf(keyword, value string) *server.ConfigLine {
	return &server.ConfigLine{Keyword: keyword, Args: []string{value}, Rest: value}
}

// flag takes a flag that stands for a keyword.
func (a *arguments) flag(keyword, value string) error {
	line := lineOf(keyword, value)
	if err := applyLine(newOptions(), line); err != nil {
		return err
	}
	a.flags = append(a.flags, line)
	return nil
}

// setKeyFile sets the file of authorized keys. As the shell's other names, and
// unlike those of AuthorizedKeysFile, it is relative to the working directory.
func (a *arguments) setKeyFile(v string) error {
	path, err := filepath.Abs(v)
	if err != nil {
		return err
	}
	a.flags = append(a.flags, lineOf("AuthorizedKeysFile", strings.ReplaceAll(path, "%", "%%")))
	return nil
}

// setOption reads Keyword=value or Keyword value.
func (a *arguments) setOption(text string) error {
	line, err := parseOption(text)
	if err != nil {
		return err
	}
	return a.add(line)
}

// add adds a line that counts ahead of the file's. It is tried at once, so that
// what is wrong is told in order.
func (a *arguments) add(line *server.ConfigLine) error {
	if err := applyLine(newOptions(), line); err != nil {
		return err
	}
	a.options = append(a.options, line)
	return nil
}

// parseOption reads the value of -o.
func parseOption(text string) (*server.ConfigLine, error) {
	line, err := server.ParseConfigLine(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("option %q: %w: write Keyword=value", text, err)
	case line == nil:
		return nil, fmt.Errorf("option %q says nothing: write Keyword=value", text)
	case strings.EqualFold(line.Keyword, "match"), strings.EqualFold(line.Keyword, "include"):
		return nil, fmt.Errorf("%s is for a file: name one with -f", line.Keyword)
	}
	return line, nil
}
