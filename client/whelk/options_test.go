package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// settled returns a command line with what comes of it, without the files of who
// runs the tests.
func settled(args ...string) (*options, error) {
	o, err := parseOptions(append([]string{"-F", "none"}, args...))
	if err != nil {
		return nil, err
	}
	p := &program{options: o, hops: make(map[string]*program)}
	return o, p.settle(context.Background())
}

func parse(t *testing.T, line string) *options {
	t.Helper()
	o, err := settled(strings.Fields(line)...)
	require.NoError(t, err, line)
	return o
}

func TestDestinations(t *testing.T) {
	for _, test := range []struct {
		line, user, host string
		port             int
		command          string
	}{
		{"alice@Example.com", "alice", "example.com", 22, ""},
		{"alice@realm@example.com", "alice@realm", "example.com", 22, ""},
		{"-l alice example.com uname -a", "alice", "example.com", 22, "uname -a"},
		{"-l alice bob@example.com", "alice", "example.com", 22, ""},
		{"alice@example.com -l bob", "alice", "example.com", 22, ""},
		{"-p 2222 alice@example.com -v uname -a", "alice", "example.com", 2222, "uname -a"},
		{"alice@example.com -p 2222 -- -strange command", "alice", "example.com", 2222, "-strange command"},
		{"-- alice@example.com ls", "alice", "example.com", 22, "ls"},
		{"ssh://alice@example.com:2222", "alice", "example.com", 2222, ""},
		{"ssh://alice@[::1]:2222/ id", "alice", "::1", 2222, "id"},
		{"ssh://al%20ice@example.com", "al ice", "example.com", 22, ""},
		{"-p 1 ssh://alice@example.com:2222", "alice", "example.com", 1, ""},
		{"-oUser=alice -oPort=3 ::1", "alice", "::1", 3, ""},
		{"-lalice [::1]", "alice", "::1", 22, ""},
	} {
		o := parse(t, test.line)
		require.Equal(t, []any{test.user, test.host, test.port, test.command}, []any{o.user, o.host, o.port, o.command}, test.line)
	}
}

// Each mistake is named, in one line.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"nothing", "", "usage:"},
		{"flags only", "-v", "usage:"},
		{"attacks.md P3: dash", "-- -oProxyCommand=x", "begins with a dash"},
		{"attacks.md P3: dash behind a user", "a@-oProxyCommand=x", "begins with a dash"},
		{"attacks.md P3: a URL", "ssh://-oProxyCommand=x/", "begins with a dash"},
		{"attacks.md P3: shell in the host", "a@`id`", "character '`'"},
		{"attacks.md P3: shell in the user", "$(id)@host", "character '$'"},
		{"attacks.md P3: dash as user", "-l -x host", "begins with a dash"},
		{"attacks.md P3: control character", "ho\x1bst", `'\x1b'`},
		{"no user", "@host", "no user"},
		{"no host", "user@", "host name is empty"},
		{"password in a URL", "ssh://a:b@host", "password"},
		{"path in a URL", "ssh://host/path", "form ssh://"},
		{"port", "-p 65536 host", "65535"},
		{"port 0", "-p 0 host", "65535"},
		{"port of a URL", "ssh://host:x", "form ssh://"},
		{"unknown flag", "-z host", "-z"},
		{"a flag of later", "-M host", "-M is not supported yet"},
		{"a flag of later without value", "-y host", "-y is not supported yet"},
		{"keyword", "-o Bogus=1 host", `Bogus: there is no such keyword`},
		{"no keyword", "-o =1 host", "Keyword=value"},
		{"no value", "-o Port= host", "no value"},
		{"a value of later", "-o VisualHostKey=yes host", `only "no"`},
		{"compression", "-o Compression=delayed host", "none of yes, no"},
		{"yes or no", "-o BatchMode=maybe host", "neither yes nor no"},
		{"one of", "-o AddressFamily=x host", "inet, inet6, any"},
		{"cipher", "-c aes128-gcm host", "aes128-gcm@openssh.com"},
		{"MAC", "-m md5 host", `"whelk -Q mac"`},
		{"kex", "-o KexAlgorithms=curve25519 host", `the nearest is "curve25519-sha256"`},
		{"kex to take away", "-o KexAlgorithms=-curve25519 host", `the nearest is "curve25519-sha256"`},
		{"host key", "-o HostKeyAlgorithms=ssh-des host", `the nearest is "ssh-dss"`},
		{"user key", "-o PubkeyAcceptedAlgorithms=+rsa host", `"whelk -Q key-sig"`},
		{"authority", "-o CASignatureAlgorithms=rsa host", `"whelk -Q key-sig"`},
		{"all ciphers gone", "-c -* host", "leaves no"},
		{"rekey", "-o RekeyLimit=1X host", "number of bytes"},
		{"rekey below 16", "-o RekeyLimit=8 host", "16"},
		{"strict", "-o StrictHostKeyChecking=perhaps host", "accept-new"},
		{"timeout, a word", "-o ConnectTimeout=soon host", "90 or 1h30m"},
		{"prompts", "-o NumberOfPasswordPrompts=x host", "not a number"},
		{"level", "-o LogLevel=LOUD host", "QUIET"},
		{"SetEnv", "-o SetEnv=x host", "NAME=value"},
		{"quotation", `-o UserKnownHostsFile="a host`, "quotation mark"},
		{"-N and a command", "-N host ls", `"ls"`},
		{"mistakes count where the value does not", "-p 1 -p x host", "65535"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := settled(strings.Fields(test.line)...)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), "\x1b")
		})
	}
}

