package hostkey_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// restrictionsOf returns what options come to, written as in a file.
func restrictionsOf(t *testing.T, options string) (*hostkey.Restrictions, error) {
	t.Helper()
	k, err := hostkey.ParseAuthorizedKey([]byte(options + " " + keyText(testkeys.Ed25519())))
	require.NoError(t, err)
	return k.Restrictions()
}

// every is what is permitted unless an option takes it away.
const every = "permit-X11-forwarding permit-agent-forwarding permit-port-forwarding permit-pty permit-user-rc"

func TestRestrictions(t *testing.T) {
	for options, want := range map[string]struct {
		permits string
		options map[string]string
	}{
		"":                                 {every, nil},
		"no-pty":                           {strings.Replace(every, "permit-pty ", "", 1), nil},
		"NO-Pty":                           {strings.Replace(every, "permit-pty ", "", 1), nil},
		"restrict":                         {"", nil},
		"restrict,pty":                     {"permit-pty", nil},
		"pty,restrict":                     {"", nil}, // the later counts
		"restrict,pty,no-pty":              {"", nil},
		"restrict,pty,X11-forwarding":      {"permit-X11-forwarding permit-pty", nil},
		"restrict,agent-forwarding":        {"permit-agent-forwarding", nil},
		"restrict,port-forwarding,user-rc": {"permit-port-forwarding permit-user-rc", nil},
		"no-agent-forwarding,no-port-forwarding,no-x11-forwarding,no-user-rc,no-pty": {"", nil},
		`command="ls \"a b\""`: {every, map[string]string{"force-command": `ls "a b"`}},
		`command=""`:           {every, map[string]string{"force-command": ""}},
		`environment="A=1",environment="B=x y",environment="A=2"`: {every, map[string]string{"environment": "A=1\nB=x y"}},
		`environment="A="`: {every, map[string]string{"environment": "A="}},
		`permitopen="h:1",permitopen="[2001:db8::1]:022"`: {every, map[string]string{"permitopen": "h:1 [2001:db8::1]:22"}},
		`permitopen="*:*"`: {every, map[string]string{"permitopen": "*:*"}},
		`permitlisten="8080",permitlisten="localhost:*"`: {every, map[string]string{"permitlisten": "*:8080 localhost:*"}},
		"verify-required": {every, map[string]string{"verify-required": ""}},
		`from="*",expiry-time="20000101",cert-authority,principals="a"`: {every, nil},
	} {
		t.Run(options, func(t *testing.T) {
			if options == "" {
				options = "no-touch-required" // any that permits the same
			}
			r, err := restrictionsOf(t, options)
			require.NoError(t, err)
			permits := map[string]string{}
			for _, name := range strings.Fields(want.permits) {
				permits[name] = ""
			}
			require.Equal(t, permits, r.Permissions.Extensions)
			if want.options == nil {
				want.options = map[string]string{}
			}
			require.Equal(t, want.options, r.Permissions.CriticalOptions)
		})
	}
	k, err := hostkey.ParseAuthorizedKey([]byte(keyText(testkeys.Ed25519())))
	require.NoError(t, err)
	r, err := k.Restrictions()
	require.NoError(t, err)
	require.Equal(t, &hostkey.Restrictions{Flags: hostkey.UserPresent}, r, "no options, no limits")
}

func TestRestrictionFields(t *testing.T) {
	r, err := restrictionsOf(t, `cert-authority,principals="alice,bob",from="!a,b",expiry-time="20380101Z"`)
	require.NoError(t, err)
	require.True(t, r.CertAuthority)
	require.Equal(t, []string{"alice", "bob"}, r.Principals)
	require.Equal(t, "!a,b", r.From)
	require.True(t, time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC).Equal(r.Expires))
	for options, flags := range map[string]hostkey.Flags{
		"restrict": hostkey.UserPresent, "no-touch-required": 0, "touch-required": hostkey.UserPresent,
		"verify-required": hostkey.UserPresent | hostkey.UserVerified, "no-touch-required,verify-required": hostkey.UserVerified,
		"verify-required,no-verify-required": hostkey.UserPresent, "no-touch-required,touch-required": hostkey.UserPresent,
	} {
		r, err := restrictionsOf(t, options)
		require.NoError(t, err)
		require.Equal(t, flags, r.Flags, options)
	}
}

