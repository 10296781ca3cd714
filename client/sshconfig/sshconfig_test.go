package sshconfig

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// account is who runs the tests, wherever they run.
var account = Account{Name: "me", ID: "1000", Home: "/home/me"}

// configOf returns a configuration of one file, and the path of that.
func configOf(t *testing.T, text string) (*Config, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return &Config{
		Files: []File{{Path: path, Required: true}}, Account: account, Machine: "here.example.net", Getenv: testEnv,
	}, path
}

func evaluate(t *testing.T, text, host string) *Settings {
	t.Helper()
	c, _ := configOf(t, text)
	s, err := c.Evaluate(t.Context(), host)
	require.NoError(t, err, text)
	return s
}

// Each mistake is said in one line, with its place and what to do.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown keyword", "\nPrt 22", "config:2: Prt: there is no such keyword"},
		{"unknown keyword of another host", "Host other\nPrt 22", "config:2: Prt"},
		{"a terminal's escape", "P\x1brt 22", `"P\x1brt"`},
		{"no value", "Port", "config:1: Port: there is no value"},
		{"no value behind an equals sign", "Port =", "there is no value"},
		{"no value in marks", `User ""`, "there is no value"},
		{"more than a value", "Port 22 23", "there is more behind the value"},
		{"half a mark", `User "a`, "a quotation mark lacks its other half"},
		{"half a mark behind an escape", `User "a\"`, "a quotation mark"},
		{"flag", "BatchMode maybe", `"maybe" is neither yes nor no`},
		{"flag of another host", "Host other\nBatchMode maybe", "config:2"},
		{"one of", "AddressFamily x", `"x" is none of inet, inet6, any`},
		{"port 0", "Port 0", `port "0" is not a number from 1 to 65535`},
		{"port of six digits", "Port 222222", "65535"},
		{"no service", "Port no-such-service", "65535"},
		{"time", "ConnectTimeout soon", `"soon" is not a time such as 90 or 1h30m`},
		{"time of two seconds", "ConnectTimeout 1s1s", "is not a time"},
		{"time with a fraction of hours", "ConnectTimeout 1.5h", "is not a time"},
		{"time too long", "ConnectTimeout 9999999999", "is not a time"},
		{"number", "ConnectionAttempts many", "is not a number"},
		{"no attempt", "ConnectionAttempts 0", "one attempt at least"},
		{"rekey", "RekeyLimit 1X", "is not a number of bytes such as 512M"},
		{"rekey below 16", "RekeyLimit 8", "16 is the least"},
		{"rekey too large", "RekeyLimit 99999999999G", "is not a number of bytes"},
		{"rekey interval", "RekeyLimit 1G x", "is not a time"},
		{"cipher", "Ciphers aes129", `no algorithm is called "aes129"`},
		{"no cipher is left", "Ciphers -*", "leaves no algorithm"},
		{"negated algorithm", "MACs !hmac-sha2-256", "no algorithm"},
		{"none and a file", "UserKnownHostsFile none /a", `"none" does not go with other values`},
		{"too many files", "UserKnownHostsFile" + strings.Repeat(" a", 33), "more than 32"},
		{"SendEnv with a value", "SendEnv A=1", "SetEnv NAME=value"},
		{"SetEnv without one", "SetEnv A", "is not of the form NAME=value"},
		{"mask", "StreamLocalBindMask 8", "is not an octal mask"},
		{"escape", "EscapeChar ab", "is no escape character"},
		{"class", "IPQoS loud", "is no class of traffic"},
		{"classes", "IPQoS ef ef ef", "more behind the value"},
		{"tunnel", "TunnelDevice x:1", "is not the number of a tunnel device"},
		{"persist", "ControlPersist maybe", "is not a time"},
		{"add keys", "AddKeysToAgent maybe", "none of yes, no, ask, confirm"},
		{"add keys, twice", "AddKeysToAgent yes 1h", "more behind the value"},
		{"channel timeout", "ChannelTimeout session", "is not of the form TYPE=TIME"},
		{"permit open", "PermitRemoteOpen host", "is not of the form HOST:PORT"},
		{"permit any and more", "PermitRemoteOpen any a:1", "does not go with"},
		{"domain", "CanonicalDomains a..b", "is not the name of a domain"},
		{"CNAME", "CanonicalizePermittedCNAMEs a", "is not of the form FROM:TO"},
		{"obscure", "ObscureKeystrokeTiming interval:0", "from 1 to 1000"},
		{"forward", "LocalForward 80", "not what to connect to"},
		{"forward to nowhere", "LocalForward 80 host", "is not of the form"},
		{"forward of port 0", "LocalForward 0 host:1", "is not of the form"},
		{"forward with a bracket", "LocalForward [::1:80 host:1", "is not of the form"},
		{"forward of too much", "LocalForward 1:2:3 4:5", "is not of the form"},
		{"dynamic forward of too much", "DynamicForward a:80:b", "is not of the form"},
		{"variable", "IdentityAgent ${NONE}", `the variable "NONE" is not set`},
		{"variable without an end", "IdentityAgent ${NONE", "is not of the form ${VARIABLE}"},
		{"name of a variable", "IdentityAgent $A-B", "is not the name of a variable"},
		{"token", "ControlPath /%z", `"%z" is no token here`},
		{"half a token", "ControlPath /%", "stands at the end"},
		{"token of the user in User", "User %r", `"%r" is no token here`},
		{"User with shell signs", "User %l;x\nTag 1", "character ';'"},
		{"HostName with shell signs (attacks.md P3)", "HostName `x`", "character '`'"},
		{"HostName that begins with a dash (attacks.md P3)", "HostName -oProxyCommand=x", "begins with a dash"},
		{"tilde of nobody", "ControlPath ~no-such-user/x", "no-such-user"},
		{"ProxyJump with shell signs (attacks.md P3)", "ProxyJump a,$(x)", "character '$'"},
		{"ProxyJump that begins with a dash (attacks.md P3)", "ProxyJump -x,a", "begins with a dash"},
		{"ProxyJump without a host", "ProxyJump a,,b", "the host name is empty"},
		{"ProxyJump without a user", "ProxyJump @a", "no user in front"},
		{"ProxyJump by too many", "ProxyJump a" + strings.Repeat(",a", 16), "more than 16"},
		{"ProxyJump URL with a path", "ProxyJump ssh://a/b", "ssh://user@host:port"},
		{"RefuseConnection", "RefuseConnection ask-the-admin", `RefuseConnection: "ask-the-admin"`},
		{"Match without criteria", "Match #", "it has no criterion"},
		{"Match all and more", "Match all host x", "goes with no other criterion"},
		{"Match more and all", "Match host x user y all", "goes with no other criterion"},
		{"Match of no kind", "Match moon full", `there is no criterion "moon"`},
		{"Match without an argument", "Match host", "host lacks an argument"},
		{"Match with an empty argument", `Match user ""`, "user lacks an argument"},
		{"Match localnetwork", "Match localnetwork x", "is neither an address nor a network such as 192.0.2.0/24"},
		{"Match localnetwork with bits behind the mask", "Match localnetwork 10.1.2.3/8", "10.0.0.0/8"},
		{"Match exec", "Match exec true", ErrExec.Error()},
		{"Match exec with a token", "Match exec %T", "no token"},
		{"Include of a bad pattern", "Include [", "syntax error in pattern"},
		{"names to be looked up", "CanonicalizeHostname yes\nCanonicalDomains example.com", ErrResolver.Error()},
		{"zero byte", "User a\x00b", "it is no text"},
		{"RemoteCommand twice", "RemoteCommand x", "there is a command already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, path := configOf(t, tt.text)
			c.Command = "date"
			_, err := c.Evaluate(t.Context(), "host")
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "\n")
			var mistake *Error
			require.ErrorAs(t, err, &mistake)
			require.Contains(t, []string{path, ""}, mistake.At.File)
		})
	}
}

