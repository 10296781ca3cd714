package sshconfig

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

func readWeakCrypto(l *line) ([]string, error) {
	if len(l.args) > 0 && strings.EqualFold(l.args[0], "no-pq-kex") {
		l.args[0] = "no"
	}
	return readFlag(l)
}

// readObscure takes yes, no or interval:MILLISECONDS.
func readObscure(l *line) ([]string, error) {
	if len(l.args) > 0 {
		if text, ok := strings.CutPrefix(l.args[0], "interval:"); ok {
			l.next()
			n, err := strconv.Atoi(text)
			switch {
			case err != nil || n <= 0 || n > 1000:
				return nil, fmt.Errorf("interval %q is not a number of milliseconds from 1 to 1000", text)
			case n == 20:
				return yes, nil
			}
			return []string{strconv.Itoa(n)}, nil
		}
	}
	return readFlag(l)
}

// readAddendum takes a line up to a comment, or none.
func readAddendum(l *line) ([]string, error) {
	text, _, _ := strings.Cut(l.raw(), "#")
	text = strings.TrimRight(text, blanks)
	if strings.EqualFold(text, "none") {
		text = ""
	}
	return []string{text}, nil
}

// readDomains takes names of domains, or "none" alone.
func readDomains(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	domains := make([]string, len(words))
	for i, word := range words {
		domains[i] = strings.TrimSuffix(lower(word), ".")
		if !validDomain(word) {
			return nil, fmt.Errorf("%q is not the name of a domain", word)
		}
	}
	return domains, alone(domains, "none")
}

// validDomain reports whether name can be that of a domain. Underscores are
// against the rules, and common.
func validDomain(name string) bool {
	if name == "" || name[0] == '.' || name[0] == '-' || strings.Contains(name, "..") {
		return false
	}
	for _, c := range []byte(lower(name)) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// readCNAMEs takes "none", "*", or patterns of names, a colon, and patterns of
// what they may be names for.
func readCNAMEs(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	var rules []string
	for _, word := range words {
		from, to, ok := strings.Cut(lower(word), ":")
		switch {
		case word == "*":
			from, to = "*", "*"
		case strings.EqualFold(word, "none"):
			if len(words) > 1 {
				return nil, alone(words, "none")
			}
			return []string{"none"}, nil
		case !ok || to == "":
			return nil, fmt.Errorf("%q is not of the form FROM:TO", word)
		}
		rules = append(rules, from+":"+to)
	}
	return rules, nil
}

// readEscape takes "none", a character, or ^ and a letter.
func readEscape(l *line) ([]string, error) {
	word, err := l.word()
	switch {
	case err != nil || word == "none" || len(word) == 1:
		return []string{word}, err
	case len(word) == 3 && word[0] == '^' || len(word) != 2 || word[0] != '^' || word[1] < 64 || word[1] > 127:
		return nil, fmt.Errorf("%q is no escape character: write none, one character, or ^ and a letter", word)
	}
	return []string{string(rune(word[1] & 31))}, nil
}

// classes are what the field of the same name may hold in the header of IP.
var classes = map[string]string{
	"0x28": "af11", "0x30": "af12", "0x38": "af13", "0x48": "af21", "0x50": "af22", "0x58": "af23",
	"0x68": "af31", "0x70": "af32", "0x78": "af33", "0x88": "af41", "0x90": "af42", "0x98": "af43",
	"0x00": "cs0", "0x20": "cs1", "0x40": "cs2", "0x60": "cs3", "0x80": "cs4", "0xa0": "cs5", "0xc0": "cs6", "0xe0": "cs7",
	"0xb8": "ef", "0x04": "le", "0xb0": "va",
}

// readQoS takes one class for all sessions, or one for those with a terminal
// and one for the others.
func readQoS(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	if len(words) > 2 {
		return nil, errExtra
	}
	for i, word := range words {
		if words[i], err = class(word); err != nil {
			return nil, err
		}
	}
	return []string{words[0] + " " + words[len(words)-1]}, nil
}

func class(word string) (string, error) {
	switch name := lower(word); name {
	case "none", "lowdelay", "throughput", "reliability": // the latter are the old meanings of the field
		return "none", nil
	default:
		for _, known := range classes {
			if name == known {
				return name, nil
			}
		}
	}
	n, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return "", fmt.Errorf("%q is no class of traffic such as ef, cs1 or none", word)
	}
	hex := fmt.Sprintf("0x%02x", n)
	if name, ok := classes[hex]; ok {
		return name, nil
	}
	return hex, nil
}

