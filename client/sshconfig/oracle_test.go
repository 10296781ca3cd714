package sshconfig

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seed is that of the generator. Another one makes other configurations.
const seed = 20260821

// cases is how many configurations ssh is asked about.
const cases = 100

// possible are values of keywords, in the words of OpenSSH 9.2.
var possible = map[string][]string{
	"addkeystoagent":                   {"yes", "no", "ask", "confirm", "confirm 5m", "1h", "true"},
	"addressfamily":                    {"any", "inet", "INET6"},
	"batchmode":                        {"yes", "no", "true"},
	"bindaddress":                      {"127.0.0.1", "::1", "localhost"},
	"bindinterface":                    {"lo", "eth0"},
	"canonicalizefallbacklocal":        {"yes"},
	"canonicalizehostname":             {"no", "false"},
	"canonicaldomains":                 {"Example.com example.org", "none", "a_b.c."},
	"canonicalizemaxdots":              {"0", "3"},
	"canonicalizepermittedcnames":      {"none"},
	"casignaturealgorithms":            {"ssh-ed25519", "+rsa-*", "-ecdsa*", "^rsa-sha2-256"},
	"certificatefile":                  {"~/.ssh/a-cert.pub", "/b/%h", `"/with blank"`},
	"checkhostip":                      {"yes", "no"},
	"ciphers":                          {"aes128-ctr", "aes128-ctr,aes256-ctr", "+3des-cbc,aes128-cbc", "-chacha*,*gcm*", "^aes256-ctr"},
	"clearallforwardings":              {"no"},
	"compression":                      {"yes", "no", "YES"},
	"connectionattempts":               {"1", "7"},
	"connecttimeout":                   {"10", "1m30s", "none", "2h", "0"},
	"controlmaster":                    {"yes", "no", "ask", "auto", "autoask"},
	"controlpath":                      {"~/.ssh/%C", "/tmp/%h-%p-%r", "none", "/x/${WHELK_TEST}/%n%%", "/%i%L%u%d%k%l"},
	"controlpersist":                   {"yes", "no", "10m", "0", "90"},
	"dynamicforward":                   {"1080", "127.0.0.1:1081", "[::1]:1082", "*:1083"},
	"enableescapecommandline":          {"yes", "no"},
	"enablesshkeysign":                 {"yes", "no"},
	"escapechar":                       {"none", "~", "^A", "x", "^[", `\\`},
	"exitonforwardfailure":             {"yes", "no"},
	"fingerprinthash":                  {"md5", "sha256", "SHA512"},
	"forkafterauthentication":          {"no"},
	"forwardagent":                     {"yes", "no", "$WHELK_TEST", "~/agent", "${WHELK_TEST}"},
	"forwardx11":                       {"yes", "no"},
	"forwardx11timeout":                {"20m", "0", "5"},
	"forwardx11trusted":                {"yes", "no"},
	"gatewayports":                     {"yes", "no"},
	"globalknownhostsfile":             {"/a /b", `"/with blank"`, "/c"},
	"gssapiauthentication":             {"yes", "no"},
	"gssapidelegatecredentials":        {"yes", "no"},
	"hashknownhosts":                   {"yes", "no"},
	"hostbasedacceptedalgorithms":      {"ssh-ed25519", "-*cert*", "+ssh-rsa"},
	"hostbasedauthentication":          {"yes", "no"},
	"hostkeyalgorithms":                {"ssh-ed25519,rsa-sha2-512", "^rsa-sha2-256,ssh-ed25519", "-ecdsa*", "+ssh-rsa"},
	"hostkeyalias":                     {"Alias", "other"},
	"hostname":                         {"%h.example.com", "10.0.0.1", "Real.Host", "x-%h", "a%%b"},
	"identitiesonly":                   {"yes", "no"},
	"identityagent":                    {"none", "SSH_AUTH_SOCK", "$WHELK_TEST", "~/a%h", "/x/${WHELK_TEST}"},
	"identityfile":                     {"~/.ssh/a", "/b/%h", "none", `"/with blank"`, `'single'`, `a\ b`},
	"ignoreunknown":                    {"Frob*,*knicate", "UseKeychain"},
	"ipqos":                            {"af21", "ef cs1", "none", "0 255", "le af11"},
	"kbdinteractiveauthentication":     {"yes", "no"},
	"challengeresponseauthentication":  {"yes", "no"},
	"kbdinteractivedevices":            {"pam,bsdauth"},
	"kexalgorithms":                    {"curve25519-sha256", "+diffie-hellman-group14-sha1", "-ecdh*,diffie*", "^ecdh-sha2-nistp256"},
	"knownhostscommand":                {"/bin/x %H %f", "none"},
	"localcommand":                     {"echo %h", `echo "quoted %n" # no comment`, "none"},
	"localforward":                     {"80 host:90", "[::1]:81 [::2]:91", "127.0.0.1:82 h:92", "/tmp/a%h h:93", "*:84 h:94"},
	"loglevel":                         {"QUIET", "debug", "DEBUG1", "debug3", "verbose"},
	"logverbose":                       {"kex.c:*:1000", "none"},
	"macs":                             {"hmac-sha2-256", "+hmac-md5", "-*etm*", "^hmac-sha1"},
	"nohostauthenticationforlocalhost": {"yes", "no"},
	"numberofpasswordprompts":          {"0", "9"},
	"passwordauthentication":           {"yes", "no"},
	"permitlocalcommand":               {"yes", "no"},
	"permitremoteopen":                 {"any", "none", "a:80 b:*", "[::1]:22"},
	"pkcs11provider":                   {"/lib/x.so", "none"},
	"port":                             {"2222", "22", "ssh", "65535"},
	"preferredauthentications":         {"publickey,password", "none"},
	"proxycommand":                     {"nc %h %p", `sh -c "nc '%h' %p" # still`, "none"},
	"proxyusefdpass":                   {"yes", "no"},
	"pubkeyacceptedalgorithms":         {"ssh-ed25519", "-*cert*", "^rsa-sha2-256"},
	"pubkeyacceptedkeytypes":           {"+ssh-rsa"},
	"pubkeyauthentication":             {"yes", "no", "unbound", "host-bound"},
	"rekeylimit":                       {"1G", "default 1h", "500M 30m", "0 none", "1.5K", "16"},
	"remotecommand":                    {"none"},
	"remoteforward":                    {"80 host:90", "8080", "0 h:1", "/tmp/r%r /tmp/s", "[::1]:81 h:91", "/tmp/only"},
	"requesttty":                       {"no", "yes", "force", "auto"},
	"requiredrsasize":                  {"2048"},
	"revokedhostkeys":                  {"/etc/revoked"},
	"securitykeyprovider":              {"internal", "/lib/y.so", "none"},
	"sendenv":                          {"LANG LC_*", "-LC_*", "A B", "-*"},
	"serveralivecountmax":              {"5"},
	"serveraliveinterval":              {"30", "1m", "none"},
	"sessiontype":                      {"default", "none", "subsystem"},
	"setenv":                           {"A=1 A=2 B=3", `C="with blank"`, "D="},
	"stdinnull":                        {"yes", "no"},
	"streamlocalbindmask":              {"0177", "077", "0"},
	"streamlocalbindunlink":            {"yes", "no"},
	"stricthostkeychecking":            {"yes", "no", "ask", "accept-new", "off"},
	"syslogfacility":                   {"AUTH", "local7", "DAEMON"},
	"tcpkeepalive":                     {"yes", "no"},
	"keepalive":                        {"no"},
	"tunnel":                           {"yes", "no", "ethernet", "point-to-point"},
	"tunneldevice":                     {"any", "0:1", "1", "any:3"},
	"updatehostkeys":                   {"yes", "no", "ask"},
	"user":                             {"alice", "bob", `"with blank"`},
	"userknownhostsfile":               {"~/.ssh/known_hosts", "/a/%h /b", "none", "~/k%C"},
	"verifyhostkeydns":                 {"yes", "no", "ask"},
	"visualhostkey":                    {"yes", "no"},
	"xauthlocation":                    {"/opt/xauth"},
	// Of these one leads nowhere if there is the other: they have cases of their own.
	"proxyjump": nil,
}

