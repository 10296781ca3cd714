package kex

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// This file computes exchanges a second time, step by step from the RFCs and
// with nothing of packages kex and wire, so that the two can be compared.

// refString is a string (RFC 4251, section 5).
func refString(p []byte) []byte {
	b := make([]byte, 4, 4+len(p))
	binary.BigEndian.PutUint32(b, uint32(len(p)))
	return append(b, p...)
}

// refMPInt is the mpint (RFC 4251, section 5) of a big-endian magnitude.
func refMPInt(magnitude []byte) []byte {
	v := new(big.Int).SetBytes(magnitude)
	p := v.Bytes()
	if v.BitLen() > 0 && v.BitLen()%8 == 0 {
		p = append([]byte{0}, p...)
	}
	return refString(p)
}

// refParse splits a message after its number into strings.
func refParse(t testing.TB, number byte, fields int, p []byte) (f [][]byte) {
	require.Equal(t, number, p[0])
	for p = p[1:]; len(p) > 0; {
		n := 4 + int(binary.BigEndian.Uint32(p))
		f, p = append(f, p[4:n]), p[n:]
	}
	require.Len(t, f, fields)
	return f
}

func refHash(tr *Transcript, hostKey, init, reply, k []byte) []byte {
	var all []byte
	for _, f := range [][]byte{tr.ClientVersion, tr.ServerVersion, tr.ClientInit, tr.ServerInit, hostKey, init, reply} {
		all = append(all, refString(f)...)
	}
	sum := sha256.Sum256(append(all, k...))
	return sum[:]
}

// A refParty holds the ephemeral keys of one side.
type refParty struct {
	curve *ecdh.PrivateKey
	kem   *mlkem.DecapsulationKey768 // a client of the hybrid only
}

// refCurves says which curve each method computes on.
func refCurve(name string) ecdh.Curve {
	if name == "ecdh-sha2-nistp256" {
		return ecdh.P256()
	}
	return ecdh.X25519()
}

func newRefParty(t testing.TB, name string) *refParty {
	private, err := refCurve(name).GenerateKey(rand.Reader)
	require.NoError(t, err)
	r := &refParty{curve: private}
	if name == "mlkem768x25519-sha256" {
		r.kem, err = mlkem.GenerateKey768()
		require.NoError(t, err)
	}
	return r
}

func (r *refParty) init() []byte {
	if r.kem == nil {
		return r.curve.PublicKey().Bytes()
	}
	return append(r.kem.EncapsulationKey().Bytes(), r.curve.PublicKey().Bytes()...)
}

func (r *refParty) diffieHellman(t testing.TB, peer []byte) []byte {
	public, err := r.curve.Curve().NewPublicKey(peer)
	require.NoError(t, err)
	secret, err := r.curve.ECDH(public)
	require.NoError(t, err)
	return secret
}

// finish is the client's computation of K (RFC 8731, section 3.1; RFC 5656,
// section 4; RFC 10042).
func (r *refParty) finish(t testing.TB, reply []byte) (k []byte) {
	if r.kem == nil {
		return refMPInt(r.diffieHellman(t, reply))
	}
	pq, err := r.kem.Decapsulate(reply[:1088])
	require.NoError(t, err)
	sum := sha256.Sum256(append(pq, r.diffieHellman(t, reply[1088:])...))
	return refString(sum[:])
}

// answer is the server's computation of S_REPLY and K.
func (r *refParty) answer(t testing.TB, name string, init []byte) (reply, k []byte) {
	if name != "mlkem768x25519-sha256" {
		return r.curve.PublicKey().Bytes(), refMPInt(r.diffieHellman(t, init))
	}
	peer, err := mlkem.NewEncapsulationKey768(init[:1184])
	require.NoError(t, err)
	pq, ciphertext := peer.Encapsulate()
	sum := sha256.Sum256(append(pq, r.diffieHellman(t, init[1184:])...))
	return append(ciphertext, r.curve.PublicKey().Bytes()...), refString(sum[:])
}

