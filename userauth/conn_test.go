package userauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// session is the session identifier of all dialogues in these tests.
var session = []byte("the exchange hash of the first key exchange")

var bound = Binding{SessionID: session}

// A script is a Conn that gives out a list of packets, then an error, and keeps
// what is written. Like a transport it reuses its buffer.
type script struct {
	in            [][]byte
	out           [][]byte
	readsAt       []int // how many packets had been read at each write
	reads         int
	unimplemented int
	buf           []byte
	readErr       error // after the last packet; io.EOF if nil
	writeErr      error
}

func (s *script) ReadPacket() ([]byte, error) {
	for i := range s.buf {
		s.buf[i] = 0xaa
	}
	if s.reads == len(s.in) {
		if s.readErr != nil {
			return nil, s.readErr
		}
		return nil, io.EOF
	}
	s.buf = append(s.buf[:0], s.in[s.reads]...)
	s.reads++
	return s.buf, nil
}

func (s *script) WritePacket(parts ...[]byte) error {
	if s.writeErr != nil {
		return s.writeErr
	}
	s.readsAt = append(s.readsAt, s.reads)
	s.out = append(s.out, bytes.Join(parts, nil))
	return nil
}

func (s *script) Unimplemented() error {
	s.unimplemented++
	return s.writeErr
}

// numbers returns the numbers of the messages written.
func (s *script) numbers() []byte {
	var n []byte
	for _, p := range s.out {
		n = append(n, p[0])
	}
	return n
}

// requests returns the requests written.
func (s *script) requests(t *testing.T) []wire.UserauthRequest {
	t.Helper()
	var rs []wire.UserauthRequest
	for _, p := range s.out {
		if p[0] != byte(wire.NumberUserauthRequest) {
			continue
		}
		r, err := wire.ParseUserauthRequest(p)
		require.NoError(t, err)
		rs = append(rs, r)
	}
	return rs
}

// A pipe is one end of an in-memory connection.
type pipe struct {
	recv <-chan []byte
	send chan<- []byte
	done chan struct{} // closed with either end
}

func newPipe() (*pipe, *pipe) {
	up, down, done := make(chan []byte, 8), make(chan []byte, 8), make(chan struct{})
	return &pipe{down, up, done}, &pipe{up, down, done}
}

func (p *pipe) ReadPacket() ([]byte, error) {
	select {
	case b := <-p.recv:
		return b, nil
	default:
	}
	select {
	case b := <-p.recv:
		return b, nil
	case <-p.done:
		return nil, io.EOF
	}
}

func (p *pipe) WritePacket(parts ...[]byte) error {
	select {
	case p.send <- bytes.Join(parts, nil):
		return nil
	case <-p.done:
		return io.ErrClosedPipe
	}
}

func (p *pipe) Unimplemented() error { return p.WritePacket([]byte{3, 0, 0, 0, 0}) }

// run has a client and a server talk to each other.
func run(t *testing.T, c *Client, s *Server) (*Grant, error, error) {
	t.Helper()
	near, far := newPipe()
	result := make(chan error, 1)
	go func() { result <- c.Authenticate(t.Context(), near, bound) }()
	grant, serverErr := s.Authenticate(t.Context(), far, bound)
	if serverErr != nil {
		close(far.done) // as the facade would
	}
	return grant, <-result, serverErr
}

// Messages, as the peer under test sees them.

func failureOf(names ...string) []byte {
	return (&wire.UserauthFailure{Continue: names}).Append(nil)
}

func partialOf(names ...string) []byte {
	return (&wire.UserauthFailure{Continue: names, Partial: true}).Append(nil)
}

func success() []byte { return (&wire.UserauthSuccess{}).Append(nil) }

func bannerOf(message string) []byte {
	return (&wire.UserauthBanner{Message: message}).Append(nil)
}

func pkOK(s hostkey.Signer) []byte {
	return (&wire.UserauthPKOK{Algorithm: s.Algorithms()[0], Key: s.PublicKey().Marshal()}).Append(nil)
}

func requestOf(user, method string, fields []byte) []byte {
	m := wire.UserauthRequest{User: user, Service: "ssh-connection", Method: method, Fields: fields}
	return m.Append(nil)
}

func passwordOf(user, secret string) []byte {
	return requestOf(user, "password", (&wire.PasswordFields{Password: secret}).Append(nil))
}

