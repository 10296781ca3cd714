//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

func TestPenaltyKeywords(t *testing.T) {
	for _, test := range []struct {
		options string // with ; between them
		want    *server.Penalties
	}{
		{"", &server.Penalties{}}, // on by default, as sshd's since 9.8
		{"PerSourcePenalties=yes", &server.Penalties{}},
		{"PerSourcePenalties=no", nil},
		{"PerSourcePenalties=No;PerSourcePenalties=crash:2m", &server.Penalties{Crash: 2 * time.Minute}},
		{"PerSourcePenalties=crash:1 authfail:2 noauth:3 grace-exceeded:4 refuseconnection:5 max:6 min:7 invaliduser:8", &server.Penalties{
			Crash: time.Second, AuthFail: 2 * time.Second, NoAuth: 3 * time.Second, GraceExceeded: 4 * time.Second,
			Refused: 5 * time.Second, Max: 6 * time.Second, Min: 7 * time.Second}},
		{"PerSourcePenalties=noauth:0 min:0s", &server.Penalties{NoAuth: -1, Min: -1}},
		{"PerSourcePenalties=max-sources4:10 max-sources6:20 overflow:deny-all", &server.Penalties{
			MaxSources4: 10, MaxSources6: 20, DenyAll4: true, DenyAll6: true}},
		{"PerSourcePenalties=overflow:deny-all overflow6:permissive", &server.Penalties{DenyAll4: true}},
		{"PerSourcePenaltyExemptList=192.0.2.0/24,2001:db8::1", &server.Penalties{
			Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}}},
		{"PerSourcePenaltyExemptList=192.0.2.1;PerSourcePenaltyExemptList=none", &server.Penalties{}},
		{"PerSourcePenaltyExemptList=192.0.2.1;ProxyProtocol=yes;ProxyProtocolFrom=192.0.2.9", &server.Penalties{
			Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.9/32")}}},
		{"ProxyProtocol=no;ProxyProtocolFrom=192.0.2.9", &server.Penalties{}},
	} {
		t.Run(test.options, func(t *testing.T) {
			o := newOptions()
			for option := range strings.SplitSeq(test.options, ";") {
				if option != "" {
					require.NoError(t, setOption(o, option))
				}
			}
			require.Equal(t, test.want, o.sources.policy())
		})
	}
}

func TestSourceKeywordsRefuse(t *testing.T) {
	for _, test := range []struct{ option, why string }{
		{"PerSourcePenalties=maybe", `"maybe" is neither yes, no nor one of crash`},
		{"PerSourcePenalties=crash:1m no", `"no" is neither`},
		{"PerSourcePenalties=crash:soon", `crash: "soon" is not a time`},
		{"PerSourcePenalties=crash", `crash has no value: write crash:10s`},
		{"PerSourcePenalties=max-sources4:0", `max-sources4: "0" is not a number from 1 on`},
		{"PerSourcePenalties=overflow:never", `overflow: "never" is neither deny-all nor permissive`},
		{"PerSourceNetBlockSize=33", `"33" is not a number of bits from 0 to 32`},
		{"PerSourceNetBlockSize=32:129", `"129" is not a number of bits from 0 to 128`},
		{"PerSourceNetBlockSize=-1", `"-1" is not`},
		{"PerSourcePenaltyExemptList=192.0.2.*", `"192.0.2.*" is neither an address nor a network`},
		{"PerSourcePenaltyExemptList=192.0.2.0/33", "is no network such as"},
		{"PerSourcePenaltyExemptList=192.0.2.0/8", "has bits behind its mask: write 192.0.0.0/8"},
		{"PerSourceRate=0", `"0" is not a number from 1 on`},
		{"ProxyProtocol=v2", `"v2" is neither yes nor no`},
		{"ProxyProtocolFrom=proxy.example", "neither an address nor a network"},
	} {
		t.Run(test.option, func(t *testing.T) {
			require.ErrorContains(t, setOption(newOptions(), test.option), test.why)
		})
	}
}

func TestNetBlockKeywords(t *testing.T) {
	for _, test := range []struct {
		value string
		want  server.Startups
	}{
		{"24", server.Startups{Bits4: 24}},
		{"24:48", server.Startups{Bits4: 24, Bits6: 48}},
		{"32:128", server.Startups{Bits4: 32, Bits6: 128}},
		{"0:0", server.Startups{Bits4: -1, Bits6: -1}},
	} {
		o := newOptions()
		require.NoError(t, setOption(o, "PerSourceNetBlockSize="+test.value))
		require.Equal(t, test.want, o.startups)
	}
	o := newOptions()
	require.NoError(t, setOption(o, "PerSourceRate=5"))
	require.Equal(t, 5, o.startups.PerSecond)
	require.NoError(t, setOption(o, "PerSourceRate=none"))
	require.Equal(t, -1, o.startups.PerSecond)
}

// try runs true by ssh, with the right key or not, and reports whether it ran.
func (r *running) try(key string) bool {
	r.t.Helper()
	cmd := r.ssh("true")
	for i, arg := range cmd.Args {
		if arg == r.path("id") {
			cmd.Args[i] = r.path(key)
		}
	}
	return cmd.Run() == nil
}

// failed has ssh fail with a key that nobody knows, and waits until whelkd has
// noticed n times that it has left.
func (r *running) failed(n int) {
	r.t.Helper()
	r.write("wrong", testkeys.PEM("ecdsa256"))
	require.False(r.t, r.try("wrong"))
	require.Eventually(r.t, func() bool {
		return strings.Count(r.logged(), "connection ended before authentication") == n
	}, waitFor, 5*time.Millisecond)
}

// awaitLog waits until the log has text.
func (r *running) awaitLog(text string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return strings.Contains(r.logged(), text) }, waitFor, 5*time.Millisecond, "%s", text)
}

