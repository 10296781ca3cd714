package sshconfig

import (
	"errors"
	"fmt"
)

// A Position is where something is set. The zero Position is that of a default.
type Position struct {
	File   string
	Line   int  // from 1; 0 for a file as a whole
	Option bool // it is an Option, and in no file
}

// String returns the position as compilers do, file:line.
func (p Position) String() string {
	switch {
	case p.Option:
		return "an option"
	case p.File == "":
		return "the defaults"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// An Error reports configuration that cannot be used.
type Error struct {
	At      Position
	Keyword string // as it is written; "" if it is not about one
	Err     error
}

// Error says where the mistake is, and what it is.
func (e *Error) Error() string {
	text := "sshconfig: "
	if e.At.File != "" {
		text += e.At.String() + ": "
	}
	if e.Keyword != "" {
		text += printable(e.Keyword) + ": "
	}
	return text + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// What an [*Error] may be, for errors.Is.
var (
	ErrUnknownKeyword = errors.New("there is no such keyword: correct it, or name it in IgnoreUnknown")
	ErrExec           = errors.New("it wants a command run, and no command is run here")
	ErrResolver       = errors.New("it wants names looked up, and there is no resolver")
	ErrPermissions    = errors.New("others may write to it: make it yours, and `chmod go-w` it")
	ErrDepth          = errors.New("files include each other more than 16 deep")
	ErrSize           = errors.New("the configuration is too large")
	ErrRefused        = errors.New("RefuseConnection")
	ErrUnresolved     = errors.New("the name is not found in any of CanonicalDomains, and CanonicalizeFallbackLocal is no")
)

var (
	errNoValue = errors.New("there is no value")
	errQuotes  = errors.New("a quotation mark lacks its other half")
	errExtra   = errors.New("there is more behind the value: put one with blanks into quotation marks")
)

// printable returns text as it is, or quoted if a terminal might act on it.
func printable(text string) string {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%q", text)
		}
	}
	return text
}
