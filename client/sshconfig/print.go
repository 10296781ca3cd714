package sshconfig

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteTo writes the settings as "ssh -G" does: a line for each keyword that has
// a value, in an order of OpenSSH's. What it writes, with the tokens expanded
// that ssh has expanded by then, is configuration again, but for quotation
// marks.
func (s *Settings) WriteTo(w io.Writer) (int64, error) {
	b := bufio.NewWriter(w)
	n := int64(0)
	write := func(text string) {
		written, _ := b.WriteString(text + "\n") // an error sticks
		n += int64(written)
	}
	write("host " + s.destination)
	for _, k := range keywords {
		show := k.show
		if show == nil {
			show = showOne
		}
		for _, text := range show(s, k.name) {
			write(text)
		}
	}
	return n, b.Flush()
}

// showOne shows a keyword that has a value.
func showOne(s *Settings, name string) []string {
	words := s.values[name].Words
	if len(words) == 0 {
		return nil
	}
	text := strings.Join(words, " ")
	if name == "escapechar" && text != "none" {
		text = visible(text[0])
	}
	return []string{name + " " + text}
}

// showEach shows a keyword once for each of its values.
func showEach(s *Settings, name string) (lines []string) {
	for _, word := range s.values[name].Words {
		lines = append(lines, name+" "+word)
	}
	return lines
}

// showList shows a keyword with all of its values, or with none.
func showList(s *Settings, name string) []string {
	words := s.values[name].Words
	if len(words) == 0 {
		return []string{name + " none"}
	}
	return []string{name + " " + strings.Join(words, " ")}
}

// showCNAMEs is showList, but for the letter that OpenSSH writes large.
func showCNAMEs(s *Settings, name string) []string {
	return []string{strings.Replace(showList(s, name)[0], "permitted", "Permitted", 1)}
}

// visible returns a character as vis(3) shows it.
func visible(c byte) string {
	switch {
	case c == ' ' || c == '\t' || c == '\n':
		return fmt.Sprintf(`\%03o`, c)
	case c == '\\':
		return `\\`
	case c < ' ' || c == 127:
		return `\^` + string(rune(c^64))
	case c > 127:
		return fmt.Sprintf(`\%03o`, c)
	}
	return string(rune(c))
}
