//go:build unix

package main

import (
	"fmt"
	"strings"
)

// Tokens that a keyword expands (sshd_config(5), TOKENS), besides %%.
const (
	fileTokens = "hUu"
	keyTokens  = "CDfhktUu"
	nameTokens = "CDFfhiKksTtUu"
)

// expand replaces the tokens in s.
func expand(s string, values map[byte]string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if after == "" {
			return "", fmt.Errorf("%q ends with %%: write %%%% for one", s)
		}
		value, ok := values[after[0]]
		switch {
		case after[0] == '%':
			value = "%"
		case !ok:
			return "", fmt.Errorf("%%%c is not known here", after[0])
		}
		b.WriteString(value)
		s = after[1:]
	}
}

// checkTokens finds tokens that are not among those known.
func checkTokens(known string, all ...string) error {
	values := make(map[byte]string)
	for i := range len(known) {
		values[known[i]] = ""
	}
	for _, s := range all {
		if _, err := expand(s, values); err != nil {
			return fmt.Errorf("%w; there are %%%% %%%s", err, strings.Join(strings.Split(known, ""), " %"))
		}
	}
	return nil
}
