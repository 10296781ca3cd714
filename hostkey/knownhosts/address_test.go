package knownhosts_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
)

// CheckHostIP of ssh_config(5).
func TestCheckIP(t *testing.T) {
	at := func(name, ip string) hostkey.Host {
		return hostkey.Host{Name: name, Addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	}
	line := func(hosts string) string { return hosts + " " + string(hostkey.MarshalAuthorizedKey(key, "")) }
	const ip = "192.0.2.7"
	for _, test := range []struct {
		name  string
		host  hostkey.Host
		lines string
		want  error
		added string
	}{
		{"both known", at("h:22", ip), line("h") + line(ip), nil, ""},
		{"both known in one line", at("h:22", ip), line("h," + ip), nil, ""},
		{"the name known", at("h:22", ip), line("h"), nil, line(ip)},
		{"the name known, at a port", at("h:2222", ip), line("[h]:2222"), nil, line("[" + ip + "]:2222")},
		{"the name known without its port", at("h:2222", ip), line("h"), nil, ""},
		{"the address known", at("h:22", ip), line(ip), nil, line("h")},
		{"neither known", at("h:22", ip), "", nil, line("h," + ip)},
		{"neither known, at a port", at("h:2222", ip), "", nil, line("[h]:2222,[" + ip + "]:2222")},
		{"IPv6", at("h:2222", "2001:db8::1"), "", nil, line("[h]:2222,[2001:db8::1]:2222")},
		{"an address by name", at(ip+":22", ip), "", nil, line(ip)},
		{"loopback", at("h:22", "127.0.0.1"), line("h") + entry("127.0.0.1", other), nil, ""},
		{"no address", host("h:22"), "", nil, line("h")},
		{"the address is another host's", at("h:22", ip), line("h") + entry(ip, other), knownhosts.ErrChanged, ""},
		{"the address of a new host is another's", at("h:22", ip), entry(ip, other), knownhosts.ErrChanged, ""},
		{"the address is right, the name not", at("h:22", ip), entry("h", other) + line(ip), knownhosts.ErrChanged, ""},
		{"revoked by address", at("h:22", ip), line("h") + entry("@revoked "+ip, key), knownhosts.ErrRevoked, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.lines)
			config := knownhosts.Config{Files: []string{path}, CheckIP: true, Policy: knownhosts.AcceptNew}
			err := knownhosts.New(config).VerifyHostKey(t.Context(), test.host, key)
			require.ErrorIs(t, err, test.want)
			require.Equal(t, test.lines+test.added, read(t, path))

			config.Hash = true
			config.Files = []string{write(t, test.lines)}
			require.ErrorIs(t, knownhosts.New(config).VerifyHostKey(t.Context(), test.host, key), test.want)
			if test.added != "" {
				names := strings.Count(strings.Fields(test.added)[0], ",") + 1
				require.Equal(t, names, strings.Count(strings.TrimPrefix(read(t, config.Files[0]), test.lines), "|1|"), "a line for each")
			}
			config.Policy = knownhosts.Strict
			require.ErrorIs(t, knownhosts.New(config).VerifyHostKey(t.Context(), test.host, key), test.want)
		})
	}
}

// The error names what differs, and the command forgets that.
func TestCheckIPError(t *testing.T) {
	path := write(t, entry("h", key), entry("192.0.2.7", other))
	v := knownhosts.New(knownhosts.Config{Files: []string{path}, CheckIP: true})
	err := v.VerifyHostKey(t.Context(), hostkey.Host{Name: "h", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}}, key)
	require.ErrorContains(t, err, path+":2")
	require.ErrorContains(t, err, "-R '192.0.2.7'")
}

// An address that cannot be added is a warning: the host is the one it was.
func TestCheckIPCannotAdd(t *testing.T) {
	var warned error
	v := knownhosts.New(knownhosts.Config{Files: []string{"/proc/known_hosts", write(t, entry("h", key))}, CheckIP: true, Warn: func(err error) { warned = err }})
	require.NoError(t, v.VerifyHostKey(t.Context(), hostkey.Host{Name: "h", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7)}}, key))
	require.ErrorContains(t, warned, `"192.0.2.7" is not remembered`)
}
