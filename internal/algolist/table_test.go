package algolist

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// letters is a table of a, b and c by default, x and y besides, and z.
func letters() *table[string] {
	return &table[string]{
		what: "letter", topic: "letters", name: func(name string) string { return name },
		byDefault: []string{"a", "b", "c"}, optional: []string{"x", "y"}, insecure: []string{"z", "z9"},
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, list, want string }{
		{"a plain list replaces", "c,a", "c a"},
		{"a plain list may name what is off by default", "y,b", "y b"},
		{"a plain list may name what is insecure", "z,b", "z b"},
		{"ssh_config(5): + appends to the default set", "+x", "a b c x"},
		{"+ holds for what follows", "+x,y", "a b c x y"},
		{"+ of what is there changes nothing", "+b", "a b c"},
		{"ssh_config(5): - removes from the default set", "-b", "a c"},
		{"- holds for what follows", "-a,b", "c"},
		{"- of what is off already", "-x", "a b c"},
		{"- with a wildcard", "-?", ""},
		{"- with a wildcard that fits nothing", "-*-cbc", "a b c"},
		{"ssh_config(5): ^ places at the head", "^c", "c a b"},
		{"^ keeps its own order", "^c,x", "c x a b"},
		{"^ twice", "^c,^c", "c a b"},
		{"signs may change", "+x,-a,^c", "c b x"},
		{"a name twice", "a,b,a", "a b"},
		{"a head that is taken away again", "^c,-c", "a b"},
		{"a head that is added", "^c,+c", "c a b"},
		{"a name after a plain one", "a,+x", "a x"},
		{"a wildcard adds, in order of preference", "+?", "a b c x y"},
		{"a wildcard at the head", "^x,*", "x a b c y"},
		{"a wildcard names", "y,*", "y a b c x"},
		{"a wildcard does not name what is insecure", "*", "a b c x y"},
		{"a wildcard takes away what is insecure", "z,a,-z*", "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := letters().parse(test.list)
			if test.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, list, bad, nearest string }{
		{"nothing", "", "", "a"},
		{"a misspelled name", "a,bb", "bb", "b"},
		{"a misspelled name to add", "+xx", "xx", "x"},
		{"a misspelled name to take away would leave it on", "-aa", "aa", "a"},
		{"a misspelled name for the head", "^cc", "cc", "c"},
		{"a wildcard that adds nothing", "+*-cbc", "*-cbc", "b"},
		{"a wildcard that fits nothing but what is insecure", "+z*", "z*", "z"},
		{"an empty name", "a,,b", "", "a"},
		{"a sign alone", "+", "", "a"},
		{"a space is part of a name", "a, b", " b", "b"},
		{"text that a terminal would act on", "\x1b[2J", "\x1b[2J", "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := letters().parse(test.list)
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, &Error{What: "letter", Name: test.bad, Nearest: test.nearest, Topic: "letters"}, bad)
			require.NotContains(t, err.Error(), "\x1b")
			require.Contains(t, err.Error(), `"whelk -Q letters" lists all`)
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	_, err := letters().parse("-*")
	require.EqualError(t, err, `list "-*" leaves no letter; "whelk -Q letters" lists all`)
}

func TestParseChangesNoTable(t *testing.T) {
	l := letters()
	_, err := l.parse("-a,+x,^y,-b*,+*")
	require.NoError(t, err)
	require.Equal(t, letters().all(), l.all())
}
