//go:build unix

package main

import (
	"bytes"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// config writes a file that -f may name.
func config(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// printed returns what -T prints with args, and a connection from 192.0.2.7.
func printed(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"-T", "-C", "user=alice,host=h.example.org,addr=192.0.2.7", "-C", "laddr=192.0.2.1,lport=22,rdomain=blue"}, args...)
	require.Zero(t, run(args, &out, &errs), errs.String())
	require.Empty(t, errs.String())
	return shown(out.String())
}

// sshd_config(5): "for each keyword, the first obtained value will be used."
func TestFirstValueCounts(t *testing.T) {
	const here = "Match User alice Address 192.0.2.0/24\n"
	for _, test := range []struct {
		name, file string
		args       []string
		keyword    string
		want       []string
	}{
		{"the first", "MaxAuthTries 3\nmaxauthtries 4\n", nil, "maxauthtries", []string{"3"}},
		{"none is a value", "Banner none\nBanner /x\n", nil, "banner", []string{"none"}},
		{"a list adds up", "AllowUsers a b\nAllowUsers c\n", nil, "allowusers", []string{"a", "b", "c"}},
		{"of some only the first line", "SetEnv A=1\nSetEnv B=2\n", nil, "setenv", []string{"A=1"}},
		{"Match ahead of the rest", "MaxAuthTries 3\n" + here + "MaxAuthTries 4\n", nil, "maxauthtries", []string{"4"}},
		{"another Match", "MaxAuthTries 3\nMatch User bob\nMaxAuthTries 4\n", nil, "maxauthtries", []string{"3"}},
		{"the first Match", here + "MaxAuthTries 3\nMatch all\nMaxAuthTries 4\n", nil, "maxauthtries", []string{"3"}},
		{"a list behind a Match instead of others", "AcceptEnv A\n" + here + "AcceptEnv B\nMatch all\nAcceptEnv C\n", nil, "acceptenv", []string{"B", "C"}},
		{"-o ahead of the file", "MaxAuthTries 3\n", []string{"-o", "MaxAuthTries=5"}, "maxauthtries", []string{"5"}},
		{"-o ahead of Match", here + "MaxAuthTries 3\n", []string{"-o", "MaxAuthTries=5"}, "maxauthtries", []string{"5"}},
		{"the first -o", "", []string{"-o", "MaxAuthTries=5", "-oMaxAuthTries 6"}, "maxauthtries", []string{"5"}},
		{"a list of -o and the file", "DenyUsers a\n", []string{"-o", "DenyUsers=b"}, "denyusers", []string{"b", "a"}},
		{"a list of -o and Match", "DenyUsers a\n" + here + "DenyUsers c\n", []string{"-o", "DenyUsers=b"}, "denyusers", []string{"b", "c"}},
		{"-p instead of Port", "Port 1\nPort 2\n", []string{"-p", "3"}, "port", []string{"3"}},
		{"-o ahead of -p", "Port 1\n", []string{"-p", "3", "-o", "Port=4"}, "port", []string{"4"}},
		{"several ports", "Port 1\nPort 2\n", nil, "listenaddress", []string{"127.0.0.1:1", "127.0.0.1:2"}},
		{"-p of addresses", "ListenAddress 192.0.2.1\nListenAddress 192.0.2.2:5\n", []string{"-p", "3"}, "listenaddress", []string{"192.0.2.1:3", "192.0.2.2:5"}},
		{"-l instead of addresses", "ListenAddress 192.0.2.1\n", []string{"-l", "::1"}, "listenaddress", []string{"[::1]:22"}},
		{"IPv6 only", "AddressFamily inet6\n", nil, "listenaddress", []string{"[::1]:22"}},
		{"-a ahead of the file", "AuthorizedKeysFile /x\n", []string{"-a", "/y"}, "authorizedkeysfile", []string{"/y"}},
		{"-h and the file", "HostKey /x\n", []string{"-h", "/y"}, "hostkey", []string{"/y", "/x"}},
		{"-v", "LogLevel INFO\n", []string{"-v"}, "loglevel", []string{"DEBUG"}},
		{"-vv", "LogLevel QUIET\n", []string{"-vv"}, "loglevel", []string{"DEBUG2"}},
		{"-v of what is more", "LogLevel DEBUG3\n", []string{"-v"}, "loglevel", []string{"DEBUG3"}},
		{"the rest of a line, with its quotes", "ForceCommand echo \"a  b\" # c\n", nil, "forcecommand", []string{`echo "a  b" # c`}},
		{"what is fixed", "PermitTunnel no\nUseDNS no\nPrintMotd yes\n", nil, "permittunnel", []string{"no"}},
		{"a program", "AuthorizedPrincipalsCommand /bin/x %i\nAuthorizedPrincipalsCommandUser u\n", nil, "authorizedprincipalscommand", []string{"/bin/x %i"}},
		{"user environment", "PermitUserEnvironment A,LC_*\n", nil, "permituserenvironment", []string{"A,LC_*"}},
		{"user environment of any kind", "PermitUserEnvironment yes\n", nil, "permituserenvironment", []string{"yes"}},
		{"ours", "PasswordFile ~/p\nKnownHostsFile none\nTrustedHostsFile a b\n", nil, "trustedhostsfile", []string{"a b"}},
		{"passwords", "PasswordFile /p\n", nil, "passwordauthentication", []string{"yes"}},
		{"passwords, none of them", "", nil, "passwordauthentication", []string{"no"}},
		{"user files of hosts", "IgnoreRhosts shosts-only\n", nil, "ignorerhosts", []string{"no"}},
		{"rekeying", "RekeyLimit 1G 1h\n", nil, "rekeylimit", []string{"1073741824 3600"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, printed(t, append([]string{"-f", config(t, test.file)}, test.args...)...)[test.keyword])
		})
	}
}