// newer are keywords that OpenSSH 9.2 does not have.
var newer = []string{"channeltimeout", "obscurekeystroketiming", "tag", "versionaddendum", "warnweakcrypto"}

func TestPossibleIsComplete(t *testing.T) {
	for _, name := range Keywords() {
		_, ok := possible[name]
		require.True(t, ok != slices.Contains(newer, name), name)
	}
}

// hosts are what is asked for.
var hosts = []string{"alpha", "Beta.example.com", "gamma.example.org", "10.1.2.3", "127.1", "::0001", "0x7f.1", "UPPER", "fe80::1%lo", "host-1"}

// conditions begin blocks.
var conditions = []string{
	"Host *", "Host alpha", "Host *.example.com !gamma*", "Host a* b* g*", "Host !alpha *", "Host 10.* ::*", `Host "alpha" 'UPPER'`, "Host=alpha beta",
	"Match all", "Match host *.example.com,alpha", "Match !host alpha", "Match originalhost alpha,UPPER", "Match user root,alice", "Match localuser root",
	"Match host=alpha user *", "Match final", "Match canonical", "Match !canonical", "Match final host *.example.com", "Match canonical all",
	`Match exec "true"`, `Match exec "test %h = alpha"`, "Match !exec false user alice", `Match host alpha exec "exit 1"`, `Match exec "test %n-%p = alpha-22" # comment`,
	"Match user !root,*", "Match host a*,!alpha", `Match exec "test %C = x"`,
}

