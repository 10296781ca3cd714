package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// options is what the command line asks for.
type options struct {
	settings

	destination string // as given
	command     string

	said     []sshconfig.Option // in the order in which they stand
	stronger []sshconfig.Option // count whatever the others say

	configFile string // -F
	print      bool   // -G
	jumps      string // -J
	noCommand  bool   // -N
	noStdin    bool   // -n
	terminal   int    // -t, once for each; -1 for -T
	verbose    int    // -v
	quiet      bool   // -q
	logFile    string
	query      string // -Q
	version    bool   // -V
}

const usage = "usage: whelk [-46AaCfGkNnqsTtVvx] [-B interface] [-b address] [-c ciphers] [-E file] [-e char] [-F file] [-i key] [-J hosts] [-l user] " +
	"[-m macs] [-o keyword=value] [-P tag] [-p port] [-Q query] [user@]host [command ...]"

// flags are those of ssh(1), all of them, so that those not supported are
// told from those that do not exist.
const flags = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"

// parseOptions reads a command line.
func parseOptions(args []string) (*options, error) {
	o := &options{}
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
		if o.destination != "" {
			break
		}
		destination, ok := s.word()
		if !ok {
			return nil, errors.New(usage)
		}
		if err := o.setDestination(destination); err != nil {
			return nil, err
		}
	}
	o.command = strings.Join(s.args, " ")
	return o, o.check()
}

// setDestination takes a host, user@host or ssh://user@host:port. What flags said
// before counts more.
func (o *options) setDestination(text string) error {
	d, err := sshconfig.ParseDestination(text)
	o.destination = d.Host
	o.said = append(o.said, d.Options()...)
	return err
}

// toggles are the flags without a value.
var toggles = map[byte]func(*options){
	'4': func(o *options) { o.insist("AddressFamily", "inet") },
	'6': func(o *options) { o.insist("AddressFamily", "inet6") },
	'A': func(o *options) { o.insist("ForwardAgent", "yes") },
	'a': func(o *options) { o.insist("ForwardAgent", "no") },
	'C': func(o *options) { o.insist("Compression", "yes") },
	'G': func(o *options) { o.print = true },
	'k': func(o *options) { o.insist("GSSAPIAuthentication", "no") },
	'N': func(o *options) { o.noCommand = true; o.insist("SessionType", "none") },
	'n': func(o *options) { o.noStdin = true; o.insist("StdinNull", "yes") },
	'T': func(o *options) { o.terminal = -1; o.insist("RequestTTY", "no") },
	't': func(o *options) { o.terminal = max(o.terminal, 0) + 1 },
	'v': func(o *options) { o.verbose++ },
	'q': func(o *options) { o.quiet = true },
	'V': func(o *options) { o.version = true },
	'x': func(o *options) { o.insist("ForwardX11", "no") },
	'f': func(o *options) { o.insist("ForkAfterAuthentication", "yes") },
	's': func(o *options) { o.insist("SessionType", "subsystem") },
}

// shorthands are the flags that stand for a keyword.
var shorthands = map[byte]string{
	'c': "Ciphers", 'e': "EscapeChar", 'i': "IdentityFile", 'J': "ProxyJump", 'l': "User", 'm': "MACs", 'P': "Tag", 'p': "Port",
}

// insist sets a keyword, whatever else is said about it. The last one counts.
func (o *options) insist(keyword, value string) {
	o.stronger = slices.Insert(o.stronger, 0, sshconfig.Option{Keyword: keyword, Value: value, Literal: true})
}

// flag takes one flag.
func (o *options) flag(flag byte, value string) error {
	if toggle, ok := toggles[flag]; ok {
		toggle(o)
		return nil
	}
	if keyword, ok := shorthands[flag]; ok {
		return o.shorthand(flag, keyword, value)
	}
	switch {
	case flag == 'B':
		o.insist("BindInterface", value)
		return nil
	case flag == 'b':
		o.insist("BindAddress", value)
		return nil
	case flag == 'o':
		option, err := sshconfig.ParseOption(value)
		if err != nil {
			return fmt.Errorf("-o %q is not of the form Keyword=value", value)
		}
		o.said = append(o.said, option)
		return nil
	case flag == 'E':
		o.logFile = value
		return nil
	case flag == 'F':
		o.configFile = value
		return nil
	case flag == 'Q':
		o.query = value
		return nil
	}
	return fmt.Errorf("-%c is not supported yet by whelk: leave it out, or use ssh", flag)
}

// shorthand takes a flag that stands for a keyword.
func (o *options) shorthand(flag byte, keyword, value string) error {
	var err error
	switch {
	case value == "":
		err = errors.New("there is no value")
	case flag == 'l':
		err = sshconfig.CheckUser(value)
	case flag == 'J' && o.jumps != "":
		err = errors.New("it is given twice: separate several hosts by commas")
	case flag == 'J':
		o.jumps = value
	}
	if err != nil {
		return fmt.Errorf("-%c: %w", flag, err)
	}
	literal := flag != 'J' // which is taken as it stands anyway
	o.said = append(o.said, sshconfig.Option{Keyword: keyword, Value: value, Literal: literal})
	return nil
}

// check refuses what cannot work.
func (o *options) check() error {
	if o.noCommand && o.command != "" {
		return fmt.Errorf("-N means that no command is run, but there is one: %q", o.command)
	}
	return nil
}
