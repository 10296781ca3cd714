//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sshdPath returns where OpenSSH's sshd is.
func sshdPath(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("OpenSSH's sshd is not installed")
	}
	t.Skip("OpenSSH's sshd is not installed")
	return ""
}

// values are what the generated configurations say, for keywords that both
// know. Those that cannot stand behind a Match come first.
var (
	globalValues = map[string][]string{
		"AddressFamily":        {"any", "inet"},
		"Ciphers":              {"aes128-ctr", "aes256-gcm@openssh.com,aes128-ctr", `"aes192-ctr,aes256-ctr"`},
		"Compression":          {"no"},
		"HostKeyAlgorithms":    {"ssh-ed25519", "rsa-sha2-512,ssh-ed25519"},
		"KexAlgorithms":        {"curve25519-sha256", "curve25519-sha256,ecdh-sha2-nistp256"},
		"ListenAddress":        {"127.0.0.1", "127.0.0.1:2222", "[127.0.0.1]:77", "0.0.0.0"},
		"LoginGraceTime":       {"0", "90", "1m30", "1h", "2m5s"},
		"MACs":                 {"hmac-sha2-256", "umac-128@openssh.com,hmac-sha2-512"},
		"MaxStartups":          {"10:40:90"},
		"PerSourceMaxStartups": {"7"},
		"PidFile":              {"none", "/run/x.pid", `"/run/a b"`},
		"Port":                 {"22", "2222", "65535"},
		"VersionAddendum":      {"none", "hello", `two "words" # all`},
		"ModuliFile":           {"/etc/m"},
	}
	// AuthorizedPrincipalsCommand is missing: OpenSSH 9.2 does not take it once
	// there is an AuthorizedKeysCommand. It fails if AuthenticationMethods has
	// "any" behind a Match and has been there before, and of several MaxStartups
	// and PerSourceMaxStartups takes the last. Of RekeyLimit it takes what is
	// missing from the next. It shows LogLevel QUIET as SILENT.
	matchValues = map[string][]string{
		"AcceptEnv":                       {"LANG", "LANG LC_*", `"A B" C`, "X_? # comment"},
		"AllowAgentForwarding":            {"yes", "no"},
		"AllowGroups":                     {"root", "a* b?", "wheel"},
		"AllowStreamLocalForwarding":      {"yes", "no", "local", "remote"},
		"AllowTcpForwarding":              {"yes", "no", "all", "local", "remote"},
		"AllowUsers":                      {"root", "root@10.0.0.0/8 bob", "*@192.0.2.* carol"},
		"AuthenticationMethods":           {"publickey", "publickey,publickey publickey", "publickey publickey,publickey"},
		"AuthorizedKeysCommand":           {"/bin/true", `/bin/echo "a  b" %u %k`, "none"},
		"AuthorizedKeysCommandUser":       {"root", "nobody"},
		"AuthorizedKeysFile":              {"none", ".ssh/authorized_keys", "%h/a /etc/keys/%u", `"a b" c`},
		"AuthorizedPrincipalsCommandUser": {"root"},
		"AuthorizedPrincipalsFile":        {"none", "/etc/principals/%u", "/p"},
		"Banner":                          {"none", "/etc/issue", `'/a b'`},
		"CASignatureAlgorithms":           {"ssh-ed25519", "rsa-sha2-512,ssh-ed25519"},
		"DenyGroups":                      {"evil", "x y"},
		"DenyUsers":                       {"mallory", "eve@*.example.org", "a b c"},
		"DisableForwarding":               {"yes", "no"},
		"ExposeAuthInfo":                  {"yes", "no"},
		"ForceCommand":                    {"none", "/bin/true", `echo "hi  there"  # all of it`},
		"GatewayPorts":                    {"yes", "no", "clientspecified"},
		"HostbasedAuthentication":         {"no"},
		"HostbasedUsesNameFromPacketOnly": {"yes", "no"},
		"IgnoreRhosts":                    {"yes", "no"},
		"LogLevel":                        {"ERROR", "INFO", "VERBOSE", "DEBUG", "debug2"},
		"MaxAuthTries":                    {"1", "3", "6"},
		"MaxSessions":                     {"1", "10"},
		"PermitListen":                    {"any", "none", "8080", "localhost:80 *:81", "1 2 3"},
		"PermitOpen":                      {"any", "none", "host:80", "a:1 *:2 [::1]:3"},
		"PermitRootLogin":                 {"yes", "no", "prohibit-password", "without-password"},
		"PermitTTY":                       {"yes", "no", "YES"},
		"PubkeyAcceptedAlgorithms":        {"ssh-ed25519", "rsa-sha2-256"},
		"PubkeyAuthentication":            {"yes"},
		"RekeyLimit":                      {"1G 2h", "512M 1h", "default 30m"},
		"RevokedKeys":                     {"none", "/etc/revoked"},
		"SetEnv":                          {"A=1", "A=1 B=2 A=3", `"C=x y" D=`},
		"StreamLocalBindMask":             {"0177", "0111"},
		"StreamLocalBindUnlink":           {"yes", "no"},
		"TrustedUserCAKeys":               {"none", "/etc/ca.pub"},
		"UnusedConnectionTimeout":         {"none", "5m", "1h30m"},
		"X11DisplayOffset":                {"10", "20"},
		"X11Forwarding":                   {"yes", "no"},
		"X11UseLocalhost":                 {"yes", "no"},
	}
	matchLines = []string{
		"User root", "User bob,r*", "User !root,*", "User *", "User nobody,bob", "Group root", "Group wheel,r*", "Group !root,*",
		"Host *.example.org", "Host A.Example.ORG", "Host !a.*,*", "Address 10.0.0.0/8", "Address 192.0.2.0/24,10.*", "Address !10.1.0.0/16,10.0.0.0/8",
		"Address 2001:db8::/32", "LocalAddress 127.0.0.0/8", "LocalPort 22", "LocalPort 2222", "All", "all # comment",
		"User root Address 10.0.0.0/8", "Host *.org LocalPort 22", `User "root" Host "a.*"`, "User=root",
	}
	subsystems = []string{"sftp /usr/lib/sftp-server", `x /bin/x "a b" c`, `y "/bin/y"`, "z /bin/z # comment"}
	specs      = []string{
		"user=root,host=a.example.org,addr=10.1.2.3,laddr=127.0.0.1,lport=22",
		"user=bob,host=b.example.org,addr=192.0.2.7,laddr=192.0.2.1,lport=2222",
		"user=nobody,host=c,addr=2001:db8::1,laddr=::1,lport=22",
		"user=root,host=10.9.9.9,addr=10.9.9.9,laddr=10.0.0.1,lport=2222",
	}
)