// The first value of a keyword counts, but for those that add up.
func TestFirstValueCounts(t *testing.T) {
	o := parse(t, "-o port=1 -p 2 -i a -i b -o IdentityFile=c -o SetEnv=A=1 -o SetEnv=A=2 -o SendEnv=LC_* -c aes128-ctr -c aes256-ctr h")
	require.Equal(t, 1, o.port)
	require.Equal(t, []string{"a", "b", "c"}, o.resolved.List("IdentityFile"))
	require.Equal(t, []string{"A=1"}, o.setEnv)
	require.Len(t, o.transport.Ciphers, 1)
	require.Equal(t, "aes128-ctr", o.transport.Ciphers[0].Name)
}

// -C is Compression=yes, and stronger. ssh_config(5) has no other values.
func TestCompressionOption(t *testing.T) {
	asked := []string{"zlib@openssh.com", "zlib", "none"}
	for _, test := range []struct {
		line string
		want []string
	}{
		{"h", nil},
		{"-C h", asked},
		{"-vC h", asked},
		{"-o Compression=yes h", asked},
		{"-o compression=YES h", asked},
		{"-o Compression=no h", nil},
		{"-o Compression=no -C h", asked},
		{"-C -o Compression=no h", asked},
		{"-o Compression=no -o Compression=yes h", nil},
	} {
		require.Equal(t, test.want, parse(t, test.line).transport.Compression, test.line)
	}
}

func TestKeywords(t *testing.T) {
	o, err := settled(
		"-o", "StrictHostKeyChecking accept-new", "-o", "HashKnownHosts = yes", "-oRekeyLimit=1M 1h", "-o", `UserKnownHostsFile "/a b/c" /d`,
		"-oGlobalKnownHostsFile=none", "-oBatchMode=yes", "-oConnectTimeout=1m30s", "-oPreferredAuthentications=password,none",
		"-oIdentitiesOnly=yes", "-oCompression=no", "-oHostKeyAlias=alias", "-oRequestTTY=force", "-oLogLevel=debug",
		"-oHostKeyAlgorithms=^rsa-sha2-256", "-oKexAlgorithms=-mlkem*", "-omacs=+hmac-sha2-256", "-F", "none", "-4", "-nq", "h",
	)
	require.NoError(t, err)
	require.Equal(t, knownhosts.AcceptNew, o.policy)
	require.True(t, o.hashHosts)
	require.Equal(t, int64(1<<20), o.transport.Rekey.Bytes)
	require.Equal(t, time.Hour, o.transport.Rekey.Interval)
	require.Equal(t, []string{"/a b/c", "/d"}, o.userHosts)
	require.Empty(t, o.globalHosts)
	require.True(t, o.batch)
	require.False(t, o.password || o.interactive, "BatchMode asks nobody")
	require.Equal(t, 90*time.Second, o.connectTimeout)
	require.Equal(t, []string{"password", "none"}, o.preferred)
	require.Equal(t, "alias", o.alias)
	require.Equal(t, levelDebug1, o.logLevel)
	require.Equal(t, "rsa-sha2-256", o.transport.HostKeyAlgorithms[0])
	require.Equal(t, "sntrup761x25519-sha512", o.transport.KeyExchanges[0].Name())
	require.Equal(t, "inet", o.resolved.Text("AddressFamily"))
	require.True(t, o.noStdin)
	require.True(t, o.quiet)
}

