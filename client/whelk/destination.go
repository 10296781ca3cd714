package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// destination takes a host, user@host or ssh://user@host:port. What flags said
// before counts more.
func (o *options) destination(text string) error {
	user, host, port := "", text, ""
	if strings.HasPrefix(text, "ssh://") {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("%q is not of the form ssh://user@host:port", text)
		}
		// RFC 3986, section 3.2.1, deprecates passwords in URLs: they end up in
		// logs.
		if _, has := u.User.Password(); has {
			return fmt.Errorf("the URL holds a password: leave it out, and type it when asked")
		}
		user, host, port = u.User.Username(), u.Hostname(), u.Port()
	} else if i := strings.LastIndexByte(text, '@'); i >= 0 {
		user, host = text[:i], text[i+1:]
		if user == "" {
			return fmt.Errorf("%q has no user in front of the @", text)
		}
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if err := checkName("host", host); err != nil {
		return err
	}
	o.host = strings.ToLower(host)
	if user != "" {
		if err := o.set("User", user); err != nil {
			return err
		}
	}
	if port != "" {
		return o.set("Port", port)
	}
	return nil
}

// checkName refuses names that would mean something else to whoever is handed
// them next (CVE-2017-1000117, CVE-2023-51385).
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the %s name is empty", what)
	case name[0] == '-':
		return fmt.Errorf("%s name %q begins with a dash", what, name)
	}
	for _, c := range name {
		if unicode.IsControl(c) || c == unicode.ReplacementChar || strings.ContainsRune("'`\"$;&<>|(){}\\", c) ||
			what == "host" && unicode.IsSpace(c) {
			return fmt.Errorf("%s name %q holds the character %q", what, name, c)
		}
	}
	return nil
}

// parsePort takes a port number.
func parsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", text)
	}
	return int(n), nil
}
