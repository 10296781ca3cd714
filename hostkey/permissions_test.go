package hostkey_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

func holding(name, value string) *hostkey.Permissions {
	return &hostkey.Permissions{
		CriticalOptions: map[string]string{name: value},
		Extensions:      map[string]string{hostkey.PermitPortForwarding: ""},
	}
}

func TestZeroPermissions(t *testing.T) {
	var none *hostkey.Permissions
	var zero hostkey.Permissions
	for _, name := range []string{hostkey.PermitPty, hostkey.PermitPortForwarding, "x@example.com"} {
		require.True(t, none.Permits(name), "nil is no limit")
		require.False(t, zero.Permits(name))
	}
	for _, p := range []*hostkey.Permissions{none, &zero} {
		_, forced := p.Command()
		require.False(t, forced)
		require.Nil(t, p.Environment())
		require.NoError(t, p.CheckSource(nil))
		require.Empty(t, p.Unknown())
		require.Equal(t, p, p.Without(hostkey.ForceCommand))
		require.Equal(t, p == none, p.PermitsOpen("h", 1))
		require.Equal(t, p == none, p.PermitsListen("h", 1))
	}
}

func TestPermissions(t *testing.T) {
	command, forced := holding(hostkey.ForceCommand, "").Command()
	require.True(t, forced)
	require.Empty(t, command)
	require.Equal(t, []string{"A=1", "B="}, holding(hostkey.Environment, "A=1\nB=").Environment())
	require.Nil(t, holding(hostkey.Environment, "").Environment())

	p := holding(hostkey.VerifyRequired, "")
	p.CriticalOptions["x@example.com"] = "1"
	p.CriticalOptions[hostkey.ForceCommand] = "ls"
	require.Equal(t, []string{"force-command", "verify-required", "x@example.com"}, p.Unknown())
	require.Equal(t, []string{"verify-required"}, p.Unknown("force-command", "x@example.com", "other"))
	q := p.Without(hostkey.VerifyRequired)
	require.Equal(t, []string{"x@example.com"}, q.Unknown("force-command"))
	require.Len(t, p.CriticalOptions, 3, "it is as it was")
}

func TestPermitsOpen(t *testing.T) {
	for list, test := range map[string]struct {
		host string
		port uint32
		ok   bool
	}{
		"h:22":                    {"h", 22, true},
		"h:22 i:23":               {"i", 23, true},
		"h:22 i:24":               {"i", 22, false},
		"h:*":                     {"h", 65535, true},
		"*:22":                    {"any", 22, true},
		"[2001:db8::1]:22":        {"2001:db8::1", 22, true},
		"h:0":                     {"h", 65536, false},
		"H:22":                    {"h", 22, false},
		"h.example:22":            {"h", 22, false},
		"*.example:22":            {"h.example", 22, false}, // no pattern but *
		"":                        {"", 0, false},           // no address at all
		"h":                       {"h", 22, false},
		"h:22 ":                   {"", 0, false},
		"127.0.0.1:22 [::1]:4422": {"::1", 4422, true},
	} {
		require.Equal(t, test.ok, holding(hostkey.PermitOpen, list).PermitsOpen(test.host, test.port), "permitopen %q", list)
		require.Equal(t, test.ok, holding(hostkey.PermitListen, list).PermitsListen(test.host, test.port), "permitlisten %q", list)
		require.True(t, holding(hostkey.PermitListen, list).PermitsOpen(test.host, test.port))
		without := holding(hostkey.PermitOpen, list)
		without.Extensions = nil
		require.False(t, without.PermitsOpen(test.host, test.port), "the address alone is not enough")
	}
}

