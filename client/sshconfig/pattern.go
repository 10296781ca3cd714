package sshconfig

import "github.com/whelk-ssh/whelk/internal/pattern"

// matchHost reports whether a list of patterns describes the name of a host, whose
// case does not count.
func matchHost(list, host string) bool { return pattern.MatchList(lower(list), lower(host)) }

// lower returns s with the letters of US-ASCII in lower case.
func lower(s string) string { return pattern.Lower(s) }
