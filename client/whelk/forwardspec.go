package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// forwardSettings are what the flags and keywords about forwarding say.
type forwardSettings struct {
	local   []forward
	remote  []forward
	dynamic []forward

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
		return "unix", end
	case strings.HasPrefix(end, "["):
		i := strings.LastIndex(end, "]:")
		return "tcp", net.JoinHostPort(end[1:i], end[i+2:])
	}
	return "tcp", net.JoinHostPort(host, end)
}

// forwardFlags are the flags whose values are forwardings.
var forwardFlags = map[byte]func(*options, string) error{
	'L': func(o *options, value string) error {
		f, err := parseForward(value, false)
		return o.sayForward("LocalForward", f, err)
	},
	'R': func(o *options, value string) error {
		f, err := parseForward(value, true)
		return o.sayForward("RemoteForward", f, err)
	},
	'D': func(o *options, value string) error {
		f, err := parseDynamic(value)
		return o.sayForward("DynamicForward", f, err)
	},
	'W': func(o *options, value string) (err error) {
		o.stdioTo, err = parseTarget(value)
		o.noCommand = true
		o.insist("SessionType", "none")
		o.insist("ClearAllForwardings", "yes")
		return err
	},
}

// sayForward says a forwarding in the form of the configuration file.
func (o *options) sayForward(keyword string, f forward, err error) error {
	if err != nil {
		return err
	}
	escape := strings.NewReplacer(":", `\:`, `\`, `\\`)
	end := func(end string) string {
		if isPath(end) {
			return `"` + escape.Replace(end) + `"`
		}
		return end
	}
	o.said = append(o.said, sshconfig.Option{Keyword: keyword, Value: strings.TrimSpace(end(f.listen) + " " + end(f.connect))})
	return nil
}

// takeForwards takes what a keyword forwards.
func takeForwards(field func(*settings) *[]forward) func(*settings, value) error {
	return func(s *settings, v value) error {
		for _, f := range v.Forwards(v.keyword) {
			*field(s) = append(*field(s), forward{f.Listen, f.Connect})
		}
		return nil
	}
}

func takeBindMask(s *settings, v value) error {
	if !v.isSet() {
		return nil
	}
	n, err := strconv.ParseUint(v.text(), 8, 9)
	if err != nil {
		return fmt.Errorf("%q is not a mask such as 0177", v.text())
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

// takeRemoteOpen takes what those may connect to who speak SOCKS to a port of the
// server's: host:port, where "*" stands for any, or "any" or "none".
func takeRemoteOpen(s *settings, v value) error {
	list := strings.Fields(v.text())
	switch {
	case len(list) == 0, len(list) == 1 && list[0] == "any":
		return nil
	case len(list) == 1 && list[0] == "none":
		list = nil
	}
	s.forwards.remoteOpen = []string{}
	for _, address := range list {
		host, port, err := net.SplitHostPort(address)
		if err != nil || host == "" || port != "*" && !isPort(port, 1) {
			return fmt.Errorf("%q is not of the form HOST:PORT, with * for any", address)
		}
		s.forwards.remoteOpen = append(s.forwards.remoteOpen, address)
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

// settle resolves what keywords say about each other.
func (f *forwardSettings) settle() {
	if f.clear {
		f.local, f.remote, f.dynamic = nil, nil, nil
	}
}
