package main

import (
	"errors"
	"fmt"
	"strings"
)

// A commandLine is something to be done from the command line behind the escape
// character, such as "-L 8080:localhost:80".
type commandLine struct {
	flag string // in front of its argument
	help string
	run  func(f *forwarder, argument string) error
}

// commandLines are all of them, in the order in which they are explained.
func commandLines() []commandLine {
	return []commandLine{
		{"-L", "-L [address:]port:host:port    forward a port of this machine", addLocal},
		{"-R", "-R [address:]port:host:port    forward a port of the server", addRemote},
		{"-D", "-D [address:]port              forward what SOCKS asks for", addDynamic},
		{"-KL", "-KL [address:]port             end -L", cancelForward("-L")},
		{"-KR", "-KR [address:]port             end -R", cancelForward("-R")},
		{"-KD", "-KD [address:]port             end -D", cancelForward("-D")},
	}
}

var errNotForwarded = errors.New("it is not forwarded")

func addLocal(f *forwarder, argument string) error {
	spec, err := parseForward(argument, false)
	return f.add(spec, err)
}

func addDynamic(f *forwarder, argument string) error {
	spec, err := parseDynamic(argument)
	return f.add(spec, err)
}

// add begins a forwarding. What is wrong with it is said where it is found.
func (f *forwarder) add(spec forward, err error) error {
	if err == nil && !f.here(spec) {
		err = errNotForwarded
	}
	return err
}

// addRemote asks the server, and does not keep the keys waiting for its answer.
func addRemote(f *forwarder, argument string) error {
	spec, err := parseForward(argument, true)
	if err == nil {
		go f.remote(spec)
	}
	return err
}

func cancelForward(flag string) func(*forwarder, string) error {
	return func(f *forwarder, argument string) error {
		fields, err := splitForward(argument)
		if err != nil {
			return err
		}
		listen := argument
		if len(fields) == 2 {
			listen = fmt.Sprintf("[%s]:%s", fields[0], fields[1])
		}
		if !f.cancel(flag, listen) {
			return fmt.Errorf("nothing is forwarded from %q by %s: ~# lists what is", argument, flag)
		}
		return nil
	}
}

func (c *console) listForwards() {
	c.echo('#', "")
	active := c.program.forwarder.list()
	for _, a := range active {
		c.say(" %v", a)
	}
	if len(active) == 0 {
		c.say(" nothing is forwarded")
	}
}

// commandLine reads a line, and does what it says.
func (c *console) commandLine() {
	if !c.program.commandLine {
		c.echo('C', "")
		c.say("The command line is off: EnableEscapeCommandline switches it on.")
		return
	}
	var line string
	c.terminal.lendBack(func() { line = c.ask("\r\nwhelk> ") })
	line = strings.TrimSpace(line)
	if line == "" {
		return
	}
	if problem := c.obey(line); problem != "" {
		c.say("%s", problem)
	}
}

// obey does what a line of the command line says, and returns what was wrong.
func (c *console) obey(line string) string {
	for _, l := range commandLines() {
		if argument, ok := strings.CutPrefix(line, l.flag); ok {
			if err := l.run(c.program.forwarder, strings.TrimSpace(argument)); err != nil {
				return oneLine(err.Error())
			}
			return ""
		}
	}
	text := "Commands:"
	for _, l := range commandLines() {
		text += "\n " + l.help
	}
	return text
}
