package sshconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/pattern"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/mac"
)

// lists are the keywords whose values are lists of algorithms.
var lists = []string{"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "hostbasedacceptedalgorithms", "pubkeyacceptedalgorithms", "casignaturealgorithms"}

// Names are the names of algorithms of one kind.
type Names struct {
	Default  []string // in order of preference
	Optional []string // beyond those
	Insecure []string // which have to be named, and are not meant by wildcards
}

// Algorithms returns the algorithms of this module that a value of a keyword
// means, or the default if the value is empty.
func Algorithms(keyword, value string) ([]string, error) {
	names := signatures()
	switch canonicalName(keyword) {
	case "ciphers":
		names = Names{Default: modeNames(cipher.Default()), Insecure: modeNames(cipher.Insecure())}
	case "macs":
		names = Names{Default: macNames(mac.Default()), Insecure: macNames(mac.Insecure())}
	case "kexalgorithms":
		names = Names{Default: kexNames(kex.Default()), Optional: kexNames(kex.Optional()), Insecure: kexNames(kex.Insecure())}
	case "casignaturealgorithms":
		certificate := func(name string) bool { return strings.HasSuffix(name, hostkey.CertificateName("")) }
		names.Default = slices.DeleteFunc(names.Default, certificate)
	}
	return names.Choose(value)
}

func signatures() Names {
	return Names{Default: hostkey.Default(), Optional: hostkey.Optional(), Insecure: hostkey.Insecure()}
}

func modeNames(modes []cipher.Mode) (names []string) {
	for _, m := range modes {
		names = append(names, m.Name)
	}
	return names
}

func macNames(algorithms []mac.Algorithm) (names []string) {
	for _, a := range algorithms {
		names = append(names, a.Name)
	}
	return names
}

func kexNames(methods []kex.Method) (names []string) {
	for _, m := range methods {
		names = append(names, m.Name())
	}
	return names
}

// Choose returns what a value of Ciphers and the like means: names in order of
// preference, or behind a sign what is added to the default (+), taken from it
// (-) or comes first in it (^). Names may have wildcards. An empty value is the
// default.
func (n Names) Choose(value string) ([]string, error) {
	if value == "" {
		return slices.Clone(n.Default), nil
	}
	sign, rest := value[0], value[1:]
	var wanted []string
	switch sign {
	case '-':
		left := slices.DeleteFunc(slices.Clone(n.Default), func(name string) bool { return pattern.MatchList(rest, name) })
		return n.some(left, value)
	case '+':
		wanted = slices.Concat(n.Default, strings.Split(rest, ","))
	case '^':
		wanted = slices.Concat(strings.Split(rest, ","), n.Default)
	default:
		wanted = strings.Split(value, ",")
	}
	var chosen []string
	for _, word := range wanted {
		meant, err := n.find(word)
		if err != nil {
			return nil, err
		}
		for _, name := range meant {
			if !slices.Contains(chosen, name) {
				chosen = append(chosen, name)
			}
		}
	}
	return n.some(chosen, value)
}

// find returns the names that a name or pattern means.
func (n Names) find(word string) (meant []string, err error) {
	from := slices.Concat(n.Default, n.Optional)
	if !strings.ContainsAny(word, "*?") {
		from = append(from, n.Insecure...)
	}
	for _, name := range from {
		if pattern.Match(word, name) {
			meant = append(meant, name)
		}
	}
	if len(meant) == 0 || strings.HasPrefix(word, "!") {
		return nil, fmt.Errorf("no algorithm is called %.64q: leave it out", word)
	}
	return meant, nil
}

func (n Names) some(chosen []string, value string) ([]string, error) {
	if len(chosen) == 0 {
		return nil, fmt.Errorf("%.64q leaves no algorithm", value)
	}
	return chosen, nil
}

// chooseAlgorithms puts the algorithms that are meant in place of each list.
func (e *evaluation) chooseAlgorithms() error {
	for _, name := range lists {
		v := e.settings.values[name]
		chosen, err := e.config.Algorithms(name, strings.Join(v.Words, ""))
		if err != nil {
			return e.settings.fail(name, err)
		}
		e.settings.values[name] = Value{Words: []string{strings.Join(chosen, ",")}, At: v.At, given: strings.Join(v.Words, "")}
	}
	return nil
}
