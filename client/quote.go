package client

import "strings"

// Quote returns the words as one line that a POSIX shell splits into the same
// words (POSIX.1-2024, section 2.2 of the Shell Command Language). A server
// hands a command to the user's login shell as it is, so
//
//	c.Command(client.Quote("touch", "--", name))
//
// is how to name a file with blanks or worse. NUL, which no argument can hold,
// is left out.
func Quote(words ...string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		word = strings.ReplaceAll(word, "\x00", "")
		if isPlain(word, i == 0) {
			b.WriteString(word)
			continue
		}
		// Nothing is special between single quotes but the single quote.
		b.WriteByte('\'')
		b.WriteString(strings.ReplaceAll(word, "'", `'\''`))
		b.WriteByte('\'')
	}
	return b.String()
}

// isPlain reports whether a shell takes word for itself. The first word must
// not be a reserved one. A "=" is left to quotes, for it makes an assignment of
// the first word and means a path to some shells.
func isPlain(word string, first bool) bool {
	if word == "" || first && keywords[word] {
		return false
	}
	return strings.IndexFunc(word, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.ContainsRune("-_./,:@%+", c))
	}) < 0
}

// keywords are the reserved words of shells that are made of plain letters.
var keywords = map[string]bool{
	"case": true, "coproc": true, "do": true, "done": true, "elif": true, "else": true, "end": true, "esac": true,
	"fi": true, "for": true, "foreach": true, "function": true, "if": true, "in": true, "namespace": true,
	"nocorrect": true, "repeat": true, "select": true, "then": true, "time": true, "until": true, "while": true,
}
