package fuzz_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/server"
)

// What a file says can be said line by line, and a connection gets no line that
// the file has not.
func FuzzConfigFile(f *testing.F) {
	f.Add([]byte("Port 22\nMatch User a,!b Address 10.0.0.0/8 # x\n  Banner \"/a b\"\nMatch all\nSetEnv A=1 'B=\\'2'\n"))
	f.Add([]byte("Match Host *.example.org LocalPort=22 Group \"w*\"\nPermitTTY=no\r\nInclude x\n"))
	f.Add([]byte("Match Invalid-User LocalAddress ::1 RDomain r\nX \\\" \\\\ \\  #\n"))
	c := &server.MatchSpec{
		User: "alice", Groups: []string{"wheel"}, Host: "a.example.org", RoutingDomain: "r",
		Address: netip.MustParseAddr("10.0.0.1"), LocalAddress: netip.MustParseAddr("::1"), LocalPort: 22,
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := server.ParseConfigFile("f", text)
		if err != nil {
			require.Nil(t, file)
			var line *server.ConfigLineError
			require.True(t, errors.As(err, &line))
			require.Positive(t, line.Line)
			return
		}
		all := file.Lines()
		require.LessOrEqual(t, len(file.Global())+len(file.Matching(c)), len(all))
		require.Equal(t, len(all), len(file.Global())+len(file.Matching(c))+notMatching(file, c))
		for _, line := range all {
			again, err := server.ParseConfigLine(line.Keyword + " = " + line.Rest)
			require.NoError(t, err)
			require.Equal(t, line.Keyword, again.Keyword)
			require.Equal(t, line.Args, again.Args)
			require.Equal(t, line.Rest, again.Rest)
		}
	})
}

// notMatching counts the lines behind a Match that c does not fit.
func notMatching(file *server.ConfigFile, c *server.MatchSpec) (n int) {
	fits := make(map[*server.ConfigLine]bool)
	for _, line := range file.Matching(c) {
		fits[line] = true
	}
	for _, line := range file.Lines() {
		if line.Conditional && !fits[line] {
			n++
		}
	}
	return n
}

// Who is denied is not let in by being allowed, and no list panics.
func FuzzAccess(f *testing.F) {
	f.Add("alice", "a*@10.0.0.0/8", "10.0.0.1")
	f.Add("alice", "*@!10.0.0.1,*", "2001:db8::1")
	f.Fuzz(func(t *testing.T, user, pattern, address string) {
		ip, _ := netip.ParseAddr(address)
		c := &server.MatchSpec{User: user, Host: address, Address: ip}
		deny := server.Access{DenyUsers: []string{pattern}}
		allow := server.Access{AllowUsers: []string{pattern}}
		if deny.Validate() != nil {
			require.Error(t, allow.Validate())
			return
		}
		require.NotEqual(t, deny.Check(c) == nil, allow.Check(c) == nil)
		both := server.Access{DenyUsers: []string{pattern}, AllowUsers: []string{"*"}}
		require.Equal(t, deny.Check(c) == nil, both.Check(c) == nil)
	})
}