// A generator makes configurations.
type generator struct {
	*rand.Rand
	dir   string
	files int
}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

// line is a keyword with a value, written in one of the ways there are.
func (g *generator) line() string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(possible)), func(name string) bool { return possible[name] == nil })
	name := g.pick(names)
	value := g.pick(possible[name])
	written := g.pick([]string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]})
	raw := slices.Contains([]string{"proxycommand", "localcommand", "knownhostscommand", "remotecommand"}, name)
	comment := g.pick([]string{"", "", " # comment", "  "})
	if raw {
		comment = ""
	}
	return g.pick([]string{"", "  ", "\t"}) + written + g.pick([]string{" ", "=", " = ", "\t"}) + value + comment
}

// file writes a file, and those that it includes.
func (g *generator) file(t *testing.T, name string, depth int) string {
	var lines []string
	if g.IntN(3) == 0 {
		lines = append(lines, "IgnoreUnknown Frob*,Unk*", "Frobnicate everything", "UNKNOWN")
		lines[2] += " x y z"
	}
	for range 2 + g.IntN(4) {
		switch g.IntN(5) {
		case 0:
			lines = append(lines, "", "# a comment", "   # another", "   ", "ForwardX11Timeout 7 \f")
		case 1:
			if depth < 3 {
				g.files++
				inner := fmt.Sprintf("inner%d", g.files)
				g.file(t, inner+"-a.conf", depth+1)
				g.file(t, inner+"-b.conf", depth+1)
				pattern := g.pick([]string{inner + "-*.conf", inner + "-?.conf", inner + "-[ab].conf", inner + "-a.conf " + g.dir + "/" + inner + "-b.conf", "none-*.conf"})
				lines = append(lines, "Include "+g.dir+"/"+pattern)
			}
		}
		if g.IntN(4) > 0 {
			lines = append(lines, g.pick(conditions))
		}
		for range g.IntN(7) {
			lines = append(lines, g.line())
		}
	}
	path := filepath.Join(g.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// openSSH returns the path of ssh, and what it prints without configuration.
func openSSH(t *testing.T) (path string, bare map[string][]string) {
	t.Helper()
	path, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs ssh (Debian: openssh-client)")
		}
		t.Skip("there is no ssh here (Debian: openssh-client)")
	}
	out, err := exec.Command(path, "-F", "none", "-G", "host").Output()
	require.NoError(t, err)
	return path, byKeyword(string(out))
}

// byKeyword takes what -G prints apart.
func byKeyword(text string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		all[strings.ToLower(name)] = append(all[strings.ToLower(name)], value)
	}
	return all
}

// like returns a configuration whose defaults, and whose algorithms, are those of
// ssh.
func like(t *testing.T, ssh string, bare map[string][]string) *Config {
	u, err := user.Current()
	require.NoError(t, err)
	c := &Config{Account: Account{Name: u.Username, ID: u.Uid, Home: u.HomeDir}, Getenv: testEnv}
	for _, name := range []string{"forwardx11trusted", "securitykeyprovider", "identityfile", "xauthlocation", "requiredrsasize"} {
		for _, value := range bare[name] {
			c.Defaults = append(c.Defaults, Option{Keyword: name, Value: value})
		}
	}
	topics := map[string]string{"ciphers": "cipher", "macs": "mac", "kexalgorithms": "kex", "casignaturealgorithms": "sig"}
	c.Algorithms = func(keyword, list string) ([]string, error) {
		topic := topics[keyword]
		if topic == "" {
			topic = "key-sig"
		}
		all, err := exec.Command(ssh, "-Q", topic).Output()
		require.NoError(t, err)
		return Names{Default: strings.Split(bare[keyword][0], ","), Optional: strings.Fields(string(all))}.Choose(list)
	}
	algorithms, known := c.Algorithms, make(map[string][]string)
	c.Algorithms = func(keyword, list string) ([]string, error) { // ssh -Q takes its time
		if names, ok := known[keyword+list]; ok {
			return names, nil
		}
		names, err := algorithms(keyword, list)
		known[keyword+list] = names
		return names, err
	}
	c.Exec = func(_ context.Context, command string) (bool, error) {
		return exec.Command("/bin/sh", "-c", command).Run() == nil, nil
	}
	c.Resolve = func(context.Context, string, string) (string, error) { return "", errors.New("there are no names") }
	return c
}

