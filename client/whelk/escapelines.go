package main

import (
	"strings"

	"github.com/whelk-ssh/whelk/client"
)

// A commandLine is something to be done from the command line behind the escape
// character, such as "-L 8080:localhost:80".
type commandLine struct {
	flag string // in front of its argument
	help string
	run  func(p *program, c *client.Client, argument string) error
}

// commandLines are all of them, in the order in which they are explained.
func commandLines() []commandLine { return nil }

// forwards are lines about what is forwarded.
func forwards(*program) []string { return nil }

func (c *console) listForwards() {
	c.echo('#', "")
	lines := forwards(c.program)
	if len(lines) == 0 {
		lines = []string{"nothing is forwarded"}
	}
	for _, line := range lines {
		c.say(" %s", line)
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
			if err := l.run(c.program, c.client, strings.TrimSpace(argument)); err != nil {
				return oneLine(err.Error())
			}
			return ""
		}
	}
	text := "Commands:"
	for _, l := range commandLines() {
		text += "\n " + l.help
	}
	if text == "Commands:" {
		text = "There are no commands."
	}
	return text
}
