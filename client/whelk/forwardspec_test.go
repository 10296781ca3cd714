package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseForward(t *testing.T) {
	for _, test := range []struct {
		text   string
		remote bool
		want   forward
	}{
		{"8080:host:80", false, forward{"8080", "[host]:80"}},
		{"localhost:8080:host:80", false, forward{"[localhost]:8080", "[host]:80"}},
		{":8080:host:80", false, forward{"[]:8080", "[host]:80"}},
		{"*:8080:host:80", false, forward{"[*]:8080", "[host]:80"}},
		{"[::1]:8080:[2001:db8::1]:80", false, forward{"[::1]:8080", "[2001:db8::1]:80"}},
		{"8080:/run/socket", false, forward{"8080", "/run/socket"}},
		{"localhost:8080:/run/socket", false, forward{"[localhost]:8080", "/run/socket"}},
		{"/run/a:/run/b", false, forward{"/run/a", "/run/b"}},
		{"/run/a:host:80", false, forward{"/run/a", "[host]:80"}},
		{`/run/a\:b:host:80`, false, forward{"/run/a:b", "[host]:80"}},
		{"0:host:80", true, forward{"0", "[host]:80"}},
		{"8080", true, forward{"8080", ""}},
		{"0", true, forward{"0", ""}},
		{"localhost:8080", true, forward{"[localhost]:8080", ""}},
		{"[::1]:0", true, forward{"[::1]:0", ""}},
		{"/run/socket", true, forward{"/run/socket", ""}},
	} {
		got, err := parseForward(test.text, test.remote)
		require.NoError(t, err, test.text)
		require.Equal(t, test.want, got, test.text)
	}
	for _, text := range []string{
		"", "8080", "8080:", "8080:host", "8080:host:", "0:host:80", "8080:host:0", "8080:host:65536", "65536:host:80", "8080:host:http",
		"a:b:c:d", "1:2:3:4:5", "[::1:8080:host:80", "[::1]8080:host:80", "8080::80", "localhost:8080", "/run/socket", "-1:host:80",
	} {
		_, err := parseForward(text, false)
		require.Error(t, err, "%q", text)
	}
	for _, text := range []string{"", "host", "host:80:", "8080:host:0"} {
		_, err := parseForward(text, true)
		require.Error(t, err, "%q", text)
	}
}

func TestParseDynamic(t *testing.T) {
	for text, want := range map[string]string{"1080": "1080", "localhost:1080": "[localhost]:1080", "*:1080": "[*]:1080", "[::1]:1080": "[::1]:1080"} {
		got, err := parseDynamic(text)
		require.NoError(t, err)
		require.Equal(t, forward{listen: want}, got)
	}
	for _, text := range []string{"", "0", "x", "localhost", "/run/socket", "1080:host:80", "65536"} {
		_, err := parseDynamic(text)
		require.Error(t, err, text)
	}
}

func TestEndNetwork(t *testing.T) {
	for _, test := range []struct{ end, host, network, address string }{
		{"8080", "localhost", "tcp", "localhost:8080"},
		{"8080", "", "tcp", ":8080"},
		{"[::1]:8080", "localhost", "tcp", "[::1]:8080"},
		{"[]:8080", "localhost", "tcp", ":8080"},
		{"[host]:80", "", "tcp", "host:80"},
		{"/run/socket", "localhost", "unix", "/run/socket"},
	} {
		network, address := endNetwork(test.end, test.host)
		require.Equal(t, test.network, network)
		require.Equal(t, test.address, address)
	}
}

// configured returns what arguments come to.
func configured(t *testing.T, args ...string) *options {
	t.Helper()
	o, err := settled(args...)
	require.NoError(t, err, "%q", args)
	return o
}

func TestForwardOptions(t *testing.T) {
	o := configured(t, "-L1:h:1", "-oLocalForward=2 h:2", "-R", "3:h:3", "-oRemoteForward=4", "-D5", "-oDynamicForward=localhost:6", "-gf",
		"-oExitOnForwardFailure=yes", "-oStreamLocalBindUnlink=yes", "-oStreamLocalBindMask=0111", "-oPermitRemoteOpen=h:* *:80",
		"-L/run/a b:/run/c", "-L", `/run/a\:b:h:7`, "-R[::1]:0:[2001:db8::1]:8", "host", "true")
	f := &o.forwards
	require.Equal(t, []forward{{"1", "[h]:1"}, {"2", "[h]:2"}, {"/run/a b", "/run/c"}, {"/run/a:b", "[h]:7"}}, f.local)
	require.Equal(t, []forward{{"3", "[h]:3"}, {"4", ""}, {"[::1]:0", "[2001:db8::1]:8"}}, f.remote)
	require.Equal(t, []forward{{"5", ""}, {"[localhost]:6", ""}}, f.dynamic)
	require.True(t, f.gateway && o.fork && f.exit && f.unlink)
	require.EqualValues(t, 0o666&^0o111, f.socketMode())
	require.True(t, f.mayOpen("h:1") && f.mayOpen("i:80") && !f.mayOpen("i:81"))

	o = configured(t, "-L1:h:1", "-R2", "-D3", "-oClearAllForwardings=yes", "-oPermitRemoteOpen=none", "host")
	require.Empty(t, o.forwards.local)
	require.Empty(t, o.forwards.remote)
	require.Empty(t, o.forwards.dynamic)
	require.EqualValues(t, 0o600, o.forwards.socketMode())
	require.False(t, o.forwards.mayOpen("h:1"))
	o = configured(t, "-L1:h:1", "-Wh:22", "-oPermitRemoteOpen=any", "host")
	require.Empty(t, o.forwards.local, "-W clears the others")
	require.Equal(t, "h:22", o.stdioTo)
	require.True(t, o.noCommand)
	require.True(t, o.forwards.mayOpen("h:1"))

	for _, args := range [][]string{
		{"-Lx", "host"}, {"-Wx", "host"}, {"-Wh:22", "host", "true"}, {"-f", "host"}, {"-oLocalForward=1 h:1 x", "host"}, {"-oLocalForward=1", "host"},
		{"-oStreamLocalBindMask=9", "host"}, {"-oPermitRemoteOpen=h", "host"}, {"-oGatewayPorts=perhaps", "host"}, {"-oPermitRemoteOpen=h:0", "host"},
	} {
		_, err := settled(args...)
		require.Error(t, err, "%q", args)
	}
}

// Which addresses a port of here is listened at, as in ssh.
func TestBindHosts(t *testing.T) {
	loopback, all := []string{"127.0.0.1", "::1"}, []string{""}
	for _, test := range []struct {
		host           string
		given, gateway bool
		want           []string
	}{
		{"", false, false, loopback}, {"", false, true, all}, {"", true, false, all}, {"*", true, false, all},
		{"localhost", true, true, loopback}, {"192.0.2.1", true, false, []string{"192.0.2.1"}}, {"::1", true, false, []string{"::1"}},
	} {
		p := &program{options: &options{}}
		p.forwards.gateway = test.gateway
		require.Equal(t, test.want, p.bindHosts(test.host, test.given), "%v", test)
	}
}
