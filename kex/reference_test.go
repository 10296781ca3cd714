package kex

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/sntrup761"
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

func (m refMethod) exchangeHash(tr *Transcript, hostKey, init, reply, k []byte) []byte {
	var all []byte
	for _, f := range [][]byte{tr.ClientVersion, tr.ServerVersion, tr.ClientInit, tr.ServerInit, hostKey, init, reply} {
		all = append(all, refString(f)...)
	}
	return m.sum(append(all, k...))
}

// A refKEM is the algebra of a lattice.
type refKEM interface {
	generate(t testing.TB) (public []byte, open func(ciphertext []byte) ([]byte, error))
	encapsulate(t testing.TB, public []byte) (ciphertext, k []byte)
}

// A refMethod is what a method is made of. Hybrids have a lattice with values
// of these sizes.
type refMethod struct {
	hash               func() hash.Hash
	curve              ecdh.Curve
	lattice            refKEM
	public, ciphertext int
}

var refMethods = map[string]refMethod{
	"mlkem768x25519-sha256":              {sha256.New, ecdh.X25519(), refMLKEM768{}, 1184, 1088},
	"mlkem768nistp256-sha256":            {sha256.New, ecdh.P256(), refMLKEM768{}, 1184, 1088},
	"mlkem1024nistp384-sha384":           {sha512.New384, ecdh.P384(), refMLKEM1024{}, 1568, 1568},
	"sntrup761x25519-sha512":             {sha512.New, ecdh.X25519(), refSNTRUP{}, 1158, 1039},
	"sntrup761x25519-sha512@openssh.com": {sha512.New, ecdh.X25519(), refSNTRUP{}, 1158, 1039},
	"curve25519-sha256":                  {hash: sha256.New, curve: ecdh.X25519()},
	"curve25519-sha256@libssh.org":       {hash: sha256.New, curve: ecdh.X25519()},
	"ecdh-sha2-nistp256":                 {hash: sha256.New, curve: ecdh.P256()},
	"ecdh-sha2-nistp384":                 {hash: sha512.New384, curve: ecdh.P384()},
	"ecdh-sha2-nistp521":                 {hash: sha512.New, curve: ecdh.P521()},
}

func (m refMethod) sum(p []byte) []byte {
	h := m.hash()
	h.Write(p)
	return h.Sum(nil)
}

type refMLKEM768 struct{}

func (refMLKEM768) generate(t testing.TB) ([]byte, func([]byte) ([]byte, error)) {
	private, err := mlkem.GenerateKey768()
	require.NoError(t, err)
	return private.EncapsulationKey().Bytes(), private.Decapsulate
}

func (refMLKEM768) encapsulate(t testing.TB, public []byte) (ciphertext, k []byte) {
	peer, err := mlkem.NewEncapsulationKey768(public)
	require.NoError(t, err)
	k, ciphertext = peer.Encapsulate()
	return ciphertext, k
}

type refMLKEM1024 struct{}

func (refMLKEM1024) generate(t testing.TB) ([]byte, func([]byte) ([]byte, error)) {
	private, err := mlkem.GenerateKey1024()
	require.NoError(t, err)
	return private.EncapsulationKey().Bytes(), private.Decapsulate
}

func (refMLKEM1024) encapsulate(t testing.TB, public []byte) (ciphertext, k []byte) {
	peer, err := mlkem.NewEncapsulationKey1024(public)
	require.NoError(t, err)
	k, ciphertext = peer.Encapsulate()
	return ciphertext, k
}

type refSNTRUP struct{}

func (refSNTRUP) generate(testing.TB) ([]byte, func([]byte) ([]byte, error)) {
	private := sntrup761.GenerateKey()
	return private.PublicKey(), private.Decapsulate
}

func (refSNTRUP) encapsulate(t testing.TB, public []byte) (ciphertext, k []byte) {
	k, ciphertext, err := sntrup761.Encapsulate(public)
	require.NoError(t, err)
	return ciphertext, k
}

// A refParty holds the ephemeral keys of one side.
type refParty struct {
	refMethod
	private *ecdh.PrivateKey
	quantum []byte // public value of a client's lattice
	open    func(ciphertext []byte) ([]byte, error)
}

func newRefParty(t testing.TB, m refMethod) *refParty {
	private, err := m.curve.GenerateKey(rand.Reader)
	require.NoError(t, err)
	r := &refParty{refMethod: m, private: private}
	if m.lattice != nil {
		r.quantum, r.open = m.lattice.generate(t)
	}
	return r
}

func (r *refParty) init() []byte {
	return append(bytes.Clone(r.quantum), r.private.PublicKey().Bytes()...)
}

func (r *refParty) diffieHellman(t testing.TB, peer []byte) []byte {
	public, err := r.curve.NewPublicKey(peer)
	require.NoError(t, err)
	secret, err := r.private.ECDH(public)
	require.NoError(t, err)
	return secret
}