func TestExpiryTime(t *testing.T) {
	for value, want := range map[string]time.Time{
		"20250203":        time.Date(2025, 2, 3, 0, 0, 0, 0, time.Local),
		"202502030405":    time.Date(2025, 2, 3, 4, 5, 0, 0, time.Local),
		"20250203040506":  time.Date(2025, 2, 3, 4, 5, 6, 0, time.Local),
		"20250203Z":       time.Date(2025, 2, 3, 0, 0, 0, 0, time.UTC),
		"202502030405Z":   time.Date(2025, 2, 3, 4, 5, 0, 0, time.UTC),
		"20250203040506Z": time.Date(2025, 2, 3, 4, 5, 6, 0, time.UTC),
	} {
		r, err := restrictionsOf(t, `expiry-time="`+value+`"`)
		require.NoError(t, err, value)
		require.True(t, want.Equal(r.Expires), value)
		require.NoError(t, r.Check(want, here))
		var expired *hostkey.ExpiredError
		require.ErrorAs(t, r.Check(want.Add(time.Second), here), &expired)
		require.ErrorContains(t, expired, "expired at 2025-02-03T")
	}
	r, err := restrictionsOf(t, `expiry-time="20300101",expiry-time="20200101",expiry-time="20250101"`)
	require.NoError(t, err)
	require.Equal(t, 2020, r.Expires.Year(), "the earliest counts")
}

// J9, CVE-2026-73283: an option that is not understood refuses the key.
func TestJ9RestrictionsRefuse(t *testing.T) {
	for options, why := range map[string]string{
		"x-future@example.com":           "not known",
		"restrict,zork":                  "not known",
		"no-restrict":                    "not known",
		"no-cert-authority":              "not known",
		"no-command":                     "not known",
		"no-no-pty":                      "not known",
		`no-pty="yes"`:                   "takes no value",
		`restrict=""`:                    "takes no value",
		`cert-authority="x"`:             "takes no value",
		`verify-required="x"`:            "takes no value",
		"command":                        "has no value",
		"from":                           "has no value",
		"expiry-time":                    "has no value",
		`command="a",command="b"`:        "twice",
		`command="a",command="a"`:        "twice",
		`from="a",from="b"`:              "twice",
		`from=""`:                        "empty pattern",
		`from="a,"`:                      "empty pattern",
		`from="!"`:                       "empty pattern",
		`from="192.0.2.1/24"`:            "192.0.2.0/24",
		`from="192.0.2.0/x"`:             "is no network such as",
		`from="*/8"`:                     "is no network such as",
		`principals="a"`:                 "cert-authority",
		`principals="a",no-pty`:          "cert-authority",
		`cert-authority,principals=""`:   "empty name",
		`cert-authority,principals="a,"`: "empty name",
		`cert-authority,principals="a",principals="b"`: "twice",
		`expiry-time=""`:                      "not a time",
		`expiry-time="2025"`:                  "not a time",
		`expiry-time="20251301"`:              "not a time",
		`expiry-time="20250230"`:              "not a time",
		`expiry-time="202502032460"`:          "not a time",
		`expiry-time="20250203z"`:             "not a time",
		`expiry-time="+1d"`:                   "not a time",
		`expiry-time=" 20250203"`:             "not a time",
		`environment="A"`:                     "NAME=value",
		`environment="=x"`:                    "NAME=value",
		`environment="A B=x"`:                 "NAME=value",
		`environment="A-B=x"`:                 "NAME=value",
		`environment="É=x"`:                   "NAME=value",
		`permitopen="h"`:                      "host:port",
		`permitopen="8080"`:                   "host:port",
		`permitopen=":22"`:                    "host:port",
		`permitopen="h:"`:                     "host:port",
		`permitopen="h:0"`:                    "65535",
		`permitopen="h:65536"`:                "65535",
		`permitopen="h:-1"`:                   "65535",
		`permitopen="h:+1"`:                   "65535",
		`permitopen="h:99999999999999999999"`: "65535",
		`permitopen="h:ssh"`:                  "65535",
		`permitopen="h:1 i:2"`:                "host:port",
		`permitopen="h i:2"`:                  "host:port",
		`permitopen="2001:db8::1:22"`:         "host:port",
		`permitlisten="0"`:                    "65535",
		`permitlisten="65536"`:                "65535",
		`permitlisten="localhost"`:            "65535",
		`permitlisten=""`:                     "65535",
		`tunnel="0"`:                          "tun device",
		`restrict,tunnel="any"`:               "tun device", // CVE-2026-73283
		"tunnel":                              "has no value",
	} {
		t.Run(options, func(t *testing.T) {
			r, err := restrictionsOf(t, options)
			require.Nil(t, r)
			var refused *hostkey.OptionError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, why)
			require.ErrorContains(t, err, `hostkey: option "`+refused.Name+`" `)
		})
	}
}

