package hostkey_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// keyText returns "ssh-ed25519 AAAA...".
func keyText(s hostkey.Signer) string {
	return strings.TrimSpace(string(hostkey.MarshalAuthorizedKey(s.PublicKey(), "")))
}

func option(name string) hostkey.Option { return hostkey.Option{Name: name} }

func value(name, v string) hostkey.Option {
	return hostkey.Option{Name: name, Value: v, HasValue: true}
}

func TestAuthorizedKeyRoundTrip(t *testing.T) {
	for _, s := range testkeys.All() {
		line := hostkey.MarshalAuthorizedKey(s.PublicKey(), "me@here and there")
		k, err := hostkey.ParseAuthorizedKey(line)
		require.NoError(t, err)
		require.True(t, hostkey.Equal(s.PublicKey(), k.Key))
		require.Equal(t, "me@here and there", k.Comment)
		require.Empty(t, k.Options)
		require.Empty(t, k.Unsupported())
		require.Zero(t, k.Line)
	}
}

func TestMarshalAuthorizedKeyIsOneLine(t *testing.T) {
	key := testkeys.Ed25519().PublicKey()
	line := hostkey.MarshalAuthorizedKey(key, "a\nssh-ed25519 AAAA\r\x00\x7fb")
	require.Equal(t, keyText(testkeys.Ed25519())+" a ssh-ed25519 AAAA   b\n", string(line))
}

func TestParseAuthorizedKey(t *testing.T) {
	key := keyText(testkeys.Ed25519())
	for name, c := range map[string]struct {
		line    string
		options []hostkey.Option
		comment string
	}{
		"key only":               {key, nil, ""},
		"CRLF":                   {key + " c\r\n", nil, "c"},
		"CRLF, no comment":       {key + "\r\n", nil, ""},
		"leading space":          {" \t" + key + "\t c \t\n", nil, "c"},
		"many spaces":            {strings.Replace(key, " ", " \t ", 1), nil, ""},
		"comment with an equals": {key + ` a="b c`, nil, `a="b c`},
		"one option":             {"restrict " + key, []hostkey.Option{option("restrict")}, ""},
		"upper case":             {"No-PTY,PTY " + key, []hostkey.Option{option("no-pty"), option("pty")}, ""},
		"empty value":            {`command="" ` + key, []hostkey.Option{value("command", "")}, ""},
		"space in quotes":        {`command="ls -l" ` + key, []hostkey.Option{value("command", "ls -l")}, ""},
		"tab in quotes":          {"command=\"a\tb\" " + key, []hostkey.Option{value("command", "a\tb")}, ""},
		"comma in quotes":        {`from="a,!b",no-pty ` + key, []hostkey.Option{value("from", "a,!b"), option("no-pty")}, ""},
		"escaped quote":          {`command="echo \"a b\"" ` + key, []hostkey.Option{value("command", `echo "a b"`)}, ""},
		"other escapes":          {`command="a\\n\" ` + key + `" ` + key, []hostkey.Option{value("command", `a\\n" `+key)}, ""},
		"repeated": {`environment="A=1",environment="B=2" ` + key,
			[]hostkey.Option{value("environment", "A=1"), value("environment", "B=2")}, ""},
		"key in an option":   {`command="` + key + `" ` + key + " c", []hostkey.Option{value("command", key)}, "c"},
		"unknown option":     {"x-future@example.com " + key, []hostkey.Option{option("x-future@example.com")}, ""},
		"comment like a key": {key + " " + key, nil, key},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := hostkey.ParseAuthorizedKey([]byte(c.line))
			require.NoError(t, err)
			require.Equal(t, c.options, k.Options)
			require.Equal(t, c.comment, k.Comment)
			require.True(t, hostkey.Equal(testkeys.Ed25519().PublicKey(), k.Key))
		})
	}
}

