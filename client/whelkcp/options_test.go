package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		args string
		get  func(*options) any
		want any
	}{
		{"a b", func(o *options) any { return o.words }, []string{"a", "b"}},
		{"-rp a b c", func(o *options) any { return []bool{o.recursive, o.preserve, o.quiet} }, []bool{true, true, false}},
		{"-q -vv a b", func(o *options) any { return []any{o.quiet, o.verbose} }, []any{true, 2}},
		{"-P 2222 a b", func(o *options) any { return o.said }, []sshconfig.Option{{Keyword: "Port", Value: "2222", Literal: true}}},
		{"-P2222 a b", func(o *options) any { return o.said }, []sshconfig.Option{{Keyword: "Port", Value: "2222", Literal: true}}},
		{"-rPp a b c", func(o *options) any { return o.said }, []sshconfig.Option{{Keyword: "Port", Value: "p", Literal: true}}},
		{"-i key -J jump a b", func(o *options) any { return len(o.said) }, 2},
		{"-o Port=3 a b", func(o *options) any { return o.said }, []sshconfig.Option{{Keyword: "Port", Value: "3"}}},
		{"-C a b", func(o *options) any { return o.stronger }, []sshconfig.Option{{Keyword: "Compression", Value: "yes", Literal: true}}},
		{"-4 -6 a b", func(o *options) any { return o.stronger[0].Value }, "inet6"},
		{"-B -A -s -T a b", func(o *options) any { return len(o.stronger) }, 2},
		{"-R a b", func(o *options) any { return o.direct }, true},
		{"-R -3 a b", func(o *options) any { return o.direct }, false},
		{"-l 8 a b", func(o *options) any { return o.limit }, int64(1024)},
		{"-F file -D server -X nrequests=9 a b", func(o *options) any { return []string{o.configFile, o.server} }, []string{"file", "server"}},
		{"-- -a b", func(o *options) any { return o.words }, []string{"-a", "b"}},
		{"- b", func(o *options) any { return o.words }, []string{"-", "b"}},
	} {
		o, err := parseOptions(strings.Fields(test.args))
		require.NoError(t, err, test.args)
		require.Equal(t, test.want, test.get(o), test.args)
	}
	for args, want := range map[string]string{
		"": "usage", "a": "usage", "-r a": "usage", "-z a b": "-z", "-O a b": "-O", "-S ssh a b": "-S", "-P": "needs a value",
		"-l 0 a b": "-l", "-l many a b": "-l", "-o = a b": "-o", "-é a b": "unknown",
	} {
		_, err := parseOptions(strings.Fields(args))
		require.ErrorContains(t, err, want, args)
	}
}

func TestLocations(t *testing.T) {
	for text, want := range map[string]location{
		"file":                       {"", "file"},
		"/etc/passwd":                {"", "/etc/passwd"},
		"./a:b":                      {"", "./a:b"},
		"/a:b":                       {"", "/a:b"},
		":file":                      {"", ":file"},
		"host:":                      {"host", "."},
		"host:file":                  {"host", "file"},
		"host:/a:b":                  {"host", "/a:b"},
		"alice@host:dir/":            {"alice@host", "dir/"},
		"[::1]:file":                 {"[::1]", "file"},
		"alice@[fe80::1%eth0]:x":     {"alice@[fe80::1%eth0]", "x"},
		"scp://host/file":            {"ssh://host", "file"},
		"scp://alice@host:2222//etc": {"ssh://alice@host:2222", "/etc"},
		"scp://host":                 {"ssh://host", "."},
		"":                           {"", ""},
	} {
		got, err := parseLocation(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"-oProxyCommand=x:file", "a b:file", "scp://host:port/file", "scp:///file", "@host:x", "$(id):x"} {
		_, err := parseLocation(text)
		require.Error(t, err, text)
	}
	require.Equal(t, "host:file", location{"host", "file"}.String())
	require.Equal(t, "file", location{"", "file"}.String())
}

// CVE-2026-59995, CVE-2026-59996: what a source is called in a directory leads
// nowhere else.
func TestInside(t *testing.T) {
	for source, want := range map[string]string{
		"file": "file", "a/b": "b", "a/b/": "b", "..": ".", "a/..": ".", ".": ".", "/": ".", "": ".",
	} {
		require.Equal(t, want, inside(source), source)
	}
	for _, test := range []struct {
		t      target
		source string
		want   string
	}{
		{target{location{"", "dir"}, nil, true}, "x/file", "dir/file"},
		{target{location{"", "dir"}, nil, true}, "..", "dir"},
		{target{location{"", "name"}, nil, false}, "x/file", "name"},
		{target{location{"host", "dir/"}, nil, true}, "file", "dir/file"},
		{target{location{"host", "/"}, nil, true}, "file", "/file"},
	} {
		require.Equal(t, test.want, test.t.in(test.source))
	}
}