// readTunnelDevice takes the numbers of the devices, here and there.
func readTunnelDevice(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	local, remote, ok := strings.Cut(word, ":")
	if !ok {
		remote = "any"
	}
	for _, device := range []*string{&local, &remote} {
		if strings.EqualFold(*device, "any") {
			*device = "any"
		} else if n, err := number(*device); err != nil {
			return nil, fmt.Errorf("%q is not the number of a tunnel device, or any", *device)
		} else {
			*device = strconv.Itoa(n)
		}
	}
	return []string{local + ":" + remote}, nil
}

// readControlPersist takes yes, no or a time.
func readControlPersist(l *line) ([]string, error) {
	word, err := l.word()
	if err != nil {
		return nil, err
	}
	switch word {
	case "yes", "true", "0":
		return yes, nil
	case "no", "false":
		return no, nil
	}
	n, err := seconds(word)
	if n == 0 {
		return yes, err
	}
	return []string{strconv.Itoa(n)}, err
}

// readAddKeys takes yes, no, ask, confirm with or without a time, or a time.
func readAddKeys(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	if len(words) > 2 || len(words) == 2 && !strings.EqualFold(words[0], "confirm") {
		return nil, errExtra
	}
	how, lifetime := "", words[len(words)-1]
	switch lower(words[0]) {
	case "yes", "true", "no", "false", "ask":
		how = map[byte]string{'y': "true", 't': "true", 'n': "false", 'f': "false", 'a': "ask"}[words[0][0]|0x20]
		return []string{how}, nil
	case "confirm":
		if len(words) == 1 {
			return []string{"confirm"}, nil
		}
		how = "confirm "
	}
	n, err := seconds(lifetime)
	if err != nil {
		return nil, fmt.Errorf("%q is none of yes, no, ask, confirm, nor a time such as 1h", lifetime)
	}
	if n == 0 {
		return []string{map[string]string{"": "true", "confirm ": "confirm"}[how]}, nil
	}
	return []string{how + strconv.Itoa(n)}, nil
}

// readChannelTimeout takes "none", or types of channels, each with a time.
func readChannelTimeout(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		kind, interval, ok := strings.Cut(word, "=")
		if strings.EqualFold(word, "none") {
			continue
		}
		if _, err := seconds(interval); !ok || kind == "" || err != nil {
			return nil, fmt.Errorf("%q is not of the form TYPE=TIME", word)
		}
	}
	return words, alone(words, "none")
}

// readPermitOpen takes "any", "none", or hosts, each with a port or "*".
func readPermitOpen(l *line) ([]string, error) {
	words, err := l.all()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"any", "none"} {
		if err := alone(words, name); err != nil {
			return nil, err
		}
		if strings.EqualFold(words[0], name) {
			return words, nil
		}
	}
	for _, word := range words {
		host, service, err := cutPort(word)
		if n, failed := port(service); err != nil || host == "" || service != "*" && (failed != nil || n == 0) {
			return nil, fmt.Errorf("%q is not of the form HOST:PORT", word)
		}
	}
	return words, nil
}

// cutPort cuts host:port or [host]:port, of which the port may be missing.
func cutPort(text string) (host, service string, err error) {
	if inside, ok := strings.CutPrefix(text, "["); ok {
		host, rest, ok := strings.Cut(inside, "]")
		service, colon := strings.CutPrefix(rest, ":")
		if !ok || rest != "" && !colon {
			return "", "", fmt.Errorf("%q is not of the form [HOST]:PORT", text)
		}
		return host, service, nil
	}
	host, service, _ = strings.Cut(text, ":")
	return host, service, nil
}

// isAddress reports whether a name can be an address only.
func isAddress(name string) bool {
	if strings.ContainsAny(name, "%:") || strings.Trim(name, "0123456789.") == "" {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
