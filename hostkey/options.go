package hostkey

import (
	"errors"
	"fmt"
	"strings"
)

// parseOptions parses the options that begin a line and returns what follows
// them. They are separated by commas, "no spaces are permitted, except within
// double quotes" (sshd(8)), and a quote within quotes is written \".
func parseOptions(line string) (options []Option, rest string, err error) {
	rest = strings.TrimLeft(line, " \t")
	for {
		var o Option
		if o, rest, err = parseOption(rest); err != nil {
			return nil, "", err
		}
		options = append(options, o)
		switch {
		case rest == "":
			return nil, "", errors.New("hostkey: a line of authorized keys has no key format and key")
		case rest[0] == ' ' || rest[0] == '\t':
			return options, rest, nil
		case rest[0] != ',':
			return nil, "", fmt.Errorf("hostkey: option %q is followed by neither a comma nor a space", o.Name)
		}
		rest = rest[1:]
	}
}

// parseOption parses name or name="value" at the beginning of s.
func parseOption(s string) (o Option, rest string, err error) {
	end := strings.IndexFunc(s, func(c rune) bool { return !isOptionRune(c) })
	if end < 0 {
		end = len(s)
	}
	name, rest := s[:end], s[end:]
	if name == "" {
		return Option{}, "", errors.New("hostkey: an option in a line of authorized keys has no name")
	}
	o.Name = strings.ToLower(name)
	value, ok := strings.CutPrefix(rest, "=")
	if !ok {
		return o, rest, nil
	}
	o.HasValue = true
	o.Value, rest, ok = unquote(value)
	if !ok {
		return Option{}, "", fmt.Errorf("hostkey: the value of option %q is not within double quotes", o.Name)
	}
	return o, rest, nil
}

// isOptionRune reports whether c may stand in the name of an option.
func isOptionRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.@", c)
}

// unquote takes a quoted string off the beginning of s.
func unquote(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
