package sshconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Forward is what LocalForward, RemoteForward or DynamicForward asks for. Each
// end is a port, [host]:port, or the path of a socket, which has a slash in it.
type Forward struct {
	Listen  string
	Connect string // "" if the client speaks SOCKS to whoever connects
}

// socks is where a RemoteForward leads that has no address to lead to, as
// "ssh -G" prints it.
const socks = "[socks]:0"

func readDynamic(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	fields, err := forwardFields(word, l.env)
	if err != nil {
		return nil, err
	}
	listen, rest, err := cutEnd(fields, false)
	if err == nil && len(rest) > 0 {
		err = errForward
	}
	return []string{listen, ""}, err
}

func readLocal(l *line) ([]string, error) { return readForward(l, false) }

func readRemote(l *line) ([]string, error) { return readForward(l, true) }

var errForward = errors.New("it is not of the form [ADDRESS:]PORT HOST:PORT: an address with colons stands in brackets, and a path may stand in place of each")

// readForward takes where to listen and what to connect to.
func readForward(l *line, remote bool) ([]string, error) {
	from, err := l.word()
	if err != nil {
		return nil, err
	}
	to, ok := l.next()
	if !ok && !remote {
		return nil, errors.New("it says where to listen, and not what to connect to")
	}
	text := from
	if ok {
		text += ":" + to
	}
	fields, err := forwardFields(text, l.env)
	if err != nil {
		return nil, err
	}
	listen, rest, err := cutEnd(fields, remote)
	if err != nil || !ok && len(rest) > 0 {
		return nil, errForward
	}
	if !ok {
		return []string{listen, socks}, nil
	}
	return readTarget(listen, rest)
}

// readTarget takes what to connect to: a path, or a host and a port.
func readTarget(listen string, fields []string) ([]string, error) {
	switch {
	case len(fields) == 1 && strings.Contains(fields[0], "/"):
		return []string{listen, fields[0]}, nil
	case len(fields) == 2:
		if n, err := port(fields[1]); err == nil && n > 0 {
			return []string{listen, fmt.Sprintf("[%s]:%d", fields[0], n)}, nil
		}
	}
	return nil, errForward
}

// cutEnd takes the end to listen at off the fields. A port that is to be chosen
// can only be one of the server's.
func cutEnd(fields []string, remote bool) (end string, rest []string, err error) {
	least := 1
	if remote {
		least = 0
	}
	if len(fields) > 0 && strings.Contains(fields[0], "/") {
		return fields[0], fields[1:], nil
	}
	// An address has a port behind it, and two or no more fields, or a path.
	withAddress := len(fields) == 4 || len(fields) == 2 && !strings.Contains(fields[1], "/") ||
		len(fields) == 3 && strings.Contains(fields[2], "/")
	if withAddress {
		if n, err := port(fields[1]); err == nil && n >= least {
			return fmt.Sprintf("[%s]:%d", fields[0], n), fields[2:], nil
		}
		return "", nil, errForward
	}
	if len(fields) == 0 {
		return "", nil, errForward
	}
	if n, err := port(fields[0]); err == nil && n >= least {
		return fmt.Sprint(n), fields[1:], nil
	}
	return "", nil, errForward
}

// forwardFields takes a forwarding apart at colons, but for those in brackets or
// behind a backslash.
func forwardFields(text string, getenv func(string) (string, bool)) ([]string, error) {
	text, err := expand(text, nil, getenv)
	if err != nil {
		return nil, err
	}
	var fields []string
	for more := true; more; {
		if len(fields) == 4 {
			return nil, errForward
		}
		var field string
		if inside, ok := strings.CutPrefix(text, "["); ok {
			var rest string
			if field, rest, ok = strings.Cut(inside, "]"); !ok {
				return nil, errForward
			}
			if text, more = strings.CutPrefix(rest, ":"); !more && rest != "" {
				return nil, errForward
			}
		} else {
			field, text, more = cutField(text)
		}
		fields = append(fields, field)
	}
	return fields, nil
}

// cutField cuts text at the first colon that no backslash is in front of.
func cutField(text string) (field, rest string, more bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == ':':
			return b.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String(), "", false
}

// keepForward adds a forwarding that is not there yet.
func keepForward(s *Settings, name string, v Value, _ bool) {
	have := s.values[name]
	for pair := range slices.Chunk(have.Words, 2) {
		if slices.Equal(pair, v.Words) {
			return
		}
	}
	if len(have.Words) < 2*maxForwards {
		s.values[name] = Value{Words: append(slices.Clip(have.Words), v.Words...), At: v.At}
	}
}

func showForwards(s *Settings, name string) (lines []string) {
	for pair := range slices.Chunk(s.values[name].Words, 2) {
		lines = append(lines, strings.TrimRight(name+" "+pair[0]+" "+pair[1], " "))
	}
	return lines
}

// Forwards returns what LocalForward, RemoteForward or DynamicForward asks for,
// by the name of the keyword.
func (s *Settings) Forwards(name string) (forwards []Forward) {
	for pair := range slices.Chunk(s.values[lower(name)].Words, 2) {
		f := Forward{Listen: pair[0], Connect: pair[1]}
		if f.Connect == socks {
			f.Connect = ""
		}
		forwards = append(forwards, f)
	}
	return forwards
}
