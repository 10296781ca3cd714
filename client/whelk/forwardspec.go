package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
)

// forwardSettings are what the flags and keywords about forwarding say.
type forwardSettings struct {
	local   []forward
	remote  []forward
	dynamic []forward
	stdio   string // -W: host:port, or ""

	clear      bool // ClearAllForwardings
	exit       bool // ExitOnForwardFailure
	gateway    bool // GatewayPorts
	unlink     bool // StreamLocalBindUnlink
	mask       fs.FileMode
	maskGiven  bool
	remoteOpen []string // PermitRemoteOpen; nil is any
}

// A forward is one forwarding. Each end is "port", "[host]:port", or the path of
// a socket, which has a slash in it.
type forward struct {
	listen  string
	connect string // "" if those who connect speak SOCKS
}

var errForward = errors.New("it is not of the form [ADDRESS:]PORT:HOST:PORT: " +
	"an address with colons stands in brackets, and the path of a socket may stand in place of each end")

// parseForward takes the value of -L or -R.
func parseForward(text string, remote bool) (forward, error) {
	fields, err := splitForward(text)
	if err != nil {
		return forward{}, err
	}
	listen, rest, err := cutListen(fields, remote)
	switch {
	case err != nil:
		return forward{}, err
	case len(rest) == 0 && remote:
		return forward{listen: listen}, nil
	case len(rest) == 1 && isPath(rest[0]):
		return forward{listen, rest[0]}, nil
	case len(rest) == 2 && rest[0] != "" && isPort(rest[1], 1):
		return forward{listen, fmt.Sprintf("[%s]:%s", rest[0], rest[1])}, nil
	}
	return forward{}, errForward
}

// parseDynamic takes the value of -D.
func parseDynamic(text string) (forward, error) {
	fields, err := splitForward(text)
	if err != nil {
		return forward{}, err
	}
	listen, rest, err := cutListen(fields, false)
	if err != nil || len(rest) > 0 || isPath(listen) {
		return forward{}, errors.New("it is not of the form [ADDRESS:]PORT")
	}
	return forward{listen: listen}, nil
}

// splitForward takes a forwarding apart at colons, but for those in brackets and
// those behind a backslash.
func splitForward(text string) ([]string, error) {
	var fields []string
	var field strings.Builder
	bracket := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '[' && !bracket && field.Len() == 0:
			bracket = true
		case c == ']' && bracket:
			bracket = false
			if i+1 < len(text) && text[i+1] != ':' {
				return nil, errForward
			}
		case c == ':' && !bracket:
			fields = append(fields, field.String())
			field.Reset()
		case c == '\\' && i+1 < len(text):
			i++
			field.WriteByte(text[i])
		default:
			field.WriteByte(c)
		}
	}
	fields = append(fields, field.String())
	if bracket || len(fields) > 4 {
		return nil, errForward
	}
	return fields, nil
}

// cutListen takes the end to listen at off the fields. A port that is to be
// chosen can only be one of the server's.
func cutListen(fields []string, remote bool) (listen string, rest []string, err error) {
	least := 1
	if remote {
		least = 0
	}
	if isPath(fields[0]) {
		return fields[0], fields[1:], nil
	}
	// An address has a port behind it, and then nothing, a path, or two fields.
	address := len(fields) == 4 || len(fields) == 2 && !isPath(fields[1]) || len(fields) == 3 && isPath(fields[2])
	switch {
	case address && isPort(fields[1], least):
		return fmt.Sprintf("[%s]:%s", fields[0], fields[1]), fields[2:], nil
	case !address && isPort(fields[0], least):
		return fields[0], fields[1:], nil
	}
	return "", nil, errForward
}

func isPath(field string) bool { return strings.Contains(field, "/") }

func isPort(field string, least int) bool {
	n, err := strconv.ParseUint(field, 10, 16)
	return err == nil && int(n) >= least
}

