package sshconfig

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// hostBlock takes the patterns of a Host line, and reports whether they describe the
// host.
func (e *evaluation) hostBlock(l *line) (bool, error) {
	patterns, err := l.all()
	if err != nil {
		return false, l.fail(err)
	}
	found := false
	for _, word := range patterns {
		word, negated := strings.CutPrefix(word, "!")
		if !pattern.Match(word, e.host) {
			continue
		}
		if negated {
			return false, nil
		}
		found = true
	}
	return found, nil
}

// A criterion of Match reports whether its argument describes the evaluation.
type criterion func(e *evaluation, argument string) (bool, error)

// criteria are those that take an argument.
var criteria = map[string]criterion{
	"host":         func(e *evaluation, a string) (bool, error) { return matchHost(a, e.currentHost()), nil },
	"originalhost": func(e *evaluation, a string) (bool, error) { return matchHost(a, e.settings.destination), nil },
	"user":         func(e *evaluation, a string) (bool, error) { return pattern.MatchList(a, e.currentUser()), nil },
	"localuser":    func(e *evaluation, a string) (bool, error) { return pattern.MatchList(a, e.settings.account.Name), nil },
	"version":      func(e *evaluation, a string) (bool, error) { return pattern.MatchList(a, e.config.Version), nil },
	"tagged":       func(e *evaluation, a string) (bool, error) { return matchMaybe(a, e.settings.Text("tag")), nil },
	"command":      func(e *evaluation, a string) (bool, error) { return matchMaybe(a, e.config.Command), nil },
	"sessiontype":  func(e *evaluation, a string) (bool, error) { return pattern.MatchList(a, e.sessionType()), nil },
	"localnetwork": (*evaluation).inNetwork,
	"exec":         nil, // only if all in front of it apply: see matchBlock
}

// matchMaybe reports whether a list of patterns describes s, but nothing is described by nothing only.
func matchMaybe(list, s string) bool {
	if s == "" {
		return list == ""
	}
	return pattern.MatchList(list, s)
}

// matchBlock takes the criteria of a Match line, and reports whether all of them
// apply. No command is run in a file that is only looked at for mistakes.
func (e *evaluation) matchBlock(l *line, runs bool) (bool, error) {
	result, seen := true, 0
	for {
		word, ok := l.next()
		if !ok || strings.HasPrefix(word, "#") {
			break
		}
		word, negated := strings.CutPrefix(word, "!")
		name := lower(word)
		if name == "all" {
			if seen > 1 || len(l.args) > 0 && l.args[0] != "" && !strings.HasPrefix(l.args[0], "#") {
				return false, l.fail(errors.New(`"all" goes with no other criterion but canonical and final`))
			}
			l.args = nil
			return result && !negated, nil
		}
		seen++
		applies := e.final
		switch name {
		case "final":
			e.wantFinal = e.wantFinal || !negated && !e.final
		case "canonical":
		default:
			var err error
			if applies, err = e.matchOne(l, word, runs && result); err != nil {
				return false, l.fail(err)
			}
		}
		result = result && applies != negated
	}
	l.args = nil
	if seen == 0 {
		return false, l.fail(errors.New("it has no criterion: write Match all for all hosts"))
	}
	return result, nil
}

// matchOne looks at a criterion with an argument.
func (e *evaluation) matchOne(l *line, word string, runs bool) (bool, error) {
	name, argument, joined := strings.Cut(word, "=")
	name = lower(name)
	known, ok := criteria[name]
	if !ok {
		return false, fmt.Errorf("there is no criterion %q", name)
	}
	if !joined {
		if argument, ok = l.next(); !ok {
			return false, fmt.Errorf("its criterion %s lacks an argument", name)
		}
	}
	if argument == "" && name != "tagged" && name != "command" || strings.HasPrefix(argument, "#") {
		return false, fmt.Errorf("its criterion %s lacks an argument", name)
	}
	if name == "exec" {
		return e.run(argument, runs)
	}
	return known(e, argument)
}

func (e *evaluation) sessionType() string {
	switch t := e.settings.Text("sessiontype"); {
	case t == "none" || t == "subsystem":
		return t
	case e.config.Command != "":
		return "exec"
	}
	return "shell"
}

// currentHost returns the name of the host as far as it is known.
func (e *evaluation) currentHost() string {
	s := e.settings
	if v, ok := s.values["hostname"]; ok && !e.final {
		if name, err := expand(v.Words[0], tokens{'h': e.host}, nil); err == nil {
			return name
		}
	}
	return s.host
}

// currentUser returns the name of the user as far as it is known.
func (e *evaluation) currentUser() string {
	if name := e.settings.User(); name != "" {
		return name
	}
	return e.settings.account.Name
}

// currentTokens returns those for Match exec and Include.
func (e *evaluation) currentTokens() tokens {
	s := e.settings
	port := 22
	if n := s.Port(); n > 0 {
		port = n
	}
	t := s.newTokens(e.currentHost(), strconv.Itoa(port), e.currentUser(), e.jumpHost())
	t['k'] = t['h']
	if alias := s.Text("hostkeyalias"); alias != "" {
		t['k'] = alias
	}
	return t
}

// run has the command of a Match exec run. What is put into it has no sign that
// means anything to a shell (CVE-2023-51385).
func (e *evaluation) run(command string, runs bool) (bool, error) {
	t := e.currentTokens()
	command, err := expand(command, t, nil)
	if err != nil || !runs {
		return false, err
	}
	if e.config.Exec == nil {
		return false, ErrExec
	}
	if err := errors.Join(CheckHost(t['h']), CheckUser(t['r'])); err != nil {
		return false, err
	}
	return e.config.Exec(e.ctx, command)
}

func (e *evaluation) inNetwork(list string) (bool, error) {
	networks, err := pattern.ParseNetworks(list)
	if err != nil {
		return false, err
	}
	addresses := e.config.Addresses
	if addresses == nil {
		addresses = localAddresses
	}
	ours, err := addresses()
	return slices.ContainsFunc(ours, func(a netip.Addr) bool {
		return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return pattern.Contains(n, a) })
	}), err
}

// localAddresses returns the addresses of interfaces that are up.
func localAddresses() ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addresses {
			if network, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(network.IP); ok {
					all = append(all, ip.Unmap())
				}
			}
		}
	}
	return all, nil
}
