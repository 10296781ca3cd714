package mac

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	rfc4418Key   = "abcdefghijklmnop"
	rfc4418Nonce = "bcdefghi"
)

// The test vectors of RFC 4418, appendix. A tag of 96 bits is the first part of
// one of 128. Erratum 3507 corrects the message of 2^25 bytes, which is the
// only one beyond MaxData.
var rfc4418 = []struct {
	name, part    string
	times         int
	tag64, tag96  string
	beyondMaxData bool
}{
	{"RFC 4418 empty", "", 1, "6e155fad26900be1", "32fedb100c79ad58f07ff764", false},
	{"RFC 4418 'a' * 3", "a", 3, "44b5cb542f220104", "185e4fe905cba7bd85e4c2dc", false},
	{"RFC 4418 'a' * 2^10", "a", 1 << 10, "26bf2f5d60118bd9", "7a54abe04af82d60fb298c3c", false},
	{"RFC 4418 'a' * 2^15", "a", 1 << 15, "27f8ef643b0d118d", "7b136bd911e4b734286ef2be", false},
	{"RFC 4418 'a' * 2^20", "a", 1 << 20, "a4477e87e9f55853", "f8acfa3ac31cfeea047f7b11", false},
	{"RFC 4418 erratum 3507 'a' * 2^25", "a", 1 << 25, "faca46f856e9b45f", "a621c2457c0012e64f3fdae9", true},
	{"RFC 4418 'abc' * 1", "abc", 1, "d4d7b9f6bd4fbfcf", "883c3d4b97a61976ffcf2323", false},
	{"RFC 4418 'abc' * 500", "abc", 500, "d4cf26ddefd5c01a", "8824a260c53c66a36c9260a6", false},
}

func TestUMACKnownAnswers(t *testing.T) {
	nonce := binary.BigEndian.Uint64([]byte(rfc4418Nonce))
	for _, tt := range rfc4418 {
		t.Run(tt.name, func(t *testing.T) {
			data := bytes.Repeat([]byte(tt.part), tt.times)
			for size, want := range map[int]string{8: tt.tag64, 16: tt.tag96} {
				m := newUMAC(size, []byte(rfc4418Key))
				if tt.beyondMaxData {
					require.PanicsWithValue(t, "mac: UMAC of 33554432 bytes, more than MaxData",
						func() { m.append(nil, nonce, data) }, "5.3.1: not with the first polynomial alone")
					continue
				}
				for range 3 { // state must not carry over
					tag := m.append(nil, nonce, data)
					require.Len(t, tag, size)
					require.Equal(t, want, hex.EncodeToString(tag)[:len(want)])
				}
			}
		})
	}
}

// Where blocks and steps begin and end, and up to the largest packet and beyond,
// UMAC is what the specification says in numbers without bounds.
func TestUMACLengths(t *testing.T) {
	key := []byte("a key of sixteen")
	data := make([]byte, MaxData)
	for i := range data {
		data[i] = byte(i*i>>8 ^ i*167)
	}
	lengths := []int{nhBlock - 33, nhBlock - 32, nhBlock - 31, nhBlock - 1, nhBlock, nhBlock + 1, nhBlock + 31, nhBlock + 32,
		2*nhBlock - 1, 2 * nhBlock, 2*nhBlock + 1, 35000, 256<<10 - 1, 256 << 10, 256<<10 + 16}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	for _, size := range []int{8, 16} {
		m, reference := newUMAC(size, key), newReference(t, key, size)
		for i, n := range lengths {
			require.Equal(t, reference.tag(uint64(i), data[:n]), m.append(nil, uint64(i), data[:n]), "%d bytes, tag of %d", n, size)
		}
		require.Len(t, m.Append(nil, 0, data), size, "MaxData")
	}
}

// RFC 4418 3.3: two packets of UMAC-64 share a block of AES. Whatever the order
// in which they come, each gets its own half.
func TestUMACPads(t *testing.T) {
	for _, size := range []int{8, 16} {
		m, reference := newUMAC(size, []byte(rfc4418Key)), newReference(t, []byte(rfc4418Key), size)
		for _, seq := range []uint32{0, 1, 2, 3, 3, 2, 1, 0, 1<<32 - 1, 0, 1<<32 - 2, 1<<31 + 1, 1 << 31, 5, 9, 4, 8} {
			require.Equal(t, reference.tag(uint64(seq), []byte("packet")), m.Append(nil, seq, []byte("packet")), "packet %d", seq)
		}
	}
	// Otherwise half of the packets would cost an encryption more.
	m := newUMAC(8, []byte(rfc4418Key))
	even := bytes.Clone(m.pad(6))
	whole := m.pads
	require.Equal(t, whole[8:], m.pad(7))
	require.Equal(t, whole[:8], even)
}

func TestUMACKeySize(t *testing.T) {
	for _, n := range []int{0, 15, 17, 24, 32} { // two of them are keys of AES
		require.Panics(t, func() { newUMAC(8, make([]byte, n)) }, "%d bytes", n)
	}
}

// Under other data, another number or another key there is another tag.
func TestUMACDepends(t *testing.T) {
	for _, size := range []int{8, 16} {
		data := bytes.Repeat([]byte{0x5c}, 2*nhBlock+50)
		m := newUMAC(size, []byte(rfc4418Key))
		tag := m.Append(nil, 7, data)
		for _, at := range []int{0, 3, 31, 32, nhBlock - 1, nhBlock, 2 * nhBlock, len(data) - 1} {
			data[at] ^= 0x80
			require.NotEqual(t, tag, m.Append(nil, 7, data), "byte %d", at)
			data[at] ^= 0x80
		}
		require.NotEqual(t, tag, m.Append(nil, 7, append(data, 0)), "RFC 4418 5.2.1: the padding is told from data by the length")
		require.NotEqual(t, tag, newUMAC(size, []byte("abcdefghijklmnoq")).Append(nil, 7, data))
		require.Equal(t, tag, m.Append(nil, 7, data))
	}
}
