package server_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

func TestParseConfigLine(t *testing.T) {
	for _, test := range []struct {
		text, keyword string
		args          []string
		rest          string
	}{
		{"Port 22", "Port", []string{"22"}, "22"},
		{"Port=22\r\n", "Port", []string{"22"}, "22"},
		{"\tPort = 22 \f\n", "Port", []string{"22"}, "22"},
		{"Port\t==22", "Port", []string{"=22"}, "=22"},
		{"SetEnv A=1 B=2", "SetEnv", []string{"A=1", "B=2"}, "A=1 B=2"},
		{`Banner "/a b"`, "Banner", []string{"/a b"}, `"/a b"`},
		{`Banner '/a b'/c`, "Banner", []string{"/a b/c"}, `'/a b'/c`},
		{`Banner /a\ b\"\\\n`, "Banner", []string{`/a b"\\n`}, `/a\ b\"\\\n`},
		{`Banner "a\ b'\""`, "Banner", []string{`a\ b'"`}, `"a\ b'\""`},
		{`AllowUsers a "" b # c`, "AllowUsers", []string{"a", "", "b"}, `a "" b # c`},
		{"AllowUsers a#b c", "AllowUsers", []string{"a#b", "c"}, "a#b c"},
		{"Port # 22", "Port", nil, "# 22"},
	} {
		t.Run(test.text, func(t *testing.T) {
			l, err := server.ParseConfigLine(test.text)
			require.NoError(t, err)
			require.Equal(t, &server.ConfigLine{Keyword: test.keyword, Args: test.args, Rest: test.rest}, l)
		})
	}
	for _, text := range []string{"", " \t\r\n", "# Port 22", "  #", "\f\n"} {
		l, err := server.ParseConfigLine(text)
		require.NoError(t, err, "%q", text)
		require.Nil(t, l, "%q", text)
	}
	for text, why := range map[string]string{
		"Port": `keyword "Port" has no value`, "Port =": "has no value", `Banner "a`: `a quote " is not closed`, "Banner 'a": "a quote '",
		"=22": "does not begin with a keyword", `"Port" 22`: "does not begin with a keyword", `Port"22"`: "does not begin", "Port 2\x002": "zero byte",
	} {
		_, err := server.ParseConfigLine(text)
		require.ErrorContains(t, err, why, "%q", text)
	}
}

// written writes files into a directory, and returns it.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// values returns the lines of a kind, a keyword and value each.
func values(lines []*server.ConfigLine) (all []string) {
	for _, l := range lines {
		all = append(all, l.Keyword+" "+l.Rest)
	}
	return all
}

func TestConfigFile(t *testing.T) {
	dir := written(t, map[string]string{
		"main":   "A 1\nInclude *.conf none-*.conf\nB 2\nMatch User alice\n C 3\nInclude inner\n D 4\nMatch all\nE 5\n",
		"1.conf": "F 6\nMatch User bob\nG 7\n", "2.conf": "H 8\n",
		"inner": "I 9\nMatch Address 10.0.0.0/8\nJ 10\n",
	})
	f, err := server.ReadConfigFile(filepath.Join(dir, "main"))
	require.NoError(t, err)
	require.Equal(t, []string{"A 1", "F 6", "H 8", "B 2"}, values(f.Global()), "a Match ends with the file that it is in")
	require.Equal(t, []string{"A 1", "F 6", "G 7", "H 8", "B 2", "C 3", "I 9", "J 10", "D 4", "E 5"}, values(f.Lines()))
	matching := func(user, addr string) []string {
		return values(f.Matching(&server.MatchSpec{User: user, Address: netip.MustParseAddr(addr)}))
	}
	require.Equal(t, []string{"C 3", "I 9", "D 4", "E 5"}, matching("alice", "192.0.2.1"))
	require.Equal(t, []string{"C 3", "I 9", "J 10", "D 4", "E 5"}, matching("alice", "10.0.0.1"))
	require.Equal(t, []string{"G 7", "E 5"}, matching("bob", "10.0.0.1"), "what is included behind a Match is behind both")
	require.Equal(t, []string{"E 5"}, matching("carol", "10.0.0.1"))
	require.Equal(t, []string{"E 5"}, values(f.Matching(&server.MatchSpec{})))

	last := f.Lines()[7]
	require.Equal(t, []any{filepath.Join(dir, "inner"), 3, true}, []any{last.File, last.Number, last.Conditional})
	require.False(t, f.Lines()[0].Conditional)
	require.Len(t, f.Conditional(), 6)
	var none server.ConfigFile
	require.Nil(t, none.Lines())
	require.Nil(t, none.Matching(&server.MatchSpec{}))
}

