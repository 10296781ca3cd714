package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// width is how many columns a line may fill.
const width = 108

// unimportant are fields left out for want of space: random bytes, what is
// empty or constant in nearly every message there is, and the lists of one
// direction, which are those of the other.
var unimportant = []string{
	"cookie=", "language=", "language-client-to-server=[]", "language-server-to-client=[]",
	"first-kex-packet-follows=false", "reserved=0",
	"cipher-server-to-client=", "mac-server-to-client=", "compression-server-to-client=",
}

// describe returns the name of a message, and its important fields, each with
// a value that is not too long.
func describe(payload []byte) (name string, fields []string) {
	parts := split(wire.Describe(payload))
	if len(parts) < 2 {
		return strings.Join(parts, " "), nil
	}
	for _, field := range parts[2:] {
		if !slices.ContainsFunc(unimportant, func(start string) bool { return strings.HasPrefix(field, start) }) {
			key, value, _ := strings.Cut(field, "=")
			fields = append(fields, key+"="+shorten(value))
		}
	}
	if m, err := wire.ParseChannelData(payload); err == nil {
		fields = append(fields, fmt.Sprintf("%q", m.Data))
	}
	return parts[0] + " " + parts[1], fields
}

// split splits a line of wire.Describe at the blanks that are not within
// quotation marks, brackets or parentheses.
func split(line string) (parts []string) {
	var part strings.Builder
	quoted, escaped, depth := false, false, 0
	for _, c := range line {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ' ' && depth == 0:
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		part.WriteRune(c)
	}
	return append(parts, part.String())
}

// shorten leaves the first name of a long list, and the first bytes of a
// number.
func shorten(value string) string {
	const enough = 40
	if len(value) <= enough {
		return value
	}
	if first, _, found := strings.Cut(value, ","); found {
		more := strings.Count(value, ",")
		return fmt.Sprintf("%s, %d more%s", first, more, value[len(value)-1:])
	}
	return value[:enough-4] + "...)"
}

// wrap joins words to lines of at most width columns, of which indent are
// blank.
func wrap(words []string, indent int) string {
	var lines []string
	line := ""
	for _, word := range words {
		if line != "" && indent+len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n"+strings.Repeat(" ", indent))
}