// All that is printed can be read again, and is the same then.
func TestPrintedConfigurationIsOne(t *testing.T) {
	for _, file := range []string{"", "PermitOpen none\nPermitListen 8080 [::1]:*\nSetEnv \"A=b c\"\nMaxStartups 5\nLoginGraceTime 0\nSubsystem a b\nBanner /x\nUnusedConnectionTimeout 1m\n"} {
		var first, second, errs bytes.Buffer
		require.Zero(t, run([]string{"-T", "-f", config(t, file)}, &first, &errs), errs.String())
		text := strings.NewReplacer("setenv A=b c", `setenv "A=b c"`).Replace(first.String())
		require.Zero(t, run([]string{"-T", "-f", config(t, text)}, &second, &errs), errs.String())
		require.Equal(t, first.String(), second.String())
	}
}

// No file is read that was not named.
func TestNoFile(t *testing.T) {
	want := printed(t)
	require.Equal(t, []string{"sftp internal-sftp"}, want["subsystem"])
	delete(want, "subsystem") // a file, be it empty, says what there is
	for _, file := range []string{"none", os.DevNull, config(t, ""), config(t, "# nothing\n\n")} {
		require.Equal(t, want, printed(t, "-f", file))
	}
	require.Equal(t, []string{"127.0.0.1:22"}, want["listenaddress"])
	require.NotContains(t, want, "hostkey")
}