func TestConfigFileRefuses(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	require.NoError(t, os.WriteFile(filepath.Join(home, "bad"), []byte("\n\nPort"), 0o600))
	var many strings.Builder
	dir := written(t, map[string]string{
		"keyword": "A 1\nPort\n", "quote": "Banner \"x\n", "loop": "Include loop\n", "nofile": "Include \"\"\n", "nothing": "Include # x\n",
		"glob": "Include [\n", "outer": "A 1\nInclude ~/bad\n", "match": "Match\n", "large": strings.Repeat("#", 5<<20), "twice": "Include double\nInclude double\n",
		"double": strings.Repeat("#", 3<<20), "open": "A 1\n", "readers": "Include open\n", "empty": "", "dir": "Include .\n",
	})
	for range 257 {
		fmt.Fprintf(&many, "Include %s\n", filepath.Join(dir, "empty"))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "many"), []byte(many.String()), 0o600))
	require.NoError(t, os.Chmod(filepath.Join(dir, "open"), 0o622))
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, why := range map[string]string{
		"keyword": in("keyword") + `:2: keyword "Port" has no value`,
		"quote":   in("quote") + `:1: a quote " is not closed`,
		"loop":    in("loop") + ":1: more than 16 files include one another",
		"nofile":  in("nofile") + ":1: no file is named to be included",
		"nothing": in("nothing") + ":1: no file is named to be included",
		"glob":    in("glob") + `:1: "` + in("[") + `" is not a pattern of files to include: syntax error`,
		"outer":   filepath.Join(home, "bad") + `:3: keyword "Port" has no value`,
		"match":   in("match") + `:1: keyword "Match" has no value`,
		"large":   "more than 4194304 bytes",
		"twice":   in("twice") + ":2: server: configuration " + in("double") + ": with it there are more than 4194304 bytes",
		"many":    in("many") + ":256: server: configuration " + in("empty") + ": it is one of more than 256 files",
		"open":    in("open") + " is writable by others (mode 0622): `chmod go-w` it",
		"readers": in("readers") + ":1: server: configuration: " + in("open") + " is writable by others",
		"missing": "no such file",
		"dir":     in("dir") + ":1: server: configuration: " + dir + " is not a regular file",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := server.ReadConfigFile(in(name))
			require.ErrorContains(t, err, why)
			require.Nil(t, f)
			var line *server.ConfigLineError
			require.Equal(t, strings.HasPrefix(err.Error(), "/"), errors.As(err, &line))
		})
	}
	_, err := server.ParseConfigFile("here", []byte("A 1\nInclude x\n"))
	require.EqualError(t, err, "here:2: files are included only by one that is read by its name")
	_, err = server.ReadConfigFile(in("missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// sshd_config(5), Match, and ssh_config(5), PATTERNS.
func TestMatch(t *testing.T) {
	c := &server.MatchSpec{
		User: "alice", Groups: []string{"users", "wheel"}, Host: "Client.example.org", RoutingDomain: "blue",
		Address: netip.MustParseAddr("::ffff:192.0.2.7"), LocalAddress: netip.MustParseAddr("2001:db8::1%eth0"), LocalPort: 22,
	}
	for criteria, holds := range map[string]bool{
		"all": true, "ALL # x": true, `"all"`: true,
		"User alice": true, "user ALICE": false, "User a*": true, "User a?ice": true, "User bob,alice": true, "User !bob": false, "User !bob,*": true, "User *,!alice": false, "User=alice": true, `User "alice"`: true, "User *": true,
		"Group wheel": true, "Group w*": true, "Group !wheel,users": false, "Group none": false, "Group users,!none": true,
		"Host client.example.org": true, "Host *.EXAMPLE.org": true, "Host !client.*,*": false, "Host example.org": false,
		"Address 192.0.2.7": true, "Address 192.0.2.0/24": true, "Address 192.0.2.*": true, "Address !192.0.2.7,192.0.2.0/24": false, "Address 0.0.0.0/0": true, "Address ::/0": false, "Address 198.51.100.0/24,192.0.2.7/32": true,
		"LocalAddress 2001:db8::/32": true, "LocalAddress 2001:DB8::*": true, "LocalAddress 192.0.2.0/24": false,
		"LocalPort 22": true, "LocalPort 2222": false, "RDomain blue": true, "RDomain red,b*": true, "RDomain red": false,
		"Invalid-User": false, "User alice Invalid-User": false, "User alice Host *.org Address 192.0.2.7": true, "User alice Host *.com": false, "User alice Host *.org # LocalPort 1": true, "User = alice LocalPort=22": true,
	} {
		f, err := server.ParseConfigFile("f", []byte("Match "+criteria+"\nA 1\n"))
		require.NoError(t, err, criteria)
		require.Equal(t, holds, len(f.Matching(c)) == 1, criteria)
		require.Empty(t, f.Global())
	}
	for _, criteria := range []string{
		"User *", "Group *", "Host *", "Address *", "Address 0.0.0.0/0", "LocalAddress *", "LocalPort 0", "RDomain *", "User !bob,*", "Address !10.0.0.1,*",
	} {
		f, err := server.ParseConfigFile("f", []byte("Match "+criteria+"\nA 1\n"))
		require.NoError(t, err, criteria)
		require.Empty(t, f.Matching(&server.MatchSpec{}), "%s: what is not known fits nothing", criteria)
	}
	f, err := server.ParseConfigFile("f", []byte("Match invalid-user\nA 1\n"))
	require.NoError(t, err)
	require.Len(t, f.Matching(&server.MatchSpec{User: "x", InvalidUser: true}), 1)
	for criteria, why := range map[string]string{
		"# x": "no criteria", "all User x": "cannot be combined", "User x all": "cannot be combined", "Zork x": `"zork" is none of User`, "User": "user has no value", `User ""`: "user has no value",
		`User 'x"'`: "is not closed", "Address 10.0.0.1/8": "write 10.0.0.0/8", "Address 10.0.0.0/33": "is no network such as", "Address a,,b": "empty pattern", "LocalAddress x/8": "is no network such as", "LocalPort x": "not a port", "LocalPort 65536": "not a port", "LocalPort 022": "not a port",
	} {
		_, err := server.ParseConfigFile("f", []byte("\nMatch "+criteria+"\nA 1\n"))
		require.ErrorContains(t, err, "f:2: Match", criteria)
		require.ErrorContains(t, err, why, criteria)
	}
}

// sshd_config(5): DenyUsers, AllowUsers, DenyGroups, AllowGroups, in this order.
func TestAccess(t *testing.T) {
	alice := &server.MatchSpec{User: "alice", Groups: []string{"users", "wheel"}, Host: "c.example.org", Address: netip.MustParseAddr("192.0.2.7")}
	list := func(s string) []string { return strings.Fields(s) }
	for _, test := range []struct {
		name   string
		access server.Access
		why    string
	}{
		{"nothing is said", server.Access{}, ""},
		{"denied", server.Access{DenyUsers: list("bob a*")}, `DenyUsers has "a*"`},
		{"others are denied", server.Access{DenyUsers: list("bob")}, ""},
		{"allowed", server.Access{AllowUsers: list("bob alice")}, ""},
		{"others are allowed", server.Access{AllowUsers: list("bob")}, "not in AllowUsers"},
		{"both: to deny counts", server.Access{DenyUsers: list("alice"), AllowUsers: list("alice")}, "DenyUsers"},
		{"from a network", server.Access{AllowUsers: list("alice@192.0.2.0/24")}, ""},
		{"from another", server.Access{AllowUsers: list("alice@198.51.100.0/24")}, "not in AllowUsers"},
		{"from a pattern of addresses", server.Access{AllowUsers: list("*@192.0.2.*")}, ""},
		{"from a name", server.Access{AllowUsers: list("*@*.EXAMPLE.org")}, ""},
		{"by address, though not by name", server.Access{AllowUsers: list("*@!192.0.2.7,*")}, "not in AllowUsers"},
		{"by name, though not by address", server.Access{AllowUsers: list("*@!c.example.org,192.0.2.7")}, "not in AllowUsers"},
		{"denied from here", server.Access{DenyUsers: list("alice@c.example.*")}, "DenyUsers"},
		{"denied from elsewhere", server.Access{DenyUsers: list("alice@10.0.0.0/8")}, ""},
		{"a group is denied", server.Access{DenyGroups: list("w*l")}, `DenyGroups has "w*l"`},
		{"a group is allowed", server.Access{AllowGroups: list("x users")}, ""},
		{"another group is allowed", server.Access{AllowGroups: list("x")}, "not in AllowGroups"},
		{"a user is allowed, and a group denied", server.Access{AllowUsers: list("alice"), DenyGroups: list("wheel")}, "DenyGroups"},
		{"a user is allowed, and another group", server.Access{AllowUsers: list("alice"), AllowGroups: list("x")}, "AllowGroups"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.NoError(t, test.access.Validate())
			err := test.access.Check(alice)
			if test.why == "" {
				require.NoError(t, err)
				return
			}
			var denied *server.AccessError
			require.ErrorAs(t, err, &denied)
			require.ErrorContains(t, err, `server: user "alice" may not log in: `)
			require.ErrorContains(t, err, test.why)
		})
	}
	require.Error(t, (&server.Access{AllowGroups: list("*")}).Check(&server.MatchSpec{User: "x"}), "who is in no group")
	for _, pattern := range []string{"x@10.0.0.1/8", "x@10.0.0.0/99", "x@", "x@a,"} {
		require.ErrorContains(t, (&server.Access{DenyUsers: []string{"ok", pattern}}).Validate(), pattern)
		require.Error(t, (&server.Access{AllowUsers: []string{pattern}}).Validate())
	}
}

func TestOpenTrusted(t *testing.T) {
	dir := written(t, map[string]string{"f": "x", "open": "x"})
	require.NoError(t, os.Symlink(filepath.Join(dir, "f"), filepath.Join(dir, "link")))
	require.NoError(t, os.Chmod(filepath.Join(dir, "open"), 0o666))
	f, err := server.OpenTrusted(filepath.Join(dir, "link"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "f"), f.Name())
	require.NoError(t, f.Close())
	for _, name := range []string{"open", "none", "."} {
		_, err := server.OpenTrusted(filepath.Join(dir, name))
		require.ErrorContains(t, err, "server: ")
	}
}
