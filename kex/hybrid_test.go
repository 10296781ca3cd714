package kex

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// forEachHybrid runs f as a subtest for every hybrid there is.
func forEachHybrid(t *testing.T, f func(t *testing.T, m Method, ref refMethod)) {
	forEachMethod(t, func(t *testing.T, m Method) {
		if ref := refMethods[m.Name()]; ref.lattice != nil {
			f(t, m, ref)
		}
	})
}

// RFC 9941, RFC 10042: the sizes are those of the two parts, back to back, and
// K is a string as long as the hash.
func TestHybridSizes(t *testing.T) {
	for _, test := range []struct {
		name               string
		init, reply, k     int
		public, ciphertext int // of the lattice
	}{
		{"mlkem768x25519-sha256", 1184 + 32, 1088 + 32, 32, 1184, 1088},
		{"mlkem768nistp256-sha256", 1184 + 65, 1088 + 65, 32, 1184, 1088},
		{"mlkem1024nistp384-sha384", 1568 + 97, 1568 + 97, 48, 1568, 1568},
		{"sntrup761x25519-sha512", 1158 + 32, 1039 + 32, 64, 1158, 1039},
		{"sntrup761x25519-sha512@openssh.com", 1158 + 32, 1039 + 32, 64, 1158, 1039},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, ok := Lookup(test.name)
			require.True(t, ok)
			kem := m.(*method).kem.(hybrid)
			public, ciphertext := kem.pq.sizes()
			require.Equal(t, []int{test.public, test.ciphertext}, []int{public, ciphertext})

			init, open, err := kem.GenerateKey()
			require.NoError(t, err)
			require.Len(t, init, test.init)
			reply, k, err := kem.Encapsulate(init)
			require.NoError(t, err)
			require.Len(t, reply, test.reply)
			require.Len(t, k, 4+test.k)
			require.EqualValues(t, test.k, binary.BigEndian.Uint32(k))
			opened, err := open(reply)
			require.NoError(t, err)
			require.Equal(t, k, opened)
		})
	}
}

// D8: each side refuses a value of any but its own size.
func TestHybridRefusesOtherLengths(t *testing.T) {
	forEachHybrid(t, func(t *testing.T, m Method, ref refMethod) {
		init := refParse(t, 30, 1, validInit(t, m))[0]
		reply := refParse(t, 31, 3, replyTo(t, m, validInit(t, m)))[1]
		for _, n := range otherLengths(len(init), ref.public) {
			p := (&wire.KexECDHInit{Public: resized(init, n)}).Append(nil)
			requireRefused(t, "INIT", n, func() (*Result, error) {
				return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
			})
		}
		for _, n := range otherLengths(len(reply), ref.ciphertext) {
			p := (&wire.KexECDHReply{Public: resized(reply, n)}).Append(nil)
			requireRefused(t, "REPLY", n, func() (*Result, error) {
				return m.Client(says(t, p), testTranscript())
			})
		}
	})
}

// otherLengths returns lengths around that of the whole and of its first part.
func otherLengths(whole, part int) []int {
	return []int{0, 1, 32, part - 1, part, part + 1, whole - 1, whole + 1, whole + 32, 1 << 20}
}

func resized(p []byte, n int) []byte {
	resized := make([]byte, n)
	copy(resized, p)
	return resized
}

func requireRefused(t *testing.T, what string, detail any, run func() (*Result, error)) {
	t.Helper()
	result, err := run()
	require.Nil(t, result, "%s %v", what, detail)
	var refused *Error
	require.ErrorAs(t, err, &refused, "%s %v", what, detail)
}

