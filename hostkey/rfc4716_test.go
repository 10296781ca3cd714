package hostkey_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func TestRFC4716RoundTrip(t *testing.T) {
	for _, s := range testkeys.All() {
		for comment, want := range map[string]string{
			"": "", "a comment": "a comment", "two\nlines": "two lines", `"quoted"`: `"quoted"`, `ends with \`: `ends with \`,
			strings.Repeat("x", 100): strings.Repeat("x", 61), strings.Repeat("é", 100): strings.Repeat("é", 30),
		} {
			file := hostkey.MarshalRFC4716(s.PublicKey(), comment)
			for line := range strings.Lines(string(file)) {
				require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 72, "RFC 4716, section 3.3 and 3.4")
			}
			for _, end := range []string{"\n", "\r\n", "\r"} { // RFC 4716, section 3.1
				k, got, err := hostkey.ParseRFC4716([]byte(strings.ReplaceAll(string(file), "\n", end)))
				require.NoError(t, err)
				require.True(t, hostkey.Equal(s.PublicKey(), k))
				require.Equal(t, want, got)
			}
		}
	}
}

func TestRFC4716Headers(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(testkeys.Ed25519().PublicKey().Marshal())
	body := text[:40] + "\n" + text[40:]
	for name, c := range map[string]struct{ headers, comment string }{
		"none":                        {"", ""},
		"RFC 4716 3.3 without case":   {"COMMENT: hello\n", "hello"},
		"RFC 4716 3.3 unknown":        {"Subject: me\nx-command: rm\nComment: hello\n", "hello"},
		"RFC 4716 3.3 continued":      {"Comment: \"hello, \\\nwor\\\nld\"\n", "hello, world"},
		"RFC 4716 3.3.2 quotes":       {"Comment: \"a \"b\" c\"\n", `a "b" c`},
		"one quote":                   {"Comment: \"\n", `"`},
		"no space":                    {"Comment:hello\n", "hello"},
		"RFC 4716 3.3 a tag of 64":    {strings.Repeat("x", 64) + ": y\n", ""},
		"a colon in the continuation": {"Comment: a\\\nb: c\n", "ab: c"},
	} {
		t.Run(name, func(t *testing.T) {
			k, comment, err := hostkey.ParseRFC4716([]byte("---- BEGIN SSH2 PUBLIC KEY ----\n" + c.headers + body + "\n---- END SSH2 PUBLIC KEY ----\n"))
			require.NoError(t, err)
			require.Equal(t, c.comment, comment)
			require.True(t, hostkey.Equal(testkeys.Ed25519().PublicKey(), k))
		})
	}
}

func TestRFC4716Refuses(t *testing.T) {
	body := base64.StdEncoding.EncodeToString(testkeys.Ed25519().PublicKey().Marshal()) + "\n"
	const begin, end = "---- BEGIN SSH2 PUBLIC KEY ----\n", "---- END SSH2 PUBLIC KEY ----\n"
	for name, c := range map[string]struct{ file, want string }{
		"nothing":              {"", "does not begin"},
		"no marker":            {body, "does not begin"},
		"no end":               {begin + body, "does not end"},
		"an end ahead":         {end + begin + body, "does not end"},
		"no key":               {begin + end, "truncated"},
		"not base64":           {begin + "?" + body + end, "not in base64"},
		"another key format":   {begin + base64.StdEncoding.EncodeToString(blob("ssh-none")) + "\n" + end, `"ssh-none" is not supported`},
		"a tag of 65 bytes":    {begin + strings.Repeat("x", 65) + ": y\n" + body + end, "too long"},
		"a value of 1025":      {begin + "x: " + strings.Repeat("y", 1025) + "\n" + body + end, "too long"},
		"a value of 1025, cut": {begin + "x: " + strings.Repeat("y\\\n", 1025) + "\n" + body + end, "too long"},
		"continued to the end": {begin + "x: y\\\n" + end, "truncated"},
		"G13 64 KiB":           {begin + strings.Repeat("A", 64<<10) + "\n" + end, "larger than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			k, _, err := hostkey.ParseRFC4716([]byte(c.file))
			require.ErrorContains(t, err, c.want)
			require.Nil(t, k)
		})
	}
}
