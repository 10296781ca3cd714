package sshconfig

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// An evaluation is the way from a destination to its settings.
type evaluation struct {
	ctx      context.Context
	config   Config
	settings *Settings

	host      string // Host looks at
	final     bool   // the final pass is on
	wantFinal bool   // there is to be one

	contents map[string]content // of files, by path
	read     int                // bytes
	files    int
}

// readOptions takes the options, which no block has conditions for.
func (e *evaluation) readOptions() error {
	return e.take(e.config.Options, Position{Option: true})
}

// readDefaults takes what comes ahead of the defaults of OpenSSH, and those.
func (e *evaluation) readDefaults() error {
	var missing []Option
	for _, o := range e.config.Defaults {
		if _, ok := e.settings.values[canonicalName(o.Keyword)]; !ok {
			missing = append(missing, o)
		}
	}
	if err := e.take(missing, Position{}); err != nil {
		return err
	}
	for _, k := range keywords {
		if _, ok := e.settings.values[k.name]; !ok && k.unset != nil {
			e.settings.values[k.name] = Value{Words: k.unset}
		}
	}
	return nil
}

func (e *evaluation) take(options []Option, at Position) error {
	for _, o := range options {
		l := &line{at: at, keyword: lower(o.Keyword), written: o.Keyword, rest: o.Value, user: true, env: e.settings.getenv}
		if o.Value == "" {
			return l.fail(errNoValue)
		}
		if slices.Contains([]string{"host", "match", "include"}, l.keyword) {
			return l.fail(fmt.Errorf("it is for files, and no option"))
		}
		if o.Literal {
			l.args = []string{o.Value}
		} else if err := l.split(); err != nil {
			return err
		}
		if err := e.set(l, true); err != nil {
			return err
		}
		if o.Literal && l.keyword == "user" && e.settings.values["user"].Words[0] == o.Value {
			e.settings.literalUser = true
		}
	}
	return nil
}

func (l *line) split() (err error) {
	if l.args, err = split(l.rest); err != nil {
		return l.fail(err)
	}
	return nil
}

// set takes a line with a value. Mistakes in it are found even if its block does
// not apply.
func (e *evaluation) set(l *line, active bool) error {
	k := find(l.keyword)
	switch {
	case slices.Contains(ignored, l.keyword):
		return nil
	case l.keyword == "refuseconnection":
		word, err := l.word()
		if err == nil && active {
			err = fmt.Errorf("%w: %q", ErrRefused, word)
		}
		if err != nil {
			return l.fail(err)
		}
		return l.end()
	case k == nil && slices.Contains(e.config.Own, l.keyword):
		k = &keyword{name: l.keyword, read: readFiles}
	case k == nil && pattern.MatchList(lower(e.settings.Text("ignoreunknown")), l.keyword):
		return nil
	case k == nil:
		return l.fail(ErrUnknownKeyword)
	}
	words, err := k.read(l)
	if err != nil {
		return l.fail(err)
	}
	if err := l.end(); err != nil {
		return err
	}
	// These two count wherever they stand, and the mask even again (readconf.c).
	always := k.name == "syslogfacility" || k.name == "streamlocalbindmask"
	if words == nil || !active && !always {
		return nil
	}
	if k.name == "streamlocalbindmask" {
		delete(e.settings.values, k.name)
	}
	keep := k.keep
	if keep == nil {
		keep = keepFirst
	}
	keep(e.settings, k.name, Value{Words: words, At: l.at}, l.user)
	return nil
}

// end fails if there are arguments left.
func (l *line) end() error {
	if len(l.args) > 0 {
		return l.fail(errExtra)
	}
	return nil
}

// finish expands what is to be expanded by now.
func (e *evaluation) finish() error {
	s := e.settings
	if _, ok := s.values["user"]; !ok {
		s.values["user"] = Value{Words: []string{s.account.Name}}
		s.literalUser = true
	}
	s.clear()
	e.decideUpdates()
	s.values["hostname"] = Value{Words: []string{s.host}, At: s.values["hostname"].At}
	if v, ok := s.values["hostkeyalias"]; ok {
		s.values["hostkeyalias"] = Value{Words: []string{lower(v.Words[0])}, At: v.At}
	}
	if s.Number("connectionattempts") == 0 {
		return s.fail("connectionattempts", fmt.Errorf("there is to be one attempt at least"))
	}
	if e.config.Command != "" && s.Text("remotecommand") != "" {
		return s.fail("remotecommand", fmt.Errorf("there is a command already: leave one of them out"))
	}
	via := e.jumpHost()
	alias := s.Text("hostkeyalias")
	if alias == "" {
		alias = s.destination
	}
	port := strconv.Itoa(s.Port())
	s.tokens = s.newTokens(s.host, port, "", via)
	s.tokens['k'] = alias
	if err := s.expandUser(); err != nil {
		return err
	}
	s.tokens['r'] = s.User()
	s.tokens['C'] = connectionHash(s.machine, s.host, port, s.User(), via)
	if err := s.expandValues(); err != nil {
		return err
	}
	return e.chooseAlgorithms()
}