// OpenSSH's numbers: three failures are 15 s and not yet enough, the fourth is.
func TestPenaltiesByDefault(t *testing.T) {
	r := start(t, "-v", "-o", "PerSourcePenalties=yes")
	for n := 1; n <= 3; n++ {
		r.failed(n)
	}
	require.True(t, r.try("id"))
	r.failed(4)
	r.awaitLog("a penalty begins")
	require.False(t, r.try("id"), "the right key does not help")
	r.awaitLog("it failed to log in")
	require.Equal(t, 1, strings.Count(r.logged(), "turned away"))
}

func TestPenaltyEnds(t *testing.T) {
	r := start(t, "-v", "-o", "PerSourcePenalties=authfail:3s min:1s")
	r.failed(1)
	require.False(t, r.try("id"))
	require.Eventually(t, func() bool { return r.try("id") }, waitFor, 200*time.Millisecond)
}

func TestNoPenaltyForTheExempt(t *testing.T) {
	for _, options := range []string{"PerSourcePenalties=no", "PerSourcePenalties=min:1s;PerSourcePenaltyExemptList=127.0.0.0/8"} {
		t.Run(options, func(t *testing.T) {
			args := []string{"-v"}
			for option := range strings.SplitSeq(options, ";") {
				args = append(args, "-o", option)
			}
			r := start(t, args...)
			r.failed(1)
			r.failed(2)
			require.True(t, r.try("id"))
		})
	}
}

// header is what a proxy says of a connection from an address.
func header(version byte, from string) *proxyproto.Header {
	addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	return proxyproto.HeaderProxyFromAddrs(version, addr, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 1), Port: 22})
}

// through connects as a proxy does.
func (r *running) through(h *proxyproto.Header) net.Conn {
	r.t.Helper()
	nc, err := net.Dial("tcp", "127.0.0.1:"+r.port)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { nc.Close() })
	if h != nil {
		_, err = h.WriteTo(nc)
		require.NoError(r.t, err)
	}
	return nc
}

// login logs in over nc with a key.
func (r *running) login(nc net.Conn, key hostkey.Signer) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), waitFor)
	defer cancel()
	return client.New(ctx, nc, "whelkd", &client.Config{
		User: r.user, Auth: []userauth.Method{userauth.PublicKey(key)}, HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()),
	})
}

