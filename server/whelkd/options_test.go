//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// parse returns the options of a command line and the file it names.
func parse(args ...string) (*options, error) {
	a, err := parseArgs(args)
	if err != nil {
		return nil, err
	}
	c, err := readConfiguration(a)
	if err != nil {
		return nil, err
	}
	return c.global()
}

func TestParseArgs(t *testing.T) {
	o, err := parse("-vvp2222", "-l", "::1", "-hone", "-h", "two", "-a", "ke%ys", "-oPort=22", "-o", "permittty no", "-De", "--")
	require.NoError(t, err)
	require.Equal(t, logging{"DEBUG2", slog.LevelDebug, true}, o.logging)
	require.Equal(t, []string{"[::1]:22"}, o.where.addresses(), "-o comes ahead of -p")
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(here, "one"), filepath.Join(here, "two")}, o.hostKeys)
	a := account{}
	require.Equal(t, filepath.Join(here, "ke%ys"), a.path(o.authorizedKeys[0]), "relative to where we are, and no token")
	require.False(t, o.session.permitTTY)
	o, err = parse()
	require.NoError(t, err)
	want := newOptions()
	want.subsystems["sftp"] = internalSFTP
	require.Equal(t, want, o)
	o, err = parse("-p1", "-p", "2")
	require.NoError(t, err)
	require.Equal(t, []string{"127.0.0.1:1", "127.0.0.1:2"}, o.where.addresses())
}

func TestParseArgsRefuses(t *testing.T) {
	for _, test := range []struct{ args, why string }{
		{"-x", "there is no option -x"},
		{"-p", "option -p needs a value"},
		{"-p 65536", `"65536" is not a port`},
		{"-p -1", `"-1" is not a port`},
		{"-p ssh", `"ssh" is not a port`},
		{"host", `"host" is not an option`},
		{"-v host", `"host" is not an option`},
		{"-- -v", `"-v" is not an option`},
		{"-", `"-" is not an option`},
		{"-o Port", `option "Port": keyword "Port" has no value`},
		{"-o Port=", `keyword "Port" has no value`},
		{"-o #Port", "says nothing"},
		{"-o Prot=22", `keyword "Prot" is not known, or not supported: the nearest is Port`},
		{"-o Match=all", "Match is for a file: name one with -f"},
		{"-o Include=x", "Include is for a file"},
		{"-C user=x", "option -C is for -T"},
		{"-T -C x", `"x" is not of the form name=value`},
		{"-T -C addr=x", "ParseAddr"},
		{"-T -C lport=x", `"lport=x"`},
		{"-T -C zork=x", `"zork" is none of user, host, addr`},
	} {
		t.Run(test.args, func(t *testing.T) {
			_, err := parseArgs(strings.Fields(test.args))
			require.ErrorContains(t, err, test.why)
		})
	}
}

