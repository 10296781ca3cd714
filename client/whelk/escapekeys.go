package main

import (
	"fmt"
	"strings"
	"time"
)

// An escapeKey is a key that means something behind the escape character.
type escapeKey struct {
	key  byte
	help string
	run  func(c *console)
}

// escapeKeys are all of them but the escape character itself, in the order in
// which they are explained.
func escapeKeys() []escapeKey {
	return []escapeKey{
		{'.', "end the connection", func(c *console) { c.end(errEscaped) }},
		{'B', "send a break", (*console).sendBreak},
		{'C', "open a command line", (*console).commandLine},
		{'R', "exchange keys anew", (*console).rekey},
		{'V', "say less", func(c *console) { c.verbosity(-1) }},
		{'v', "say more", func(c *console) { c.verbosity(+1) }},
		{'Z' & 0x1f, "suspend whelk", (*console).suspend},
		{'#', "list forwarded connections", (*console).listForwards},
		{'&', "put whelk into the background", (*console).background},
		{'?', "show this", (*console).help},
		{'I', "show what the connection is", (*console).describe},
	}
}

// run runs what a key stands for.
func (c *console) run(key byte) bool {
	for _, k := range escapeKeys() {
		if k.key == key {
			k.run(c)
			return true
		}
	}
	return false
}

// keyName returns how a key is typed.
func keyName(key byte) string {
	if key < ' ' {
		return "^" + string(rune(key+'@'))
	}
	return string(rune(key))
}

// echo shows a key as it was typed, with what came of it.
func (c *console) echo(key byte, text string) {
	if text != "" {
		text = " [" + text + "]"
	}
	c.say("%s%s%s", keyName(c.escape), keyName(key), text)
}

// say writes a line to the terminal.
func (c *console) say(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")
	fmt.Fprint(c.screen, text+"\r\n")
}

func (c *console) help() {
	c.echo('?', "")
	c.say("Escape sequences, behind the end of a line:")
	for _, k := range escapeKeys() {
		c.say(" %s%-3s %s", keyName(c.escape), keyName(k.key), k.help)
	}
	c.say(" %s%-3s %s", keyName(c.escape), keyName(c.escape), "send the escape character")
}

// breakLength is how long a break lasts, as ssh has it.
const breakLength = time.Second

func (c *console) sendBreak() {
	c.echo('B', "sent break")
	c.later(func() { c.cmd.Break(breakLength) })
}

func (c *console) rekey() {
	c.echo('R', "")
	if err := c.client.Rekey(); err != nil {
		c.say("%s", oneLine(err.Error()))
	}
}

func (c *console) verbosity(by level) {
	key := byte('V')
	if by > 0 {
		key = 'v'
	}
	c.echo(key, "LogLevel "+levelNames[c.program.log.change(by)])
}

func (c *console) describe() {
	c.echo('I', "")
	s := c.client.State()
	c.say(" user:     %s at %s port %d", c.program.user, c.program.host, c.program.port)
	c.say(" server:   %q", s.ServerVersion)
	c.say(" host key: %s, %s", s.HostKeyAlgorithm, s.HostKey.Type())
	c.say(" kex:      %s, %d times", s.KeyExchange, s.KeyExchangesFinished)
	c.say(" sent:     %s %s %s", s.Send.Cipher, s.Send.MAC, s.Send.Compression)
	c.say(" received: %s %s %s", s.Recv.Cipher, s.Recv.MAC, s.Recv.Compression)
}

// suspend stops the program, as ^Z does others, until it is continued.
func (c *console) suspend() {
	c.echo('Z'&0x1f, "suspend whelk")
	c.terminal.lendBack(func() { stop(nil) })
}

// background lets the user go on elsewhere, while what the connection carries
// goes on here.
func (c *console) background() {
	c.echo('&', "backgrounded")
	c.leaving = true
}

// endOfInput is the end of the input of a terminal, as typed: ^D.
const endOfInput = 4

// leave goes into the background. The command gets the end of its input: at a
// terminal that is a character, as ssh has it.
func (c *console) leave() {
	c.put([]byte{endOfInput})
	c.close()
	c.terminal.restore()
	stop(continued)
}
