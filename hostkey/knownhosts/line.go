package knownhosts

import (
	"encoding/base64"
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

	file   *file
	number int // counted from 1
}

// parseLine takes a line apart. It returns nil for an empty line and for a
// comment.
func parseLine(raw []byte) (*line, error) {
	if len(raw) > maxLine {
		return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
	}
	text := strings.Trim(string(raw), " \t\r\n")
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
func (l *line) parseKey() (KnownKey, error) {
	known := KnownKey{Hosts: l.hosts, File: l.file.path, Line: l.number, system: l.file.system}
	if l.marker == revoked {
		if known.Key = keyOfCertificate(l.key); known.Key != nil {
			return known, nil
		}
	}
	k, err := hostkey.ParseAuthorizedKey([]byte(l.key))
	if err != nil {
		return KnownKey{}, err
	}
	// The rest of the line is that of an authorized key without options.
	if len(k.Options) > 0 {
		return KnownKey{}, errors.New("there is something between the hosts and the key")
	}
	known.Key = k.Key
	return known, nil
}

// keyOfCertificate returns the key in a certificate, or nil if text is anything else.
// Who revokes a certificate means its key: there can be another certificate.
func keyOfCertificate(text string) hostkey.PublicKey {
	_, text = cutWord(text)
	encoded, _ := cutWord(text)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	key, err := hostkey.ParsePublicKey(blob)
	if c, ok := key.(*hostkey.Certificate); ok && err == nil {
		return c.Key
	}
	return nil
}

// isSimple reports whether the hosts of a line are what programs write, a hash
// or a name and perhaps an address, and not patterns that somebody thought up.
func (l *line) isSimple() bool {
	return !strings.ContainsAny(l.hosts, "*?!") && strings.Count(l.hosts, ",") <= 1
}

// cutWord returns the first word of s and what follows it. Words are separated
// by spaces and tabs and nothing else.
func cutWord(s string) (word, rest string) {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}