func TestJ9ParseAuthorizedKeyRefuses(t *testing.T) {
	key := keyText(testkeys.Ed25519())
	format, encoded, _ := strings.Cut(key, " ")
	p256 := keyText(testkeys.ECDSA256())
	_, encoded256, _ := strings.Cut(p256, " ")
	for name, line := range map[string]string{
		"nothing":                              "",
		"comment":                              "# " + key,
		"J9 options without key format":        "restrict " + encoded,
		"J9 options only":                      "restrict",
		"J9 options and format":                "restrict " + format,
		"format only":                          format,
		"J7 format is not that of the blob":    format + " " + encoded256,
		"J7 blob is not that of the format":    "ecdsa-sha2-nistp256 " + encoded,
		"J7 no-break space":                    strings.Replace(key, " ", "\u00a0", 1),
		"J9 no-break space after the options":  "restrict\u00a0" + key,
		"J9 no quotes":                         "command=ls " + key,
		"J9 open quotes":                       `command="ls ` + key,
		"J9 quotes that an escape leaves open": `command="ls\" ` + key,
		"J9 single quotes":                     "command='ls' " + key,
		"J9 text after the quotes":             `command="ls"x ` + key,
		"J9 space after the comma":             "no-pty, restrict " + key,
		"J9 empty option":                      "no-pty,,restrict " + key,
		"J9 comma first":                       ",no-pty " + key,
		"J9 comma last":                        "no-pty, " + key,
		"J9 equals first":                      `="x" ` + key,
		"J9 space before the equals":           `command ="x" ` + key,
		"J9 quotes in a name":                  `"restrict" ` + key,
		"J9 byte order mark":                   "\ufeff" + key,
		"J9 byte order mark before options":    "\ufeffrestrict " + key,
		"J9 NUL":                               "restrict\x00 " + key,
		"J9 NUL in the comment":                key + " a\x00b",
		"J9 carriage return inside":            "restrict \r" + key,
		"J9 newline inside":                    "# a\n" + key,
		"J9 vertical tab":                      "restrict\v" + key,
		"J9 longer than 16 KiB":                `command="` + strings.Repeat("x", 16<<10) + `" ` + key,
		"base64 without padding":               "ecdsa-sha2-nistp256 " + strings.TrimRight(encoded256, "=") + "A",
		"base64url":                            format + " " + strings.Replace(encoded, "A", "-", 1),
		"blob is cut":                          format + " " + encoded[:len(encoded)-4],
		"blob is empty":                        format + " ====",
		"G2 DSA key that is cut":               "ssh-dss AAAAB3NzaC1kc3MAAAAA",
		"unknown format that is cut":           "ssh-ed448 AAAACXNzaC1lZDQ0",
		"algorithm that is no format":          "rsa-sha2-256 AAAADHJzYS1zaGEyLTI1Ng==",
		"J1 certificate":                       "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
		"SSH1 key":                             "2048 65537 1234567890",
	} {
		t.Run(name, func(t *testing.T) {
			k, err := hostkey.ParseAuthorizedKey([]byte(line))
			require.ErrorContains(t, err, "hostkey: ")
			require.Nil(t, k)
			for _, c := range err.Error() {
				require.True(t, c >= ' ' && c < 0x7f, "%q has a control character", err)
			}
		})
	}
	var malformed *hostkey.KeyFormatError
	_, err := hostkey.ParseAuthorizedKey([]byte("ssh-dss AAAAB3NzaC1kc3MAAAAA"))
	require.ErrorAs(t, err, &malformed, "a key format is not taken for an option")
}

// J9: whoever does not know an option refuses the key, since the option may
// restrict it.
func TestUnsupportedOptions(t *testing.T) {
	k, err := hostkey.ParseAuthorizedKey([]byte(`no-pty,Command="x",verify-required ` + keyText(testkeys.Ed25519())))
	require.NoError(t, err)
	require.Equal(t, []string{"no-pty", "command", "verify-required"}, k.Unsupported())
	require.Equal(t, []string{"verify-required"}, k.Unsupported("command", "no-pty", "restrict"))
	require.Empty(t, k.Unsupported("command", "no-pty", "verify-required"))
}

func TestAuthorizedKeys(t *testing.T) {
	a, b := keyText(testkeys.Ed25519()), keyText(testkeys.RSA2048())
	long := `command="` + strings.Repeat("x", 16<<10) + `" `
	file := "# comment\n\n  \t# another\r\n" + a + " first\n" + // line 4
		"bad line\n" +
		"restrict " + b + "\r\n" + // line 6
		long + a + " too long\n" +
		strings.Repeat("y", 1<<19) + " " + a + "\n" +
		"ssh-dss AAAAB3NzaC1kc3MAAAAA\n" +
		b + " last" // line 10, without newline
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(file), "in bytes": iotest.OneByteReader(strings.NewReader(file)),
	} {
		t.Run(name, func(t *testing.T) {
			var good []*hostkey.AuthorizedKey
			var bad []int
			for k, err := range hostkey.AuthorizedKeys(r) {
				if err == nil {
					good = append(good, k)
					continue
				}
				require.Nil(t, k)
				var line *hostkey.LineError
				require.ErrorAs(t, err, &line)
				bad = append(bad, line.Line)
			}
			require.Equal(t, []int{5, 7, 8, 9}, bad)
			require.Len(t, good, 3)
			require.Equal(t, 4, good[0].Line)
			require.Equal(t, 6, good[1].Line)
			require.Equal(t, []hostkey.Option{option("restrict")}, good[1].Options)
			require.Equal(t, 10, good[2].Line)
			require.Equal(t, "last", good[2].Comment)
		})
	}
}

func TestAuthorizedKeysStops(t *testing.T) {
	file := strings.Repeat(keyText(testkeys.Ed25519())+"\n", 3)
	n := 0
	for range hostkey.AuthorizedKeys(strings.NewReader(file)) {
		n++
		break
	}
	require.Equal(t, 1, n)
}

// A file that is cut short could have lost the options of its last line, or
// the line that makes a difference.
func TestJ11NoneOfABadFile(t *testing.T) {
	key := keyText(testkeys.Ed25519()) + "\n"
	broken := errors.New("disk on fire")
	for name, r := range map[string]io.Reader{
		"J9 larger than 1 MiB": strings.NewReader(key + strings.Repeat("#", 1<<20)),
		"endless":              endless{},
		"read error":           io.MultiReader(strings.NewReader(key), iotest.ErrReader(broken)),
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			for k, err := range hostkey.AuthorizedKeys(r) {
				n++
				require.Nil(t, k)
				require.Error(t, err)
				if name == "read error" {
					require.ErrorIs(t, err, broken)
				}
			}
			require.Equal(t, 1, n)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("\n"), len(p))), nil
}

func TestLineErrorText(t *testing.T) {
	for _, err := range hostkey.AuthorizedKeys(strings.NewReader("\nrestrict\n")) {
		require.EqualError(t, err, "hostkey: line 2: a line of authorized keys has no key format and key")
	}
}
