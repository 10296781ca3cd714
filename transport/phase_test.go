package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/whelk-ssh/whelk/wire"
)

// TestActions compares the table with the rules as RFC 4253 and strict key
// exchange state them, written here a second time and by number.
func TestActions(t *testing.T) {
	type span struct {
		from, to byte
		want     action
	}
	rules := map[phase][]span{
		phaseInit:        {{1, 1, end}, {2, 4, take}, {20, 20, begin}},
		phaseFirst:       {{1, 1, end}, {2, 4, take}, {21, 21, expect}, {30, 49, expect}},
		phaseFirstStrict: {{1, 1, end}, {21, 21, expect}, {30, 49, expect}},
		phaseAgain:       {{1, 1, end}, {2, 4, take}, {21, 21, expect}, {30, 49, expect}},
		phaseOpen: {{1, 1, end}, {2, 7, take}, {8, 19, unimplemented}, {20, 20, begin}, {22, 29, unimplemented},
			{50, 127, deliver}, {128, 191, unimplemented}, {192, 193, take}, {194, 255, unimplemented}},
	}
	require.Len(t, rules, int(phases))
	for p := range phases {
		want := [256]action{}
		for _, s := range rules[p] {
			for n := int(s.from); n <= int(s.to); n++ {
				want[n] = s.want
			}
		}
		for n := range 256 {
			require.Equal(t, want[n], actionFor(p, wire.Number(n)), "%v %v", wire.Number(n), p)
		}
	}
}

func TestStrictExchangeLeavesOneMessage(t *testing.T) {
	for n := range 256 {
		number := wire.Number(n)
		act := actionFor(phaseFirstStrict, number)
		if number.Layer() == wire.KeyExchange || number == wire.NumberNewKeys {
			require.Equal(t, expect, act)
		} else if number != wire.NumberDisconnect {
			require.Equal(t, fail, act, "CVE-2023-48795: %v", number)
		}
	}
}
