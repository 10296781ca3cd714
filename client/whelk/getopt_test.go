package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScanner(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want [][2]string // flags and values, and the words behind them
		fail string
	}{
		{"nothing", nil, nil, ""},
		{"a word", []string{"host"}, [][2]string{{"", "host"}}, ""},
		{"one", []string{"-v", "host"}, [][2]string{{"v", ""}, {"", "host"}}, ""},
		{"bundled", []string{"-vvT", "host"}, [][2]string{{"v", ""}, {"v", ""}, {"T", ""}, {"", "host"}}, ""},
		{"value in the same word", []string{"-p2222"}, [][2]string{{"p", "2222"}}, ""},
		{"value in the next word", []string{"-p", "2222"}, [][2]string{{"p", "2222"}}, ""},
		{"bundled, with a value", []string{"-vvTp2222", "h"}, [][2]string{{"v", ""}, {"v", ""}, {"T", ""}, {"p", "2222"}, {"", "h"}}, ""},
		{"a value that looks like a flag", []string{"-p", "-v"}, [][2]string{{"p", "-v"}}, ""},
		{"end of flags", []string{"-v", "--", "-T"}, [][2]string{{"v", ""}, {"", "-T"}}, ""},
		{"a dash", []string{"-"}, [][2]string{{"", "-"}}, ""},
		{"unknown", []string{"-z"}, nil, "unknown flag -z"},
		{"long", []string{"--trace"}, nil, "unknown flag --trace"},
		{"a colon", []string{"-:"}, nil, "unknown flag -:"},
		{"without its value", []string{"-p"}, nil, "needs a value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &scanner{args: test.args}
			var got [][2]string
			for {
				flag, value, err := s.next("vTp:")
				if err != nil {
					require.NotEmpty(t, test.fail, "%v", err)
					require.ErrorContains(t, err, test.fail)
					return
				}
				if flag == 0 {
					break
				}
				got = append(got, [2]string{string(flag), value})
			}
			for word, ok := s.word(); ok; word, ok = s.word() {
				got = append(got, [2]string{"", word})
			}
			require.Empty(t, test.fail)
			require.Equal(t, test.want, got)
		})
	}
}