func TestFrom(t *testing.T) {
	for from, test := range map[string]struct{ in, out []string }{
		"192.0.2.7":                  {[]string{"192.0.2.7", "::ffff:192.0.2.7"}, []string{"192.0.2.70", "198.51.100.1", "2001:db8::1"}},
		"192.0.2.0/24":               {[]string{"192.0.2.7"}, []string{"192.0.3.7"}},
		"192.0.2.*":                  {[]string{"192.0.2.7"}, []string{"192.0.3.7"}},
		"192.0.2.?":                  {[]string{"192.0.2.7"}, []string{"192.0.2.70"}},
		"192.0.2.0/24,!192.0.2.7":    {[]string{"192.0.2.8"}, []string{"192.0.2.7", "198.51.100.1"}},
		"!192.0.2.7,192.0.2.0/24":    {[]string{"192.0.2.8"}, []string{"192.0.2.7"}},
		"!192.0.2.0/25,*":            {[]string{"192.0.2.200", "2001:db8::1"}, []string{"192.0.2.7"}},
		"!192.0.2.7":                 {nil, []string{"192.0.2.7", "192.0.2.8"}}, // nothing is said to match
		"2001:db8::/32":              {[]string{"2001:db8::1"}, []string{"2001:db9::1", "192.0.2.7"}},
		"2001:DB8:0::1":              {[]string{"2001:db8::1"}, nil},
		"::ffff:192.0.2.0/120":       {[]string{"192.0.2.7"}, []string{"192.0.3.7"}},
		"*.example.com":              {nil, []string{"192.0.2.7"}}, // no name is looked up
		"198.51.100.1,192.0.2.0/24":  {[]string{"192.0.2.7", "198.51.100.1"}, nil},
		"192.0.2.7.example.com,::/0": {[]string{"2001:db8::1"}, []string{"192.0.2.7"}},
	} {
		t.Run(from, func(t *testing.T) {
			r, err := restrictionsOf(t, `from="`+from+`"`)
			require.NoError(t, err)
			for _, ip := range test.in {
				require.NoError(t, r.Check(time.Now(), tcp(ip)), ip)
			}
			for _, ip := range test.out {
				var wrong *hostkey.SourceError
				require.ErrorAs(t, r.Check(time.Now(), tcp(ip)), &wrong, ip)
				require.ErrorContains(t, wrong, "not from "+tcp(ip).(*net.TCPAddr).AddrPort().Addr().Unmap().String())
			}
			// H3: what has no IP address is nowhere.
			for _, addr := range []net.Addr{nil, &net.UnixAddr{Name: "192.0.2.7", Net: "unix"}, &net.UnixAddr{Name: "/s"}} {
				if _, numeric := addr.(*net.UnixAddr); numeric && addr.String() == "192.0.2.7" {
					continue // a name that looks like one is one
				}
				require.ErrorContains(t, r.Check(time.Now(), addr), "without an IP address")
			}
		})
	}
}

