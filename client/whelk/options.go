package main

import (
	"errors"
	"fmt"
	"strings"
)

// options is what the command line asks for.
type options struct {
	settings

	host    string
	command string

	noCommand bool // -N
	noStdin   bool // -n
	terminal  int  // -t, once for each; -1 for -T
	verbose   int  // -v
	quiet     bool // -q
	logFile   string
	query     string // -Q
	version   bool   // -V
}

const usage = "usage: whelk [-46AaCfgkNnqsTtVvXxY] [-c ciphers] [-D [address:]port] [-E file] [-e char] [-i key] [-L forwarding] " +
	"[-l user] [-m macs] [-o keyword=value] [-p port] [-Q query] [-R forwarding] [-W host:port] [user@]host [command ...]"

// flags are those of ssh(1), all of them, so that those not supported are
// told from those that do not exist.
const flags = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"

// parseOptions reads a command line.
func parseOptions(args []string) (*options, error) {
	o := &options{settings: newSettings()}
	s := &scanner{args: args}
	for {
		flag, value, err := s.next(flags)
		if err != nil {
			return nil, err
		}
		if flag != 0 {
			if err := o.flag(flag, value); err != nil {
				return nil, err
			}
			if o.version || o.query != "" {
				return o, nil
			}
			continue
		}
		if o.host != "" {
			break
		}
		destination, ok := s.word()
		if !ok {
			return nil, errors.New(usage)
		}
		if err := o.destination(destination); err != nil {
			return nil, err
		}
	}
	o.command = strings.Join(s.args, " ")
	o.settings.fill()
	return o, o.check()
}

// toggles are the flags without a value.
var toggles = map[byte]func(*options){
	'4': func(o *options) { o.family = "inet" },
	'6': func(o *options) { o.family = "inet6" },
	'C': func(o *options) { o.given["compression"] = setCompression(&o.settings, "yes") == nil }, // whatever -o says
	'N': func(o *options) { o.noCommand = true },
	'n': func(o *options) { o.noStdin = true },
	'T': func(o *options) { o.terminal = -1 },
	't': func(o *options) { o.terminal = max(o.terminal, 0) + 1 },
	'v': func(o *options) { o.verbose++ },
	'q': func(o *options) { o.quiet = true },
	'V': func(o *options) { o.version = true },
	'f': func(o *options) { o.fork = true },
	's': func(o *options) { o.sessionType = "subsystem" },
	// What these switch off is off.
	'k': func(*options) {},
}

// shorthands are the flags that stand for a keyword.
var shorthands = map[byte]string{
	'c': "Ciphers", 'e': "EscapeChar", 'i': "IdentityFile", 'l': "User", 'm': "MACs", 'p': "Port",
}

// overrides are the flags that set keywords, whatever -o says before them.
var overrides = map[byte][][2]string{
	'A': {{"ForwardAgent", "yes"}},
	'a': {{"ForwardAgent", "no"}},
	'g': {{"GatewayPorts", "yes"}},
	'X': {{"ForwardX11", "yes"}},
	'x': {{"ForwardX11", "no"}},
	'Y': {{"ForwardX11", "yes"}, {"ForwardX11Trusted", "yes"}},
}

// flag takes one flag.
func (o *options) flag(flag byte, value string) error {
	if toggle, ok := toggles[flag]; ok {
		toggle(o)
		return nil
	}
	if keyword, ok := shorthands[flag]; ok {
		if err := o.set(keyword, value); err != nil {
			return fmt.Errorf("-%c: %w", flag, err)
		}
		return nil
	}
	for _, keyword := range overrides[flag] {
		if err := o.override(keyword[0], keyword[1]); err != nil {
			return err
		}
	}
	if overrides[flag] != nil {
		return nil
	}
	if set, ok := forwardFlags[flag]; ok {
		if err := set(&o.settings, value); err != nil {
			return fmt.Errorf("-%c %s: %w", flag, value, err)
		}
		return nil
	}
	switch {
	case flag == 'o':
		return o.assign(value)
	case flag == 'E':
		o.logFile = value
		return nil
	case flag == 'Q':
		o.query = value
		return nil
	case flag == 'F' && (value == "none" || value == "/dev/null"):
		return nil // no configuration file is read anyway
	}
	return fmt.Errorf("-%c is not supported yet by whelk: leave it out, or use ssh", flag)
}

// check refuses what cannot work.
func (o *options) check() error {
	if o.forwards.settle() && o.command != "" {
		return fmt.Errorf("-W means that no command is run, but there is one: %q", o.command)
	}
	o.noCommand = o.noCommand || o.forwards.stdio != ""
	return o.settleSession()
}
