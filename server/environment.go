package server

import "strings"

// What a session takes of a client's environment variables.
const (
	maxVariables   = 64
	maxEnvironment = 4 << 10 // bytes, of names, values and what lies between
)

// An environment is the variables that a client has set, each "NAME=value".
type environment struct {
	variables []string
	size      int
}

// set adds a variable if one of accepted admits its name. Of two with the same
// name the later counts, as in os/exec.
func (e *environment) set(accepted []string, name, value string) bool {
	if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) || !admits(accepted, name) {
		return false
	}
	variable := name + "=" + value
	size := e.size + len(variable) + 1
	if len(e.variables) >= maxVariables || size > maxEnvironment {
		return false
	}
	e.size = size
	e.variables = append(e.variables, variable)
	return true
}

// add adds a variable "NAME=value".
func (e *environment) add(accepted []string, variable string) bool {
	name, value, ok := strings.Cut(variable, "=")
	return ok && e.set(accepted, name, value)
}

// String returns a line for each variable, the form of
// [github.com/whelk-ssh/whelk/hostkey.Environment].
func (e *environment) String() string { return strings.Join(e.variables, "\n") }

// admits reports whether one of patterns is name, or is a beginning of it and
// ends with "*".
func admits(patterns []string, name string) bool {
	for _, p := range patterns {
		prefix, open := strings.CutSuffix(p, "*")
		if p == name || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