func TestHybridErrorText(t *testing.T) {
	m, ok := Lookup("sntrup761x25519-sha512")
	require.True(t, ok)
	_, err := m.Server(says(t, (&wire.KexECDHInit{Public: make([]byte, 1157)}).Append(nil)), testTranscript(), forbiddenIdentity(t))
	require.EqualError(t, err, "kex: sntrup761x25519-sha512: refused the peer's public value: "+
		"hybrid public value is 1157 bytes long, less than the 1158 of its first half")
	_, err = m.Client(says(t, (&wire.KexECDHReply{}).Append(nil)), testTranscript())
	require.EqualError(t, err, "kex: sntrup761x25519-sha512: refused the peer's public value: "+
		"hybrid ciphertext is 0 bytes long, less than the 1039 of its first half")
}

// D8: FIPS 203, section 7.2, the modulus check. Coefficients are 12 bits each,
// two in three bytes, and q is 3329.
func TestHybridRefusesUnreducedKeys(t *testing.T) {
	for _, name := range []string{"mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384"} {
		m, ok := Lookup(name)
		require.True(t, ok)
		init := refParse(t, 30, 1, validInit(t, m))[0]
		last := (refMethods[name].public-32)*2/3 - 1
		const q = 3329
		for _, coefficient := range []int{0, 1, 255, 256, last - 1, last} {
			for _, value := range []int{q, q + 1, 4095} {
				bad := bytes.Clone(init)
				at := coefficient / 2 * 3
				if coefficient%2 == 0 {
					bad[at], bad[at+1] = byte(value), bad[at+1]&0xf0|byte(value>>8)
				} else {
					bad[at+1], bad[at+2] = bad[at+1]&0x0f|byte(value<<4), byte(value>>4)
				}
				p := (&wire.KexECDHInit{Public: bad}).Append(nil)
				requireRefused(t, name, coefficient, func() (*Result, error) {
					return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
				})
			}
		}
	}
}

// D1, D4: a good lattice half does not make a bad classical half good.
func TestHybridRefusesBadPoints(t *testing.T) {
	forEachHybrid(t, func(t *testing.T, m Method, ref refMethod) {
		init := refParse(t, 30, 1, validInit(t, m))[0]
		reply := refParse(t, 31, 3, replyTo(t, m, validInit(t, m)))[1]
		for i, point := range badPoints(t, ref.curve, init[ref.public:]) {
			p := (&wire.KexECDHInit{Public: slices.Concat(init[:ref.public], point)}).Append(nil)
			requireRefused(t, "INIT", i, func() (*Result, error) {
				return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
			})
			p = (&wire.KexECDHReply{Public: slices.Concat(reply[:ref.ciphertext], point)}).Append(nil)
			requireRefused(t, "REPLY", i, func() (*Result, error) {
				return m.Client(says(t, p), testTranscript())
			})
		}
	})
}

// badPoints returns values of the same length as good that are to be refused.
func badPoints(t *testing.T, curve ecdh.Curve, good []byte) (bad [][]byte) {
	if curve == ecdh.X25519() {
		for _, test := range lowOrder {
			bad = append(bad, unhex(t, test.point))
		}
		return bad
	}
	off := bytes.Clone(good)
	off[len(off)-1] ^= 1
	zero := make([]byte, len(good))
	zero[0] = 4
	tagged := bytes.Clone(good)
	tagged[0] = 6
	return [][]byte{off, zero, make([]byte, len(good)), tagged}
}

// D8: a ciphertext that was altered, or is random, is not an error: the client
// ends with a K and an H that the server does not have, and so with a
// signature that does not verify (FIPS 203, section 6.3).
func TestHybridImplicitRejection(t *testing.T) {
	alter := map[string]func(ciphertext []byte){
		"first byte": func(p []byte) { p[0] ^= 1 },
		"last byte":  func(p []byte) { p[len(p)-1] ^= 0x80 },
		"random":     func(p []byte) { rand.Read(p) },
		"zero":       func(p []byte) { clear(p) },
		"all ones":   func(p []byte) { copy(p, bytes.Repeat([]byte{0xff}, len(p))) },
	}
	forEachHybrid(t, func(t *testing.T, m Method, ref refMethod) {
		for name, f := range alter {
			requireMismatch(t, name, m, func(reply []byte) { f(reply[:ref.ciphertext]) })
		}
		// The other half is a point of the curve still, but another one.
		other := newRefParty(t, ref).private.PublicKey().Bytes()
		requireMismatch(t, "the other half", m, func(reply []byte) { copy(reply[ref.ciphertext:], other) })
	})
}

