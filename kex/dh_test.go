package kex

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
	"math/big"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// fixedGroups is every method of RFC 4253, section 8, with its group and hash.
var fixedGroups = []struct {
	name string
	bits uint
	k    int64
	hash func() hash.Hash
}{
	{"diffie-hellman-group1-sha1", 1024, 129093, sha1.New},
	{"diffie-hellman-group14-sha1", 2048, 124476, sha1.New},
	{"diffie-hellman-group14-sha256", 2048, 124476, sha256.New},
	{"diffie-hellman-group15-sha512", 3072, 1690314, sha512.New},
	{"diffie-hellman-group16-sha512", 4096, 240904, sha512.New},
	{"diffie-hellman-group17-sha512", 6144, 929484, sha512.New},
	{"diffie-hellman-group18-sha512", 8192, 4743158, sha512.New},
}

func lookup(t testing.TB, name string) Method {
	t.Helper()
	m, ok := Lookup(name)
	require.True(t, ok, name)
	return m
}

func TestFixedGroupsAreComplete(t *testing.T) {
	n := 0
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if _, ok := m.(*groupExchange); isFiniteField(m) && !ok {
			n++
		}
	}
	require.Len(t, fixedGroups, n)
}

// refExponent is a private key made without the code under test: as long as p.
func refExponent(t testing.TB, p *big.Int) *big.Int {
	t.Helper()
	return new(big.Int).Sub(p, big.NewInt(12345))
}

// refHashOf is H of RFC 4253, section 8, whose fields are all written out.
func refHashOf(h hash.Hash, tr *Transcript, fields ...[]byte) []byte {
	for _, f := range [][]byte{tr.ClientVersion, tr.ServerVersion, tr.ClientInit, tr.ServerInit} {
		h.Write(refString(f))
	}
	for _, f := range fields {
		h.Write(f)
	}
	return h.Sum(nil)
}

// Our client and our server, each against arithmetic of math/big: K, H and the
// messages are those of RFC 4253, section 8.
func TestFixedGroupsAgainstReference(t *testing.T) {
	for _, test := range fixedGroups {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, p, tr := lookup(t, test.name), refPrime(test.bits, test.k), testTranscript()
			y := refExponent(t, p)
			public := new(big.Int).Exp(big.NewInt(2), y, p).Bytes()
			secret := func(peer []byte) []byte {
				return refMPInt(new(big.Int).Exp(new(big.Int).SetBytes(peer), y, p).Bytes())
			}

			var e []byte
			client, err := m.Client(&scriptedConn{
				write: func(p []byte) error { e = refParse(t, 30, 1, p)[0]; return nil },
				read: func() ([]byte, error) {
					return slices.Concat([]byte{31}, refString([]byte("key")), refMPInt(public), refString([]byte("signed"))), nil
				},
			}, tr)
			require.NoError(t, err)
			require.Equal(t, secret(e), client.K)
			require.Equal(t, refHashOf(test.hash(), tr, refString([]byte("key")), refMPInt(e), refMPInt(public), client.K), client.H)
			require.Equal(t, test.hash().Size(), client.Hash().Size())

			var reply [][]byte
			server, err := m.Server(&scriptedConn{
				read:  func() ([]byte, error) { return append([]byte{30}, refMPInt(public)...), nil },
				write: func(p []byte) error { reply = refParse(t, 31, 3, p); return nil },
			}, tr, testIdentity())
			require.NoError(t, err)
			require.Equal(t, secret(reply[1]), server.K)
			h := refHashOf(test.hash(), tr, refString(reply[0]), refMPInt(public), refMPInt(reply[1]), server.K)
			require.Equal(t, h, server.H)
			require.Equal(t, testSignature(h), reply[2])
		})
	}
}

func TestFixedGroupsAgree(t *testing.T) {
	for _, test := range fixedGroups {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, server := handshake(t, lookup(t, test.name), testTranscript())
			require.Equal(t, server.K, client.K)
			require.Equal(t, server.H, client.H)
			require.Equal(t, testSignature(client.H), client.Signature)
		})
	}
}

