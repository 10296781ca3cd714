package server

import (
	"errors"
	"fmt"
	"strings"
)

// A ConfigLine is a keyword of sshd_config(5) and its value.
type ConfigLine struct {
	File        string // where it is; "" on a command line
	Number      int    // from 1 on
	Conditional bool   // it is behind a Match

	Keyword string   // as it is written; case is of no importance
	Args    []string // the value's words, without quotes and a comment at the end
	Rest    string   // the value as it is written
}

// configSpace is what separates words, and may end a line.
const configSpace = " \t\r\n\f"

// ParseConfigLine parses one line of sshd_config(5), or the option of a command
// line in that form: "Keyword value" or "Keyword=value". It returns nil for a
// line that says nothing.
//
// Words are separated by spaces and may be quoted by " or '. A backslash keeps
// what follows from having a meaning if that is a quote, a backslash, or, outside
// of quotes, a space. A word that begins with # begins a comment.
func ParseConfigLine(text string) (*ConfigLine, error) {
	text = strings.TrimLeft(strings.TrimRight(text, configSpace), " \t\r")
	if text == "" || text[0] == '#' {
		return nil, nil
	}
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("it holds a zero byte")
	}
	end := strings.IndexAny(text, " \t\r=\"'")
	switch {
	case end < 0:
		return nil, fmt.Errorf("keyword %q has no value", text)
	case end == 0, text[end] == '"', text[end] == '\'':
		return nil, fmt.Errorf("%.64q does not begin with a keyword", text)
	}
	line := &ConfigLine{Keyword: text[:end]}
	line.Rest = strings.TrimLeft(text[end:], " \t\r")
	line.Rest = strings.TrimLeft(strings.TrimPrefix(line.Rest, "="), " \t\r")
	if line.Rest == "" {
		return nil, fmt.Errorf("keyword %q has no value", line.Keyword)
	}
	var err error
	line.Args, err = SplitWords(line.Rest, true)
	return line, err
}

// SplitWords takes a value of sshd_config(5) apart, as [ParseConfigLine] says;
// comments says whether there may be one.
func SplitWords(s string, comments bool) (words []string, err error) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" || comments && s[0] == '#' {
			return words, nil
		}
		word, rest, err := firstWord(s)
		if err != nil {
			return nil, err
		}
		words, s = append(words, word), rest
	}
}

// firstWord cuts the word off that s begins with.
func firstWord(s string) (word, rest string, err error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (strings.IndexByte(`\"'`, s[i+1]) >= 0 || quote == 0 && s[i+1] == ' '):
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), s[i:], nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", "", fmt.Errorf("a quote %c is not closed", quote)
	}
	return b.String(), "", nil
}
