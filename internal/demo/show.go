package main

import (
	"fmt"

	"github.com/whelk-ssh/whelk/transport"
)

// arrows are how what a speaker says is drawn, in plain text and encrypted.
var arrows = map[speaker][2]string{
	clientSpeaks: {"-->", "==>"},
	serverSpeaks: {"<--", "<=="},
}

// noteColumn is where what is said of an event begins.
const noteColumn = 10

// printEvent prints what was said, and below it what that is for.
func (d *demo) printEvent(i int, e *event) {
	switch {
	case e.agreed != nil:
		d.printAgreement(i, e.agreed)
	case e.payload == nil:
		d.printHead(i, e, e.version, nil)
		d.printNote("The version line: SSH 2.0, and the software that speaks it. Neither waits.", "RFC 4253, section 4.2")
	default:
		name, fields := describe(e.payload)
		d.printHead(i, e, name, fields)
		if n, ok := noteOn(e.from, e.payload); ok {
			d.printNote(n.text, n.source)
		}
	}
}

// printHead prints the line with the arrow.
func (d *demo) printHead(i int, e *event, name string, fields []string) {
	arrow := arrows[e.from][0]
	if e.encrypted {
		arrow = arrows[e.from][1]
	}
	colour := cyan
	if e.from == serverSpeaks {
		colour = yellow
	}
	d.printLine(i, d.in(colour, arrow), name, fields)
}

func (d *demo) printLine(i int, sign, name string, fields []string) {
	// The name is put in bold where wrap has left it, at the beginning.
	text := wrap(append([]string{name}, fields...), noteColumn)
	d.printf("  %2d  %s %s%s\n", i, sign, d.in(bold, name), text[len(name):])
}

func (d *demo) printNote(text, source string) {
	d.printf("%*s%s\n", noteColumn, "", d.in(dim, "# "+text+" ("+source+")"))
}

// printAgreement prints what came of a key exchange.
func (d *demo) printAgreement(i int, s *transport.State) {
	fields := []string{"kex=" + s.KeyExchange, "host-key=" + s.HostKeyAlgorithm, "send=" + s.Send.Cipher, "receive=" + s.Recv.Cipher}
	if s.StrictKeyExchange {
		fields = append(fields, "strict=true")
	}
	d.printLine(i, d.in(green, " = "), "agreed", fields)
	d.printNote(fmt.Sprintf("A hash over the above and the secret is the session id: %.8x...", s.SessionID), "RFC 4253, section 7.2")
}