func testEnv(name string) (string, bool) { return "value", name == "WHELK_TEST" }

// Both print the same, but for what one of them does not have.
func requireSame(t *testing.T, theirs, ours string, bare, plain map[string][]string) {
	t.Helper()
	kept := func(text string) (lines []string) {
		last := ""
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			name, value, _ := strings.Cut(line, " ")
			name = strings.ToLower(name)
			_, has := bare[name]
			switch {
			case strings.HasPrefix(name, "gssapi") && !slices.Contains(Keywords(), name): // of Debian
			case !has && slices.Equal(plain[name], []string{value}): // newer than theirs
			case name == "ipqos" && (slices.Equal(bare[name], []string{value}) || slices.Equal(plain[name], []string{value})):
			case name == "serveraliveinterval" && value == "300": // of Debian, with BatchMode
				lines = append(lines, name+" 0")
			case name == "revokedhostkeys": // in another place since 9.9
				last = line
			default:
				lines = append(lines, line)
			}
		}
		return append(lines, last)
	}
	require.Equal(t, kept(theirs), kept(ours))
}

// What "ssh -G" prints of a hundred configurations, we print: each keyword, each
// criterion of Match that OpenSSH 9.2 has, Include, tokens, quotation marks, and
// the two passes.
func TestOpenSSHAgrees(t *testing.T) {
	ssh, bare := openSSH(t)
	plain := like(t, ssh, bare)
	s, err := plain.Evaluate(t.Context(), "host")
	require.NoError(t, err)
	var b strings.Builder
	s.WriteTo(&b)
	unset := byKeyword(b.String())
	agreed, refused := 0, 0
	for n := range cases {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(n))), dir: t.TempDir()}
			path := g.file(t, "config", 0)
			host := g.pick(hosts)
			args := []string{"-F", path}
			c := *plain
			c.Files = []File{{Path: path, Required: true}}
			for range g.IntN(3) {
				option := strings.TrimSpace(g.line())
				args = append(args, "-o", option)
				o, err := ParseOption(option)
				require.NoError(t, err)
				c.Options = append(c.Options, o)
			}
			cmd := exec.Command(ssh, append(args, "-G", host)...)
			cmd.Env = append(os.Environ(), "WHELK_TEST=value", "SHELL=/bin/sh", "LC_ALL=C")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			theirs, failed := cmd.Output()
			s, err := c.Evaluate(t.Context(), host)
			config, _ := os.ReadFile(path)
			if failed != nil {
				require.Error(t, err, "ssh says %s\n%v\n%s", stderr.String(), args, config)
				refused++
				return
			}
			require.NoError(t, err, "%v\n%s", args, config)
			var ours strings.Builder
			_, err = s.WriteTo(&ours)
			require.NoError(t, err)
			requireSame(t, string(theirs), ours.String(), bare, unset)
			agreed++
		})
	}
	t.Logf("agreed on %d, and refused %d alike", agreed, refused)
	require.Greater(t, agreed, cases*3/4)
}