func TestDefaults(t *testing.T) {
	o := parse(t, "h")
	require.NotEmpty(t, o.user)
	require.Equal(t, knownhosts.Ask, o.policy)
	require.Equal(t, "yes", o.updateHosts)
	require.Equal(t, o.homePaths([]string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}), o.userHosts)
	require.Equal(t, "no", parse(t, "-o UserKnownHostsFile=f h").updateHosts, "as in ssh_config(5)")
	require.Equal(t, "ask", parse(t, "-o UserKnownHostsFile=f -o UpdateHostKeys=ask h").updateHosts)
	require.True(t, parse(t, "-o CheckHostIP=yes h").checkIP)
	for value, want := range map[string]knownhosts.Policy{"yes": knownhosts.Strict, "ask": knownhosts.Ask, "off": knownhosts.InsecureAcceptChanged} {
		require.Equal(t, want, parse(t, "-o StrictHostKeyChecking="+value+" h").policy)
	}
	require.Equal(t, []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}, o.resolved.List("IdentityFile")[:3])
	require.Equal(t, []string{"hostbased", "publickey", "keyboard-interactive", "password"}, o.preferred)
	require.True(t, o.publicKey && o.interactive && o.password && !o.hostbased)
	o = parse(t, "-oKbdInteractiveAuthentication=no -oHostbasedAuthentication=yes -oHostbasedKeyFile=a h")
	require.True(t, !o.interactive && o.hostbased)
	require.Equal(t, []string{"a"}, o.machineKeys)
}

func TestWantsTerminal(t *testing.T) {
	for _, test := range []struct {
		line        string
		want, force bool
	}{
		{"h", true, false},
		{"h ls", false, false},
		{"-t h ls", true, false},
		{"-tt h ls", true, true},
		{"-t -t h ls", true, true},
		{"-T h", false, false},
		{"-tT h", false, false},
		{"-oRequestTTY=no h", false, false},
		{"-oRequestTTY=yes h ls", true, false},
		{"-oRequestTTY=force h ls", true, true},
		{"-oRequestTTY=no -t h ls", true, false},
	} {
		p := &program{options: parse(t, test.line)}
		want, force := p.wantsTerminal()
		require.Equal(t, []bool{test.want, test.force}, []bool{want, force}, test.line)
	}
}

func TestEnvironment(t *testing.T) {
	o := parse(t, "-oSetEnv=A=1 -oSendEnv=LC_* -oSendEnv=-LC_X* -oSendEnv=LAN? -oSendEnv=-LC_* -oSendEnv=LC_A* h")
	got := o.environment([]string{"LC_ALL=C", "LC_CTYPE=x", "LANG=y", "LANGUAGE=z", "A=2"})
	require.Equal(t, []string{"A=1", "LC_ALL=C", "LANG=y"}, got)
}

// attacks.md P1.
func TestPrintable(t *testing.T) {
	require.Equal(t, "line\n\ttab \\x1b[2J \\u202e� é\\u009b", printable("line\r\n\ttab \x1b[2J \u202e\xff é\u009b"))
}