func TestKeywords(t *testing.T) {
	for _, test := range []struct {
		option string
		get    func(o *options) any
		want   any
	}{
		{"AcceptEnv=LANG LC_*", func(o *options) any { return o.session.acceptEnv }, []string{"LANG", "LC_*"}},
		{"authorizedkeysfile=a %h/b", func(o *options) any { return o.authorizedKeys }, []string{"a", "%h/b"}},
		{"AuthorizedKeysFile none", func(o *options) any { return len(o.authorizedKeys) }, 0},
		{"Banner=/etc/issue", func(o *options) any { return o.banner }, "/etc/issue"},
		{"Banner=none", func(o *options) any { return o.banner }, ""},
		{"ClientAliveInterval=1m", func(o *options) any { return o.alive.Patience() }, 3 * time.Minute},
		{"ClientAliveInterval=0", func(o *options) any { return o.alive.Patience() }, time.Duration(0)},
		{"ClientAliveCountMax=5", func(o *options) any { return o.alive.Count }, 5},
		{"ClientAliveCountMax=0", func(o *options) any { return o.alive.Count }, -1},
		{"TCPKeepAlive=no", func(o *options) any { return o.where.silent }, true},
		{"TCPKeepAlive=yes", func(o *options) any { return o.where.silent }, false},
		{"Compression=yes", func(o *options) any { return o.transport.Compression }, []string{"none", "zlib@openssh.com"}},
		{"Compression=Delayed", func(o *options) any { return o.transport.Compression }, []string{"none", "zlib@openssh.com"}},
		{"Compression=no", func(o *options) any { return o.transport.Compression }, []string(nil)},
		{"Ciphers=aes128-ctr", func(o *options) any { return o.transport.Ciphers[0].Name }, "aes128-ctr"},
		{"MACs=-*etm*", func(o *options) any { return o.transport.MACs[0].Name }, "umac-128@openssh.com"},
		{"KexAlgorithms=^curve25519-sha256", func(o *options) any { return o.transport.KeyExchanges[0].Name() }, "curve25519-sha256"},
		{"HostKeyAlgorithms=rsa-sha2-256", func(o *options) any { return o.transport.HostKeyAlgorithms }, []string{"rsa-sha2-256"}},
		{"PubkeyAcceptedAlgorithms=ssh-ed25519", func(o *options) any { return o.transport.UserKeyAlgorithms }, []string{"ssh-ed25519"}},
		{"PubkeyAcceptedAlgorithms=+ssh-ed448", func(o *options) any { return o.transport.KeyFormats[0].Name }, "ssh-ed448"},
		{"HostKeyAlgorithms=+ssh-ed448", func(o *options) any { return len(o.transport.KeyFormats) }, 0},
		{"CASignatureAlgorithms=ssh-ed25519", func(*options) any { return nil }, nil},
		{"ModuliFile=/m", func(o *options) any { return o.moduli }, "/m"},
		{"HostKey=/k", func(o *options) any { return o.hostKeys }, []string{"/k"}},
		{"ListenAddress=192.0.2.1", func(o *options) any { return strings.Join(o.where.addresses(), " ") }, "192.0.2.1:22"},
		{"ListenAddress=192.0.2.1:23", func(o *options) any { return strings.Join(o.where.addresses(), " ") }, "192.0.2.1:23"},
		{"ListenAddress=[::1]:23", func(o *options) any { return strings.Join(o.where.addresses(), " ") }, "[::1]:23"},
		{"ListenAddress=::1", func(o *options) any { return strings.Join(o.where.addresses(), " ") }, "[::1]:22"},
		{"ListenAddress=localhost", func(o *options) any { return strings.Join(o.where.addresses(), " ") }, "localhost:22"},
		{"LogLevel=quiet", func(o *options) any { return o.logging.level }, silent},
		{"LogLevel=INFO", func(o *options) any { return o.logging.level }, slog.LevelInfo},
		{"LogLevel=DEBUG3", func(o *options) any { return o.logging.packets }, true},
		{"LoginGraceTime=1m30", func(o *options) any { return o.loginGrace }, 90 * time.Second},
		{"LoginGraceTime=0", func(o *options) any { return o.loginGrace }, forever},
		{"MaxAuthTries=3", func(o *options) any { return o.maxTries }, 3},
		{"MaxSessions=1", func(o *options) any { return o.sessions }, 1},
		{"MaxStartups=10:30:100", func(o *options) any { return o.startups }, server.Startups{Start: 10, Percent: 30, Full: 100}},
		{"MaxStartups=5", func(o *options) any { return o.startups }, server.Startups{Start: 5, Percent: 100, Full: 5}},
		{"PerSourceMaxStartups=7", func(o *options) any { return o.startups.PerSource }, 7},
		{"PerSourceMaxStartups=none", func(o *options) any { return o.startups.PerSource }, -1},
		{"PermitTTY=no", func(o *options) any { return o.session.permitTTY }, false},
		{"PubkeyAuthentication=no", func(o *options) any { return o.pubkey }, false},
		{"RekeyLimit=1M", func(o *options) any { return o.transport.Rekey.Bytes }, int64(1 << 20)},
		{"RekeyLimit=16", func(o *options) any { return o.transport.Rekey.Bytes }, int64(16)},
		{"RekeyLimit=default 1h", func(o *options) any { return o.transport.Rekey.Interval }, time.Hour},
		{"RekeyLimit=2g none", func(o *options) any { return o.transport.Rekey.Bytes }, int64(2 << 30)},
		{"Subsystem=sftp  /usr/lib/sftp-server -l INFO", func(o *options) any { return o.subsystems["sftp"] }, "/usr/lib/sftp-server -l INFO"},
		{"UnusedConnectionTimeout=5m", func(o *options) any { return o.unused }, 5 * time.Minute},
		{"UnusedConnectionTimeout=none", func(o *options) any { return o.unused }, time.Duration(0)},
		{"PasswordAuthentication=no", func(o *options) any { return o.methods.password }, "no"},
		{"PasswordAuthentication=yes", func(o *options) any { return o.methods.password }, "yes"},
		{"KbdInteractiveAuthentication=yes", func(o *options) any { return o.methods.interactive }, true},
		{"ChallengeResponseAuthentication=yes", func(o *options) any { return o.methods.interactive }, true},
		{"HostbasedAuthentication=yes", func(o *options) any { return o.methods.hostbased }, true},
		{"HostbasedUsesNameFromPacketOnly=yes", func(o *options) any { return o.methods.anyAddress }, true},
		{"PasswordFile=/p", func(o *options) any { return o.methods.passwords }, "/p"},
		{"PasswordFile=none", func(o *options) any { return o.methods.passwords }, ""},
		{"KnownHostsFile=a b", func(o *options) any { return o.methods.knownHosts }, []string{"a", "b"}},
		{"TrustedHostsFile=none", func(o *options) any { return len(o.methods.trustedHosts) }, 0},
		{"AuthenticationMethods=any", func(o *options) any { return o.methods.chains }, [][]string(nil)},
		{"AuthenticationMethods=publickey,password  hostbased", func(o *options) any { return o.methods.chains },
			[][]string{{"publickey", "password"}, {"hostbased"}}},
		{"StrictModes=yes", func(*options) any { return nil }, nil},
		{"PrintMotd=yes", func(*options) any { return nil }, nil},
	} {
		t.Run(test.option, func(t *testing.T) {
			o, err := parse("-o", test.option)
			require.NoError(t, err)
			require.Equal(t, test.want, test.get(o))
		})
	}
}

