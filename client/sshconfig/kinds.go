package sshconfig

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
)

func readWord(l *line) ([]string, error) {
	word, err := l.word()
	return []string{word}, err
}

// readRaw takes all of the line, as it is written.
func readRaw(l *line) ([]string, error) {
	text := l.raw()
	if text == "" {
		return nil, errNoValue
	}
	return []string{text}, nil
}

func readFlag(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	switch lower(word) {
	case "yes", "true":
		return yes, nil
	case "no", "false":
		return no, nil
	}
	return nil, fmt.Errorf("%q is neither yes nor no", word)
}

// oneOf is for a keyword with a few values. Those that mean the same are
// separated by bars, and the first is that which is kept.
func oneOf(values ...string) func(*line) ([]string, error) {
	return func(l *line) ([]string, error) {
		word, err := l.word()
		if err != nil {
			return nil, err
		}
		var known []string
		for _, same := range values {
			names := strings.Split(same, "|")
			for _, name := range names {
				if strings.EqualFold(word, name) {
					return names[:1], nil
				}
			}
			known = append(known, names[len(names)-1])
		}
		return nil, fmt.Errorf("%q is none of %s", word, strings.Join(known, ", "))
	}
}

func readNumber(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	n, err := number(word)
	return []string{strconv.Itoa(n)}, err
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number from 0 to %d", text, math.MaxInt32)
	}
	return int(n), nil
}

func readPort(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	n, err := ParsePort(word)
	return []string{strconv.Itoa(n)}, err
}

// ParsePort parses the number of a port, or the name of a service.
func ParsePort(text string) (int, error) {
	if n, err := port(text); err == nil && n != 0 {
		return n, nil
	}
	return 0, fmt.Errorf("port %q is not a number from 1 to 65535", text)
}

// port is ParsePort, where 0 is for any.
func port(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil {
		return int(n), nil
	}
	if text == "" || text[0] >= '0' && text[0] <= '9' || text[0] == '-' || text[0] == '+' {
		return 0, fmt.Errorf("port %q is not a number from 0 to 65535", text)
	}
	return net.LookupPort("tcp", text)
}

// readTime takes a time. That which is none is as good as no value.
func readTime(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil || word == "none" {
		return nil, err
	}
	n, err := seconds(word)
	return []string{strconv.Itoa(n)}, err
}

// units are those of TIME FORMATS of sshd_config(5), in seconds.
var units = map[byte]float64{0: 1, 's': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}

// seconds takes a time as sshd_config(5) has it: numbers of seconds, or with a
// unit behind each. Seconds may have a fraction, which is cut off.
func seconds(text string) (int, error) {
	failed := fmt.Errorf("%q is not a time such as 90 or 1h30m", text)
	total, done := 0.0, false
	for rest := text; rest != "" || text == ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		value, err := strconv.ParseFloat(rest[:digits], 64)
		fraction := strings.Contains(rest[:digits], ".")
		if err != nil || rest[digits-1] == '.' || rest[0] == '.' && digits == 1 {
			return 0, failed
		}
		rest = rest[digits:]
		unit := byte(0)
		if rest != "" {
			unit, rest = rest[0]|0x20, rest[1:]
		}
		factor := units[unit]
		if factor == 0 || fraction && factor != 1 || factor == 1 && done {
			return 0, failed
		}
		done = done || factor == 1
		if total += value * factor; total > math.MaxInt32 {
			return 0, failed
		}
	}
	return int(total), nil
}

// readFiles takes a list of names, or "none" alone.
func readFiles(l *line) ([]string, error) {
	words, err := l.all()
	if err == nil && len(words) > maxHostFiles {
		err = fmt.Errorf("there are more than %d", maxHostFiles)
	}
	if err == nil {
		err = alone(words, "none")
	}
	return words, err
}

// alone fails if one of several words is name.
func alone(words []string, name string) error {
	for _, word := range words {
		if len(words) > 1 && strings.EqualFold(word, name) {
			return fmt.Errorf("%q does not go with other values", name)
		}
	}
	return nil
}

func readMask(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(word, 8, 16)
	if err != nil || n > 0o777 {
		return nil, fmt.Errorf("%q is not an octal mask such as 0177", word)
	}
	return []string{fmt.Sprintf("0%o", n)}, nil
}
