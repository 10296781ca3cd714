package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return p
}

// The vectors of RFC 4251, section 5, and the edges between them.
var mpints = []struct{ name, value, encoding string }{
	{"RFC 4251 5: 0", "0", "00 00 00 00"},
	{"RFC 4251 5: 9a378f9b2e332a7", "9a378f9b2e332a7", "00 00 00 08 09 a3 78 f9 b2 e3 32 a7"},
	{"RFC 4251 5: 80", "80", "00 00 00 02 00 80"},
	{"RFC 4251 5: -1234", "-1234", "00 00 00 02 ed cc"},
	{"RFC 4251 5: -deadbeef", "-deadbeef", "00 00 00 05 ff 21 52 41 11"},
	{"the largest of one byte", "7f", "00 00 00 01 7f"},
	{"the smallest of one byte", "-80", "00 00 00 01 80"},
	{"the first of two bytes below", "-81", "00 00 00 02 ff 7f"},
	{"minus one", "-1", "00 00 00 01 ff"},
	{"two bytes that begin with the sign bit", "8000", "00 00 00 03 00 80 00"},
	{"the smallest of two bytes", "-8000", "00 00 00 02 80 00"},
}

func TestMPInt(t *testing.T) {
	for _, test := range mpints {
		t.Run(test.name, func(t *testing.T) {
			v, ok := new(big.Int).SetString(test.value, 16)
			require.True(t, ok)
			encoding := unhex(t, test.encoding)
			require.Equal(t, encoding, AppendMPInt(nil, v))

			r := NewReader(encoding)
			require.Zero(t, v.Cmp(r.MPInt()))
			require.NoError(t, r.End())
			for n := range encoding {
				r := NewReader(encoding[:n])
				require.Nil(t, r.MPInt())
				require.ErrorIs(t, r.Err(), ErrTruncated)
			}
		})
	}
}

func TestMPIntNotMinimal(t *testing.T) {
	tests := []struct{ name, encoding string }{
		{"RFC 4251 5: zero with a byte", "00 00 00 01 00"},
		{"RFC 4251 5: an unnecessary 00", "00 00 00 02 00 7f"},
		{"RFC 4251 5: two leading 00", "00 00 00 03 00 00 80"},
		{"RFC 4251 5: an unnecessary ff", "00 00 00 02 ff 80"},
		{"RFC 4251 5: minus one in two bytes", "00 00 00 02 ff ff"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := NewReader(unhex(t, test.encoding))
			require.Nil(t, r.MPInt())
			require.ErrorIs(t, r.End(), ErrMPInt)
		})
	}
}

// D7: the shared secret is hashed as an mpint, and one in 256 begins with 00,
// one in two with the sign bit.
func TestAppendUnsigned(t *testing.T) {
	tests := []struct{ name, magnitude, encoding string }{
		{"D7: empty", "", "00 00 00 00"},
		{"D7: all zero", "00 00 00", "00 00 00 00"},
		{"D7: the sign bit set", "80 01", "00 00 00 03 00 80 01"},
		{"D7: the sign bit clear", "7f ff", "00 00 00 02 7f ff"},
		{"D7: a leading zero", "00 7f", "00 00 00 01 7f"},
		{"D7: leading zeros before the sign bit", "00 00 ff", "00 00 00 02 00 ff"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, unhex(t, test.encoding), AppendUnsigned(nil, unhex(t, test.magnitude)))
		})
	}
	for range 10_000 {
		p := make([]byte, 32)
		_, _ = rand.Read(p)
		clear(p[:mathrand.IntN(4)])
		got := AppendUnsigned([]byte("K="), p)
		require.Equal(t, AppendMPInt([]byte("K="), new(big.Int).SetBytes(p)), got)
	}
}

func TestAppendUnsignedKeepsItsArgument(t *testing.T) {
	p := append(make([]byte, 0, 8), 0, 0x80)
	AppendUnsigned(nil, p)
	require.Equal(t, []byte{0, 0x80}, p)
}

func TestMPIntRandom(t *testing.T) {
	for range 10_000 {
		p := make([]byte, mathrand.IntN(40))
		_, _ = rand.Read(p)
		v := new(big.Int).SetBytes(p)
		if mathrand.IntN(2) == 0 {
			v.Neg(v)
		}
		r := NewReader(AppendMPInt(nil, v))
		require.Zero(t, v.Cmp(r.MPInt()), "%x", v)
		require.NoError(t, r.End())
	}
}

func TestBool(t *testing.T) {
	for b := range 256 {
		r := NewReader([]byte{byte(b)})
		require.Equal(t, b != 0, r.Bool(), "RFC 4251 5: all non-zero values are TRUE")
		require.NoError(t, r.End())
	}
	require.Equal(t, []byte{1, 0}, AppendBool(AppendBool(nil, true), false))
}