// badPublics are the values that D3 names, in a group with the prime p.
func badPublics(p *big.Int) map[string]*big.Int {
	add := func(n int64) *big.Int { return new(big.Int).Add(p, big.NewInt(n)) }
	bit := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	return map[string]*big.Int{
		"negative":             big.NewInt(-2),
		"minus a large number": new(big.Int).Neg(add(-3)),
		"0":                    new(big.Int),
		"1":                    big.NewInt(1),
		"p-1":                  add(-1),
		"p":                    p,
		"p+1":                  add(1),
		"p+4":                  add(4),
		"2^16384":              bit(16384),
		"2^16384 - 1":          new(big.Int).Sub(bit(16384), big.NewInt(1)),
		"1 bit set":            bit(uint(p.BitLen()) / 2),
		"3 bits set":           new(big.Int).Add(bit(uint(p.BitLen())-2), big.NewInt(3)),
		"2, which is g":        big.NewInt(2),
	}
}

// goodPublics are the values next to those.
func goodPublics(p *big.Int) map[string]*big.Int {
	return map[string]*big.Int{
		"p-2":        new(big.Int).Sub(p, big.NewInt(2)),
		"4 bits set": big.NewInt(15),
		"5 bits set": new(big.Int).SetBits([]big.Word{7, 0, 3}),
	}
}

// D3, CVE-2023-28113: RFC 4253, section 8; RFC 8268, section 4.
func TestFixedGroupsCheckPublicValues(t *testing.T) {
	for _, name := range []string{"diffie-hellman-group1-sha1", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := lookup(t, name)
			p := m.(*method).kem.(modp).group().p
			for what, v := range badPublics(p) {
				t.Run("D3: "+what, func(t *testing.T) { refuses(t, m, contents(v)) })
			}
			for what, v := range goodPublics(p) {
				t.Run("D3: "+what, func(t *testing.T) { accepts(t, m, contents(v)) })
			}
		})
	}
}

// RFC 4251, section 5: e and f are mpints, and have one encoding.
func TestFixedGroupsRefuseOtherEncodings(t *testing.T) {
	m := lookup(t, "diffie-hellman-group1-sha1")
	refuses(t, m, []byte{0, 0x7f})
	refuses(t, m, []byte{0xff, 0xff})
	refuses(t, m, nil)
	refuses(t, m, make([]byte, 1<<18))
	refuses(t, m, bytes.Repeat([]byte{0x55}, 1<<18))
}

// A refused value costs a server no exponentiation.
func TestServerChecksBeforeItComputes(t *testing.T) {
	for _, v := range [][]byte{{1}, {0, 1}} {
		require.Less(t, testing.AllocsPerRun(10, func() {
			_, _, err := group18.Encapsulate(v)
			require.Error(t, err)
		}), 100.0)
	}
	key, _ := group1.group().newKey()
	_, err := key.secret(big.NewInt(1))
	require.EqualError(t, err, "e or f is not between 2 and p-2")
	require.Zero(t, key.x, "the exponent is cleared all the same")
	_, err = key.secret(big.NewInt(7))
	require.EqualError(t, err, "e or f has fewer than four bits set")
}

// D6, CVE-2016-0739, CVE-2016-0787: private exponents have twice as many bits
// as the largest group has strength, and more, and do not repeat.
func TestD6Exponents(t *testing.T) {
	seen := make(map[[exponentSize]byte]bool)
	var or, and [exponentSize]byte
	and = [exponentSize]byte(bytes.Repeat([]byte{0xff}, exponentSize))
	g := group1.group()
	for range 125 * repetitions {
		key, public := g.newKey()
		require.False(t, seen[key.x])
		seen[key.x] = true
		x := new(big.Int).SetBytes(key.x[:])
		require.Greater(t, x.BitLen(), 2*200+64)
		require.Equal(t, new(big.Int).Exp(g.g, x, g.p), public, "g^x, with all of x")
		for i := range key.x {
			or[i] |= key.x[i]
			and[i] &= key.x[i]
		}
	}
	require.Equal(t, bytes.Repeat([]byte{0xff}, exponentSize), or[:], "a bit that is never set")
	require.Zero(t, and, "a bit that is always set")
}