func TestProxyProtocol(t *testing.T) {
	r := start(t, "-v", "-o", "ProxyProtocol=yes", "-o", "ProxyProtocolFrom=192.0.2.1,127.0.0.0/8")
	silent := r.through(nil) // O2: it keeps nobody waiting
	defer silent.Close()
	for _, test := range []struct {
		version byte
		from    string
		want    string
	}{
		{1, "203.0.113.9:4711", "203.0.113.9 4711 203.0.113.1 22"},
		{2, "203.0.113.9:4711", "203.0.113.9 4711 203.0.113.1 22"},
	} {
		t.Run(fmt.Sprint("version ", test.version), func(t *testing.T) {
			c, err := r.login(r.through(header(test.version, test.from)), testkeys.Ed25519Other())
			require.NoError(t, err)
			defer c.Close()
			out, err := c.Command("echo $SSH_CONNECTION").Output(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, strings.TrimSpace(string(out)))
			r.awaitLog("remote=" + test.from)
		})
	}
	t.Run("IPv6", func(t *testing.T) {
		h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 22})
		c, err := r.login(r.through(h), testkeys.Ed25519Other())
		require.NoError(t, err)
		require.NoError(t, c.Close())
		r.awaitLog("remote=[2001:db8::7]:4711")
	})
	t.Run("without a header", func(t *testing.T) {
		nc := r.through(nil)
		io.WriteString(nc, "SSH-2.0-Eve\r\n")
		text, _ := io.ReadAll(nc)
		require.Empty(t, string(text))
	})
}

// Who is no proxy cannot say where it comes from, nor come in.
func TestProxyProtocolFromStrangers(t *testing.T) {
	r := start(t, "-v", "-o", "ProxyProtocol=yes", "-o", "ProxyProtocolFrom=192.0.2.1")
	for _, h := range []*proxyproto.Header{nil, header(1, "192.0.2.1:22"), header(2, "192.0.2.1:22")} {
		text, _ := io.ReadAll(r.through(h))
		require.Empty(t, string(text))
	}
	require.Eventually(t, func() bool { return strings.Count(r.logged(), "none of the proxies") == 3 }, waitFor, 5*time.Millisecond)
}

// Without the keyword a header is no version line, whatever it says.
func TestProxyProtocolOff(t *testing.T) {
	r := start(t, "-v")
	_, err := r.login(r.through(header(1, "192.0.2.1:22")), testkeys.Ed25519Other())
	require.Error(t, err)
	require.NotContains(t, r.logged(), "remote=192.0.2.1")
	require.True(t, r.try("id"))
}

// Penalties are those of whom the proxies name, and never the proxies' own.
func TestPenaltiesBehindProxy(t *testing.T) {
	r := start(t, "-v", "-o", "PerSourcePenalties=min:1s", "-o", "ProxyProtocol=yes", "-o", "ProxyProtocolFrom=127.0.0.1")
	_, err := r.login(r.through(header(2, "203.0.113.9:1")), testkeys.ECDSA256())
	require.Error(t, err)
	r.awaitLog("a penalty begins")
	_, err = r.login(r.through(header(1, "203.0.113.9:2")), testkeys.Ed25519Other())
	require.Error(t, err)
	for range 3 {
		r.through(nil).Close() // is it alive?
	}
	c, err := r.login(r.through(header(1, "203.0.113.10:1")), testkeys.Ed25519Other())
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func TestProxyProtocolNeedsProxies(t *testing.T) {
	cmd := whelkd("-p", "0", "-o", "ProxyProtocol=yes")
	cmd.Env = append(cmd.Env, "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "ProxyProtocolFrom=192.0.2.0/24")
}

// D9, CVE-2002-20001: with finite fields on, an address gets fewer key exchanges
// than the 20 in a second that ssh-audit's test of connection rates takes for
// safe, and more without them.
func TestD9Rate(t *testing.T) {
	for _, test := range []struct {
		kex     string
		limited bool
	}{{"+diffie-hellman-group14-sha256", true}, {"curve25519-sha256", false}} {
		t.Run(test.kex, func(t *testing.T) {
			r := start(t, "-o", "KexAlgorithms="+test.kex, "-o", "PerSourceMaxStartups=none", "-o", "MaxStartups=1000")
			begun := time.Now()
			greeted := 0
			for range 60 {
				nc := r.through(nil)
				if _, err := io.ReadFull(nc, make([]byte, 8)); err == nil { // SSH-2.0-
					greeted++
				}
			}
			seconds := int(time.Since(begun)/time.Second) + 1
			if test.limited {
				require.LessOrEqual(t, greeted, 10*(seconds+1))
				require.Less(t, greeted, 60)
			} else {
				require.Equal(t, 60, greeted)
			}
		})
	}
}
