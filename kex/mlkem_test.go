package kex

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func hybrid(t testing.TB) Method {
	m, ok := Lookup("mlkem768x25519-sha256")
	require.True(t, ok)
	return m
}

// RFC 10042: the sizes are those of FIPS 203 and RFC 7748, back to back, and K
// is a string.
func TestHybridSizes(t *testing.T) {
	public, open, err := mlkem768x25519{}.GenerateKey()
	require.NoError(t, err)
	require.Len(t, public, 1184+32)
	ciphertext, k, err := mlkem768x25519{}.Encapsulate(public)
	require.NoError(t, err)
	require.Len(t, ciphertext, 1088+32)
	require.Len(t, k, 4+32)
	require.Equal(t, []byte{0, 0, 0, 32}, k[:4])
	opened, err := open(ciphertext)
	require.NoError(t, err)
	require.Equal(t, k, opened)
}

// D8: each side refuses a value of any but its own size.
func TestHybridRefusesOtherLengths(t *testing.T) {
	m := hybrid(t)
	init := refParse(t, 30, 1, validInit(t, m))[0]
	for _, n := range []int{0, 1, 32, 1120, 1184, 1215, 1217, 1248, 1 << 20} {
		value := make([]byte, n)
		copy(value, init)
		p := (&wire.KexECDHInit{Public: value}).Append(nil)
		requireRefused(t, "INIT", n, func() (*Result, error) {
			return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
		})
	}
	reply := refParse(t, 31, 3, replyTo(t, m, validInit(t, m)))[1]
	for _, n := range []int{0, 1, 32, 1088, 1119, 1121, 1216, 1 << 20} {
		value := make([]byte, n)
		copy(value, reply)
		p := (&wire.KexECDHReply{Public: value}).Append(nil)
		requireRefused(t, "REPLY", n, func() (*Result, error) {
			return m.Client(says(t, p), testTranscript())
		})
	}
}

func requireRefused(t *testing.T, what string, detail any, run func() (*Result, error)) {
	t.Helper()
	result, err := run()
	require.Nil(t, result, "%s %v", what, detail)
	var refused *Error
	require.ErrorAs(t, err, &refused, "%s %v", what, detail)
}

// D8: FIPS 203, section 7.2, the modulus check. Coefficients are 12 bits each,
// two in three bytes, and q is 3329.
func TestHybridRefusesUnreducedKeys(t *testing.T) {
	m := hybrid(t)
	init := refParse(t, 30, 1, validInit(t, m))[0]
	const q = 3329
	for _, coefficient := range []int{0, 1, 255, 256, 766, 767} {
		for _, value := range []int{q, q + 1, 4095} {
			bad := bytes.Clone(init)
			at := coefficient / 2 * 3
			if coefficient%2 == 0 {
				bad[at], bad[at+1] = byte(value), bad[at+1]&0xf0|byte(value>>8)
			} else {
				bad[at+1], bad[at+2] = bad[at+1]&0x0f|byte(value<<4), byte(value>>4)
			}
			p := (&wire.KexECDHInit{Public: bad}).Append(nil)
			requireRefused(t, "coefficient", coefficient, func() (*Result, error) {
				return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
			})
		}
	}
}

// D1: a good ML-KEM half does not make a bad X25519 half good.
func TestHybridRefusesLowOrder(t *testing.T) {
	m := hybrid(t)
	init := refParse(t, 30, 1, validInit(t, m))[0]
	reply := refParse(t, 31, 3, replyTo(t, m, validInit(t, m)))[1]
	for _, test := range lowOrder {
		point := unhex(t, test.point)
		p := (&wire.KexECDHInit{Public: append(bytes.Clone(init[:1184]), point...)}).Append(nil)
		requireRefused(t, "INIT", test.name, func() (*Result, error) {
			return m.Server(says(t, p), testTranscript(), forbiddenIdentity(t))
		})
		p = (&wire.KexECDHReply{Public: append(bytes.Clone(reply[:1088]), point...)}).Append(nil)
		requireRefused(t, "REPLY", test.name, func() (*Result, error) {
			return m.Client(says(t, p), testTranscript())
		})
	}
}

// D8: a ciphertext that was altered, or is random, is not an error: the client
// ends with a K and an H that the server does not have, and so with a
// signature that does not verify (FIPS 203, section 6.3).
func TestHybridImplicitRejection(t *testing.T) {
	m := hybrid(t)
	alter := map[string]func(reply []byte){
		"first byte":       func(reply []byte) { reply[0] ^= 1 },
		"last byte":        func(reply []byte) { reply[1087] ^= 0x80 },
		"random":           func(reply []byte) { rand.Read(reply[:1088]) },
		"zero":             func(reply []byte) { clear(reply[:1088]) },
		"all ones":         func(reply []byte) { copy(reply, bytes.Repeat([]byte{0xff}, 1088)) },
		"X25519's half":    func(reply []byte) { reply[1088] ^= 1 },
		"the halves apart": func(reply []byte) { rand.Read(reply[:1088]); reply[1119] ^= 1 },
	}
	for name, f := range alter {
		t.Run(name, func(t *testing.T) {
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
					f(refParse(t, 31, 3, reply)[1])
					return reply, err
				},
			}
			client, err := m.Client(c, testTranscript())
			require.NoError(t, err)
			require.NotEqual(t, server.K, client.K)
			require.NotEqual(t, server.H, client.H)
			require.NotEqual(t, testSignature(client.H), client.Signature)
		})
	}
}