// finish is the client's computation of K (RFC 8731, section 3.1; RFC 5656,
// section 4; RFC 9941; RFC 10042).
func (r *refParty) finish(t testing.TB, reply []byte) (k []byte) {
	if r.lattice == nil {
		return refMPInt(r.diffieHellman(t, reply))
	}
	pq, err := r.open(reply[:r.ciphertext])
	require.NoError(t, err)
	return refString(r.sum(append(pq, r.diffieHellman(t, reply[r.ciphertext:])...)))
}

// answer is the server's computation of S_REPLY and K.
func (r *refParty) answer(t testing.TB, init []byte) (reply, k []byte) {
	if r.lattice == nil {
		return r.private.PublicKey().Bytes(), refMPInt(r.diffieHellman(t, init))
	}
	ciphertext, pq := r.lattice.encapsulate(t, init[:r.refMethod.public])
	k = refString(r.sum(append(pq, r.diffieHellman(t, init[r.refMethod.public:])...)))
	return append(ciphertext, r.private.PublicKey().Bytes()...), k
}

// againstReferenceServer runs our client and compares every step.
func againstReferenceServer(t testing.TB, m Method) *Result {
	tr := testTranscript()
	hostKey := []byte("reference host key")
	ref := refMethods[m.Name()]
	var init, reply, k []byte
	c := &scriptedConn{
		write: func(p []byte) error { init = refParse(t, 30, 1, p)[0]; return nil },
		read: func() ([]byte, error) {
			reply, k = newRefParty(t, ref).answer(t, init)
			p := append([]byte{31}, refString(hostKey)...)
			return append(append(p, refString(reply)...), refString([]byte("signature"))...), nil
		},
	}
	result, err := m.Client(c, tr)
	require.NoError(t, err)
	require.Equal(t, k, result.K)
	require.Equal(t, ref.exchangeHash(tr, hostKey, init, reply, k), result.H)
	require.Equal(t, hostKey, result.HostKey)
	require.Equal(t, []byte("signature"), result.Signature)
	return result
}

// againstReferenceClient runs our server and compares every step.
func againstReferenceClient(t testing.TB, m Method) *Result {
	tr := testTranscript()
	client := newRefParty(t, refMethods[m.Name()])
	init := client.init()
	var fields [][]byte
	s := &scriptedConn{
		read:  func() ([]byte, error) { return append([]byte{30}, refString(init)...), nil },
		write: func(p []byte) error { fields = refParse(t, 31, 3, p); return nil },
	}
	result, err := m.Server(s, tr, testIdentity())
	require.NoError(t, err)
	k := client.finish(t, fields[1])
	h := client.exchangeHash(tr, testIdentity().HostKey, init, fields[1], k)
	require.Equal(t, k, result.K)
	require.Equal(t, h, result.H)
	require.Equal(t, testIdentity().HostKey, fields[0])
	require.Equal(t, testSignature(h), fields[2])
	return result
}

// D7: K and H are the same on both sides whatever bytes K begins with. Every
// method meets a K with its top bit set; one whose first byte is zero is one
// exchange in 256, so the count goes on until each has been seen (in those that
// are slow, not under the race detector).
func TestD7AgreementWhateverKBeginsWith(t *testing.T) {
	const limit = 50_000
	forEachMethod(t, func(t *testing.T, m Method) {
		t.Parallel()
		ref := refMethods[m.Name()]
		top, short := 0, 0
		patient := repetitions > 1 || !slow(m)
		for i := 0; i < handshakes(m) || patient && (top == 0 || short == 0); i++ {
			require.Less(t, i, limit, "%d with the top bit set, %d that begin with zero", top, short)
			client, server := handshake(t, m, testTranscript())
			require.Equal(t, client.K, server.K)
			require.Equal(t, client.H, server.H)
			length := int(binary.BigEndian.Uint32(client.K))
			require.Len(t, client.K, 4+length)
			if ref.lattice != nil { // a string of the hash's size, whatever it is
				require.Equal(t, ref.hash().Size(), length)
				top += int(client.K[4] >> 7)
				if client.K[4] == 0 {
					short++
				}
				continue
			}
			width := fieldWidth(t, ref.curve)
			require.LessOrEqual(t, length, width+1)
			if client.K[4] == 0 {
				require.GreaterOrEqual(t, client.K[5], byte(0x80))
				top++
			}
			if length < width {
				short++
			}
		}
	})
}

// handshakes is how many are enough for a method.
func handshakes(m Method) int {
	if slow(m) {
		return 40 * repetitions
	}
	return 250 * repetitions
}

// slow reports whether an exchange takes more than a millisecond.
func slow(m Method) bool {
	return slices.ContainsFunc([]string{"sntrup", "nistp384", "nistp521"}, func(part string) bool {
		return strings.Contains(m.Name(), part)
	})
}

// fieldWidth is the length of a coordinate.
func fieldWidth(t testing.TB, curve ecdh.Curve) int {
	private, err := curve.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return len(private.Bytes())
}

func TestAgainstReference(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		t.Parallel()
		for range handshakes(m) / 10 {
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
		for range handshakes(m) / 10 {
			fresh(validInit(t, m))
			fresh(refParse(t, 31, 3, replyTo(t, m, init))[1])
		}
	})
}
