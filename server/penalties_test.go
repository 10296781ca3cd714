package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The numbers of sshd_config(5).
func TestPenaltiesOfOpenSSH(t *testing.T) {
	var p Penalties
	for o, want := range map[offense]time.Duration{
		noOffense: 0, authFail: 5 * time.Second, noAuth: time.Second,
		graceExceeded: 10 * time.Second, crash: 90 * time.Second, refusedConnection: 10 * time.Second,
	} {
		require.Equal(t, want, p.length(o), "%v", o)
	}
	require.Equal(t, 15*time.Second, p.least())
	require.Equal(t, 10*time.Minute, p.most())
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		_, sources, denyAll := p.family(netip.MustParseAddr(addr))
		require.Equal(t, 65536, sources)
		require.False(t, denyAll)
	}
	none := Penalties{AuthFail: -1, Min: -1}
	require.Negative(t, none.length(authFail))
	require.Negative(t, none.least())
}

// A book is Penalties that are asked for addresses.
type book struct{ Penalties }

func (b *book) add(addr string, why offense) bool {
	ip := netip.MustParseAddr(addr)
	return b.Penalties.add(ip, Startups{}.withDefaults().sourceOf(ip), why)
}

func (b *book) check(addr string) error {
	ip := netip.MustParseAddr(addr)
	return b.Penalties.check(ip, Startups{}.withDefaults().sourceOf(ip))
}

// PerSourcePenalties of sshd_config(5): penalties add up, up to max, and are
// enforced from min on, until they end.
func TestPenaltiesAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{}}
		const addr = "192.0.2.1"
		for range 3 {
			require.False(t, b.add(addr, authFail))
			require.NoError(t, b.check(addr))
		}
		require.True(t, b.add(addr, noAuth), "16 s are more than 15")
		require.NoError(t, b.check("192.0.2.2"))
		time.Sleep(6 * time.Second)
		var refused *PenaltyError
		require.ErrorAs(t, b.check(addr), &refused)
		require.Equal(t, "server: 192.0.2.1/32 has a penalty for another 10s: it did not try to log in", refused.Error())
		require.Equal(t, 10*time.Second, refused.Left)
		require.False(t, b.add(addr, authFail), "active already")
		time.Sleep(15*time.Second + time.Nanosecond)
		require.NoError(t, b.check(addr))
		require.Empty(t, b.v4.bySource, "nothing is kept of those that have ended")
		require.Empty(t, b.v4.byEnd)

		for range 1000 {
			b.add(addr, graceExceeded)
		}
		require.ErrorAs(t, b.check(addr), &refused)
		require.Equal(t, 10*time.Minute, refused.Left, "the most there is")
	})
}

func TestPenaltyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{}}
		require.True(t, b.add("192.0.2.1", crash))
		require.ErrorContains(t, b.check("192.0.2.1"), "caused a panic")
		require.True(t, b.add("2001:db8::1", crash))
		require.Error(t, b.check("2001:db8::ffff"), "the same network")
	})
}

// Once active, a penalty stays so below Min.
func TestPenaltyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{}}
		b.add("192.0.2.1", crash)
		time.Sleep(89 * time.Second)
		require.Error(t, b.check("192.0.2.1"))
		time.Sleep(time.Second)
		require.Error(t, b.check("192.0.2.1"))
		time.Sleep(time.Nanosecond)
		require.NoError(t, b.check("192.0.2.1"))
	})
}

func TestNoPenalty(t *testing.T) {
	b := &book{Penalties{AuthFail: -1, Min: -1}}
	require.False(t, b.add("192.0.2.1", authFail))
	require.False(t, b.add("192.0.2.1", noOffense))
	require.Empty(t, b.v4.bySource)
	require.True(t, b.add("192.0.2.1", noAuth), "no least penalty")
	require.Error(t, b.check("192.0.2.1"))
}

// overflow:permissive: the penalty that ends first is forgotten.
func TestPenaltiesOverflowPermissive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{MaxSources4: 2, Min: -1}}
		b.add("192.0.2.1", authFail)
		b.add("192.0.2.2", crash)
		b.add("192.0.2.3", graceExceeded)
		require.NoError(t, b.check("192.0.2.1"))
		require.Error(t, b.check("192.0.2.2"))
		require.Error(t, b.check("192.0.2.3"))
		require.Len(t, b.v4.bySource, 2)
		b.add("192.0.2.4", noAuth)
		require.NoError(t, b.check("192.0.2.4"), "it is the first to end")
		require.Len(t, b.v4.bySource, 2)
	})
}

// overflow:deny-all: nobody comes in until a penalty has ended.
func TestPenaltiesOverflowDenyAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{MaxSources4: 2, DenyAll4: true}}
		b.add("192.0.2.1", authFail)
		require.NoError(t, b.check("192.0.2.9"))
		b.add("192.0.2.2", crash)
		require.EqualError(t, b.check("192.0.2.9"), "server: too many sources have a penalty")
		require.False(t, b.add("192.0.2.3", crash))
		require.Len(t, b.v4.bySource, 2)
		time.Sleep(6 * time.Second)
		require.NoError(t, b.check("192.0.2.9"), "one has ended")
		require.Error(t, b.check("192.0.2.2"))
	})
}

// What is kept is bounded however many there are, and the heap keeps its order.
func TestPenaltiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{Penalties{MaxSources6: 100}}
		var raw [16]byte
		for i := range 10_000 {
			raw[1], raw[2] = byte(i), byte(i>>8)
			b.add(netip.AddrFrom16(raw).String(), offense(1+i%5))
			time.Sleep(time.Millisecond)
			require.LessOrEqual(t, len(b.v6.bySource), 100)
			require.Len(t, b.v6.byEnd, len(b.v6.bySource))
		}
		for i, p := range b.v6.byEnd {
			require.Equal(t, i, p.index)
			require.False(t, p.end.Before(b.v6.byEnd[(i-1)/2].end))
		}
		time.Sleep(time.Hour)
		require.NoError(t, b.check("2001:db8::1"))
		require.Empty(t, b.v6.bySource)
	})
}

func TestExempts(t *testing.T) {
	p := Penalties{Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("::1/128")}}
	require.True(t, p.exempts(netip.MustParseAddr("192.0.2.77")))
	require.True(t, p.exempts(netip.MustParseAddr("::1")))
	require.False(t, p.exempts(netip.MustParseAddr("192.0.3.1")))
	require.False(t, (&Penalties{}).exempts(netip.MustParseAddr("127.0.0.1")))
}
