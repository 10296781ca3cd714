package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/userauth"
)

// knowing knows one key of each host named.
func knowing(t *testing.T, hosts map[string]hostkey.Signer) hostkey.Verifier {
	t.Helper()
	var lines strings.Builder
	for name, key := range hosts {
		lines.WriteString(name + " " + string(hostkey.MarshalAuthorizedKey(key.PublicKey(), "")))
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(path, []byte(lines.String()), 0o600))
	return knownhosts.New(knownhosts.Config{Files: []string{path}})
}

// at gives the address of each machine.
func at(addresses map[string]string) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		if a, ok := addresses[strings.ToLower(host)]; ok {
			return []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr(a)}, nil
		}
		return nil, &net.DNSError{Name: host, IsNotFound: true, Err: "no such host"}
	}
}

func TestHostbasedPolicy(t *testing.T) {
	own, other := testkeys.Ed25519Other(), testkeys.ECDSA256()
	known := knowing(t, map[string]hostkey.Signer{"a.example": own, "b.example": other, "far.example": own})
	trusted := passwordFile(t, // any file will do
		"# machines", "a.example ally", "-b.example", "b.example", "far.example", "+ mallory", "@group", "a b c", "unknown.example")
	lookup := at(map[string]string{"a.example": "127.0.0.1", "b.example": "127.0.0.1", "far.example": "198.51.100.1", "unknown.example": "127.0.0.1"})
	good := HostbasedPolicy{Known: known, Trusted: []string{trusted}, Lookup: lookup}
	with := func(change func(p *HostbasedPolicy)) HostbasedPolicy {
		p := good
		change(&p)
		return p
	}
	for _, tt := range []struct {
		name               string
		p                  HostbasedPolicy
		user, host, theirs string
		key                hostkey.Signer
		remote             string
		want               string // "" if trusted
	}{
		{"right", good, "alice", "a.example", "ally", own, "127.0.0.1:1", ""},
		{"in capitals", good, "alice", "A.Example", "ally", own, "127.0.0.1:1", ""},
		{"over IPv6", good, "alice", "a.example", "ally", own, "[::ffff:127.0.0.1]:1", ""},
		{"another user there", good, "alice", "a.example", "alice", own, "127.0.0.1:1", `no file trusts "alice" of "a.example"`},
		{"another key", good, "alice", "a.example", "ally", other, "127.0.0.1:1", "is known by"},
		{"the name of another machine", good, "alice", "b.example", "alice", own, "127.0.0.1:1", "is known by"},
		{"a machine nobody knows", good, "alice", "unknown.example", "alice", own, "127.0.0.1:1", "unknown"},
		{"a machine that is refused", good, "alice", "b.example", "alice", other, "127.0.0.1:1", "is refused"},
		{"a machine elsewhere", good, "alice", "far.example", "alice", own, "127.0.0.1:1", "which is no address of"},
		{"and that does not matter", with(func(p *HostbasedPolicy) { p.AnyAddress = true }), "alice", "far.example", "alice", own, "127.0.0.1:1", ""},
		{"a client without address", good, "alice", "a.example", "ally", own, "", "no address of the Internet"},
		{"over a socket", good, "alice", "a.example", "ally", own, "@", "no address of the Internet"},
		{"no files", with(func(p *HostbasedPolicy) { p.Trusted = nil }), "alice", "a.example", "ally", own, "127.0.0.1:1", "no file trusts"},
		{"a file that is not there, and one that is", with(func(p *HostbasedPolicy) { p.Trusted = []string{"/nonexistent/x", trusted} }),
			"alice", "a.example", "ally", own, "127.0.0.1:1", ""},
		{"nothing is known", with(func(p *HostbasedPolicy) { p.Known = nil }), "alice", "a.example", "ally", own, "127.0.0.1:1", "HostbasedPolicy.Known is nil"},
		{"H16: the zero policy", HostbasedPolicy{}, "alice", "a.example", "ally", own, "127.0.0.1:1", "HostbasedPolicy.Known is nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var remote net.Addr
			if tt.remote != "" {
				remote = addr(tt.remote)
			}
			err := tt.p.check(t.Context(), tt.user, remote, userauth.ClientHost{Name: tt.host, User: tt.theirs, Key: tt.key.PublicKey()})
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

// A client that signs with its host's key gets in, over a connection.
func TestHostbased(t *testing.T) {
	own := testkeys.Ed25519Other()
	policy := HostbasedPolicy{
		Known:      knowing(t, map[string]hostkey.Signer{"a.example": own}),
		Trusted:    []string{passwordFile(t, "a.example")},
		AnyAddress: true,
	}
	require.NoError(t, attempt(t, Hostbased(policy), "alice", userauth.Hostbased("a.example.", "alice", own)))
	require.ErrorContains(t, attempt(t, Hostbased(policy), "root", userauth.Hostbased("a.example.", "alice", own)), "to log in as \"root\"")
	require.ErrorContains(t, attempt(t, Hostbased(policy), "alice", userauth.Hostbased("a.example.", "alice", testkeys.ECDSA384())), "server: hostbased: ")
	policy.AnyAddress = false
	require.ErrorContains(t, attempt(t, Hostbased(policy), "alice", userauth.Hostbased("a.example.", "alice", own)), "server: hostbased: ", "there are no addresses in memory")
	require.Error(t, attempt(t, Hostbased(HostbasedPolicy{}), "alice", userauth.Hostbased("a.example.", "alice", own)))
}

func TestFindTrusted(t *testing.T) {
	c := userauth.ClientHost{Name: "Host", User: "ally"}
	for _, tt := range []struct {
		file string
		user string
		want string // "yes", "no" or "refused"
	}{
		{"", "ally", "no"},
		{"host", "ally", "yes"},
		{"host # a comment", "ally", "yes"},
		{"host", "alice", "no"},
		{"host ally", "alice", "yes"},
		{"host mallory\nhost ally", "alice", "yes"},
		{"#host", "ally", "no"},
		{"+", "ally", "no"},
		{"+ ally", "alice", "no"},
		{"+ +", "alice", "no"},
		{"host +", "alice", "no"},
		{"@net", "ally", "no"},
		{"host a b", "ally", "no"},
		{"-host", "ally", "refused"},
		{"-host\nhost", "ally", "refused"},
		{"-host mallory\nhost", "ally", "yes"},
		{"-host ally\nhost", "ally", "refused"},
		{"host -ally\nhost ally", "alice", "refused"},
		{strings.Repeat("x", 100_000), "ally", "refused"}, // a line nobody can read
	} {
		ok, err := findTrusted(strings.NewReader(tt.file), tt.user, c)
		got := map[bool]string{true: "yes", false: "no"}[ok]
		if err != nil {
			got = "refused"
		}
		require.Equal(t, tt.want, got, tt.file)
	}
	_, err := findTrusted(failing{}, "ally", c)
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }
