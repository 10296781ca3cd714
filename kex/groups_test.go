package kex

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// modps are the fixed groups with the last 32 digits that their RFC prints.
var modps = []struct {
	name string
	modp
	tail string
}{
	{"RFC 2409 6.2: group 2", group1, "49286651ECE65381FFFFFFFFFFFFFFFF"},
	{"RFC 3526 3: group 14", group14, "15728E5A8AACAA68FFFFFFFFFFFFFFFF"},
	{"RFC 3526 4: group 15", group15, "4B82D120A93AD2CAFFFFFFFFFFFFFFFF"},
	{"RFC 3526 5: group 16", group16, "4DF435C934063199FFFFFFFFFFFFFFFF"},
	{"RFC 3526 6: group 17", group17, "E694F91E6DCC4024FFFFFFFFFFFFFFFF"},
	{"RFC 3526 7: group 18", group18, "60C980DD98EDD3DFFFFFFFFFFFFFFFFF"},
}

// refPi computes floor(2^n * pi) by Machin's formula:
//
//	pi/4 = 4 arctan(1/5) - arctan(1/239)
func refPi(n uint) *big.Int {
	const guard = 64
	one := new(big.Int).Lsh(big.NewInt(1), n+guard)
	arctan := func(x int64) *big.Int {
		sum, power := new(big.Int), new(big.Int).Div(one, big.NewInt(x))
		for k := int64(1); power.Sign() > 0; k += 2 {
			term := new(big.Int).Div(power, big.NewInt(k))
			if k%4 == 3 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			power.Div(power, big.NewInt(x*x))
		}
		return sum
	}
	sum := arctan(5)
	sum.Mul(sum, big.NewInt(4)).Sub(sum, arctan(239)).Mul(sum, big.NewInt(4))
	return sum.Rsh(sum, guard)
}

// refPrime is the formula of RFC 3526, by itself.
func refPrime(bits uint, k int64) *big.Int {
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	middle := refPi(bits - 130)
	middle.Add(middle, big.NewInt(k)).Mul(middle, power(64))
	p := power(bits)
	p.Sub(p, power(bits-64)).Sub(p, big.NewInt(1))
	return p.Add(p, middle)
}

func TestModpsAreThoseOfTheRFCs(t *testing.T) {
	for _, m := range modps {
		t.Run(m.name, func(t *testing.T) {
			g := m.group()
			require.Equal(t, refPrime(m.bits, m.k), g.p)
			require.Equal(t, m.tail, strings.ToUpper(g.p.Text(16))[m.bits/4-32:])
			require.EqualValues(t, m.bits, g.size())
			require.Equal(t, big.NewInt(2), g.g)
		})
	}
}

// Both p and (p-1)/2 are prime, and 2 generates the half of the numbers that
// are squares: an exponent shorter than p loses nothing.
func TestModpsAreSafePrimes(t *testing.T) {
	for _, m := range modps {
		if repetitions == 1 && m.bits > 4096 {
			continue // with the race detector it takes long
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			g := m.group()
			q := new(big.Int).Rsh(g.p, 1)
			require.True(t, g.p.ProbablyPrime(0))
			require.True(t, q.ProbablyPrime(0))
			require.Equal(t, big.NewInt(1), new(big.Int).Exp(g.g, q, g.p))
		})
	}
}

func TestGroupIsTheCallers(t *testing.T) {
	g := group14.group()
	g.p.SetInt64(0)
	g.g.SetInt64(0)
	require.EqualValues(t, 2048, group14.group().size())
	require.Equal(t, big.NewInt(2), group14.group().g)
}
