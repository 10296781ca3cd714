package knownhosts

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/whelk-ssh/whelk/hostkey"
)

// What a [*KeyError] is, for errors.Is.
var (
	ErrUnknown = errors.New("knownhosts: the host is not known")
	ErrChanged = errors.New("knownhosts: the host is known by another key")
	ErrRevoked = errors.New("knownhosts: the key is revoked")
)

// A KeyError reports a host key that was not accepted, or not without a
// warning. It is one of [ErrUnknown], [ErrChanged] and [ErrRevoked].
type KeyError struct {
	Host    string            // as the files have it: a name, or [name]:port
	Key     hostkey.PublicKey // as presented
	Want    []KnownKey        // the keys the host is known by; none if it is unknown
	Revoked *KnownKey         // what revokes Key, or nil
	Files   []string          // where the host was looked for
}

// Is reports whether target is the kind of e.
func (e *KeyError) Is(target error) bool {
	switch {
	case e.Revoked != nil:
		return target == ErrRevoked
	case len(e.Want) > 0:
		return target == ErrChanged
	}
	return target == ErrUnknown
}

// Error says what the host presented, what the files have, and what to do.
func (e *KeyError) Error() string {
	key := e.Key.Type() + " key " + hostkey.Fingerprint(e.Key)
	switch {
	case e.Revoked != nil:
		return fmt.Sprintf("knownhosts: %q presented the %s, which %s:%d revokes: do not connect",
			e.Host, key, e.Revoked.File, e.Revoked.Line)
	case len(e.Want) > 0:
		return fmt.Sprintf("knownhosts: %q presented the %s, but is known by %s: somebody may be intercepting the connection; "+
			"if the host did change its key, forget the old one with `%s`", e.Host, key, e.want(), e.removal())
	}
	where := "any known_hosts file"
	if len(e.Files) > 0 {
		where = strings.Join(e.Files, ", ")
	}
	return fmt.Sprintf("knownhosts: %q presented the %s and is not in %s: "+
		"compare the fingerprint with one from a source you trust, and add the key", e.Host, key, where)
}

// want lists the keys the host is known by.
func (e *KeyError) want() string {
	keys := make([]string, len(e.Want))
	for i, k := range e.Want {
		keys[i] = fmt.Sprintf("the %s key %s in %s:%d", k.Key.Type(), hostkey.Fingerprint(k.Key), k.File, k.Line)
	}
	return strings.Join(keys, " and ")
}

// removal is the command that forgets the host, for each file that has it.
func (e *KeyError) removal() string {
	var commands []string
	last := ""
	for _, k := range e.Want {
		if k.File != last {
			commands = append(commands, fmt.Sprintf("ssh-keygen -f %s -R %s", shellQuote(k.File), shellQuote(e.Host)))
			last = k.File
		}
	}
	return strings.Join(commands, "; ")
}

// shellQuote returns s as one word of a shell command, with question marks for
// what a terminal might obey.
func shellQuote(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return '?'
		}
		return c
	}, s)
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
