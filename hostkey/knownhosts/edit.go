package knownhosts

import (
	"bytes"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// edit returns a file's text changed line by line. For a line that holds a key,
// change reports whether it is to change, and returns its hosts, without which
// it goes. All else stays as it is, byte for byte.
func edit(path string, text []byte, change func(*line) (hosts string, changed bool)) []byte {
	var out []byte
	f := &file{path: path, text: text}
	n := 0
	for raw := range bytes.Lines(text) {
		n++
		l, err := parseLine(raw)
		if l == nil || err != nil {
			out = append(out, raw...)
			continue
		}
		l.file, l.number = f, n
		hosts, changed := change(l)
		switch {
		case !changed:
			out = append(out, raw...)
		case hosts != "":
			out = append(out, bytes.Replace(raw, []byte(l.hosts), []byte(hosts), 1)...)
		}
	}
	return out
}

// without returns the hosts of a line without those that are exactly the name.
// It returns them as they are if one is a pattern that matches: there is no
// way to take a name out of that.
func without(field, name string) string {
	if strings.HasPrefix(field, "|") {
		if matchHosts(field, name) {
			return ""
		}
		return field
	}
	hosts := slices.DeleteFunc(strings.Split(field, ","), func(h string) bool { return pattern.Lower(h) == name })
	rest := strings.Join(hosts, ",")
	if matchHosts(rest, name) {
		return field
	}
	return rest
}

// endLine returns text with a newline at its end, unless it is empty.
func endLine(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return append(text, '\n')
	}
	return text
}
