//go:build unix

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/whelk-ssh/whelk/server"
)

// file takes the name of a file, or none. It is relative to the working
// directory.
func file(field func(*options) *string) func(*options, *server.ConfigLine) error {
	return one(func(o *options, v string) (err error) {
		*field(o), err = absolute(v)
		return err
	})
}

func absolute(v string) (string, error) {
	if v = unlessNone(v); v == "" {
		return "", nil
	}
	return filepath.Abs(v)
}

// appendPath adds a file, unless it is none.
func appendPath(paths *[]string, v string) error {
	path, err := absolute(v)
	if path != "" {
		*paths = append(*paths, path)
	}
	return err
}

// patterns adds names of users or groups.
func patterns(field *[]string, v []string) error {
	for _, pattern := range v {
		if pattern == "" {
			return errors.New("it has an empty pattern")
		}
	}
	*field = append(*field, v...)
	return (&server.Access{DenyUsers: *field}).Validate()
}

// setCompression takes yes and delayed, which are the same: nothing is
// decompressed for who has not authenticated.
func setCompression(o *options, v string) error {
	wanted := strings.EqualFold(v, "delayed")
	if !wanted {
		var err error
		if wanted, err = yesNo(v); err != nil {
			return fmt.Errorf("%q is none of yes, delayed, no", v)
		}
	}
	o.transport.Compression = nil
	if wanted {
		o.transport.Compression = []string{"none", "zlib@openssh.com"}
	}
	return nil
}

func setAuthorizedKeys(o *options, v []string) error {
	o.authorizedKeys = nil
	if len(v) == 1 && unlessNone(v[0]) == "" {
		return nil
	}
	o.authorizedKeys = v
	return checkTokens(fileTokens, v...)
}

func setLogLevel(o *options, v string) error {
	l := logging{name: strings.ToUpper(v)}
	switch l.name {
	case "QUIET":
		l.level = silent
	case "FATAL", "ERROR":
		l.level = slog.LevelError
	case "INFO", "VERBOSE":
		l.level = slog.LevelInfo
	case "DEBUG", "DEBUG1":
		l.name, l.level = "DEBUG", slog.LevelDebug
	case "DEBUG2", "DEBUG3":
		l.level, l.packets = slog.LevelDebug, true
	default:
		return fmt.Errorf("%q is none of QUIET FATAL ERROR INFO VERBOSE DEBUG DEBUG1 DEBUG2 DEBUG3", v)
	}
	o.logging = l
	return nil
}

// more is what each -v does.
func (l *logging) more() {
	switch {
	case l.level > slog.LevelDebug:
		l.name, l.level = "DEBUG", slog.LevelDebug
	case !l.packets:
		l.name, l.packets = "DEBUG2", true
	}
}

func setLoginGraceTime(o *options, v string) (err error) {
	o.loginGrace, err = parseDuration(v)
	if err == nil && o.loginGrace == 0 {
		o.loginGrace = forever
	}
	return err
}

func setUnusedTimeout(o *options, v string) (err error) {
	if unlessNone(v) == "" {
		o.unused = 0
		return nil
	}
	o.unused, err = parseDuration(v)
	return err
}

// setMaxStartups reads start:rate:full or full.
func setMaxStartups(o *options, v string) error {
	var numbers []int
	for field := range strings.SplitSeq(v, ":") {
		n, err := positive(field)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	s := &o.startups
	switch {
	case len(numbers) == 1:
		s.Start, s.Percent, s.Full = numbers[0], 100, numbers[0]
	case len(numbers) == 3 && numbers[1] <= 100 && numbers[0] <= numbers[2]:
		s.Start, s.Percent, s.Full = numbers[0], numbers[1], numbers[2]
	default:
		return fmt.Errorf("%q is neither start:rate:full nor a number", v)
	}
	return nil
}

func setPerSource(o *options, v string) (err error) {
	if unlessNone(v) == "" {
		o.startups.PerSource = -1
		return nil
	}
	o.startups.PerSource, err = positive(v)
	return err
}

// setSubsystem reads a name and a command. Its words have lost their quotes, and
// are put together with single spaces, as with sshd.
func setSubsystem(o *options, v []string) error {
	name := v[0]
	if len(v) == 1 {
		return errors.New("it has a name and no command")
	}
	if err := checkSubsystem(strings.Join(v[1:], " ")); err != nil {
		return err
	}
	if _, ok := o.subsystems[name]; ok {
		return fmt.Errorf("subsystem %q is there twice", name)
	}
	o.subsystems[name] = strings.Join(v[1:], " ")
	return nil
}

func setRekeyLimit(o *options, v []string) (err error) {
	o.transport.Rekey.Bytes, o.transport.Rekey.Interval, err = parseRekeyLimit(v)
	return err
}

// setSetEnv reads NAME=value words, of which the first with a name counts.
func setSetEnv(o *options, v []string) error {
	o.session.setEnv = nil
	for _, variable := range v {
		name, _, ok := strings.Cut(variable, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not of the form NAME=value", variable)
		}
		if !slices.ContainsFunc(o.session.setEnv, func(other string) bool { return strings.HasPrefix(other, name+"=") }) {
			o.session.setEnv = append(o.session.setEnv, variable)
		}
	}
	return nil
}

// software is how whelk calls itself in its version (RFC 4253, section 4.2).
const software = "Whelk_0.1"

// maxAddendum is what is left of a version line (RFC 4253, section 4.2: "The
// maximum length of the string is 255 characters").
const maxAddendum = 255 - len("SSH-2.0-"+software+" \r\n")

// setAddendum takes what stands behind a space in the version.
func (o *options) setAddendum(v string) error {
	v = unlessNone(v)
	if len(v) > maxAddendum || strings.ContainsFunc(v, func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsPrint(c) }) {
		return fmt.Errorf("%q is not up to %d characters of US-ASCII", v, maxAddendum)
	}
	o.addendum, o.transport.Software = v, ""
	if v != "" {
		o.transport.Software = software + " " + v
	}
	return nil
}

// rootModes are the values of PermitRootLogin, and what they are called.
var rootModes = map[string]string{
	"yes": "", "no": "no", "prohibit-password": "without-password", "without-password": "without-password",
}

func setRootMode(o *options, v string) error {
	mode, ok := rootModes[strings.ToLower(v)]
	if !ok {
		return fmt.Errorf("%q is none of yes, prohibit-password, no", v)
	}
	o.rootMode = mode
	return nil
}

// setIgnoreRhosts takes what leaves the user's own files out, and for sshd a
// word that does so in part: here they are never called .rhosts.
func setIgnoreRhosts(o *options, v string) (err error) {
	if strings.EqualFold(v, "shosts-only") {
		o.methods.ignoreTrusted = false
		return nil
	}
	o.methods.ignoreTrusted, err = yesNo(v)
	return err
}