func TestCheckSource(t *testing.T) {
	for list, in := range map[string]bool{
		"192.0.2.7": true, "192.0.2.0/24": true, "198.51.100.0/24,192.0.2.7": true, "0.0.0.0/0": true, "::ffff:192.0.2.7": true,
		"": false, ",": false, "192.0.2.8": false, "::/0": false, "192.0.2.*": false, "192.0.2.0/24,x": false, "192.0.2.7/24": false,
		"fe80::1%eth0": false, " 192.0.2.7": false, "::ffff:0.0.0.0/95": false,
	} {
		p := holding(hostkey.SourceAddress, list)
		require.Equal(t, in, p.CheckSource(here) == nil, "H3: %q", list)
		require.Equal(t, in, p.CheckSource(&net.IPAddr{IP: net.IPv4(192, 0, 2, 7)}) == nil, "%q", list)
		// H3: present and empty denies, and so does what has no IP address.
		require.ErrorContains(t, p.CheckSource(&net.UnixAddr{Name: "/socket", Net: "unix"}), "without an IP address")
		require.Error(t, p.CheckSource(nil))
	}
	zoned := &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}
	require.NoError(t, holding(hostkey.SourceAddress, "fe80::/10").CheckSource(zoned))
}

// H2, CVE-2026-39828.
func TestNarrowPermissions(t *testing.T) {
	p := &hostkey.Permissions{
		CriticalOptions: map[string]string{hostkey.ForceCommand: "a"},
		Extensions:      map[string]string{"x": "", "y": "1", "z": ""},
	}
	q := &hostkey.Permissions{
		CriticalOptions: map[string]string{hostkey.SourceAddress: "192.0.2.0/24"},
		Extensions:      map[string]string{"x": "", "y": "2"},
	}
	both, err := p.Narrow(q)
	require.NoError(t, err)
	require.Equal(t, &hostkey.Permissions{
		CriticalOptions: map[string]string{hostkey.ForceCommand: "a", hostkey.SourceAddress: "192.0.2.0/24"},
		Extensions:      map[string]string{"x": ""},
	}, both)
	require.Len(t, p.CriticalOptions, 1)
	for _, one := range []*hostkey.Permissions{p, q} {
		same, err := one.Narrow(nil)
		require.NoError(t, err)
		require.Equal(t, one, same)
		same, err = (*hostkey.Permissions)(nil).Narrow(one)
		require.NoError(t, err)
		require.Equal(t, one, same)
	}
	_, err = p.Narrow(holding(hostkey.ForceCommand, "b"))
	require.ErrorContains(t, err, `both "a" and "b"`)
}

// H2, CVE-2026-39828: what either restricts stays restricted.
func TestH2Narrow(t *testing.T) {
	type m = map[string]string
	permit := func(options, extensions m) *hostkey.Permissions {
		return &hostkey.Permissions{CriticalOptions: options, Extensions: extensions}
	}
	for _, tt := range []struct {
		name       string
		p, q, want *hostkey.Permissions
		conflict   string
	}{
		{"nothing and nothing", nil, nil, nil, ""},
		{"nothing and something", nil, permit(m{"a": "1"}, m{"x": ""}), permit(m{"a": "1"}, m{"x": ""}), ""},
		{"restrictions add up", permit(m{"a": "1"}, nil), permit(m{"b": "2"}, nil), permit(m{"a": "1", "b": "2"}, m{}), ""},
		{"the same restriction", permit(m{"a": "1"}, nil), permit(m{"a": "1"}, nil), permit(m{"a": "1"}, m{}), ""},
		{"restrictions that clash", permit(m{"a": "1"}, nil), permit(m{"a": "2"}, nil), nil, `hostkey: a is to be both "1" and "2"`},
		{"an empty restriction is one", permit(m{"a": ""}, nil), permit(m{"a": "2"}, nil), nil, `hostkey: a is to be both "" and "2"`},
		{"extensions meet", permit(nil, m{"x": "", "y": ""}), permit(nil, m{"y": "", "z": ""}), permit(m{}, m{"y": ""}), ""},
		{"extensions that differ", permit(nil, m{"x": "1"}), permit(nil, m{"x": "2"}), permit(m{}, m{}), ""},
		{"no extensions", permit(nil, m{"x": "1"}), permit(nil, nil), permit(m{}, m{}), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pair := range [][2]*hostkey.Permissions{{tt.p, tt.q}, {tt.q, tt.p}} {
				got, err := pair[0].Narrow(pair[1])
				if tt.conflict != "" {
					require.Error(t, err)
					require.Nil(t, got)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
			}
			if _, err := tt.p.Narrow(tt.q); tt.conflict != "" {
				require.EqualError(t, err, tt.conflict)
			}
		})
	}
}