// againstReferenceServer runs our client and compares every step.
func againstReferenceServer(t testing.TB, m Method) *Result {
	tr := testTranscript()
	hostKey := []byte("reference host key")
	var init, reply, k []byte
	c := &scriptedConn{
		write: func(p []byte) error { init = refParse(t, 30, 1, p)[0]; return nil },
		read: func() ([]byte, error) {
			reply, k = newRefParty(t, m.Name()).answer(t, m.Name(), init)
			p := append([]byte{31}, refString(hostKey)...)
			return append(append(p, refString(reply)...), refString([]byte("signature"))...), nil
		},
	}
	result, err := m.Client(c, tr)
	require.NoError(t, err)
	require.Equal(t, k, result.K)
	require.Equal(t, refHash(tr, hostKey, init, reply, k), result.H)
	require.Equal(t, hostKey, result.HostKey)
	require.Equal(t, []byte("signature"), result.Signature)
	return result
}

// againstReferenceClient runs our server and compares every step.
func againstReferenceClient(t testing.TB, m Method) *Result {
	tr := testTranscript()
	client := newRefParty(t, m.Name())
	init := client.init()
	var fields [][]byte
	s := &scriptedConn{
		read:  func() ([]byte, error) { return append([]byte{30}, refString(init)...), nil },
		write: func(p []byte) error { fields = refParse(t, 31, 3, p); return nil },
	}
	result, err := m.Server(s, tr, testIdentity())
	require.NoError(t, err)
	k := client.finish(t, fields[1])
	h := refHash(tr, testIdentity().HostKey, init, fields[1], k)
	require.Equal(t, k, result.K)
	require.Equal(t, h, result.H)
	require.Equal(t, testIdentity().HostKey, fields[0])
	require.Equal(t, testSignature(h), fields[2])
	return result
}

// D7: K and H are the same on both sides whatever bytes K begins with. Every
// method meets a K with its top bit set; one whose first byte is zero is one
// exchange in 256, so the count goes on until each has been seen.
func TestAgreementWhateverKBeginsWith(t *testing.T) {
	const handshakes, limit = 250 * repetitions, 50_000
	forEachMethod(t, func(t *testing.T, m Method) {
		t.Parallel()
		hybrid := m.Name() == "mlkem768x25519-sha256"
		top, short := 0, 0
		for i := 0; i < handshakes || top == 0 || short == 0; i++ {
			require.Less(t, i, limit, "%d with the top bit set, %d that begin with zero", top, short)
			client, server := handshake(t, m, testTranscript())
			require.Equal(t, client.K, server.K)
			require.Equal(t, client.H, server.H)
			length := binary.BigEndian.Uint32(client.K)
			require.Len(t, client.K, 4+int(length))
			switch {
			case hybrid: // a string of 32 bytes, whatever they are
				require.EqualValues(t, 32, length)
				top += int(client.K[4] >> 7)
				if client.K[4] == 0 {
					short++
				}
			case length == 33:
				require.Zero(t, client.K[4])
				require.GreaterOrEqual(t, client.K[5], byte(0x80))
				top++
			case length < 32:
				short++
			}
		}
	})
}

func TestAgainstReference(t *testing.T) {
	const handshakes = 25 * repetitions
	forEachMethod(t, func(t *testing.T, m Method) {
		t.Parallel()
		for range handshakes {
			againstReferenceServer(t, m)
			againstReferenceClient(t, m)
		}
	})
}

// D6: no ephemeral value ever repeats, and no secret does.
func TestEphemeralsAreFresh(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		t.Parallel()
		seen := make(map[string]bool)
		fresh := func(p []byte) {
			require.False(t, seen[string(p)])
			seen[string(p)] = true
		}
		init := validInit(t, m)
		fresh(init)
		for range 25 * repetitions {
			fresh(validInit(t, m))
			fresh(refParse(t, 31, 3, replyTo(t, m, init))[1])
		}
	})
}
