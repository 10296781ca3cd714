package sshconfig

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// A Destination is what somebody asks for: [user@]host[:port], or a URL.
type Destination struct {
	User string // "" if it is not said
	Host string
	Port int // 0 if it is not said
}

// ParseURL parses ssh://user@host:port. It reports false for what is no URL of
// that kind, and is then to be read in another way.
func ParseURL(text string) (d Destination, ok bool, err error) {
	rest, ok := strings.CutPrefix(text, "ssh://")
	if !ok {
		return d, false, nil
	}
	failed := fmt.Errorf("%q is not of the form ssh://user@host:port", text)
	if info, host, ok := strings.Cut(rest, "@"); ok {
		info, _, _ = strings.Cut(info, ";") // parameters of the connection
		// RFC 3986, section 3.2.1, deprecates passwords in URLs: they end up in
		// logs.
		if strings.Contains(info, ":") {
			return d, true, errors.New("the URL holds a password: leave it out, and type it when asked")
		}
		if d.User, err = url.PathUnescape(info); err != nil || d.User == "" || strings.ContainsRune(d.User, 0) {
			return d, true, failed
		}
		rest = host
	}
	host, path, _ := strings.Cut(rest, "/")
	if path != "" {
		return d, true, failed
	}
	err = d.setHost(host)
	if err == nil && !validDomain(d.Host) && !isAddress(d.Host) {
		err = CheckHost(d.Host)
	}
	switch {
	case strings.ContainsAny(d.Host, "?#"):
		return d, true, failed
	case err != nil:
		return d, true, fmt.Errorf("%w: %w", failed, err)
	}
	return d, true, nil
}

// setHost takes host, host:port or [host]:port.
func (d *Destination) setHost(text string) error {
	host, service, err := cutPort(text)
	if err != nil {
		return err
	}
	if host == "" {
		return errors.New("the host name is empty")
	}
	d.Host = host
	if service != "" {
		d.Port, err = ParsePort(service)
	}
	return err
}

// parseHop parses one host of a ProxyJump.
func parseHop(text string) (d Destination, err error) {
	if d, ok, err := ParseURL(text); ok {
		return d, err
	}
	rest := text
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		if d.User, rest = text[:i], text[i+1:]; d.User == "" {
			return d, fmt.Errorf("%q has no user in front of the @", text)
		}
	}
	if err := d.setHost(rest); err != nil {
		return d, err
	}
	if d.User != "" {
		if err := CheckUser(d.User); err != nil {
			return d, err
		}
	}
	return d, CheckHost(d.Host)
}

// String returns the destination as "ssh -G" prints a ProxyJump.
func (d Destination) String() string {
	text := d.Host
	if strings.Contains(text, ":") || strings.Trim(text, "0123456789.") == "" {
		text = "[" + text + "]"
	}
	if d.User != "" {
		text = d.User + "@" + text
	}
	if d.Port != 0 {
		text += ":" + strconv.Itoa(d.Port)
	}
	return text
}

// readJump takes hosts that commas separate, or none. All of them are looked
// at, and only the last is printed otherwise than it is written: it is the one
// that is connected to by way of the others.
func readJump(l *line) ([]string, error) {
	text := l.raw()
	if strings.EqualFold(text, "none") {
		return []string{"none"}, nil
	}
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimRight(text, blanks)
	var last Destination
	hops := strings.Split(text, ",")
	if len(hops) > maxHops {
		return nil, fmt.Errorf("there are more than %d hosts", maxHops)
	}
	for _, hop := range hops {
		var err error
		if last, err = parseHop(hop); err != nil {
			return nil, err
		}
	}
	hops[len(hops)-1] = last.String()
	return []string{strings.Join(hops, ",")}, nil
}

// keepJump keeps a ProxyJump, unless there is a ProxyCommand or another one, and
// from then on no ProxyCommand counts.
func keepJump(s *Settings, name string, v Value, _ bool) {
	_, jumps := s.values[name]
	_, commands := s.values["proxycommand"]
	switch {
	case jumps:
	case v.Words[0] == "none":
		s.values[name] = v
	case !commands:
		s.values[name] = v
		s.values["proxycommand"] = Value{Words: []string{"none"}, At: v.At}
	}
}

// Jump returns the host to connect by way of, if there is one, and the hosts to
// connect to that by way of, as ProxyJump has them, or "" if its own
// configuration says.
func (s *Settings) Jump() (via Destination, before string, ok bool) {
	text := s.Text("proxyjump")
	if text == "" {
		return Destination{}, "", false
	}
	if i := strings.LastIndexByte(text, ','); i >= 0 {
		before, text = text[:i], text[i+1:]
	}
	via, err := parseHop(text)
	return via, before, err == nil
}

// CheckHost refuses names that would mean something else to whoever is handed
// them next (CVE-2017-1000117, CVE-2023-51385).
func CheckHost(name string) error {
	for _, c := range name {
		if unicode.IsSpace(c) || c == ',' {
			return fmt.Errorf("host name %q holds the character %q", name, c)
		}
	}
	return checkName("host", name)
}

// CheckUser is [CheckHost] for names of users, which may have blanks.
func CheckUser(name string) error { return checkName("user", name) }

func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the %s name is empty", what)
	case name[0] == '-' || strings.Contains(name, " -"):
		return fmt.Errorf("%s name %q begins with a dash", what, name)
	}
	for _, c := range name {
		if unicode.IsControl(c) || c == unicode.ReplacementChar || strings.ContainsRune("'`\"$;&<>|(){}\\", c) {
			return fmt.Errorf("%s name %q holds the character %q", what, name, c)
		}
	}
	return nil
}

// ParseDestination parses host, user@host or ssh://user@host:port, as on the
// command line of ssh(1). An address may stand in brackets.
func ParseDestination(text string) (d Destination, err error) {
	d, ok, err := ParseURL(text)
	if !ok {
		d.Host = text
		if i := strings.LastIndexByte(text, '@'); i >= 0 {
			d.User, d.Host = text[:i], text[i+1:]
			if d.User == "" {
				return d, fmt.Errorf("%q has no user in front of the @", text)
			}
		}
		d.Host = strings.TrimSuffix(strings.TrimPrefix(d.Host, "["), "]")
	}
	if err != nil {
		return d, err
	}
	if d.User != "" {
		if err := CheckUser(d.User); err != nil {
			return d, err
		}
	}
	return d, CheckHost(d.Host)
}

// Options returns what the destination says beside the host.
func (d Destination) Options() []Option {
	var options []Option
	if d.User != "" {
		options = append(options, Option{Keyword: "User", Value: d.User, Literal: true})
	}
	if d.Port != 0 {
		options = append(options, Option{Keyword: "Port", Value: strconv.Itoa(d.Port)})
	}
	return options
}
