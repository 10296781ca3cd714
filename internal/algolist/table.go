package algolist

import (
	"slices"
	"strings"

	"github.com/whelk-ssh/whelk/internal/pattern"
)

// A table is the algorithms of one kind, each list in order of preference.
type table[T any] struct {
	what  string // one of them is called
	topic string // by which "whelk -Q" lists them
	name  func(T) string

	byDefault []T
	optional  []T
	insecure  []T
}

func (t *table[T]) all() []T { return slices.Concat(t.byDefault, t.optional, t.insecure) }

func (t *table[T]) names(list []T) []string {
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = t.name(a)
	}
	return names
}

// The signs that a name may stand behind.
const signs = "+-^"

// parse applies list to the defaults of t.
func (t *table[T]) parse(list string) ([]T, error) {
	var chosen, front []T
	if list != "" && strings.IndexByte(signs, list[0]) >= 0 {
		chosen = slices.Clone(t.byDefault)
	}
	sign := byte('+')
	for name := range strings.SplitSeq(list, ",") {
		if name != "" && strings.IndexByte(signs, name[0]) >= 0 {
			sign, name = name[0], name[1:]
		}
		meant, err := t.find(name, sign)
		if err != nil {
			return nil, err
		}
		switch sign {
		case '+':
			chosen = append(chosen, t.without(meant, front, chosen)...)
		case '-':
			chosen, front = t.without(chosen, meant), t.without(front, meant)
		case '^':
			meant = t.without(meant, front)
			chosen, front = t.without(chosen, meant), append(front, meant...)
		}
	}
	if chosen = append(front, chosen...); len(chosen) == 0 {
		return nil, &Error{What: t.what, List: list, Topic: t.topic}
	}
	return chosen, nil
}

// find returns the algorithms that a name behind a sign means.
func (t *table[T]) find(name string, sign byte) ([]T, error) {
	from := t.all()
	open := strings.ContainsAny(name, "*?")
	if open && sign != '-' {
		from = slices.Concat(t.byDefault, t.optional)
	}
	meant := slices.DeleteFunc(from, func(a T) bool { return !pattern.Match(name, t.name(a)) })
	if len(meant) == 0 && !(open && sign == '-') {
		return nil, &Error{What: t.what, Name: name, Nearest: t.nearest(name), Topic: t.topic}
	}
	return meant, nil
}

// nearest returns what comes nearest to a name that there is not. Whoever has
// only begun the name of something sound is not sent to what is insecure.
func (t *table[T]) nearest(name string) string {
	begun := t.names(slices.Concat(t.byDefault, t.optional))
	begun = slices.DeleteFunc(begun, func(full string) bool { return !strings.HasPrefix(full, name) })
	if len(begun) > 0 {
		return Nearest(name, begun)
	}
	return Nearest(name, t.names(t.all()))
}

// without returns a list of those that are in none of the others.
func (t *table[T]) without(list []T, others ...[]T) []T {
	names := t.names(slices.Concat(others...))
	return slices.DeleteFunc(slices.Clone(list), func(a T) bool { return slices.Contains(names, t.name(a)) })
}