// A generator writes configurations that sshd takes.
type generator struct {
	*rand.Rand
	b   strings.Builder
	dir string
	n   int // files included
}

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// line writes a line for one of the keywords, in one of the forms there are.
func (g *generator) line(indent string, table map[string][]string) {
	keyword := pick(g, sortedKeys(table))
	value := pick(g, table[keyword])
	switch g.IntN(4) {
	case 0:
		keyword = strings.ToUpper(keyword)
	case 1:
		keyword = strings.ToLower(keyword)
	}
	separator := pick(g, []string{" ", " ", "\t", "  ", "=", " = "})
	fmt.Fprintf(&g.b, "%s%s%s%s%s\n", indent, keyword, separator, value, pick(g, []string{"", "", " ", "\t"}))
}

func sortedKeys(table map[string][]string) (keys []string) {
	for k := range table {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// include writes lines into another file, and the line that includes it.
func (g *generator) include(t *testing.T, table map[string][]string) {
	other := &generator{Rand: g.Rand, dir: g.dir}
	for range 1 + g.IntN(3) {
		other.line("", table)
	}
	if g.IntN(2) == 0 {
		fmt.Fprintf(&other.b, "Match %s\n", pick(g, matchLines))
		other.line("", matchValues)
	}
	g.n++
	name := filepath.Join(g.dir, fmt.Sprintf("part%d.conf", g.n))
	require.NoError(t, os.WriteFile(name, []byte(other.b.String()), 0o600))
	fmt.Fprintf(&g.b, "Include %s\n", pick(g, []string{name, filepath.Join(g.dir, fmt.Sprintf("part%d.*", g.n))}))
}

func (g *generator) configuration(t *testing.T) string {
	for range 3 + g.IntN(14) {
		switch g.IntN(10) {
		case 0:
			g.b.WriteString(pick(g, []string{"\n", "# a comment\n", "   \n", "\t# another\n"}))
		case 1, 2, 3:
			g.line("", globalValues)
		case 4:
			g.include(t, globalValues)
		default:
			g.line("", matchValues)
		}
	}
	for range g.IntN(5) {
		fmt.Fprintf(&g.b, "%s %s\n", pick(g, []string{"Match", "match", " Match"}), pick(g, matchLines))
		for range 1 + g.IntN(4) {
			g.line(pick(g, []string{"", "  ", "\t"}), matchValues)
		}
		if g.IntN(4) == 0 {
			g.include(t, matchValues)
		}
	}
	// What sshd wants to be there, or to be there once.
	return "AuthorizedKeysCommandUser root\nAuthorizedPrincipalsCommandUser root\nAuthorizedKeysCommand /bin/x\n" +
		"Subsystem " + pick(g, subsystems) + "\n" + g.b.String()
}

// shown takes the output of -T apart: the values of each keyword, in order.
func shown(out string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(out) {
		keyword, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		all[keyword] = append(all[keyword], value)
	}
	return all
}

// mentioned returns the keywords that any of the files has, in lower case: what
// is not there has defaults of its own.
func mentioned(t *testing.T, dir string) (keywords []string) {
	files, err := filepath.Glob(dir + "/*.conf")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if fields := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return strings.ContainsRune(" \t\n=", r) }); len(fields) > 0 {
				keywords = append(keywords, fields[0])
			}
		}
	}
	slices.Sort(keywords)
	return slices.Compact(keywords)
}

