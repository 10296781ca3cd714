package algolist

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/kex/curve448"
	"github.com/whelk-ssh/whelk/mac"
)

// An Error reports a list that cannot be used.
type Error struct {
	What  string   // "cipher", "MAC", "key exchange method", "signature algorithm"
	Name  string   // the name nothing implements; "" if the list leaves nothing
	List  string   // as given
	Known []string // what there is
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("list %q leaves no %s; there are %s", e.List, e.What, strings.Join(e.Known, ","))
	}
	return fmt.Sprintf("no %s is called %q; there are %s", e.What, e.Name, strings.Join(e.Known, ","))
}

// Ciphers returns the modes that list asks for.
func Ciphers(list string) ([]cipher.Mode, error) {
	return parse("cipher", list, table[cipher.Mode]{
		cipher.Default(), cipher.Insecure(), func(m cipher.Mode) string { return m.Name }})
}

// MACs returns the message authentication codes that list asks for.
func MACs(list string) ([]mac.Algorithm, error) {
	return parse("MAC", list, table[mac.Algorithm]{
		mac.Default(), mac.Insecure(), func(a mac.Algorithm) string { return a.Name }})
}

// KeyExchanges returns the key exchange methods that list asks for on a client.
func KeyExchanges(list string) ([]kex.Method, error) {
	return keyExchanges(list, kex.Default())
}

// ServerKeyExchanges returns the key exchange methods that list asks for on a
// server, which has fewer by default.
func ServerKeyExchanges(list string) ([]kex.Method, error) {
	return keyExchanges(list, kex.DefaultServer())
}

func keyExchanges(list string, byDefault []kex.Method) ([]kex.Method, error) {
	name := func(m kex.Method) string { return m.Name() }
	others := slices.DeleteFunc(AllKeyExchanges(), func(m kex.Method) bool {
		return slices.ContainsFunc(byDefault, func(d kex.Method) bool { return d.Name() == m.Name() })
	})
	return parse("key exchange method", list, table[kex.Method]{byDefault, others, name})
}

// AllKeyExchanges returns every method there is, those of sub-packages of kex
// included.
func AllKeyExchanges() []kex.Method {
	return slices.Concat(kex.Default(), kex.Optional(), []kex.Method{curve448.Method()}, kex.Insecure())
}

// Signatures returns the names of the signature algorithms that list asks for,
// for host keys and for those of users.
func Signatures(list string) ([]string, error) {
	return parse("signature algorithm", list, table[string]{
		hostkey.Default(), nil, func(name string) string { return name }})
}

// A table is the algorithms of one kind.
type table[T any] struct {
	byDefault []T
	others    []T
	name      func(T) string
}

func (t *table[T]) find(name string) (T, bool) {
	for _, a := range append(slices.Clone(t.byDefault), t.others...) {
		if t.name(a) == name {
			return a, true
		}
	}
	var none T
	return none, false
}

func (t *table[T]) names() (names []string) {
	for _, a := range append(slices.Clone(t.byDefault), t.others...) {
		names = append(names, t.name(a))
	}
	return names
}

// parse applies list to the defaults of t.
func parse[T any](what, list string, t table[T]) ([]T, error) {
	var chosen, front []T
	if strings.ContainsRune("+-^", firstRune(list)) {
		chosen = slices.Clone(t.byDefault)
	}
	sign := byte('+')
	for name := range strings.SplitSeq(list, ",") {
		if name != "" && strings.IndexByte("+-^", name[0]) >= 0 {
			sign, name = name[0], name[1:]
		}
		a, known := t.find(name)
		if !known && (sign != '-' || !strings.ContainsAny(name, "*?")) {
			return nil, &Error{What: what, Name: name, List: list, Known: t.names()}
		}
		matches := func(a T) bool { return match(name, t.name(a)) }
		if sign == '+' {
			if !slices.ContainsFunc(append(slices.Clone(front), chosen...), matches) {
				chosen = append(chosen, a)
			}
			continue
		}
		chosen = slices.DeleteFunc(chosen, matches)
		front = slices.DeleteFunc(front, matches)
		if sign == '^' {
			front = append(front, a)
		}
	}
	if chosen = append(front, chosen...); len(chosen) == 0 {
		return nil, &Error{What: what, List: list, Known: t.names()}
	}
	return chosen, nil
}

// firstRune returns the first character of s, or one that is no sign.
func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return ' '
}

// match reports whether name is what pattern describes: "*" stands for any
// characters and "?" for one. It takes time in proportion to the product of their lengths at most.
func match(pattern, name string) bool {
	star, mark := -1, 0 // where the last "*" is, and how far it reaches
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			mark++
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