func TestNumbersAndStrings(t *testing.T) {
	b := AppendUint32(nil, 0x29b7f4aa) // RFC 4251 5
	b = AppendUint64(b, 0x0102030405060708)
	b = AppendString(b, "testing")
	b = AppendString(b, []byte{0xff})
	b = append(b, "fixed and the rest"...)
	require.Equal(t, unhex(t, "29 b7 f4 aa 01 02 03 04 05 06 07 08 00 00 00 07 74 65 73 74 69 6e 67 00 00 00 01 ff"), b[:28])

	r := NewReader(b)
	require.Equal(t, uint32(0x29b7f4aa), r.Uint32())
	require.Equal(t, uint64(0x0102030405060708), r.Uint64())
	require.Equal(t, "testing", r.Text())
	require.Equal(t, []byte{0xff}, r.Blob())
	require.Equal(t, 18, r.Len())
	require.Equal(t, "fixed", string(r.Bytes(5)))
	require.ErrorIs(t, r.End(), ErrTrailing)
	require.NoError(t, r.Err(), "End does not change the Reader")
	require.Equal(t, " and the rest", string(r.Rest()))
	require.NoError(t, r.End())
	require.Empty(t, r.Rest())
	require.NoError(t, r.End(), "there is always a rest, if only of no bytes")
}

func TestNameListVectors(t *testing.T) {
	tests := []struct {
		name     string
		names    []string
		encoding string
	}{
		{"RFC 4251 5: ()", nil, "00 00 00 00"},
		{"RFC 4251 5: (zlib)", []string{"zlib"}, "00 00 00 04 7a 6c 69 62"},
		{"RFC 4251 5: (zlib, none)", []string{"zlib", "none"}, "00 00 00 09 7a 6c 69 62 2c 6e 6f 6e 65"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			encoding := unhex(t, test.encoding)
			require.Equal(t, encoding, AppendNameList(nil, test.names))
			r := NewReader(encoding)
			require.Equal(t, test.names, r.NameList())
			require.NoError(t, r.End())
		})
	}
}

func TestAppendNameListPanics(t *testing.T) {
	for _, names := range [][]string{{""}, {"a", ""}, {"a,b"}} {
		require.Panics(t, func() { AppendNameList(nil, names) }, "%q", names)
	}
}

// The first failure sticks, and every read after it yields the zero value.
func TestReaderFailureSticks(t *testing.T) {
	r := NewReader([]byte{0, 0, 0, 9, 'x'})
	require.Empty(t, r.Blob())
	require.ErrorIs(t, r.Err(), ErrTruncated)
	require.Zero(t, r.Byte())
	require.False(t, r.Bool())
	require.Zero(t, r.Uint32())
	require.Zero(t, r.Uint64())
	require.Empty(t, r.Text())
	require.Empty(t, r.Bytes(1))
	require.Nil(t, r.MPInt())
	require.Nil(t, r.NameList())
	require.Empty(t, r.Rest())
	require.Zero(t, r.count(1))
	r.Number(NumberNewKeys)
	require.Zero(t, r.Len())
	require.ErrorIs(t, r.End(), ErrTruncated)
}

// A length near 2^32 must not wrap around an int of 32 bits.
func TestReaderHugeLengths(t *testing.T) {
	for _, length := range []string{"7fffffff", "80000000", "fffffffc", "ffffffff"} {
		p := append(unhex(t, length), bytes.Repeat([]byte("x"), 64)...)
		r := NewReader(p)
		require.Nil(t, r.Blob(), length)
		require.ErrorIs(t, r.End(), ErrTruncated)
	}
}

// A count is refused for the bytes that are missing, not when they are missed.
func TestReaderCount(t *testing.T) {
	p := encode([]any{uint32(3), raw("12 bytes long")})
	r := NewReader(p)
	require.Equal(t, uint32(3), r.count(4))
	require.NoError(t, r.Err())
	r = NewReader(p)
	require.Zero(t, r.count(5))
	require.ErrorIs(t, r.Err(), ErrTruncated)
}

// A count is refused before anything is allocated for what it counts.
func TestReaderHugeCounts(t *testing.T) {
	tests := []struct {
		name  string
		parse func([]byte) (message, error)
		head  []any
	}{
		{"RFC 8308 2.3: extensions", parsing(ParseExtInfo), []any{NumberExtInfo}},
		{"RFC 4256 3.2: prompts", parsing(ParseUserauthInfoRequest), []any{NumberUserauthInfoRequest, "", "", ""}},
		{"RFC 4256 3.4: responses", parsing(ParseUserauthInfoResponse), []any{NumberUserauthInfoResponse}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, count := range []uint32{1, 0x20000001, 0x80000000, 0xffffffff} {
				_, err := test.parse(encode(append(test.head, count)))
				require.ErrorIs(t, err, ErrTruncated, "%d of them in no bytes", count)
			}
			many := append(encode(append(test.head, uint32(1))), bytes.Repeat([]byte{0xff}, 64)...)
			_, err := test.parse(many)
			require.ErrorIs(t, err, ErrTruncated, "the one item lies about its length")
		})
	}
}
