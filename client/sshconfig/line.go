package sshconfig

import "strings"

const blanks = " \t\r\n"

// A line is a keyword and its arguments.
type line struct {
	at      Position
	keyword string // in lower case
	written string // as it is written
	rest    string // behind the keyword, as it is written
	args    []string
	user    bool // of a user's file, or an option
	env     func(name string) (string, bool)
}

// next returns the next argument, which may be empty.
func (l *line) next() (string, bool) {
	if len(l.args) == 0 {
		return "", false
	}
	word := l.args[0]
	l.args = l.args[1:]
	return word, true
}

// word returns the next argument, which must not be empty.
func (l *line) word() (string, error) {
	word, ok := l.next()
	if !ok || word == "" {
		return "", errNoValue
	}
	return word, nil
}

// all returns the arguments that are left, none of which may be empty.
func (l *line) all() ([]string, error) {
	words := l.args
	l.args = nil
	for _, word := range words {
		if word == "" {
			return nil, errNoValue
		}
	}
	if len(words) == 0 {
		return nil, errNoValue
	}
	return words, nil
}

// raw returns all that stands behind the keyword, quotation marks included.
func (l *line) raw() string {
	l.args = nil
	return strings.TrimLeft(l.rest, blanks+"=")
}

func (l *line) fail(err error) error {
	return &Error{At: l.at, Keyword: l.written, Err: err}
}

// cutKeyword takes the keyword off a line of a file. It is empty if the line is,
// or is a comment.
func cutKeyword(text string) (keyword, rest string) {
	text = strings.TrimRight(text, blanks+"\f")
	keyword, rest, ok := cutWord(text)
	if ok && keyword == "" { // blanks in front
		keyword, rest, ok = cutWord(rest)
	}
	if !ok || keyword == "" || keyword[0] == '#' {
		return "", ""
	}
	return keyword, strings.TrimLeft(rest, blanks)
}

// cutWord cuts text at the first blank, quotation mark or equals sign. A word in
// quotation marks goes up to the second of them, and is none if that is missing.
func cutWord(text string) (word, rest string, ok bool) {
	i := strings.IndexAny(text, blanks+`"=`)
	if i < 0 {
		return text, "", true
	}
	if text[i] == '"' {
		inside, rest, found := strings.Cut(text[i+1:], `"`)
		return text[:i] + inside, strings.TrimLeft(rest, blanks), found
	}
	word, rest = text[:i], strings.TrimLeft(text[i+1:], blanks)
	if text[i] != '=' && strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], blanks)
	}
	return word, rest, true
}

// Split takes words apart as a file of configuration has them.
func Split(text string) ([]string, error) { return split(text) }

// split takes arguments apart at blanks, up to a word that begins with "#".
// Single and double quotation marks keep blanks together; a backslash takes the
// meaning from these marks, from itself, and outside of marks from a blank.
func split(text string) ([]string, error) {
	var words []string
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' || text[i] == '\t' {
			continue
		}
		if text[i] == '#' {
			break
		}
		word, n, err := splitWord(text[i:])
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i += n
	}
	return words, nil
}

// splitWord returns the word that text begins with, and its length in text.
func splitWord(text string) (word string, n int, err error) {
	var b strings.Builder
	var quote byte
	for ; n < len(text); n++ {
		c := text[n]
		switch {
		case c == '\\' && n+1 < len(text) && escapable(text[n+1], quote):
			n++
			b.WriteByte(text[n])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), n, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, errQuotes
	}
	return b.String(), n, nil
}

func escapable(c, quote byte) bool {
	return c == '\'' || c == '"' || c == '\\' || c == ' ' && quote == 0
}