func queryOf(user string, s hostkey.Signer) []byte {
	m := wire.PublicKeyFields{Algorithm: s.Algorithms()[0], Key: s.PublicKey().Marshal()}
	return requestOf(user, "publickey", m.Append(nil))
}

// A signing is a signed "publickey" request, and the ways to get it wrong.
type signing struct {
	signer hostkey.Signer
	user   string // as requested

	session                       []byte // as signed; nil for that requested, as with the rest
	signedUser, signedService     string
	signedMethod, signedAlgorithm string
	signedKey                     []byte

	algorithm          string // in the request
	makeWith           string // what the signer is asked for
	signatureAlgorithm string // in the signature
	tamper             func(blob []byte) []byte
}

func (g signing) request(t *testing.T) []byte {
	t.Helper()
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	key := g.signer.PublicKey().Marshal()
	algorithm := or(g.algorithm, g.signer.Algorithms()[0])
	signedKey, id := key, session
	if g.signedKey != nil {
		signedKey = g.signedKey
	}
	if g.session != nil {
		id = g.session
	}
	// RFC 4252, section 7, written out once more.
	data := wire.AppendString(nil, id)
	data = append(data, 50)
	data = wire.AppendString(data, or(g.signedUser, g.user))
	data = wire.AppendString(data, or(g.signedService, "ssh-connection"))
	data = wire.AppendString(data, or(g.signedMethod, "publickey"))
	data = append(data, 1)
	data = wire.AppendString(data, or(g.signedAlgorithm, algorithm))
	data = wire.AppendString(data, signedKey)
	sig, err := g.signer.Sign(t.Context(), or(g.makeWith, g.signer.Algorithms()[0]), data)
	require.NoError(t, err)
	sig.Algorithm = or(g.signatureAlgorithm, sig.Algorithm)
	blob := sig.Append(nil)
	if g.tamper != nil {
		blob = g.tamper(blob)
	}
	m := wire.PublicKeyFields{Signed: true, Algorithm: algorithm, Key: key, Signature: blob}
	return requestOf(g.user, "publickey", m.Append(nil))
}

func signedBy(t *testing.T, user string, s hostkey.Signer) []byte {
	t.Helper()
	return signing{signer: s, user: user}.request(t)
}

// Keys, by the parts they play.
var (
	keyA = testkeys.Ed25519
	keyB = testkeys.Ed25519Other
	keyC = testkeys.ECDSA256
)

func TestReaderAnswersWhatNobodyKnows(t *testing.T) {
	for _, n := range []byte{54, 59, 128, 191, 192, 255} {
		c := &script{in: [][]byte{{n}, success()}}
		r := reader{conn: c}
		got, p, err := r.next()
		require.NoError(t, err)
		require.Equal(t, wire.NumberUserauthSuccess, got)
		require.Equal(t, success(), p)
		require.Equal(t, 1, c.unimplemented, "RFC 4253 11.4: message %d", n)
	}
	for _, n := range []byte{0, 1, 20, 49, 50, 53, 60, 79, 80, 127} {
		got, _, err := (&reader{conn: &script{in: [][]byte{{n}}}}).next()
		require.NoError(t, err)
		require.Equal(t, wire.Number(n), got)
	}
}

func TestReaderGivesUp(t *testing.T) {
	var broken *ProtocolError

	flood := &script{in: slicesRepeat([]byte{200}, maxUnknown+1)}
	_, _, err := (&reader{conn: flood}).next()
	require.ErrorAs(t, err, &broken)
	require.Equal(t, maxUnknown, flood.unimplemented)

	_, _, err = (&reader{conn: &script{in: [][]byte{{}}}}).next()
	require.ErrorAs(t, err, &broken)

	_, _, err = (&reader{conn: &script{}}).next()
	require.ErrorIs(t, err, io.EOF)

	gone := errors.New("gone")
	_, _, err = (&reader{conn: &script{in: [][]byte{{200}}, writeErr: gone}}).next()
	require.ErrorIs(t, err, gone)
}

func slicesRepeat(p []byte, n int) [][]byte {
	packets := make([][]byte, n)
	for i := range packets {
		packets[i] = p
	}
	return packets
}

// secret returns the function a Password method asks.
func secret(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}
