package kex

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// ownGroups are two groups of 2048 bits and one of 3072.
func ownGroups(t testing.TB) Groups {
	t.Helper()
	file, err := os.Open("testdata/moduli")
	require.NoError(t, err)
	defer file.Close()
	groups, _, err := ParseModuli(file)
	require.NoError(t, err)
	require.Equal(t, 3, groups.Len())
	return groups
}

func TestOwnGroupsAreSafePrimes(t *testing.T) {
	for _, g := range ownGroups(t).list {
		require.True(t, g.p.ProbablyPrime(0))
		require.True(t, new(big.Int).Rsh(g.p, 1).ProbablyPrime(0))
	}
}

// modulus returns group 14 as a line of moduli(5), with fields changed: each
// is a number from 0, "=" and the value.
func modulus(changes ...string) string {
	fields := []string{"20260101000000", "2", "6", "100", "2047", "2", strings.ToUpper(group14.group().p.Text(16))}
	for _, change := range changes {
		fields[change[0]-'0'] = change[2:]
	}
	return strings.Join(fields, " ")
}

func TestParseModuliLines(t *testing.T) {
	p := group14.group().p
	hex := func(add int64) string { return new(big.Int).Add(p, big.NewInt(add)).Text(16) }
	for _, test := range []struct{ name, line, why string }{
		{"moduli(5)", modulus(), ""},
		{"generator 5", modulus("5=5"), ""},
		{"lower case", modulus("6=" + hex(0)), ""},
		{"tabs and spaces around", " \t" + strings.ReplaceAll(modulus(), " ", "\t") + " \r", ""},
		{"8192 bits", modulus("4=8191", "6="+group18.group().p.Text(16)), ""},

		{"too few fields", "1 2 3", "3 fields, not 7"},
		{"too many fields", modulus() + " 1", "8 fields, not 7"},
		{"the type is no number", modulus("1=two"), `"two" is not a number`},
		{"a negative number", modulus("3=-1"), `"-1" is not a number`},
		{"a number of 33 bits", modulus("3=4294967296"), `"4294967296" is not a number`},
		{"type 0, unknown", modulus("1=0"), "a modulus of type 0, not 2, a safe prime"},
		{"type 4, Sophie Germain", modulus("1=4"), "a modulus of type 4, not 2, a safe prime"},
		{"tests 0, none", modulus("2=0"), "a modulus that was not tested"},
		{"trials 0, sieve only", modulus("3=0"), "a modulus that was not tested"},
		{"tests 1, composite", modulus("2=7"), "a composite modulus"},
		{"generator 0", modulus("5=0"), `generator "0" is neither 2 nor 5`},
		{"generator 3", modulus("5=3"), `generator "3" is neither 2 nor 5`},
		{"generator 02", modulus("5=02"), `generator "02" is neither 2 nor 5`},
		{"no hexadecimal number", modulus("6=\x1b[2Jx"), `"\x1b[2Jx" is not a hexadecimal number`},
		{"negative", modulus("6=-" + hex(0)), "a modulus of 2048 bits, not of 2048"},
		{"size too small", modulus("4=2046"), "a modulus of 2048 bits, not of 2047"},
		{"size too large", modulus("4=2048"), "a modulus of 2048 bits, not of 2049"},
		{"size 2^32-1", modulus("4=4294967295"), "a modulus of 2048 bits, not of 4294967296"},
		{"RFC 8270: 1024 bits", modulus("4=1023", "6="+group1.group().p.Text(16)), "a modulus of 1024 bits, not of 2048 to 8192"},
		{"D5: 8193 bits", modulus("4=8192", "6=1"+strings.Repeat("0", 2048)), "a modulus of 8193 bits, not of 2048 to 8192"},
		{"p is even", modulus("6=" + hex(1)), "the modulus is not a safe prime"},
		{"p has the divisor 3", modulus("6=" + hex(4)), "the modulus is not a safe prime"},
		{"p/2 is even", modulus("6=" + hex(6)), "the modulus is not a safe prime"},
		{"a digit was lost", modulus("6=" + hex(0)[1:]), "a modulus of 2044 bits, not of 2048"},
		{"a line of 8 KiB", strings.Repeat("1", 8<<10), "longer than 8192 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := "# a comment\n\n  \t\n" + modulus() + "\n" + test.line + "\n" + modulus() + "\n  # another"
			groups, skipped, err := ParseModuli(strings.NewReader(file))
			require.NoError(t, err)
			if test.why == "" {
				require.Empty(t, skipped)
				require.Equal(t, 3, groups.Len())
				return
			}
			require.Equal(t, 2, groups.Len(), "the lines around it are good")
			require.Len(t, skipped, 1)
			require.Equal(t, 5, skipped[0].Line)
			require.EqualError(t, skipped[0], "kex: line 5 of the moduli: "+test.why)
			require.EqualError(t, errors.Unwrap(skipped[0]), test.why)
		})
	}
}