// parseTarget takes the value of -W: host:port.
func parseTarget(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || !isPort(port, 1) {
		return "", fmt.Errorf("%q is not of the form HOST:PORT", text)
	}
	return text, nil
}

// endNetwork returns the network and address of an end, in the form of package
// net. That of a port has the host given.
func endNetwork(end, host string) (network, address string) {
	switch {
	case isPath(end):
		return "unix", homePath(end)
	case strings.HasPrefix(end, "["):
		i := strings.LastIndex(end, "]:")
		return "tcp", net.JoinHostPort(end[1:i], end[i+2:])
	}
	return "tcp", net.JoinHostPort(host, end)
}

// forwardFlags are the flags whose values are forwardings.
var forwardFlags = map[byte]func(*settings, string) error{
	'L': func(s *settings, value string) error {
		f, err := parseForward(value, false)
		s.forwards.local = append(s.forwards.local, f)
		return err
	},
	'R': func(s *settings, value string) error {
		f, err := parseForward(value, true)
		s.forwards.remote = append(s.forwards.remote, f)
		return err
	},
	'D': func(s *settings, value string) error {
		f, err := parseDynamic(value)
		s.forwards.dynamic = append(s.forwards.dynamic, f)
		return err
	},
	'W': func(s *settings, value string) (err error) {
		s.forwards.stdio, err = parseTarget(value)
		return err
	},
}

// addForward is the keyword for what a flag adds, in the form of the
// configuration file: with a blank between the ends.
func addForward(flag byte) func(*settings, string) error {
	return func(s *settings, value string) error {
		ends, err := words(value)
		if err != nil {
			return err
		}
		if len(ends) > 2 {
			return fmt.Errorf("%q has more than two ends", value)
		}
		return forwardFlags[flag](s, strings.Join(ends, ":"))
	}
}

func setBindMask(s *settings, value string) error {
	n, err := strconv.ParseUint(value, 8, 9)
	if err != nil {
		return fmt.Errorf("%q is not a mask such as 0177", value)
	}
	s.forwards.mask, s.forwards.maskGiven = fs.FileMode(n), true
	return nil
}

// socketMode returns the mode of sockets that are listened at.
func (f *forwardSettings) socketMode() fs.FileMode {
	if f.maskGiven {
		return 0o666 &^ f.mask
	}
	return 0o600
}

// setRemoteOpen takes what those may connect to who speak SOCKS to a port of the
// server's: host:port, where "*" stands for any, or "any" or "none".
func setRemoteOpen(s *settings, value string) error {
	list, err := words(value)
	if err != nil {
		return err
	}
	s.forwards.remoteOpen = []string{}
	switch {
	case len(list) == 1 && list[0] == "any":
		s.forwards.remoteOpen = nil
	case len(list) == 1 && list[0] == "none":
	default:
		for _, address := range list {
			host, port, err := net.SplitHostPort(address)
			if err != nil || host == "" || port != "*" && !isPort(port, 1) {
				return fmt.Errorf("%q is not of the form HOST:PORT, with * for any", address)
			}
			s.forwards.remoteOpen = append(s.forwards.remoteOpen, address)
		}
	}
	return nil
}

// mayOpen reports whether PermitRemoteOpen permits an address.
func (f *forwardSettings) mayOpen(address string) bool {
	if f.remoteOpen == nil {
		return true
	}
	host, port, _ := net.SplitHostPort(address)
	for _, allowed := range f.remoteOpen {
		h, p, _ := net.SplitHostPort(allowed)
		if (h == "*" || h == host) && (p == "*" || p == port) {
			return true
		}
	}
	return false
}

// settle resolves what flags and keywords say about each other, and reports
// whether standard input and output are all there is to forward.
func (f *forwardSettings) settle() (stdio bool) {
	if f.clear || f.stdio != "" {
		f.local, f.remote, f.dynamic = nil, nil, nil
	}
	return f.stdio != ""
}