// D7: K is the mpint of RFC 4251 whatever it begins with, and the exponent is
// gone.
func TestSecretWhateverItBeginsWith(t *testing.T) {
	g := group1.group()
	top, short := 0, 0
	for i := 0; top == 0 || short == 0; i++ {
		require.Less(t, i, 50_000)
		key, _ := g.newKey()
		x := new(big.Int).SetBytes(key.x[:])
		_, peer := g.newKey()
		k, err := key.secret(peer)
		require.NoError(t, err)
		require.Equal(t, refMPInt(new(big.Int).Exp(peer, x, g.p).Bytes()), k)
		require.Zero(t, key.x)
		switch length := binary.BigEndian.Uint32(k); {
		case length == 129:
			top++
		case length < 128:
			short++
		}
	}
}

// A modulus that is no prime may have powers that everybody knows.
func TestSecretThatEverybodyKnows(t *testing.T) {
	root := group14.group().p
	square := group{p: new(big.Int).Mul(root, root), g: big.NewInt(2)}
	key, _ := square.newKey()
	_, err := key.secret(root)
	require.EqualError(t, err, "the secret would be 0 or 1 whatever the exponent")

	// 1 + root has order root, and to that power is 1.
	key, _ = square.newKey()
	key.x = [exponentSize]byte{}
	_, err = key.secret(new(big.Int).Add(root, big.NewInt(1)))
	require.EqualError(t, err, "the secret would be 0 or 1 whatever the exponent")
	key, _ = square.newKey()
	key.x = [exponentSize]byte{exponentSize - 1: 1}
	k, err := key.secret(big.NewInt(15))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 1, 15}, k, "one byte, but not 0 or 1")
}

// What the callers of newKey have to check is a mistake of theirs.
func TestGroupsThatWereNotChecked(t *testing.T) {
	require.Panics(t, func() { group{p: new(big.Int), g: big.NewInt(2)}.newKey() })
	require.Panics(t, func() { group{p: big.NewInt(23), g: big.NewInt(23)}.newKey() })
}

// D10, CVE-2025-8277: an exchange that fails leaves nothing behind.
func TestD10FailedFixedGroupLeavesNothingBehind(t *testing.T) {
	m := lookup(t, "diffie-hellman-group1-sha1")
	bad := (&wire.KexECDHReply{Public: []byte{1}}).Append(nil)
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
	require.Less(t, fail(75*repetitions), before+1<<20)
}

func TestFiniteFieldErrorTexts(t *testing.T) {
	require.EqualError(t, &MessageError{Method: "diffie-hellman-group14-sha256", Want: 31, Got: 30},
		"kex: diffie-hellman-group14-sha256: expected SSH_MSG_KEXDH_REPLY, got SSH_MSG_KEXDH_INIT")
	require.EqualError(t, &MessageError{Method: "diffie-hellman-group-exchange-sha1", Want: 31, Got: 21},
		"kex: diffie-hellman-group-exchange-sha1: expected SSH_MSG_KEX_DH_GEX_GROUP, got SSH_MSG_NEWKEYS")
	require.EqualError(t, &MessageError{Method: "diffie-hellman-group-exchange-sha256", Want: 34, Got: 49},
		"kex: diffie-hellman-group-exchange-sha256: expected SSH_MSG_KEX_DH_GEX_REQUEST, got SSH_MSG_49")
	require.EqualError(t, &MessageError{Method: "diffie-hellman-group-exchange-sha256", Want: 30, Got: 30, Err: wire.ErrTruncated},
		"kex: diffie-hellman-group-exchange-sha256: malformed SSH_MSG_KEX_DH_GEX_REQUEST_OLD: wire: message is truncated")
	require.EqualError(t, &Error{Method: "m", What: "group", Err: errors.New("bad")}, "kex: m: refused the peer's group: bad")
}
