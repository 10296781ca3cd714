package mac

import (
	"crypto/aes"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A reference is UMAC as RFC 4418 writes it down: strings and integers without
// bounds, one stream after the other. Like ours it ends at MaxData.
type reference struct {
	t                              *testing.T
	key, l1, l2, l3Multiply, l3Xor []byte
	size                           int
}

func newReference(t *testing.T, key []byte, size int) *reference {
	r := &reference{t: t, key: key, size: size}
	iters := size / 4
	r.l1, r.l2 = r.kdf(1, 1024+(iters-1)*16), r.kdf(2, iters*24) // section 5.1
	r.l3Multiply, r.l3Xor = r.kdf(3, iters*64), r.kdf(4, iters*4)
	return r
}

func encipher(t *testing.T, key, block []byte) []byte {
	c, err := aes.NewCipher(key)
	require.NoError(t, err)
	out := make([]byte, 16)
	c.Encrypt(out, block)
	return out
}

// kdf is section 3.2.
func (r *reference) kdf(index, n int) (out []byte) {
	for i := 1; len(out) < n; i++ {
		in := binary.BigEndian.AppendUint64(nil, uint64(index))
		out = append(out, encipher(r.t, r.key, binary.BigEndian.AppendUint64(in, uint64(i)))...)
	}
	return out[:n]
}

// tag is sections 3.3, 4.1 and 5.1.
func (r *reference) tag(nonce uint64, data []byte) (tag []byte) {
	index := 0
	if r.size == 8 {
		index = int(nonce % 2)
	}
	in := binary.BigEndian.AppendUint64(nil, nonce^uint64(index))
	pad := encipher(r.t, r.kdf(0, 16), append(in, make([]byte, 8)...))[index*r.size:]
	for i := range r.size / 4 {
		y := r.l1Hash(r.l1[16*i:][:1024], data)
		sum := y[0]
		if len(data) > 1024 {
			k := new(big.Int).SetBytes(r.l2[24*i:][:8])
			k.And(k, big.NewInt(0x01ffffff01ffffff))
			sum = poly64(k, y)
		}
		b := r.l3Hash(i, sum)
		for j := range b {
			tag = append(tag, b[j]^pad[4*i+j])
		}
	}
	return tag
}

// l1Hash is section 5.2.1, with NH of section 5.2.2 inside.
func (r *reference) l1Hash(key, data []byte) (sums []*big.Int) {
	modulus := new(big.Int).Lsh(big.NewInt(1), 64)
	for first := true; first || len(data) > 0; first = false {
		block := data[:min(1024, len(data))]
		data = data[len(block):]
		sum := big.NewInt(int64(8 * len(block)))
		padded := slices.Clone(block)
		for len(padded) == 0 || len(padded)%32 != 0 {
			padded = append(padded, 0)
		}
		word := func(i int) *big.Int {
			return big.NewInt(int64(binary.LittleEndian.Uint32(padded[4*i:]) + binary.BigEndian.Uint32(key[4*i:])))
		}
		for i := 0; i < len(padded)/4; i += 8 {
			for j := range 4 {
				sum.Add(sum, new(big.Int).Mul(word(i+j), word(i+j+4)))
			}
		}
		sums = append(sums, sum.Mod(sum, modulus))
	}
	return sums
}

// poly64 is POLY of section 5.3.2 with words of 64 bits.
func poly64(k *big.Int, words []*big.Int) *big.Int {
	two64 := new(big.Int).Lsh(big.NewInt(1), 64)
	p := new(big.Int).Sub(two64, big.NewInt(59))
	maxWord := new(big.Int).Sub(two64, new(big.Int).Lsh(big.NewInt(1), 32))
	offset, marker := new(big.Int).Sub(two64, p), new(big.Int).Sub(p, big.NewInt(1))
	y := big.NewInt(1)
	step := func(m *big.Int) { y.Mod(y.Add(y.Mul(k, y), m), p) }
	for _, m := range words {
		if m.Cmp(maxWord) >= 0 {
			step(marker)
			m = new(big.Int).Sub(m, offset)
		}
		step(m)
	}
	return y
}

// l3Hash is section 5.4.1.
func (r *reference) l3Hash(stream int, sum *big.Int) []byte {
	p := big.NewInt(1<<36 - 5)
	m, y := sum.FillBytes(make([]byte, 16)), new(big.Int)
	for i := range 8 {
		k := new(big.Int).SetBytes(r.l3Multiply[64*stream+8*i:][:8])
		y.Add(y, k.Mul(k.Mod(k, p), big.NewInt(int64(binary.BigEndian.Uint16(m[2*i:])))))
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(y.Mod(y, p).Uint64()))
	for i := range b {
		b[i] ^= r.l3Xor[4*stream+i]
	}
	return b
}
