package sshconfig

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// Bounds of the lists that add up, as OpenSSH has them where it has any.
const (
	maxKeyFiles  = 100
	maxHostFiles = 32
	maxForwards  = 1000
	maxPatterns  = 1000
	maxHops      = 16
)

// A Value is what a keyword is set to.
type Value struct {
	Words []string // as "ssh -G" prints them
	At    Position
	user  []bool // of each word of keepFile: it stands in a user's file
	given string // of a list of algorithms: what it was chosen by
}

// keepFirst keeps a value unless there is one.
func keepFirst(s *Settings, name string, v Value, _ bool) {
	if _, ok := s.values[name]; !ok {
		s.values[name] = v
	}
}

// keepFile adds the name of a file, unless it is there from a file of the same
// kind.
func keepFile(s *Settings, name string, v Value, user bool) {
	have := s.values[name]
	for i, word := range have.Words {
		if word == v.Words[0] && have.user[i] == user {
			return
		}
	}
	if len(have.Words) < maxKeyFiles {
		s.values[name] = Value{Words: append(slices.Clip(have.Words), v.Words[0]), At: v.At, user: append(slices.Clip(have.user), user)}
	}
}

// readSendEnv takes patterns of names of variables.
func readSendEnv(l *line) ([]string, error) {
	words, err := l.all()
	for _, word := range words {
		if strings.Contains(word, "=") {
			return nil, fmt.Errorf("%q holds a value: SendEnv takes names, and SetEnv NAME=value", word)
		}
	}
	return words, err
}

// keepSendEnv adds patterns. One behind a dash takes those back that it
// describes.
func keepSendEnv(s *Settings, name string, v Value, _ bool) {
	words := slices.Clone(s.values[name].Words)
	for _, word := range v.Words {
		if back, ok := strings.CutPrefix(word, "-"); ok {
			words = slices.DeleteFunc(words, func(w string) bool { return pattern.Match(back, w) })
		} else if len(words) < maxPatterns {
			words = append(words, word)
		}
	}
	s.values[name] = Value{Words: words, At: v.At}
}

// readSetEnv takes NAME=value. Of one name the first counts.
func readSetEnv(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	var set []string
	for _, word := range words {
		name, _, ok := strings.Cut(word, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not of the form NAME=value", word)
		}
		if !slices.ContainsFunc(set, func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
			set = append(set, word)
		}
	}
	return set, nil
}

// readAgent takes the address of an agent, or where it is to be found.
func readAgent(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	if _, err := expand(word, nil, l.env); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(word, "$"); ok && !strings.HasPrefix(name, "{") && !validVariable(name) {
		return nil, fmt.Errorf("%q is not the name of a variable", word)
	}
	return []string{word}, nil
}

func validVariable(name string) bool {
	return name != "" && strings.Trim(lower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// agentPath is where the address of an agent is kept that ForwardAgent names:
// that, and whether an agent is to be lent, are values of their own.
const agentPath = "forwardagent path"

func readForwardAgent(l *line) ([]string, error) {
	rest := l.args
	if words, err := readFlag(l); err == nil {
		return words, nil
	}
	l.args = rest
	return readAgent(l)
}

func keepForwardAgent(s *Settings, name string, v Value, user bool) {
	if word := v.Words[0]; word != "yes" && word != "no" {
		keepFirst(s, agentPath, v, user)
		v.Words = yes
	}
	keepFirst(s, name, v, user)
}

func showForwardAgent(s *Settings, name string) []string {
	if path := s.Text(agentPath); path != "" {
		return []string{name + " " + path}
	}
	return showOne(s, name)
}

// rekeyInterval is where the time of a RekeyLimit is kept, which is a value of
// its own.
const rekeyInterval = "rekeylimit interval"

// readRekey takes "BYTES [TIME]", where "default" and "none" stand for nothing
// out of the ordinary.
func readRekey(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	bytes := int64(0)
	if word != "default" {
		if bytes, err = size(word); err != nil {
			return nil, err
		}
		if bytes > 0 && bytes < 16 {
			return nil, fmt.Errorf("%d bytes are too few: 16 is the least", bytes)
		}
	}
	words := []string{strconv.FormatInt(bytes, 10)}
	if interval, ok := l.next(); ok && interval != "none" {
		n, err := seconds(interval)
		return append(words, strconv.Itoa(n)), err
	}
	return words, nil
}

func keepRekey(s *Settings, name string, v Value, user bool) {
	keepFirst(s, name, Value{Words: v.Words[:1], At: v.At}, user)
	if len(v.Words) > 1 {
		keepFirst(s, rekeyInterval, Value{Words: v.Words[1:], At: v.At}, user)
	}
}

func showRekey(s *Settings, name string) []string {
	bytes, interval := s.RekeyLimit()
	return []string{fmt.Sprintf("%s %d %d", name, bytes, int(interval.Seconds()))}
}

// size takes a number of bytes, which may end in K, M or G, and may have a
// fraction then.
func size(text string) (int64, error) {
	failed := fmt.Errorf("%q is not a number of bytes such as 512M", text)
	shift := 0
	if i := strings.IndexAny(text, "kKmMgGtTpPeE"); i >= 0 && i == len(text)-1 {
		shift = map[byte]int{'k': 10, 'm': 20, 'g': 30, 't': 40, 'p': 50, 'e': 60}[text[i]|0x20]
		text = text[:i]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrSyntax) && shift > 0 && strings.Trim(text, "0123456789.") == "" {
		f, err := strconv.ParseFloat(text, 64)
		if f *= float64(int64(1) << shift); err != nil || f > 1<<62 {
			return 0, failed
		}
		return int64(f), nil
	}
	if err != nil || n < 0 || n > 1<<62>>shift {
		return 0, failed
	}
	return n << shift, nil
}

// keepProxyCommand keeps a command, unless there is one.
func keepProxyCommand(s *Settings, name string, v Value, user bool) { keepFirst(s, name, v, user) }

// showProxyCommand shows the command if nothing else leads to the host.
func showProxyCommand(s *Settings, name string) []string {
	if s.Text("proxyjump") != "" {
		return nil
	}
	return showOne(s, name)
}
