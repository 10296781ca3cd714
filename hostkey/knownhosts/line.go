package knownhosts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whelk-ssh/whelk/hostkey"
)

// A marker is what a line says about its key.
type marker string

const (
	noMarker      marker = "" // the key is a host key of the hosts
	revoked       marker = "@revoked"
	certAuthority marker = "@cert-authority"
)

// A line is a line of a known_hosts file whose key has not been looked at.
type line struct {
	marker marker
	hosts  string
	key    string // key format, key and comment
}

// parseLine takes a line apart without its newline. It returns nil for an
// empty line and for a comment.
func parseLine(text string) (*line, error) {
	text = strings.Trim(text, " \t\r\n")
	if text == "" || text[0] == '#' {
		return nil, nil
	}
	l := &line{}
	word, rest := cutWord(text)
	if strings.HasPrefix(word, "@") {
		l.marker = marker(word)
		if l.marker != revoked && l.marker != certAuthority {
			return nil, fmt.Errorf("marker %q is unknown", word)
		}
		// "Only one marker should be used on a key line." (sshd(8))
		if word, rest = cutWord(rest); strings.HasPrefix(word, "@") {
			return nil, errors.New("the line has two markers")
		}
	}
	l.hosts, l.key = word, rest
	if _, key := cutWord(l.key); key == "" {
		return nil, errors.New("the line ends before its key")
	}
	if strings.HasPrefix(l.hosts, "|") {
		if _, _, ok := parseHash(l.hosts); !ok {
			return nil, errors.New("the hashed host name is malformed")
		}
	}
	return l, nil
}

// parseKey returns the key of a line.
func (l *line) parseKey() (hostkey.PublicKey, error) {
	k, err := hostkey.ParseAuthorizedKey([]byte(l.key))
	if err != nil {
		return nil, err
	}
	// The rest of the line is that of an authorized key without options.
	if len(k.Options) > 0 {
		return nil, errors.New("there is something between the hosts and the key")
	}
	return k.Key, nil
}

// cutWord returns the first word of s and what follows it. Words are separated
// by spaces and tabs and nothing else.
func cutWord(s string) (word, rest string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}
