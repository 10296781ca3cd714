package mac

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// words are where carries and reductions happen.
var words = []uint64{0, 1, 58, 59, 60, 1<<32 - 1, 1 << 32, 1 << 63, math.MaxUint64 - 1<<32, math.MaxUint64 - 1<<32 + 1,
	prime64 - 2, prime64 - 1, prime64, prime64 + 1, math.MaxUint64 - 1, math.MaxUint64}

// RFC 4418 5.3.2: any word after any word, those included that need the marker,
// which a test of whole messages would have to wait 2^32 of them for.
func TestPoly(t *testing.T) {
	const mask = 0x01ffffff01ffffff
	for _, k := range []uint64{0, 1, 2, 0x0123456701234567, mask - 1, mask} {
		for _, first := range words {
			for _, second := range words {
				for _, third := range words {
					y := uint64(1)
					var numbers []*big.Int
					for _, m := range []uint64{first, second, third} {
						y = polyStep(k, y, m)
						numbers = append(numbers, new(big.Int).SetUint64(m))
					}
					want := poly64(new(big.Int).SetUint64(k), numbers)
					if want.Uint64() != reduce(y, prime64) {
						t.Fatalf("key %#x, words %#x %#x %#x: %#x, want %v", k, first, second, third, y, want)
					}
				}
			}
		}
	}
}

// mulAdd is right for every y there can be, not only for those that words lead to.
func TestMulAdd(t *testing.T) {
	p := new(big.Int).SetUint64(prime64)
	for _, k := range []uint64{0, 1, 1<<57 - 1, 0x01ffffff01ffffff} {
		for _, y := range words {
			for _, m := range words {
				if m >= prime64 {
					continue
				}
				want := new(big.Int).Mul(new(big.Int).SetUint64(k), new(big.Int).SetUint64(y))
				want.Mod(want.Add(want, new(big.Int).SetUint64(m)), p)
				require.Equal(t, want.Uint64(), reduce(mulAdd(k, y, m), prime64), "%#x * %#x + %#x", k, y, m)
			}
		}
	}
}

func TestReduce(t *testing.T) {
	for _, p := range []uint64{prime36, prime64} {
		for _, y := range []uint64{0, 1, p - 1, p, p + 1, p + 58} {
			require.Equal(t, y%p, reduce(y, p), "%#x modulo %#x", y, p)
		}
	}
}

// RFC 4418 5.4.1: the largest keys and words leave less than two primes, which
// is what reduce takes.
func TestFinishBounds(t *testing.T) {
	var h uhash
	h.streams = 1
	largest := [maxStreams]uint64{math.MaxUint64}
	for i := range h.inner[0] {
		h.inner[0][i] = prime36 - 1
	}
	const sum = 4 * 0xffff * (prime36 - 1)
	require.Less(t, uint64(sum&(1<<36-1)+5*(sum>>36)), uint64(2*prime36))
	require.Equal(t, uint32(sum%prime36&math.MaxUint32), h.finish(&largest)[0])
}

// nh2 and nh4 are sums that anyone can write down, over any number of steps,
// added to what was there.
func TestNH(t *testing.T) {
	var k nhKey
	for i := range k {
		k[i] = rand.Uint32() | uint32(i%2)<<31 // sums that wrap
	}
	p := make([]byte, nhBlock)
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	for n := 0; n <= nhBlock; n += nhStep {
		want := [maxStreams]uint64{1, 2, 3, math.MaxUint64}
		two, four := want, want
		for stream := range want {
			for i := 0; i < n/4; i += 8 {
				for j := i; j < i+4; j++ {
					a := binary.LittleEndian.Uint32(p[4*j:]) + k[4*stream+j]
					b := binary.LittleEndian.Uint32(p[4*j+16:]) + k[4*stream+j+4]
					want[stream] += uint64(a) * uint64(b)
				}
			}
		}
		nh4(&four, k[:], p[:n])
		require.Equal(t, want, four, "%d bytes", n)
		nh2(&two, k[:], p[:n])
		require.Equal(t, [maxStreams]uint64{want[0], want[1], 3, math.MaxUint64}, two, "%d bytes", n)
	}
}