func TestParseModuliIsWhole(t *testing.T) {
	broken := errors.New("disk on fire")
	groups, skipped, err := ParseModuli(io.MultiReader(strings.NewReader(modulus()+"\n"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "kex: reading moduli: disk on fire")
	require.Zero(t, groups)
	require.Nil(t, skipped)

	const limit = 16 << 20
	comment := "#" + strings.Repeat("x", 62) + "\n"
	groups, skipped, err = ParseModuli(strings.NewReader(strings.Repeat(comment, limit/len(comment)-40) + modulus()))
	require.NoError(t, err)
	require.Equal(t, 1, groups.Len())
	require.Empty(t, skipped)
	groups, _, err = ParseModuli(strings.NewReader(strings.Repeat(comment, limit/len(comment)) + "#"))
	require.EqualError(t, err, "kex: a file of moduli is larger than 16777216 bytes")
	require.Zero(t, groups)

	groups, skipped, err = ParseModuli(strings.NewReader(""))
	require.NoError(t, err)
	require.Zero(t, groups)
	require.Empty(t, skipped)
}

// The file that OpenSSH is shipped with, where there is one, has nothing that
// is not used.
func TestParseModuliOfOpenSSH(t *testing.T) {
	file, err := os.Open("/etc/ssh/moduli")
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	groups, skipped, err := ParseModuli(file)
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Greater(t, groups.Len(), 100)
	for _, n := range []uint32{2048, 3072, 4096, 8192} {
		g, ok := groups.choose(2048, n, 8192)
		require.True(t, ok)
		require.EqualValues(t, n, g.size())
	}
}

// sized returns a group that is nothing but a size.
func sized(bits uint32, g int64) group { return group{p: oddOf(uint(bits)), g: big.NewInt(g)} }

func TestChoose(t *testing.T) {
	var sizes Groups
	for _, bits := range []uint32{6144, 2048, 8192, 4096, 3072, 7680} {
		sizes.list = append(sizes.list, sized(bits, 5))
	}
	for _, test := range []struct {
		name               string
		low, n, high, want uint32 // want 0 is none
	}{
		{"exactly", 2048, 3072, 8192, 3072},
		{"the smallest that is larger", 2048, 2049, 8192, 3072},
		{"the largest if none is", 2048, 8192, 8000, 7680},
		{"only one", 7000, 7000, 7999, 7680},
		{"only one, smaller", 7000, 7999, 7999, 7680},
		{"between any", 3073, 3500, 4095, 0},
		{"none", 8193, 8193, 9000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, ok := sizes.choose(test.low, test.n, test.high)
			require.Equal(t, test.want > 0, ok)
			if ok {
				require.Equal(t, test.want, g.size())
				require.EqualValues(t, 5, g.g.Int64(), "one of its own")
			}
		})
	}
}

// Where its own groups do not fit, a server has those of RFC 3526.
func TestChooseFallsBack(t *testing.T) {
	for _, groups := range []Groups{{}, {list: []group{sized(2500, 5)}}} {
		for _, test := range []struct{ n, want uint32 }{{3000, 3072}, {3072, 3072}, {3073, 4096}, {6145, 8192}, {8192, 8192}} {
			g, ok := groups.choose(3000, test.n, 8192)
			require.True(t, ok)
			require.Equal(t, test.want, g.size())
			require.EqualValues(t, 2, g.g.Int64())
		}
		_, ok := groups.choose(2049, 2100, 2100)
		require.False(t, ok)
	}
	g, ok := Groups{list: []group{sized(2500, 5)}}.choose(2048, 8192, 8192)
	require.True(t, ok)
	require.EqualValues(t, 2500, g.size(), "what its owner has put there comes first")
}

// Each of several groups of one size is chosen now and then.
func TestChooseAnyOfASize(t *testing.T) {
	groups := Groups{list: []group{sized(2048, 2), sized(4096, 9), sized(2048, 3), sized(2048, 4), sized(3072, 9)}}
	count := make(map[int64]int)
	for range 600 {
		g, ok := groups.choose(2048, 2048, 8192)
		require.True(t, ok)
		require.EqualValues(t, 2048, g.size())
		count[g.g.Int64()]++
	}
	for _, g := range []int64{2, 3, 4} {
		require.Greater(t, count[g], 100)
	}
}

// The rule of RFC 4419, section 3, by sorting, for random groups and requests.
func TestChooseAgainstReference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var groups []group
		var sizes []uint32
		for range random.IntN(6) {
			bits := 20 + random.Uint32N(10)
			groups, sizes = append(groups, sized(bits, 2)), append(sizes, bits)
		}
		low := 18 + random.Uint32N(12)
		n := low + random.Uint32N(8)
		high := n + random.Uint32N(6)
		sizes = slices.DeleteFunc(sizes, func(s uint32) bool { return s < low || s > high })
		slices.Sort(sizes)
		fit := fitting(groups, low, n, high)
		if len(sizes) == 0 {
			require.Empty(t, fit)
			continue
		}
		want := sizes[len(sizes)-1]
		if i := slices.IndexFunc(sizes, func(s uint32) bool { return s >= n }); i >= 0 {
			want = sizes[i]
		}
		count := 0
		for _, s := range sizes {
			if s == want {
				count++
			}
		}
		require.Len(t, fit, count, fmt.Sprint(sizes, low, n, high))
		for _, g := range fit {
			require.Equal(t, want, g.size())
		}
	}
}