func TestNarrowRestrictions(t *testing.T) {
	line, err := restrictionsOf(t, `cert-authority,principals="a",no-pty,no-touch-required,command="x"`)
	require.NoError(t, err)
	cert, err := authority().CheckUser(certified(t, func(c *hostkey.Certificate) {
		extension("permit-pty", nil)(c)
		extension("permit-user-rc", nil)(c)
		critical("source-address", "192.0.2.0/24")(c)
	}), here, "alice")
	require.NoError(t, err)
	both, err := line.Narrow(cert)
	require.NoError(t, err)
	require.Equal(t, hostkey.UserPresent, both.Flags)
	require.Equal(t, []string{"a"}, both.Principals)
	require.Equal(t, map[string]string{"permit-user-rc": ""}, both.Permissions.Extensions)
	require.Equal(t, map[string]string{"force-command": "x", "source-address": "192.0.2.0/24"}, both.Permissions.CriticalOptions)

	other, err := authority().CheckUser(certified(t, critical("force-command", "y")), here, "alice")
	require.NoError(t, err)
	_, err = line.Narrow(other)
	require.ErrorContains(t, err, `force-command is to be both "x" and "y"`)
}

func TestAuthorizedPrincipals(t *testing.T) {
	file := "# comment\n\nalice\n  bob \t\r\n" + // 3, 4
		"carol # who left\n" + // 5
		`command="ls -l",no-pty dave` + "\n" + // 6
		"two words\n" + // 7: an option that is not known, and a name
		"restrict\n" + // 8: a name
		"restrict \n" +
		`command="#" eve` + "\n" + // 10: a comment in quotes is one
		"\x1b\n" +
		strings.Repeat("x", 16<<10+1) + "\n" +
		"restrict a b\n" +
		"last"
	type found struct {
		name    string
		line    int
		options int
	}
	var got []found
	var bad []int
	for p, err := range hostkey.AuthorizedPrincipals(strings.NewReader(file)) {
		if err != nil {
			require.Nil(t, p)
			var at *hostkey.LineError
			require.ErrorAs(t, err, &at)
			bad = append(bad, at.Line)
			continue
		}
		got = append(got, found{p.Name, p.Line, len(p.Options)})
	}
	require.Equal(t, []found{{"alice", 3, 0}, {"bob", 4, 0}, {"carol", 5, 0}, {"dave", 6, 2}, {"words", 7, 1}, {"restrict", 8, 0},
		{"restrict", 9, 0}, {"last", 14, 0}}, got)
	require.Equal(t, []int{10, 11, 12, 13}, bad)
	for _, err := range hostkey.AuthorizedPrincipals(strings.NewReader(strings.Repeat("#", 2<<20))) {
		require.ErrorContains(t, err, "larger")
	}
	for range hostkey.AuthorizedPrincipals(strings.NewReader("a\nb\n")) {
		break
	}
}

func TestAuthorizedPrincipalRestrictions(t *testing.T) {
	for options, why := range map[string]string{
		"": "", "no-pty": "", `from="192.0.2.0/24"`: "", "zork": "not known", "cert-authority": "is for a key", `principals="a"`: "is for a key",
	} {
		for p, err := range hostkey.AuthorizedPrincipals(strings.NewReader(options + " alice")) {
			require.NoError(t, err)
			r, err := p.Restrictions()
			require.Equal(t, why == "", err == nil)
			require.Equal(t, why == "", r != nil)
			if why != "" {
				require.ErrorContains(t, err, why)
			}
		}
	}
}