// What whelkd -T and sshd -T print agrees for generated configurations, for each
// keyword that all connections have a value for.
func TestAgreesWithSSHD(t *testing.T) {
	sshd := sshdPath(t)
	hostKey := hostKeyIn(t)
	compared := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 5)), dir: dir}
			text := g.configuration(t)
			file := filepath.Join(dir, "main.conf")
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			for _, spec := range append(specs, "") {
				args := []string{"-T", "-f", file, "-h", hostKey}
				if spec != "" {
					args = append(args, "-C", spec)
				}
				theirs, err := exec.Command(sshd, args...).CombinedOutput()
				if spec == "" && bytes.Contains(theirs, []byte("not in connection test specification")) {
					continue // of a port and nothing else
				}
				require.NoError(t, err, "sshd: %s\n%s", theirs, text)
				var ours, errs bytes.Buffer
				require.Zero(t, run(args, &ours, &errs), "%s\n%s", errs.String(), text)
				want, got := shown(string(theirs)), shown(ours.String())
				for _, keyword := range mentioned(t, dir) {
					if want[keyword] == nil || !globally(text, keyword) && slices.Equal(got[keyword], shownByDefault(keyword)) {
						continue // its default is another here
					}
					slices.Sort(want[keyword])
					slices.Sort(got[keyword])
					require.Equal(t, want[keyword], got[keyword], "%s, for %q:\n%s", keyword, spec, text)
					compared++
				}
			}
		})
	}
	require.Greater(t, compared, 2000)
	t.Log(compared, "values compared")
}

// globally reports whether a keyword is there outside of any Match.
func globally(text, keyword string) bool {
	global, _, _ := strings.Cut(strings.ToLower(text), "match")
	return strings.Contains(global, "\n"+keyword)
}

func shownByDefault(keyword string) []string {
	var b bytes.Buffer
	_ = newOptions().show(&b)
	return shown(b.String())[keyword]
}
