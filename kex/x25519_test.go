package kex

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// refuses checks that both halves of m refuse value: the server as C_INIT, the
// client as S_REPLY. Neither answers, and the server signs nothing.
func refuses(t *testing.T, m Method, value []byte) {
	t.Helper()
	var refused *Error
	init := wire.KexECDHInit{Public: value}
	result, err := m.Server(says(t, init.Append(nil)), testTranscript(), forbiddenIdentity(t))
	require.Nil(t, result)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, m.Name(), refused.Method)

	reply := wire.KexECDHReply{HostKey: []byte("key"), Public: value, Signature: []byte("signature")}
	result, err = m.Client(says(t, reply.Append(nil)), testTranscript())
	require.Nil(t, result)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, m.Name(), refused.Method)
}

// accepts checks that both halves of m take value.
func accepts(t *testing.T, m Method, value []byte) {
	t.Helper()
	init := wire.KexECDHInit{Public: value}
	s := says(t, init.Append(nil))
	s.write = nil
	_, err := m.Server(s, testTranscript(), testIdentity())
	require.NoError(t, err)
	reply := wire.KexECDHReply{Public: value}
	_, err = m.Client(says(t, reply.Append(nil)), testTranscript())
	require.NoError(t, err)
}

func curve25519Methods(t *testing.T) []Method {
	var methods []Method
	for _, name := range []string{"curve25519-sha256", "curve25519-sha256@libssh.org"} {
		m, ok := Lookup(name)
		require.True(t, ok)
		methods = append(methods, m)
	}
	return methods
}

func secretOf(t testing.TB, scalar, public string) string {
	t.Helper()
	s := [32]byte(unhex(t, scalar))
	secret, err := x25519Secret(&s, unhex(t, public))
	require.NoError(t, err)
	require.Zero(t, s, "the scalar is cleared")
	return hex.EncodeToString(secret)
}

func TestX25519Vectors(t *testing.T) {
	tests := []struct{ name, scalar, public, secret string }{
		{
			"RFC 7748 5.2, first",
			"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
		},
		{
			"RFC 7748 5.2, second, public value with bit 255 set",
			"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
		},
		{
			"RFC 7748 6.1, Alice",
			"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
		{
			"RFC 7748 6.1, Bob",
			"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.secret, secretOf(t, test.scalar, test.public))
		})
	}
}

// RFC 7748, section 5.2: k, u = X25519(k, u), k, over and over.
func TestX25519Iterated(t *testing.T) {
	k, u := "0900000000000000000000000000000000000000000000000000000000000000", "0900000000000000000000000000000000000000000000000000000000000000"
	for i := 1; i <= 1000; i++ {
		k, u = secretOf(t, k, u), k
		if i == 1 {
			require.Equal(t, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", k)
		}
	}
	require.Equal(t, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", k)
}

func TestNewX25519(t *testing.T) {
	scalar, public := newX25519()
	private, err := ecdh.X25519().NewPrivateKey(scalar[:])
	require.NoError(t, err)
	require.Equal(t, private.PublicKey().Bytes(), public)
}

// The points of order 1, 2, 4 and 8 on the curve and its twist, in every
// encoding of 32 bytes: below p, at or above p, and each of those with bit 255
// set, which "MUST be masked" (RFC 7748, section 5).
var lowOrder = []struct{ name, point string }{
	{"D1: 0", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"D1: 1", "0100000000000000000000000000000000000000000000000000000000000000"},
	{"D1: order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"},
	{"D1: order 8, other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"},
	{"D1: p-1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"D1: p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"D1: p+1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"D1: 0 + 2^255", "0000000000000000000000000000000000000000000000000000000000000080"},
	{"D1: 1 + 2^255", "0100000000000000000000000000000000000000000000000000000000000080"},
	{"D1: order 8 + 2^255", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880"},
	{"D1: order 8, other, + 2^255", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7"},
	{"D1: p-1 + 2^255", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"D1: p + 2^255", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"D1: p+1 + 2^255", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
}

// D1, GHSA-5xvq-cp9x-6p6r: a secret of all zeros is refused, and nobody panics.
func TestX25519RefusesLowOrder(t *testing.T) {
	for _, test := range lowOrder {
		t.Run(test.name, func(t *testing.T) {
			for _, m := range curve25519Methods(t) {
				refuses(t, m, unhex(t, test.point))
			}
		})
	}
}

// The rest of the usual list of twelve are low order only to whoever does not
// mask bit 255. Masked, they are points like any other.
func TestX25519MasksTheTopBit(t *testing.T) {
	for _, test := range []struct{ name, point string }{
		{"RFC 7748 5: order 8 - 19 + 2^255", "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880"},
		{"RFC 7748 5: order 8, other, - 19 + 2^255", "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7"},
		{"RFC 7748 5: 2p-1", "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
		{"RFC 7748 5: 2p", "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
		{"RFC 7748 5: 2p+1", "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, m := range curve25519Methods(t) {
				accepts(t, m, unhex(t, test.point))
			}
		})
	}
}

// D2, GHSA-g9hv-x236-4qp3: only 32 bytes are a public value.
func TestX25519RefusesOtherLengths(t *testing.T) {
	for _, n := range []int{0, 1, 31, 33, 64, 1 << 20} {
		for _, m := range curve25519Methods(t) {
			refuses(t, m, bytes.Repeat([]byte{9}, n))
		}
	}
	_, err := x25519Secret(new([32]byte), make([]byte, 31))
	require.EqualError(t, err, "X25519 public key is 31 bytes long, not 32")
}

// D7: what one side computes is the mpint of RFC 4251 for every first byte.
func TestX25519MPInt(t *testing.T) {
	tests := []struct{ name, scalar, public, k string }{
		{
			"RFC 8731 3.1: top bit set",
			"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"0000002100c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
		},
		{
			"RFC 8731 3.1: top bit clear",
			"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			"000000204a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := appendMPInt(unhex(t, secretOf(t, test.scalar, test.public)))
			require.Equal(t, test.k, hex.EncodeToString(k))
		})
	}
}

// D10, CVE-2025-8277: an exchange that fails leaves nothing behind.
func TestFailedExchangesLeaveNothingBehind(t *testing.T) {
	for _, m := range DefaultServer() {
		bad := (&wire.KexECDHReply{Public: []byte("too short")}).Append(nil)
		fail := func(n int) uint64 {
			for range n {
				_, err := m.Client(&scriptedConn{read: func() ([]byte, error) { return bad, nil }}, testTranscript())
				require.Error(t, err)
			}
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			return stats.HeapAlloc
		}
		before := fail(10)
		require.Less(t, fail(75*repetitions), before+1<<20, m.Name())
	}
}