// requireMismatch runs an exchange in which change is made to S_REPLY.
func requireMismatch(t *testing.T, name string, m Method, change func(reply []byte)) {
	t.Helper()
	var init []byte
	var server *Result
	c := &scriptedConn{
		write: func(p []byte) error { init = p; return nil },
		read: func() (reply []byte, err error) {
			s := &scriptedConn{
				read:  func() ([]byte, error) { return init, nil },
				write: func(p []byte) error { reply = p; return nil },
			}
			server, err = m.Server(s, testTranscript(), testIdentity())
			change(refParse(t, 31, 3, reply)[1])
			return reply, err
		},
	}
	client, err := m.Client(c, testTranscript())
	require.NoError(t, err, name)
	require.NotEqual(t, server.K, client.K, name)
	require.NotEqual(t, server.H, client.H, name)
	require.NotEqual(t, testSignature(client.H), client.Signature, name)
}

// The x coordinate is as wide as the field in the hash of a hybrid, even if it
// begins with zeros. OpenSSH 10.5 hashed an mpint at first (commit 2aee73ed9).
func TestHybridSecretIsOfFixedWidth(t *testing.T) {
	for _, curve := range []ecdh.Curve{ecdh.P256(), ecdh.P384()} {
		k := []byte{1}
		for k[0] != 0 { // one exchange in 256
			public, open, err := ecdhCurve{curve}.GenerateKey()
			require.NoError(t, err)
			var reply []byte
			reply, k, err = ecdhCurve{curve}.Encapsulate(public)
			require.NoError(t, err)
			require.Len(t, k, fieldWidth(t, curve))
			opened, err := open(reply)
			require.NoError(t, err)
			require.Equal(t, k, opened)
		}
		sum := sha256.Sum256(append([]byte("pq"), k...))
		combined, err := hybrid{hash: sha256.New}.combine([]byte("pq"), k, nil)
		require.NoError(t, err)
		require.Equal(t, refString(sum[:]), combined)
	}
}

// A fakeLattice is a lattice whose every step can be made to fail.
type fakeLattice struct{ fakeKEM }

func (fakeLattice) sizes() (public, ciphertext int) { return 3, 5 }

// Whichever half fails, there is no secret, and the other's is cleared.
func TestErrorsOfAHybridsHalves(t *testing.T) {
	broken := errors.New("broken")
	kept := []byte("secret")
	good := keptKEM{k: kept}
	for name, h := range map[string]hybrid{
		"pq": {fakeLattice{fakeKEM{broken, broken, broken}}, &good, sha256.New},
		"cl": {fakeLattice{}, fakeKEM{broken, broken, broken}, sha256.New},
	} {
		_, _, err := h.GenerateKey()
		require.ErrorIs(t, err, broken, name)
		_, k, err := h.Encapsulate([]byte("public"))
		require.ErrorIs(t, err, broken, name)
		require.Nil(t, k, name)
	}
	require.Equal(t, make([]byte, 6), kept)

	for name, h := range map[string]hybrid{
		"pq": {fakeLattice{fakeKEM{open: broken}}, fakeKEM{}, sha256.New},
		"cl": {fakeLattice{}, fakeKEM{open: broken}, sha256.New},
	} {
		_, open, err := h.GenerateKey()
		require.NoError(t, err, name)
		k, err := open([]byte("ciphertext"))
		require.ErrorIs(t, err, broken, name)
		require.Nil(t, k, name)
	}
}
