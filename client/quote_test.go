package client

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuote(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{nil, ""},
		{[]string{"ls", "-l", "/tmp/a_b-c.d,e:f@g%h+i"}, "ls -l /tmp/a_b-c.d,e:f@g%h+i"},
		{[]string{""}, "''"},
		{[]string{"echo", "", "x"}, "echo '' x"},
		{[]string{"touch", "two words"}, "touch 'two words'"},
		{[]string{"echo", "it's"}, `echo 'it'\''s'`},
		{[]string{"A=1", "x"}, "'A=1' x"},
		{[]string{"if", "then"}, "'if' then"},
		{[]string{"a\x00b"}, "ab"},
		{[]string{"~root", "$HOME", "`id`", "*"}, "'~root' '$HOME' '`id`' '*'"},
	} {
		require.Equal(t, test.want, Quote(test.words...))
	}
}

// attacks.md P3: whatever the words are, a shell hands them on unchanged.
func TestQuoteThroughAShell(t *testing.T) {
	words := []string{
		"", " ", "a b", "'", `"`, `\`, "\n", "\t", "$(id)", "`id`", "$HOME", "${IFS}", "*", "?", "[a]", "{a,b}",
		"~", "#x", "!x", "-n", "--", ";", "&", "|", "<", ">", "()", "=x", "a=b", "é", "\xff\xfe", "%s", "'\"'\"'", "\r",
	}
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "ksh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "-c", Quote(append([]string{"printf", `%s\0`}, words...)...)).Output()
		require.NoError(t, err, shell)
		require.Equal(t, words, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), shell)
	}
}