// clear removes what is none, and what is cleared.
func (s *Settings) clear() {
	for _, name := range []string{"localcommand", "remotecommand", "proxycommand", "controlpath", "pkcs11provider", "securitykeyprovider",
		"knownhostscommand", "channeltimeout", "revokedhostkeys", "proxyjump", "globalknownhostsfile", "userknownhostsfile", "canonicalizepermittedcnames"} {
		if v, ok := s.values[name]; ok && len(v.Words) == 1 && strings.EqualFold(v.Words[0], "none") {
			// That there is none was said by somebody, and that it is no default.
			s.values[name] = Value{At: v.At}
		}
	}
	if s.Yes("clearallforwardings") {
		for _, name := range []string{"localforward", "remoteforward", "dynamicforward"} {
			delete(s.values, name)
		}
	}
	if s.Text("proxyjump") != "" {
		s.values["proxyusefdpass"] = Value{Words: no}
	}
}

// decideUpdates decides whether known_hosts is kept up to date: that is on unless
// "the user has overridden the default UserKnownHostsFile setting" or has
// VerifyHostKeyDNS on, and questions are for sessions only (ssh_config(5)).
func (e *evaluation) decideUpdates() {
	s := e.settings
	v, ok := s.values["updatehostkeys"]
	if !ok {
		_, given := s.Set("userknownhostsfile")
		words := s.values["userknownhostsfile"].Words
		usual := !given || len(words) == 1 && words[0] == "~/.ssh/known_hosts"
		if usual && s.Text("verifyhostkeydns") == "false" {
			v.Words = []string{"true"}
		} else {
			v.Words = []string{"false"}
		}
	}
	if v.Words[0] == "ask" {
		level := s.Text("loglevel")
		if e.config.Command != "" || s.Text("remotecommand") != "" || s.Text("requesttty") == "false" ||
			level == "SILENT" || level == "FATAL" || level == "ERROR" ||
			s.Text("controlpersist") != "no" && s.Text("controlpath") != "" {
			v.Words = []string{"false"}
		}
	}
	s.values["updatehostkeys"] = v
}

// jumpHost returns the host on the way, or "".
func (e *evaluation) jumpHost() string {
	via, _, _ := e.settings.Jump()
	return via.Host
}

func (s *Settings) expandUser() error {
	v := s.values["user"]
	if s.literalUser {
		return nil
	}
	t := make(tokens, len(s.tokens))
	for letter, value := range s.tokens {
		if letter != 'r' && letter != 'C' { // which depend on the user
			t[letter] = value
		}
	}
	name, err := expand(v.Words[0], t, s.getenv)
	if err == nil && name != v.Words[0] {
		err = CheckUser(name)
	}
	if err != nil {
		return s.fail("user", err)
	}
	s.values["user"] = Value{Words: []string{name}, At: v.At}
	return nil
}

// expandValues expands what "ssh -G" prints expanded.
func (s *Settings) expandValues() error {
	for _, x := range []struct {
		name   string
		expand func(string) (string, error)
	}{
		{"remotecommand", s.expandPercent},
		{"controlpath", s.ExpandPath},
		{"identityagent", s.ExpandPath},
		{agentPath, s.ExpandPath},
		{"revokedhostkeys", s.ExpandPath},
		{"userknownhostsfile", s.ExpandPath},
		{"versionaddendum", s.expandAll},
		{"setenv", s.expandVariable},
		{"localforward", s.expandEnd},
		{"remoteforward", s.expandEnd},
	} {
		v := s.values[x.name]
		words := make([]string, len(v.Words))
		for i, word := range v.Words {
			var err error
			if words[i], err = x.expand(word); err != nil {
				return s.fail(x.name, err)
			}
		}
		if len(words) > 0 {
			s.values[x.name] = Value{Words: words, At: v.At}
		}
	}
	return nil
}

func (s *Settings) expandPercent(text string) (string, error) { return expand(text, s.tokens, nil) }

func (s *Settings) expandAll(text string) (string, error) { return expand(text, s.tokens, s.getenv) }

func (s *Settings) expandVariable(text string) (string, error) {
	name, value, _ := strings.Cut(text, "=")
	value, err := s.expandAll(value)
	return name + "=" + value, err
}

// expandEnd expands the path of a socket.
func (s *Settings) expandEnd(end string) (string, error) {
	if !strings.Contains(end, "/") {
		return end, nil
	}
	return s.expandPercent(end)
}