func TestKeywordsRefuse(t *testing.T) {
	for _, option := range []string{
		"Ciphers=aes129-ctr", "MACs=hmac-md4", "KexAlgorithms=+nothing", "HostKeyAlgorithms=ssh-rsb", "PubkeyAcceptedAlgorithms=-x", "CASignatureAlgorithms=x",
		"Compression=zlib", "PasswordAuthentication=2", "HostbasedAuthentication=2", "KbdInteractiveAuthentication=2",
		"AuthenticationMethods=none", "AuthenticationMethods=publickey,,password", "AuthenticationMethods=keyboard-interactive:pam",
		"X11Forwarding=perhaps", "X11DisplayOffset=1000", "StrictModes=no", "UsePAM=yes",
		"LoginGraceTime=2x", "LoginGraceTime=m", "LoginGraceTime=99999999999", "LoginGraceTime=2000000000w", "LoginGraceTime=-1",
		"MaxAuthTries=0", "MaxAuthTries=many", "MaxSessions=-1", "MaxStartups=10:30", "MaxStartups=10:130:100", "MaxStartups=100:30:10", "MaxStartups=0",
		"PermitTTY=maybe", "PubkeyAuthentication=2", "LogLevel=LOUD", "RekeyLimit=1T", "RekeyLimit=-1", "RekeyLimit=9999999999G", "RekeyLimit=1 2 3",
		"RekeyLimit=K", "Subsystem=sftp", "Subsystem=sftp internal-sftp -P open", "Port=x", "ListenAddress=a:b:c", "ListenAddress=host:99999", "PerSourceMaxStartups=-1",
	} {
		t.Run(option, func(t *testing.T) {
			keyword, _, _ := strings.Cut(option, "=")
			_, err := parse("-o", option)
			require.ErrorContains(t, err, keyword+": ")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// Every error of our own is one line, and exit status 255.
func TestErrorsAreOneLine(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		name string
		args []string
		why  string
	}{
		{"a bad option", []string{"-o", "Port=x"}, `whelkd: Port: "x" is not a port`},
		{"a host key that is not there", []string{"-h", dir + "/none"}, "ssh-keygen -t ed25519"},
		{"nobody could log in", []string{"-h", "testdata/missing", "-o", "PubkeyAuthentication=no"}, "whelkd: "},
		{"an address that is not ours", []string{"-h", hostKeyIn(t), "-l", "192.0.2.1"}, "whelkd: cannot listen on 192.0.2.1:22: "},
		{"a banner that is not there", []string{"-h", hostKeyIn(t), "-o", "Banner=" + dir + "/none"}, "whelkd: banner: "},
		{"no way in", []string{"-h", hostKeyIn(t), "-o", "PubkeyAuthentication=no"}, "whelkd: nobody could log in"},
		{"passwords of nobody", []string{"-h", hostKeyIn(t), "-o", "PasswordAuthentication=yes"}, "name a file of them with PasswordFile"},
		{"prompts for nobody", []string{"-h", hostKeyIn(t), "-o", "KbdInteractiveAuthentication=yes"}, "name a file of them with PasswordFile"},
		{"passwords that are not there", []string{"-h", hostKeyIn(t), "-o", "PasswordFile=" + dir + "/none"}, "htpasswd -cB"},
		{"a method that is off", []string{"-h", hostKeyIn(t), "-o", "AuthenticationMethods=publickey,hostbased"}, `whelkd: AuthenticationMethods: `},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, 255, run(test.args, &stdout, &stderr))
			require.Empty(t, stdout.String())
			require.Contains(t, stderr.String(), test.why)
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
}

// hostKeyIn returns the name of a new host key.
func hostKeyIn(t *testing.T) string {
	path := t.TempDir() + "/key"
	_, err := server.HostKeyFile(path)
	require.NoError(t, err)
	return path
}

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"-V"}, &stdout, &stderr))
	require.Empty(t, stderr.String())
	require.Regexp(t, `^whelkd \(whelk-ssh.*\)\n$`, stdout.String())
}

func TestShellOf(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nnobody:x:65534:65534::/:relative\nu:x:7:7::/home/u:/bin/zsh\n"
	for uid, want := range map[string]string{"0": "/bin/bash", "7": "/bin/zsh", "65534": "/bin/sh", "8": "/bin/sh", "x": "/bin/sh"} {
		require.Equal(t, want, shellOf(strings.NewReader(passwd), uid))
	}
	require.Contains(t, loginShell("0"), "/")
}

func TestAccountPath(t *testing.T) {
	a := account{home: "/home/u", name: "u", uid: "7"}
	for name, want := range map[string]string{
		".ssh/k": "/home/u/.ssh/k", "/etc/k": "/etc/k", "%h/k": "/home/u/k", "~/k": "/home/u/k", "%u": "/home/u/u", "%U%%": "/home/u/7%", "%x": "/home/u/%x",
	} {
		require.Equal(t, want, a.path(name))
	}
}
