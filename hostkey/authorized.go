package hostkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// Bounds of an authorized_keys file. A line that is too long is no line at
// all: cut in two, its second half would be a key without options.
const (
	maxAuthorizedFile = 1 << 20
	maxAuthorizedLine = 16 << 10
)

// An AuthorizedKey is a line of an authorized_keys file:
//
//	[options] key-format base64-key [comment]
//
// (sshd(8), AUTHORIZED_KEYS FILE FORMAT.) A file with a public key, such as
// ssh-keygen writes, is one such line.
type AuthorizedKey struct {
	Options []Option // in order; nearly all of them take rights away
	Key     PublicKey
	Comment string
	Line    int // counted from 1; 0 if not from a file
}

// An Option is an option of an authorized key, as sshd(8) describes them.
type Option struct {
	Name     string // in lower case
	Value    string // without its quotes
	HasValue bool   // whether there is one, which may be empty
}

// Unsupported returns the names of the options of k that are none of known,
// which are in lower case. It is for those who do not go by
// [AuthorizedKey.Restrictions], which knows all of sshd(8). Whoever grants something to the holder of k passes
// the options it enforces, and grants nothing unless the result is empty: an
// option that is not understood may be a restriction.
func (k *AuthorizedKey) Unsupported(known ...string) []string {
	var names []string
	for _, o := range k.Options {
		if !slices.Contains(known, o.Name) {
			names = append(names, o.Name)
		}
	}
	return names
}

// AuthorizedKeys returns the keys of an authorized_keys file in their order. A
// line that is not understood comes as a [*LineError], and the lines after it
// follow. The file may have 1 MiB, and a line 16 KiB: a longer line is skipped
// whole with an error, and a longer file, or one that cannot be read to its
// end, is one error and no keys.
//
// The reader is read to its end before the first key comes; a file that other
// users write to wants a look at what it is before it is opened.
func AuthorizedKeys(r io.Reader) iter.Seq2[*AuthorizedKey, error] {
	return func(yield func(*AuthorizedKey, error) bool) {
		readLines(r, "authorized keys", func(n int, line []byte) bool {
			k, err := ParseAuthorizedKey(line)
			if err == nil {
				k.Line = n
			}
			return yield(k, atLine(n, err))
		}, func(err error) { yield(nil, err) })
	}
}

// readLines reads a file of what to its end and gives each line that is not
// blank to f, until f returns false. A file that is too large, or cannot be
// read, is one call of failed, and none of f.
func readLines(r io.Reader, what string, f func(n int, line []byte) bool, failed func(error)) {
	file, err := io.ReadAll(io.LimitReader(r, maxAuthorizedFile+1))
	if err != nil {
		failed(fmt.Errorf("hostkey: reading %s: %w", what, err))
		return
	}
	if len(file) > maxAuthorizedFile {
		failed(fmt.Errorf("hostkey: a file of %s is larger than %d bytes", what, maxAuthorizedFile))
		return
	}
	n := 0
	for line := range bytes.Lines(file) {
		n++
		if !isBlank(line) && !f(n, line) {
			return
		}
	}
}

// atLine returns a [*LineError] for what is wrong with line n, or nil.
func atLine(n int, err error) error {
	if err == nil {
		return nil
	}
	return &LineError{Line: n, Err: err}
}

// isBlank reports whether a line is empty or a comment.
func isBlank(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	line = bytes.TrimRight(line, "\r\n")
	return len(line) == 0 || line[0] == '#'
}

// ParseAuthorizedKey parses one line, which may end with a newline. An empty
// line and a comment are errors here. The result does not alias line.
func ParseAuthorizedKey(line []byte) (*AuthorizedKey, error) {
	text, err := lineText(line, "authorized keys")
	if err != nil {
		return nil, err
	}
	k := &AuthorizedKey{}
	word, rest := cutWord(text)
	if !isKeyFormat(word, rest) {
		if k.Options, rest, err = parseOptions(text); err != nil {
			return nil, err
		}
		word, rest = cutWord(rest)
	}
	encoded, comment := cutWord(rest)
	if encoded == "" {
		return nil, errors.New("hostkey: a line of authorized keys has no key format and key")
	}
	if k.Key, err = parseKeyText(word, encoded); err != nil {
		return nil, err
	}
	k.Comment = strings.TrimRight(comment, " \t")
	return k, nil
}

// lineText returns a line of a file of what without what ends it.
func lineText(line []byte, what string) (string, error) {
	if len(line) > maxAuthorizedLine {
		return "", fmt.Errorf("hostkey: a line of %s is longer than %d bytes", what, maxAuthorizedLine)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
	// Nothing but a tab: what a terminal or a C program makes of the others is
	// not what is decided upon here.
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return "", fmt.Errorf("hostkey: control character in a line of %s", what)
	}
	return text, nil
}

// cutWord returns the first word of s and what follows it. Nothing but a space
// and a tab separates words: Unicode has others, which sshd does not know.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}

// isKeyFormat reports whether word, the first of a line, is a key format and
// not a list of options: one known here, or one that the key itself gives.
func isKeyFormat(word, rest string) bool {
	if _, ok := findFormat(word, nil); ok {
		return true
	}
	encoded, _ := cutWord(rest)
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	r := wire.NewReader(blob)
	return string(r.Blob()) == word && r.Err() == nil
}

// parseKeyText parses a key as files hold it: its format and the blob in
// base64, whose format has to be the same.
func parseKeyText(keyType, encoded string) (PublicKey, error) {
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("hostkey: the key after %q is not in base64", keyType)
	}
	r := wire.NewReader(blob)
	if inner := r.Blob(); r.Err() == nil && string(inner) != keyType {
		return nil, fmt.Errorf("hostkey: the line says %q and its key %q", keyType, inner)
	}
	return parseKeyInFile(blob)
}

// MarshalAuthorizedKey returns the line of an authorized_keys file for a key
// without options, newline included. Control characters in the comment become
// spaces, so that the result is one line. The caller owns it.
func MarshalAuthorizedKey(key PublicKey, comment string) []byte {
	b := append([]byte(key.Type()), ' ')
	b = base64.StdEncoding.AppendEncode(b, key.Marshal())
	if comment != "" {
		b = append(append(b, ' '), strings.Map(printable, comment)...)
	}
	return append(b, '\n')
}

func printable(c rune) rune {
	if c < ' ' || c == 0x7f {
		return ' '
	}
	return c
}