// What one of a hundred lines would rarely hit: ways to a host, and names that
// nobody knows (RFC 6761, section 6.4).
func TestOpenSSHAgreesInParticular(t *testing.T) {
	ssh, bare := openSSH(t)
	plain := like(t, ssh, bare)
	s, err := plain.Evaluate(t.Context(), "host")
	require.NoError(t, err)
	var b strings.Builder
	s.WriteTo(&b)
	unset := byKeyword(b.String())
	for _, tt := range []struct{ name, config, host string }{
		{"one host", "ProxyJump gate", "h"},
		{"three hosts", "ProxyJump a@one:1,two,three:3", "h"},
		{"addresses", "ProxyJump 10.0.0.1,[::1]:2,u@[10.0.0.2]", "h"},
		{"URLs", "ProxyJump ssh://u@one:1,ssh://two", "h"},
		{"a comment", "ProxyJump gate # and no more", "h"},
		{"none", "ProxyJump none", "h"},
		{"none, then one", "ProxyJump none\nProxyJump gate", "h"},
		{"jump, then command", "ProxyJump gate\nProxyCommand nc", "h"},
		{"command, then jump", "ProxyCommand nc\nProxyJump gate", "h"},
		{"a jump of another host", "Host x\nProxyJump gate\nHost h\nProxyCommand nc %h", "h"},
		{"no jump at all", "ProxyJump ,", "h"},
		{"jump to port 0", "ProxyJump a:0", "h"},
		{"no fd is passed by a jump", "ProxyUseFdpass yes\nProxyJump gate", "h"},
		{"names looked up in vain", "CanonicalizeHostname yes\nCanonicalDomains whelk.invalid\nMatch canonical\nTunnel yes", "Nobody"},
		{"names looked up in vain, and no way back", "CanonicalizeHostname yes\nCanonicalDomains whelk.invalid\nCanonicalizeFallbackLocal no", "nobody"},
		{"names with too many dots", "CanonicalizeHostname yes\nCanonicalDomains whelk.invalid\nCanonicalizeFallbackLocal no", "no.body.invalid"},
		{"names behind a jump", "CanonicalizeHostname yes\nCanonicalDomains whelk.invalid\nCanonicalizeFallbackLocal no\nProxyJump gate", "nobody"},
		{"names behind a command, always", "CanonicalizeHostname always\nCanonicalDomains whelk.invalid\nProxyCommand nc", "nobody"},
		{"the final pass", "Host real.invalid\nPort 7\nHost h\nHostName real.invalid\nMatch final host real.invalid\nUser late", "h"},
		{"the final pass does not undo", "User early\nMatch final\nUser late\nPort 9", "h"},
		{"canonical names make a final pass", "Host real.invalid\nPort 7\nHost h\nHostName real.invalid\nHost *\nCanonicalizeHostname yes", "h"},
		{"HostName of HostName", "HostName %h.a\nHostName %h.b", "h"},
		{"SendEnv and back", "SendEnv A B\nSendEnv -A C\nSendEnv -*\nSendEnv D", "h"},
		{"files twice", "IdentityFile a\nIdentityFile b\nIdentityFile a\nCertificateFile c\nCertificateFile c", "h"},
		{"forwards twice", "LocalForward 1 a:1\nLocalForward 1 a:1\nDynamicForward 2\nDynamicForward 2\nRemoteForward 3\nRemoteForward 3", "h"},
		{"forwards cleared", "LocalForward 1 a:1\nClearAllForwardings yes\nRemoteForward 3", "h"},
		{"agent lent twice", "ForwardAgent no\nForwardAgent $WHELK_TEST", "h"},
		{"rekeyed twice", "RekeyLimit 1G\nRekeyLimit 2G 5m", "h"},
		{"no time, then one", "ConnectTimeout none\nConnectTimeout 5", "h"},
		{"what counts in any block", "Host x\nSyslogFacility AUTH\nStreamLocalBindMask 077\nHost h\nSyslogFacility USER\nStreamLocalBindMask 07", "h"},
		{"updates with files of one's own", "UserKnownHostsFile ~/.ssh/known_hosts", "h"},
		{"updates with DNS", "VerifyHostKeyDNS ask", "h"},
		{"updates that ask, with a level that says nothing", "UpdateHostKeys ask\nLogLevel ERROR", "h"},
		{"an equals sign of its own", "Port = 7\nUser==x", "h"},
		{"keyword in quotation marks", `"Port" 7`, "h"},
		{"a quotation mark in a keyword", `Po"rt 7`, "h"},
		{"no newline at the end", "Port 7", "h"},
		{"carriage returns", "Port 7\r\nUser x\r", "h"},
		{"Host without value", "Host", "h"},
		{"Host of nothing", `Host ""`, "h"},
		{"Match all and more", "Match all user x", "h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			require.NoError(t, os.WriteFile(path, []byte(tt.config), 0o600))
			c := *plain
			c.Files = []File{{Path: path, Required: true}}
			cmd := exec.Command(ssh, "-F", path, "-G", tt.host)
			cmd.Env = append(os.Environ(), "WHELK_TEST=value", "SHELL=/bin/sh", "LC_ALL=C", "RES_OPTIONS=attempts:1 timeout:1")
			theirs, failed := cmd.CombinedOutput()
			s, err := c.Evaluate(t.Context(), tt.host)
			require.Equal(t, failed == nil, err == nil, "ssh: %s\nwe: %v", theirs, err)
			if err != nil {
				return
			}
			var ours strings.Builder
			s.WriteTo(&ours)
			text := string(theirs)
			_, text, _ = strings.Cut("\n"+text, "\nhost ") // what is not printed by -G comes first
			requireSame(t, "host "+text, ours.String(), bare, unset)
		})
	}
}