// Mistakes are told with file and line, whether or not the line would count.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, file, why string }{
		{"an unknown keyword", "Port 22\nSprot 22\n", `:2: keyword "Sprot" is not known, or not supported: the nearest is Port`},
		{"one that is not supported", "HostbasedAcceptedAlgorithms ssh-ed25519\n", ":1: HostbasedAcceptedAlgorithms: it is not supported"},
		{"one that asks for something", "\nPermitTunnel yes\n", `:2: PermitTunnel: "yes" is not supported, only "no"`},
		{"a value that is none", "Port x\n", `:1: Port: "x" is not a port`},
		{"behind a Match that fits nobody", "Match User !*\nMaxAuthTries x\n", `:2: MaxAuthTries: "x" is not a number from 1 on`},
		{"the second of two", "MaxAuthTries 3\nMaxAuthTries x\n", ":2: MaxAuthTries"},
		{"for all connections", "Match all\nPort 22\n", ":2: Port is for all connections alike: it cannot stand behind a Match"},
		{"in a file for all connections", "Match all\nInclude " + dir + "/port\n", dir + "/port:1: Port is for all"},
		{"in a file", "Include " + dir + "/bad\n", dir + `/bad:1: PermitTTY: "perhaps" is neither yes nor no`},
		{"two words", "PermitTTY no yes\n", `:1: PermitTTY: "no yes" is more than one word`},
		{"no word", "PermitTTY \"\"\n", ":1: PermitTTY: it has no value"},
		{"no words", "AllowUsers # alice\n", ":1: AllowUsers: it has no value"},
		{"no value", "AllowUsers\n", `:1: keyword "AllowUsers" has no value`},
		{"an empty pattern", "AllowUsers a \"\"\n", ":1: AllowUsers: it has an empty pattern"},
		{"a network with a mistake", "DenyUsers a@10.0.0.1/8\n", "write 10.0.0.0/8"},
		{"a Match of nothing", "Match Zork x\n", `:1: Match: "zork" is none of`},
		{"a program without a path", "AuthorizedKeysCommand true\n", ":1: AuthorizedKeysCommand: \"true\" does not begin with an absolute path"},
		{"a program with a token that is not known", "AuthorizedKeysCommand /bin/true %i\n", "%i is not known here; there are %% %C %D"},
		{"a program with an open quote", "AuthorizedKeysCommand /bin/true 'x\n", "a quote ' is not closed"},
		{"a program of nobody's", "AuthorizedKeysCommand /bin/true\n", "AuthorizedKeysCommand needs an AuthorizedKeysCommandUser"},
		{"a program of nobody's, behind a Match", "Match all\nAuthorizedPrincipalsCommand /bin/true\n", ":2: behind this Match: AuthorizedPrincipalsCommand needs"},
		{"a file with a token that is not known", "AuthorizedKeysFile %x\n", ":1: AuthorizedKeysFile: %x is not known here; there are %% %h %U %u"},
		{"a token that is not there", "AuthorizedPrincipalsFile /x%\n", "ends with %"},
		{"a port that is none", "PermitOpen a:0\n", `"0" is not a port`},
		{"a host that is missing", "PermitOpen :1\n", "has no host"},
		{"a port that is missing", "PermitOpen a\n", "is not of the form host:port"},
		{"any and others", "PermitOpen a:1 any\n", `"any" is not of the form`},
		{"a port to listen on that is none", "PermitListen 70000\n", "is not of the form host:port"},
		{"a variable that is none", "SetEnv A\n", `"A" is not of the form NAME=value`},
		{"a subsystem twice", "Subsystem a b\nSubsystem a c\n", `subsystem "a" is there twice`},
		{"an addendum that is too long", "VersionAddendum " + strings.Repeat("x", 240) + "\n", "characters of US-ASCII"},
		{"an addendum that does not print", "VersionAddendum \x1b[1m\n", `"\x1b[1m" is not up to`},
		{"a family that is none", "AddressFamily ipx\n", "is none of any, inet, inet6"},
		{"a mode of root's", "PermitRootLogin forced-commands-only\n", "is none of yes, prohibit-password, no"},
		{"passwords of nobody", "Match all\nPasswordAuthentication yes\n", "no password is known"},
		{"FingerprintHash", "FingerprintHash md5\n", `only "SHA256"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(dir+"/port", []byte("Port 1\n"), 0o600))
			require.NoError(t, os.WriteFile(dir+"/bad", []byte("PermitTTY perhaps\n"), 0o600))
			file := config(t, test.file)
			for _, mode := range []string{"-t", "-T"} {
				var out, errs bytes.Buffer
				require.Equal(t, 255, run([]string{mode, "-f", file}, &out, &errs))
				require.Contains(t, errs.String(), test.why)
				require.True(t, strings.HasPrefix(errs.String(), "whelkd: "), errs.String())
				require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
				if strings.HasPrefix(test.why, ":") {
					require.Contains(t, errs.String(), "whelkd: "+file+test.why)
				}
				require.Empty(t, out.String())
			}
		})
	}
}

// All lines that will not do are told at once, as long as they are few.
func TestMistakesTogether(t *testing.T) {
	file := config(t, "UsePAM yes\nPort 1\nPermitTunnel yes\n"+strings.Repeat("Zork\tx\n", 10))
	var out, errs bytes.Buffer
	require.Equal(t, 255, run([]string{"-f", file}, &out, &errs))
	require.Contains(t, errs.String(), "whelkd: "+file+`:1: UsePAM: "yes" is not supported, only "no"; `+file+`:3: PermitTunnel: "yes" is`)
	require.Equal(t, 6, strings.Count(errs.String(), "Zork"))
	require.Equal(t, 1, strings.Count(errs.String(), "\n"))
}

// -t looks at what a server would need, and says nothing if it is there.
func TestCheckOnly(t *testing.T) {
	u, err := user.Current()
	require.NoError(t, err)
	dir := t.TempDir()
	script := dir + "/keys"
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700))
	require.NoError(t, os.WriteFile(dir+"/plain", []byte("#!/bin/sh\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/open", []byte("#!/bin/sh\n"), 0o700))
	require.NoError(t, os.Chmod(dir+"/open", 0o722))
	program := func(path string) string {
		return "AuthorizedKeysCommand " + path + "\nAuthorizedKeysCommandUser " + u.Username + "\n"
	}
	for _, test := range []struct{ name, file, why string }{
		{"all is well", program(script), ""},
		{"only some get in", "PubkeyAuthentication no\nMatch Address 127.0.0.1\nPubkeyAuthentication yes\n", ""},
		{"nobody gets in", "PubkeyAuthentication no\n", "nobody could log in"},
		{"a host key that is not there", "HostKey " + dir + "/none\n", "ssh-keygen -t ed25519"},
		{"a program that is not there", program(dir + "/none"), "AuthorizedKeysCommand: server: lstat"},
		{"a program that cannot be run", program(dir + "/plain"), "chmod +x"},
		{"a program that others can write", program(dir + "/open"), "is writable by others (mode 0722): `chmod go-w` it"},
		{"a banner that is not there, behind a Match", "Match all\nBanner " + dir + "/none\n", ":2: behind this Match: banner: open"},
		{"methods that are off, behind a Match", "Match User x\nAuthenticationMethods hostbased\n", ":2: behind this Match: AuthenticationMethods: "},
		{"an agent that is not there", "HostKeyAgent " + dir + "/none\nHostKey " + script + "\n", "HostKeyAgent: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := []string{"-t", "-f", config(t, test.file)}
			if !strings.Contains(test.file, "HostKey ") {
				args = append(args, "-h", hostKeyIn(t))
			}
			status := run(args, &out, &errs)
			require.Contains(t, errs.String(), test.why)
			require.Equal(t, test.why == "", status == 0, errs.String())
			require.Equal(t, test.why == "", errs.Len() == 0, errs.String())
			require.Empty(t, out.String())
		})
	}
}

// A file that cannot be read or that others can write is none.
func TestFileIsTrusted(t *testing.T) {
	file := config(t, "Port 22\n")
	require.NoError(t, os.Chmod(file, 0o666))
	for name, why := range map[string]string{
		file: "is writable by others (mode 0666): `chmod go-w` it", file + "x": "no such file", filepath.Dir(file): "is not a regular file",
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 255, run([]string{"-f", name}, &out, &errs))
		require.Contains(t, errs.String(), "whelkd: server: configuration: ")
		require.Contains(t, errs.String(), why)
	}
}

// Each keyword is there once, and in the documentation.
func TestKeywordsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	words := strings.FieldsFunc(string(doc), func(r rune) bool { return strings.ContainsRune(" \t\n,.;:()\"", r) })
	var names []string
	for _, table := range [][]keyword{keywords, fixed} {
		for _, k := range table {
			require.NotContains(t, names, strings.ToLower(k.name))
			names = append(names, strings.ToLower(k.name))
			if k.show != nil || slices.ContainsFunc(keywords, func(o keyword) bool { return o.name == k.name }) {
				require.Contains(t, words, k.name)
			}
		}
	}
}

func TestPermits(t *testing.T) {
	o := newOptions()
	require.True(t, o.forwarding.permitsOpen("any", 1))
	require.True(t, o.forwarding.permitsListen("", 1))
	require.NoError(t, setOption(o, "PermitOpen=a:80 *:443 [::1]:*"))
	require.NoError(t, setOption(o, "PermitListen=8080 localhost:*"))
	for _, test := range []struct {
		host   string
		port   uint32
		open   bool
		listen bool
	}{
		{"a", 80, true, false}, {"a", 81, false, false}, {"b", 80, false, false}, {"b", 443, true, false}, {"::1", 9, true, false},
		{"", 8080, false, true}, {"x", 8080, false, true}, {"localhost", 1, false, true}, {"a", 65616, false, false},
	} {
		require.Equal(t, test.open, o.forwarding.permitsOpen(test.host, test.port), test)
		require.Equal(t, test.listen, o.forwarding.permitsListen(test.host, test.port), test)
	}
	require.NoError(t, setOption(o, "PermitOpen=none"))
	require.False(t, o.forwarding.permitsOpen("a", 80))
	require.False(t, o.forwarding.permitsOpen("", 0))
	o = newOptions()
	require.NoError(t, setOption(o, "DisableForwarding=yes"))
	require.False(t, o.forwarding.permitsOpen("a", 80))
	require.False(t, o.forwarding.permitsListen("a", 80))
}

// Without a file there is SFTP, as with the file that comes with sshd; a file says
// itself what there is.
func TestSubsystemByDefault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte("PermitTTY no\n"), 0o600))
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, internalSFTP},
		{[]string{"-o", "Subsystem=x y"}, internalSFTP},
		{[]string{"-o", "Subsystem=sftp /bin/false"}, "/bin/false"},
		{[]string{"-f", "none"}, ""},
		{[]string{"-f", path}, ""},
	} {
		a, err := parseArgs(tt.args)
		require.NoError(t, err)
		c, err := readConfiguration(a)
		require.NoError(t, err)
		o, err := c.global()
		require.NoError(t, err)
		require.Equal(t, tt.want, o.subsystems["sftp"], tt.args)
	}
}
