package server

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/kex"
)

func TestSourceOf(t *testing.T) {
	for _, test := range []struct{ name, addr, want string }{
		{"IPv4", "192.0.2.1:5", "192.0.2.1/32"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:5", "192.0.2.1/32"},
		{"IPv6 counts by network", "[2001:db8:1:2:3:4:5:6]:5", "2001:db8:1:2::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:5", "fe80::/64"},
		{"a Unix socket", "@", "invalid Prefix"},
		{"none", "", "invalid Prefix"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, Startups{}.withDefaults().sourceOf(addressOf(text(test.addr))).String())
		})
	}
	require.False(t, addressOf(nil).IsValid())
	whole := Startups{Bits4: -1, Bits6: 128}.withDefaults()
	require.Equal(t, "0.0.0.0/0", whole.sourceOf(netip.MustParseAddr("192.0.2.1")).String())
	require.Equal(t, "2001:db8::1/128", whole.sourceOf(netip.MustParseAddr("2001:db8::1")).String())
	require.Equal(t, "192.0.2.0/24", Startups{Bits4: 24}.withDefaults().sourceOf(netip.MustParseAddr("192.0.2.1")).String())
}

// text is an address.
type text string

func (text) Network() string  { return "test" }
func (a text) String() string { return string(a) }

var _ net.Addr = text("")

func TestDropped(t *testing.T) {
	p := Startups{}.withDefaults()
	require.Equal(t, Startups{Start: 128, Percent: 30, Full: 1024, PerSource: 32, Bits4: 32, Bits6: 64}, p)
	for _, test := range []struct {
		name    string
		n       int
		policy  Startups
		dropped int // of 100 throws
	}{
		{"below Start", 127, p, 0},
		{"at Start", 128, p, 30},
		{"half way", 576, p, 65},
		{"just below Full", 1023, p, 99},
		{"Full", 1024, p, 100},
		{"beyond", 5000, p, 100},
		{"no limit", 5000, Startups{Start: -1, Percent: 30, Full: -1}, 0},
		{"no hard limit", 5000, Startups{Start: 10, Percent: 30, Full: -1}, 30},
		{"sshd_config(5): 10:30:100", 55, Startups{Start: 10, Percent: 30, Full: 100}, 65},
		{"a hard limit alone", 10, Startups{Start: 10, Percent: 100, Full: 10}, 100},
		{"below it", 9, Startups{Start: 10, Percent: 100, Full: 10}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := 0
			for dice := range 100 {
				if dropped(test.n, test.policy, dice) {
					n++
				}
			}
			require.Equal(t, test.dropped, n)
		})
	}
}

func TestDice(t *testing.T) {
	seen := make(map[int]bool)
	for range 10000 {
		n := dice()
		require.True(t, n >= 0 && n < 100)
		seen[n] = true
	}
	require.Len(t, seen, 100)
}

// O2: one source does not use up the slots of all.
func TestO2StartupsPerSource(t *testing.T) {
	var s startups
	p := Startups{Start: -1, Full: -1}.withDefaults()
	hostile, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	n := 0
	for range 1000 {
		require.True(t, s.admit(p))
		if s.place(hostile, p) {
			n++
		} else {
			s.release(source{})
		}
	}
	require.Equal(t, 32, n)
	for range 32 {
		require.True(t, s.admit(p))
		require.True(t, s.place(other, p))
	}
	require.Equal(t, 64, s.total)
	for range 32 {
		s.release(hostile)
		s.release(other)
	}
	require.Zero(t, s.total)
	require.Empty(t, s.bySource, "nothing is kept of those that are gone")
	p.PerSource = 1
	require.True(t, s.place(source{}, p))
	require.True(t, s.place(source{}, p), "no address, no count")
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"alice": "alice", "ünïcode": "ünïcode", "": "", "a b": "a b",
		"a\nb": `"a\nb"`, "\u202e": `"\u202e"`, "\xff": `"\xff"`, `"`: `"\""`,
	} {
		require.Equal(t, want, printable(text))
	}
}

// D9, CVE-2002-20001: where a client can have the server compute over finite
// fields, it cannot have it do so all the time.
func TestD9StartupsPerSecond(t *testing.T) {
	group14, ok := kex.Lookup("diffie-hellman-group14-sha256")
	require.True(t, ok)
	withFiniteFields := append(kex.DefaultServer(), group14)
	for _, test := range []struct {
		name    string
		methods []kex.Method
		given   int
		limit   int
	}{
		{"the default has none", nil, 0, 1000},
		{"curves", kex.DefaultServer(), 0, 1000},
		{"finite fields", withFiniteFields, 0, 10},
		{"finite fields without a limit", withFiniteFields, -1, 1000},
		{"a limit", nil, 3, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s startups
				srv := Server{MaxStartups: Startups{PerSource: -1, PerSecond: test.given}}
				srv.Transport.KeyExchanges = test.methods
				p := srv.startups()
				from, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
				for second := range 2 {
					n := 0
					for range 1000 {
						if s.place(from, p) {
							n++
						}
					}
					require.Equal(t, test.limit, n, "second %d", second)
					require.True(t, s.place(other, p))
					time.Sleep(time.Second)
				}
			})
		})
	}
}