// What is an option is said to be one, and blocks are for files.
func TestOptions(t *testing.T) {
	evaluated := func(options ...Option) (*Settings, error) {
		return (&Config{Options: options, Account: account}).Evaluate(t.Context(), "host")
	}
	for keyword, want := range map[string]string{"Host": "it is for files", "Match": "it is for files", "include": "it is for files", "Prt": "no such keyword"} {
		_, err := evaluated(Option{Keyword: keyword, Value: "x"})
		require.ErrorContains(t, err, want)
		var mistake *Error
		require.ErrorAs(t, err, &mistake)
		require.Equal(t, Position{Option: true}, mistake.At)
	}
	_, err := evaluated(Option{Keyword: "Port"})
	require.ErrorContains(t, err, "no value")
	s, err := evaluated(Option{Keyword: "User", Value: `a "b %r`, Literal: true}, Option{Keyword: "user", Value: "other"}, Option{Keyword: "Port", Value: "023", Literal: true})
	require.NoError(t, err)
	require.Equal(t, `a "b %r`, s.User(), "what is literal is not looked into")
	require.Equal(t, 23, s.Port())
	at, ok := s.Set("port")
	require.True(t, ok && at.Option)
	require.Equal(t, "an option", at.String())
	at, ok = s.Set("BatchMode")
	require.False(t, ok)
	require.Equal(t, "the defaults", at.String())
	for _, text := range []string{"", "=1", "# x", "  "} {
		_, err := ParseOption(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{"Port=22", "Port 22", " Port = 22", "Port\t22", `"Port" 22`} {
		o, err := ParseOption(text)
		require.NoError(t, err)
		require.Equal(t, Option{Keyword: "Port", Value: "22"}, o, text)
	}
	c := Config{Account: account, Own: []string{"Port"}}
	_, err = c.Evaluate(t.Context(), "host")
	require.ErrorContains(t, err, "none of OpenSSH's")
	for _, host := range []string{"", "-x", "a b", "a;b", "a,b", "$(a)", "a\x1b"} {
		_, err := (&Config{}).Evaluate(t.Context(), host)
		require.Error(t, err, host)
	}
}

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                    nil,
		"  a  b\tc ":          {"a", "b", "c"},
		`"a b" c`:             {"a b", "c"},
		`'a "b' c`:            {`a "b`, "c"},
		`a"b c"d`:             {"ab cd"},
		`a\ b "c\"d" \\ '\''`: {"a b", `c"d`, `\`, "'"},
		`"a\ b" \n`:           {`a\ b`, `\n`},
		"a # b":               {"a"},
		"a#b":                 {"a#b"},
		`"" ''`:               {"", ""},
		`a\`:                  {`a\`},
	} {
		got, err := Split(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestMatchHost(t *testing.T) {
	require.True(t, matchHost("*.EXAMPLE.com", "a.example.COM"))
	require.False(t, matchHost("*,!b", "B"))
}

// What OpenSSH has had since 9.2.
func TestNewerKeywords(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Tag work", "tag work"},
		{"ChannelTimeout session=5m x11=1", "channeltimeout session=5m x11=1"},
		{"ChannelTimeout none", "channeltimeout none"},
		{"ObscureKeystrokeTiming no", "obscurekeystroketiming no"},
		{"ObscureKeystrokeTiming interval:80", "obscurekeystroketiming 80"},
		{"ObscureKeystrokeTiming interval:20", "obscurekeystroketiming yes"},
		{"VersionAddendum %h ${WHELK_TEST} # comment", "versionaddendum host value"},
		{"VersionAddendum none", "versionaddendum "},
		{"WarnWeakCrypto no-pq-kex", "warnweakcrypto no"},
		{"RevokedHostKeys ~/a /b/%h", "revokedhostkeys /home/me/a /b/host"},
		{"RevokedHostKeys none", "revokedhostkeys none"},
		{"SetEnv A=%h B=${WHELK_TEST}", "setenv B=value"},
		{"User %n-%l", "user host-here.example.net"},
		{"User ${WHELK_TEST}", "user value"},
		{"HostKeyAlias A\nControlPath /%k", "controlpath /a"},
		{"ConnectTimeout 1.5", "connecttimeout 1"},
		{"Include ${WHELK_TEST}/%h/*\nTag x", "tag x"},
		{"LocalForward 83 /tmp/c", "localforward 83 /tmp/c"},
		{"LocalForward /tmp/%h /tmp/d", "localforward /tmp/host /tmp/d"},
		{`RemoteForward a\:b:80 h:1`, "remoteforward [a:b]:80 [h]:1"},
		{"IPQoS va lowdelay", "ipqos va none"},
		{"ProxyJump none\nProxyCommand x", "proxycommand x"},
		{"ProxyCommand x\nProxyJump y", "proxycommand x"},
		{"ProxyJump y\nProxyCommand x", "proxyjump y"},
		{"ProxyJump a:1,u@10.1.1.1:2 # x", "proxyjump a:1,u@[10.1.1.1]:2"},
		{"ProxyJump ssh://u%20x@h:3", "proxyjump u x@h:3"},
		{"RefuseConnection", ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			c, _ := configOf(t, tt.text)
			s, err := c.Evaluate(t.Context(), "host")
			if tt.want == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			var b strings.Builder
			n, err := s.WriteTo(&b)
			require.NoError(t, err)
			require.Equal(t, int64(b.Len()), n)
			require.Contains(t, strings.Split(b.String(), "\n"), tt.want)
		})
	}
}

// Criteria that OpenSSH has had since 9.2, and those that need the caller.
func TestCriteria(t *testing.T) {
	for _, tt := range []struct {
		match string
		want  bool
	}{
		{"tagged work", true}, {"tagged wo*", true}, {"tagged=work", true}, {"tagged play", false}, {`tagged ""`, false}, {"!tagged play", true},
		{"command date", true}, {`command "da* -u"`, false}, {`command ""`, false}, {"command=d*", true},
		{"sessiontype exec", true}, {"sessiontype shell,subsystem", false},
		{"version Whelk_*", true}, {"version OpenSSH_*", false}, {"version=Whelk_0.1", true},
		{"localnetwork 192.0.2.0/24", true}, {"localnetwork 192.0.2.77,::1", true}, {"localnetwork 10.0.0.0/8,2001:db8::/32", false}, {"!localnetwork 10.0.0.0/8", true},
		{"exec yes-please", true}, {"exec no-thanks", false}, {"!exec no-thanks", true}, {"host other exec would-fail", false},
		{"HOST=Host user me", true}, {"host=x", false}, {"localuser me originalhost host", true}, {"all # x", true}, {"!all", false},
		{"final all", true}, {"canonical", true}, // there is a final pass then
		{"!final", true}, {"user me # exec would-fail", true},
	} {
		t.Run(tt.match, func(t *testing.T) {
			c, _ := configOf(t, "Tag work\nMatch "+tt.match+"\nHostKeyAlias in\nMatch final\n")
			c.Command = "date"
			c.Addresses = func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.77")}, nil }
			c.Exec = func(_ context.Context, command string) (bool, error) {
				if command == "would-fail" {
					return false, errors.New("it was run")
				}
				return command == "yes-please", nil
			}
			s, err := c.Evaluate(t.Context(), "host")
			require.NoError(t, err)
			require.Equal(t, tt.want, s.Text("hostkeyalias") == "in")
		})
	}
	c, _ := configOf(t, `Match exec "test %h"`)
	c.Exec = func(context.Context, string) (bool, error) { return false, os.ErrPermission }
	_, err := c.Evaluate(t.Context(), "host")
	require.ErrorIs(t, err, os.ErrPermission)
	s := evaluate(t, "Match sessiontype shell\nPort 1\nMatch localnetwork 127.0.0.0/8\nTag lo", "host")
	require.Equal(t, 1, s.Port())
	require.Equal(t, "lo", s.Text("Tag"), "the interfaces of this machine are asked if nobody else is")
	s = evaluate(t, "SessionType none\nMatch sessiontype none\nPort 2", "host")
	require.Equal(t, 2, s.Port())
}

// Files that include files: from where, in which order, under whose conditions,
// how deep, and by whom they may be written.
func TestInclude(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".ssh", "d"), 0o700))
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(home, ".ssh", name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	write("d/a", "Host other\nPort 1\n", 0o600)
	write("d/b", "Match all\nPort 2\nTag b\n", 0o600)
	write("d/.hidden", "Port 3\n", 0o600)
	write("open", "", 0o622)
	write("loop", "Include loop\n", 0o600)
	write("bad", "\nNonsense 1\n", 0o600)
	c := &Config{Account: Account{Name: "me", Home: home}, Getenv: testEnv}
	eval := func(text string, system bool) (*Settings, error) {
		c.Files = []File{{Path: write("config", text, 0o644), Required: true, System: system, Checked: true}}
		return c.Evaluate(t.Context(), "host")
	}
	for _, text := range []string{"Include d/*", "Include ~/.ssh/d/*", "Include d/a d/b", "Include %d/.ssh/d/[ab]", "Include none d/b", "Include \"d/b\""} {
		s, err := eval(text, false)
		require.NoError(t, err, text)
		require.Equal(t, 2, s.Port(), text)
		at, _ := s.Set("Port")
		require.Equal(t, filepath.Join(home, ".ssh", "d/b")+":2", at.String())
	}
	s, err := eval("Host other\nInclude d/b\nHost *\nTag mine", false)
	require.NoError(t, err)
	require.Equal(t, 22, s.Port(), "in a block that does not apply nothing counts")
	require.Equal(t, "mine", s.Text("tag"))
	s, err = eval("Include d/a\nPort 7", false)
	require.NoError(t, err)
	require.Equal(t, 7, s.Port(), "the block of a file ends with it")
	s, err = eval("Include d/.hidden", false)
	require.NoError(t, err)
	require.Equal(t, 3, s.Port())
	s, err = eval("Include d/*", true)
	require.NoError(t, err, "files of the machine look in /etc/ssh")
	require.Equal(t, 22, s.Port())

	_, err = eval("Include ~/.ssh/d/a", true)
	require.ErrorContains(t, err, "nothing of a user's")
	_, err = eval("Include loop", false)
	require.ErrorIs(t, err, ErrDepth)
	_, err = eval("Include open", false)
	require.ErrorIs(t, err, ErrPermissions)
	require.ErrorContains(t, err, "chmod go-w")
	_, err = eval("Host other\nInclude bad", false)
	require.ErrorContains(t, err, "bad:2: Nonsense")
	write("exec", "Match exec would-be-run\n", 0o600)
	_, err = eval("Host other\nInclude exec", false)
	require.NoError(t, err, "nothing is run in a file that is only looked at for mistakes")
	_, err = eval("Include exec", false)
	require.ErrorIs(t, err, ErrExec)
	_, err = eval("Include d", false)
	require.ErrorContains(t, err, "it is a directory")
	_, err = eval("Include %z", false)
	require.ErrorContains(t, err, "token")
	_, err = eval("Include ~no-such-user/x", false)
	require.ErrorContains(t, err, "no-such-user")
	write("large", strings.Repeat("# x\n", maxFileBytes/4+1), 0o600)
	_, err = eval("Include large", false)
	require.ErrorIs(t, err, ErrSize)
	write("nearly", strings.Repeat("# x\n", maxFileBytes/4-10), 0o600)
	_, err = eval(strings.Repeat("Include nearly\n", 9), false)
	require.ErrorIs(t, err, ErrSize, "and so is the sum")
	write("tree", "Include tree\nInclude tree\n", 0o600)
	_, err = eval("Include tree", false)
	require.ErrorIs(t, err, ErrDepth)
	write("empty", "", 0o600)
	_, err = eval(strings.Repeat("Include empty\n", maxFiles+1), false)
	require.ErrorIs(t, err, ErrSize, "and so is the number of files")

	c.Files = []File{{Path: filepath.Join(dir, "none")}}
	_, err = c.Evaluate(t.Context(), "host")
	require.NoError(t, err, "a file need not be there")
	c.Files[0].Required = true
	_, err = c.Evaluate(t.Context(), "host")
	require.ErrorIs(t, err, os.ErrNotExist)
	c.Files = []File{{Path: write("writable", "", 0o620), Checked: true}}
	_, err = c.Evaluate(t.Context(), "host")
	require.ErrorIs(t, err, ErrPermissions)
}

// CanonicalizeHostname, with a resolver that knows a few names.
func TestCanonical(t *testing.T) {
	names := map[string]string{"a.example.com.": "", "b.example.org.": "real.example.net.", "c.example.com.": "evil;.x", "d.": "d", "plain": "alias.example.com"}
	for _, tt := range []struct{ name, config, host, want string }{
		{"off", "CanonicalDomains example.com", "a", "a"},
		{"found", "CanonicalizeHostname yes\nCanonicalDomains example.com", "A", "a.example.com"},
		{"in the second domain", "CanonicalizeHostname yes\nCanonicalDomains example.com example.org", "b", "b.example.org"},
		{"CNAME permitted", "CanonicalizeHostname yes\nCanonicalDomains example.org\nCanonicalizePermittedCNAMEs *.org:*.net", "b", "real.example.net"},
		{"CNAME not permitted", "CanonicalizeHostname yes\nCanonicalDomains example.org\nCanonicalizePermittedCNAMEs *.com:*.net", "b", "b.example.org"},
		{"CNAME that is no name", "CanonicalizeHostname yes\nCanonicalDomains example.com\nCanonicalizePermittedCNAMEs *", "c", "c.example.com"},
		{"CNAME of the name itself", "CanonicalizeHostname yes\nCanonicalizePermittedCNAMEs *", "plain", "alias.example.com"},
		{"anchored", "CanonicalizeHostname yes", "d.", "d"},
		{"too many dots", "CanonicalizeHostname yes\nCanonicalDomains com", "a.b.c", "a.b.c"},
		{"not found", "CanonicalizeHostname yes\nCanonicalDomains example.com example.org", "x", "x"},
		{"proxied", "CanonicalizeHostname yes\nCanonicalDomains example.com\nProxyCommand x", "a", "a"},
		{"proxied, always", "CanonicalizeHostname always\nCanonicalDomains example.com\nProxyJump x", "a", "a.example.com"},
		{"no proxy", "CanonicalizeHostname yes\nCanonicalDomains example.com\nProxyCommand none", "a", "a.example.com"},
		{"blocks look at the new name", "CanonicalizeHostname yes\nCanonicalDomains example.com\nHost a.example.com\nHostName 10.0.0.1\nTag t", "a", "a.example.com"},
		{"an address", "CanonicalizeHostname yes\nCanonicalDomains example.com", "10.1", "10.0.0.1"},
		{"an address in hexadecimal", "", "0x7f000001", "127.0.0.1"},
		{"an address in octal", "", "010.0.0.1", "8.0.0.1"},
		{"no address", "", "1.2.3.4.5", "1.2.3.4.5"},
		{"an address too large", "", "256.1.1.1", "256.1.1.1"},
		{"an address of the other family", "AddressFamily inet6", "127.1", "127.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := configOf(t, tt.config)
			c.Resolve = func(_ context.Context, family, name string) (string, error) {
				require.Equal(t, "any", family)
				canonical, ok := names[name]
				if !ok {
					return "", errors.New("no such name")
				}
				return canonical, nil
			}
			s, err := c.Evaluate(t.Context(), tt.host)
			require.NoError(t, err)
			require.Equal(t, tt.want, s.HostName())
		})
	}
	c, _ := configOf(t, "CanonicalizeHostname yes\nCanonicalDomains example.com\nCanonicalizeFallbackLocal no")
	c.Resolve = func(context.Context, string, string) (string, error) { return "", errors.New("no such name") }
	_, err := c.Evaluate(t.Context(), "x")
	require.ErrorIs(t, err, ErrUnresolved)
	ctx, cancel := context.WithCancel(t.Context())
	c.Resolve = func(context.Context, string, string) (string, error) { cancel(); return "", ctx.Err() }
	_, err = c.Evaluate(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestSettings(t *testing.T) {
	s := evaluate(t, `
ConnectTimeout 1m30s
RekeyLimit 1M 1h
ForwardAgent ~/agent
EscapeChar ^B
LocalForward 80 h:1
RemoteForward 8080
DynamicForward [::1]:1080
IdentityFile ~/k%h
ProxyJump u@one:1,two
Ciphers ^aes256-ctr
ProxyCommand ignored
BatchMode yes
`, "Host")
	require.Equal(t, "Host", s.Destination())
	require.Equal(t, account, s.Account())
	require.Equal(t, 90*time.Second, s.Seconds("ConnectTimeout"))
	bytes, interval := s.RekeyLimit()
	require.Equal(t, int64(1<<20), bytes)
	require.Equal(t, time.Hour, interval)
	lend, address := s.ForwardAgent()
	require.True(t, lend)
	require.Equal(t, "/home/me/agent", address)
	c, ok := s.Escape()
	require.True(t, ok)
	require.Equal(t, byte(2), c)
	require.Equal(t, []Forward{{"80", "[h]:1"}}, s.Forwards("LocalForward"))
	require.Equal(t, []Forward{{"8080", ""}}, s.Forwards("RemoteForward"))
	require.Equal(t, []Forward{{"[::1]:1080", ""}}, s.Forwards("DynamicForward"))
	path, err := s.ExpandPath(s.List("IdentityFile")[0])
	require.NoError(t, err)
	require.Equal(t, "/home/me/khost", path)
	via, before, ok := s.Jump()
	require.True(t, ok)
	require.Equal(t, Destination{Host: "two"}, via)
	require.Equal(t, "u@one:1", before)
	require.Equal(t, "^aes256-ctr", s.Given("Ciphers"))
	require.Empty(t, s.Given("MACs"))
	require.True(t, s.Yes("BatchMode"))
	require.Empty(t, s.Text("ProxyCommand"))
	require.Empty(t, s.Text("NoSuchThing"))
	text, err := s.Expand("%h %T", map[byte]string{'T': "tun0"})
	require.NoError(t, err)
	require.Equal(t, "host tun0", text)
	_, err = s.Expand(strings.Repeat("%h", maxExpanded), nil)
	require.ErrorContains(t, err, "more than")

	_, ok = evaluate(t, "EscapeChar none", "h").Escape()
	require.False(t, ok)
	_, _, ok = evaluate(t, "", "h").Jump()
	require.False(t, ok)
	s = evaluate(t, "ClearAllForwardings yes\nLocalForward 80 h:1", "h")
	require.Empty(t, s.Forwards("LocalForward"))
	c2 := &Config{Account: account, Own: []string{"ourkeyword"}, Options: []Option{{Keyword: "OurKeyword", Value: "a b"}}}
	s, err = c2.Evaluate(t.Context(), "h")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, s.List("OURKEYWORD"))
}

func TestDestinations(t *testing.T) {
	for text, want := range map[string]Destination{
		"h": {Host: "h"}, "u@h": {User: "u", Host: "h"}, "u@r@h": {User: "u@r", Host: "h"}, "[::1]": {Host: "::1"}, "::1": {Host: "::1"},
		"ssh://u@h:1": {User: "u", Host: "h", Port: 1}, "ssh://[::1]:2/": {Host: "::1", Port: 2}, "ssh://u%20v;x=y@h": {User: "u v", Host: "h"},
	} {
		got, err := ParseDestination(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Len(t, got.Options(), map[bool]int{true: 1}[want.User != ""]+map[bool]int{true: 1}[want.Port != 0])
	}
	for _, text := range []string{"", "@h", "u@", "-x", "u@-x", "a b", "ssh://", "ssh://h/p", "ssh://h:x", "ssh://h:0", "ssh://u:p@h", "ssh://%zz@h", "ssh://@h", "ssh://h?q", "ssh://[::1", "$(id)@h", "-l@h"} {
		_, err := ParseDestination(text)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "%!")
	}
}

// Our own names, and what wildcards mean of them.
func TestAlgorithms(t *testing.T) {
	for _, keyword := range lists {
		names, err := Algorithms(keyword, "")
		require.NoError(t, err)
		require.NotEmpty(t, names)
		all, err := Algorithms(keyword, "+*")
		require.NoError(t, err)
		require.Subset(t, all, names)
	}
	names, err := Algorithms("Ciphers", "+*")
	require.NoError(t, err)
	require.NotContains(t, names, "3des-cbc", "a wildcard does not mean what is insecure")
	names, err = Algorithms("ciphers", "+3des-cbc")
	require.NoError(t, err)
	require.Equal(t, "3des-cbc", names[len(names)-1])
	names, err = Algorithms("casignaturealgorithms", "")
	require.NoError(t, err)
	for _, name := range names {
		require.NotContains(t, name, "-cert-")
	}
	c := &Config{Account: account, Algorithms: func(string, string) ([]string, error) { return nil, errors.New("none here") }}
	_, err = c.Evaluate(t.Context(), "h")
	require.ErrorContains(t, err, "ciphers: none here")
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteFails(t *testing.T) {
	_, err := evaluate(t, "", "h").WriteTo(failing{})
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestLocal(t *testing.T) {
	a, err := Local()
	require.NoError(t, err)
	require.NotEmpty(t, a.Name)
	s, err := (&Config{}).Evaluate(t.Context(), "h")
	require.NoError(t, err)
	require.Equal(t, a.Name, s.User())
	require.Equal(t, []File{{Path: "/h/.ssh/config", Checked: true}, {Path: "/etc/ssh/ssh_config", System: true}}, DefaultFiles("/h/.ssh"))
	require.Equal(t, `\040`, visible(' '))
	require.Equal(t, `\^?`, visible(127))
	require.Equal(t, `\200`, visible(128))
}
