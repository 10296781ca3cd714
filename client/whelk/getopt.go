package main

import (
	"fmt"
	"strings"
)

// A scanner takes a command line apart as getopt(3) does: flags of one letter
// may be bundled, and what follows a flag that takes a value, in the same word
// or the next, is its value.
type scanner struct {
	args    []string
	bundled string // letters left of a word
}

// next returns the next flag, or 0 in front of a word that is none. flags
// lists the letters known, each with a colon behind it if it takes a value.
func (s *scanner) next(flags string) (flag byte, value string, err error) {
	if s.bundled == "" {
		if len(s.args) == 0 || len(s.args[0]) < 2 || s.args[0][0] != '-' {
			return 0, "", nil
		}
		word := s.args[0]
		s.args = s.args[1:]
		if word == "--" {
			return 0, "", nil
		}
		s.bundled = word[1:]
	}
	flag = s.bundled[0]
	s.bundled = s.bundled[1:]
	i := strings.IndexByte(flags, flag)
	if i < 0 || flag == ':' {
		if flag == '-' {
			return 0, "", fmt.Errorf("unknown flag --%s: the flags are those of ssh(1), of one letter each", s.bundled)
		}
		return 0, "", fmt.Errorf("unknown flag -%c: the flags are those of ssh(1)", flag)
	}
	if i+1 == len(flags) || flags[i+1] != ':' {
		return flag, "", nil
	}
	value, s.bundled = s.bundled, ""
	if value == "" {
		if len(s.args) == 0 {
			return 0, "", fmt.Errorf("flag -%c needs a value", flag)
		}
		value, s.args = s.args[0], s.args[1:]
	}
	return flag, value, nil
}

// word returns the next word, flag or not.
func (s *scanner) word() (string, bool) {
	if len(s.args) == 0 {
		return "", false
	}
	word := s.args[0]
	s.args = s.args[1:]
	return word, true
}
