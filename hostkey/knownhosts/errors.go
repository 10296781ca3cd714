package knownhosts

import (
	"errors"
	"fmt"
	"slices"
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

// ErrDeclined is what a [*KeyError] wraps if Config.Ask did not accept the host.
var ErrDeclined = errors.New("knownhosts: the answer was no")

// A KeyError reports a host key that was not accepted, or not without a
// warning. It is one of [ErrUnknown], [ErrChanged] and [ErrRevoked].
type KeyError struct {
	Host    string            // as the files have it: a name or an address, or [name]:port
	Key     hostkey.PublicKey // as presented; of a certificate that does not count, its key
	Want    []KnownKey        // the keys the host is known by; none if it is unknown
	Revoked *KnownKey         // what revokes Key, or the certificate or its authority; or nil
	Files   []string          // where the host was looked for

	// Revocation is what Config.Revoked says about a key, certificate or
	// authority that it knows, and nil otherwise.
	Revocation error

	// Certificate says why the certificate that was presented does not count;
	// it is nil if a key was presented.
	Certificate error

	// SSHFP is what DNS says about the key of a host that is unknown.
	SSHFP SSHFPAnswer

	Err error // why the host was not accepted as a new one, or nil
}

// Is reports whether target is the kind of e.
func (e *KeyError) Is(target error) bool {
	switch {
	case e.Revoked != nil, e.Revocation != nil:
		return target == ErrRevoked
	case len(e.Want) > 0:
		return target == ErrChanged
	}
	return target == ErrUnknown
}

// Unwrap returns Revocation, Certificate and Err, those there are.
func (e *KeyError) Unwrap() (errs []error) {
	for _, err := range []error{e.Revocation, e.Certificate, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Error says what the host presented, what the files have, and what to do.
func (e *KeyError) Error() string {
	text := fmt.Sprintf("%q presented the %s key %s", e.Host, e.Key.Type(), hostkey.Fingerprint(e.Key))
	if e.Certificate != nil {
		text = uncounted(e.Certificate) + "; without it, " + text
	}
	text = "knownhosts: " + text
	const advice = "do not connect, and ask who runs the host for its key"
	switch {
	case e.Revoked != nil:
		if !hostkey.Equal(e.Revoked.Key, e.Key) {
			text += fmt.Sprintf(" in a certificate that rests on the %s key %s", e.Revoked.Key.Type(), hostkey.Fingerprint(e.Revoked.Key))
		}
		return text + fmt.Sprintf(", which %s:%d revokes: %s", display(e.Revoked.File), e.Revoked.Line, advice)
	case e.Revocation != nil:
		return text + fmt.Sprintf(", which is revoked: %s (%s)", advice, display(strings.TrimPrefix(e.Revocation.Error(), "hostkey: ")))
	case len(e.Want) > 0:
		return text + fmt.Sprintf(", but is known by %s: somebody may be intercepting the connection; "+
			"if the host did change its key, forget the old one with %s", e.want(), e.removal())
	}
	return text + e.unknown()
}

// uncounted says why a certificate does not count, and what to do about it.
func uncounted(err error) string { return strings.TrimPrefix(err.Error(), "hostkey: ") }

// unknown goes on about a host that is not in the files.
func (e *KeyError) unknown() string {
	where := "any known_hosts file"
	if len(e.Files) > 0 {
		where = display(strings.Join(e.Files, ", "))
	}
	text := fmt.Sprintf(" and is not in %s", where)
	switch e.SSHFP {
	case SSHFPMismatch:
		return text + "; DNS has other fingerprints for it: somebody may be intercepting the connection"
	case SSHFPMatch, SSHFPAuthenticated:
		text += fmt.Sprintf(", though DNS has it (%s)", e.SSHFP)
	}
	if errors.Is(e.Err, ErrDeclined) {
		return text + ", and was not accepted"
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%s)", strings.TrimPrefix(e.Err.Error(), "knownhosts: "))
	}
	return text + ": compare the fingerprint with one from a source you trust, and add the key"
}

// want lists the keys the host is known by.
func (e *KeyError) want() string {
	keys := make([]string, len(e.Want))
	for i, k := range e.Want {
		keys[i] = fmt.Sprintf("the %s key %s in %s:%d", k.Key.Type(), hostkey.Fingerprint(k.Key), display(k.File), k.Line)
	}
	return strings.Join(keys, " and ")
}

// removal says how to forget the host, for each file that has it: by a command,
// unless that would take a pattern with it that other hosts are known by.
func (e *KeyError) removal() string {
	var steps []string
	for _, k := range e.Want {
		step := fmt.Sprintf("`ssh-keygen -f %s -R %s`", shellQuote(k.File), shellQuote(e.Host))
		if strings.ContainsAny(k.Hosts, "*?!") {
			step = fmt.Sprintf("an editor, in line %d of %s, which is for other hosts too", k.Line, display(k.File))
		}
		if !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}
	return strings.Join(steps, " and ")
}

// An AddError reports a host that could not be added to a file, for another
// reason than its key.
type AddError struct {
	Host string
	File string // "" if there is none to add to
	Err  error
}

func (e *AddError) Error() string {
	if e.File == "" {
		return fmt.Sprintf("knownhosts: %q is not remembered: %v", e.Host, e.Err)
	}
	return fmt.Sprintf("knownhosts: %q is not remembered in %s: %s", e.Host, display(e.File), strings.TrimPrefix(e.Err.Error(), "knownhosts: "))
}

// Unwrap returns e.Err.
func (e *AddError) Unwrap() error { return e.Err }

// display returns a file's name with question marks for what a terminal might
// obey.
func display(name string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, name)
}

// shellQuote returns s as one word of a shell command.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(display(s), "'", `'\''`) + "'"
}
