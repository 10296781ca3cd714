package kex

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// A scriptedConn is a Conn whose peer is two functions.
type scriptedConn struct {
	read  func() ([]byte, error)
	write func(payload []byte) error
}

func (c *scriptedConn) ReadPacket() ([]byte, error) {
	if c.read == nil {
		return nil, errors.New("script: nothing to read")
	}
	return c.read()
}

func (c *scriptedConn) WritePacket(parts ...[]byte) error {
	if c.write == nil {
		return nil
	}
	return c.write(bytes.Join(parts, nil))
}

// says returns a Conn whose peer sends payload and then nothing, and that
// fails the test if anything is written after the payload was read.
func says(t testing.TB, payload []byte) *scriptedConn {
	spoken := false
	return &scriptedConn{
		read: func() ([]byte, error) {
			require.False(t, spoken, "read a second message")
			spoken = true
			return payload, nil
		},
		write: func([]byte) error {
			require.False(t, spoken, "answered a message that should have been refused")
			return nil
		},
	}
}

func testTranscript() *Transcript {
	return &Transcript{
		ClientVersion: []byte("SSH-2.0-whelk_client"),
		ServerVersion: []byte("SSH-2.0-whelk_server"),
		ClientInit:    []byte("\x14client kexinit"),
		ServerInit:    []byte("\x14server kexinit, which is longer"),
	}
}

// testIdentity signs with a hash: whoever knows h can check it.
func testIdentity() Identity {
	return Identity{HostKey: []byte("host key blob"), Sign: func(h []byte) ([]byte, error) {
		return testSignature(h), nil
	}}
}

func testSignature(h []byte) []byte {
	sum := sha256.Sum256(append([]byte("signed: "), h...))
	return sum[:]
}

// forbiddenIdentity fails the test if anything is signed.
func forbiddenIdentity(t testing.TB) Identity {
	return Identity{HostKey: []byte("host key blob"), Sign: func([]byte) ([]byte, error) {
		require.Fail(t, "signed an exchange that should have been refused")
		return nil, nil
	}}
}

// handshake runs both halves of m. The server's half runs inside the client's
// first read. Every packet is overwritten once its reader may no longer use it.
func handshake(t testing.TB, m Method, tr *Transcript) (client, server *Result) {
	t.Helper()
	var init, reply []byte
	c := &scriptedConn{
		write: func(p []byte) error { init = p; return nil },
		read: func() ([]byte, error) {
			s := &scriptedConn{
				read:  func() ([]byte, error) { return init, nil },
				write: func(p []byte) error { reply = p; return nil },
			}
			var err error
			server, err = m.Server(s, tr, testIdentity())
			poison(init)
			return reply, err
		},
	}
	client, err := m.Client(c, tr)
	require.NoError(t, err)
	poison(reply)
	return client, server
}

func poison(p []byte) {
	for i := range p {
		p[i] = 0xa5
	}
}

// forEachMethod runs f as a subtest for every method there is but those of
// finite fields, which are too slow for it: dh_test.go and gex_test.go have
// them. Under the race detector it runs f for one of a method's names.
func forEachMethod(t *testing.T, f func(t *testing.T, m Method)) {
	for _, m := range slices.Concat(Default(), Optional(), Insecure()) {
		if isFiniteField(m) || repetitions == 1 && strings.Contains(m.Name(), "@") {
			continue
		}
		t.Run(m.Name(), func(t *testing.T) { f(t, m) })
	}
}

func TestBothHalvesAgree(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		client, server := handshake(t, m, testTranscript())
		require.Equal(t, client.K, server.K)
		require.Equal(t, client.H, server.H)
		require.Len(t, client.H, client.Hash().Size())
		require.Equal(t, []byte("host key blob"), client.HostKey, "must not alias the packet")
		require.Equal(t, []byte("host key blob"), server.HostKey)
		require.Equal(t, testSignature(client.H), client.Signature, "must not alias the packet")
		require.Equal(t, client.Signature, server.Signature)
		require.Equal(t, server.Hash().Size(), client.Hash().Size())
	})
}

// RFC 4253, section 8: H covers every field, and the length of every field.
func TestExchangeHashCoversEveryByte(t *testing.T) {
	m := New("test", sha256.New, nil).(*method)
	const fields = 8
	hash := func(f [fields][]byte) string {
		tr := &Transcript{ClientVersion: f[0], ServerVersion: f[1], ClientInit: f[2], ServerInit: f[3]}
		reply := &wire.KexECDHReply{HostKey: f[4], Public: f[6], Signature: []byte("is not covered")}
		return string(m.exchangeHash(tr, f[5], reply, f[7]))
	}
	fresh := func() (f [fields][]byte) {
		for i := range f {
			f[i] = []byte{byte(i), 1, 2, 3}
		}
		return f
	}
	seen := map[string]bool{hash(fresh()): true}
	remember := func(f [fields][]byte) {
		h := hash(f)
		require.False(t, seen[h])
		seen[h] = true
	}
	for i := range fields {
		for j := range fresh()[i] {
			f := fresh()
			f[i][j] ^= 0x80
			remember(f)
		}
		f := fresh()
		f[i] = f[i][:3]
		remember(f)
		if i+1 < fields { // a byte moves to the next field
			f := fresh()
			f[i+1] = append([]byte{f[i][3]}, f[i+1]...)
			f[i] = f[i][:3]
			remember(f)
		}
	}
}

// A client that guesses the method sends C_INIT before it has seen the
// server's version or SSH_MSG_KEXINIT (RFC 4253, section 7).
func TestTranscriptCompletedDuringFirstRead(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		whole := testTranscript()
		var tr Transcript
		var init []byte
		wrote := false
		var server *Result
		c := &scriptedConn{
			write: func(p []byte) error {
				require.False(t, wrote)
				wrote, init = true, p
				return nil
			},
			read: func() (reply []byte, err error) {
				require.True(t, wrote, "the script writes before it reads")
				tr = *whole
				s := &scriptedConn{
					read:  func() ([]byte, error) { return init, nil },
					write: func(p []byte) error { reply = p; return nil },
				}
				server, err = m.Server(s, whole, testIdentity())
				return reply, err
			},
		}
		client, err := m.Client(c, &tr)
		require.NoError(t, err)
		require.Equal(t, server.H, client.H)
	})
}

// The server's half keeps the same rule: I_C may arrive with its first read.
func TestServerReadsBeforeItLooks(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		var tr Transcript
		var init, reply []byte
		s := &scriptedConn{
			read:  func() ([]byte, error) { tr = *testTranscript(); return init, nil },
			write: func(p []byte) error { reply = p; return nil },
		}
		var server *Result
		c := &scriptedConn{
			write: func(p []byte) error { init = p; return nil },
			read: func() (_ []byte, err error) {
				server, err = m.Server(s, &tr, testIdentity())
				return reply, err
			},
		}
		client, err := m.Client(c, testTranscript())
		require.NoError(t, err)
		require.Equal(t, server.H, client.H)
	})
}

// C7: a wrong guess is an error of the first read, and comes back unchanged.
func TestConnErrorsAreReturnedUnchanged(t *testing.T) {
	wrongGuess := errors.New("transport: the server chose another method")
	forEachMethod(t, func(t *testing.T, m Method) {
		fails := func() ([]byte, error) { return nil, wrongGuess }
		refuses := func([]byte) error { return wrongGuess }

		_, err := m.Client(&scriptedConn{read: fails}, nil)
		require.True(t, err == wrongGuess, "client reads: %v", err)
		_, err = m.Client(&scriptedConn{write: refuses}, nil)
		require.True(t, err == wrongGuess, "client writes: %v", err)
		_, err = m.Server(&scriptedConn{read: fails}, nil, forbiddenIdentity(t))
		require.True(t, err == wrongGuess, "server reads: %v", err)
		s := &scriptedConn{read: func() ([]byte, error) { return validInit(t, m), nil }, write: refuses}
		_, err = m.Server(s, testTranscript(), testIdentity())
		require.True(t, err == wrongGuess, "server writes: %v", err)
	})
}

// validInit returns the message with which a client of m begins.
func validInit(t testing.TB, m Method) (init []byte) {
	over := errors.New("that is all")
	c := &scriptedConn{
		write: func(p []byte) error { init = p; return nil },
		read:  func() ([]byte, error) { return nil, over },
	}
	_, err := m.Client(c, nil)
	require.Equal(t, over, err)
	return init
}

// replyTo returns the message with which a server of m answers init.
func replyTo(t testing.TB, m Method, init []byte) (reply []byte) {
	s := &scriptedConn{
		read:  func() ([]byte, error) { return init, nil },
		write: func(p []byte) error { reply = p; return nil },
	}
	_, err := m.Server(s, testTranscript(), testIdentity())
	require.NoError(t, err)
	return reply
}

// E11: any message but the one due ends the exchange.
func TestUnexpectedMessage(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		init := validInit(t, m)
		reply := replyTo(t, m, init)
		for n := range 256 {
			var want *MessageError
			if got := wire.Number(n); got != wire.NumberKexECDHReply {
				_, err := m.Client(says(t, append([]byte{byte(n)}, reply[1:]...)), testTranscript())
				require.ErrorAs(t, err, &want)
				require.Equal(t, MessageError{Method: m.Name(), Want: wire.NumberKexECDHReply, Got: got}, *want)
			}
			if got := wire.Number(n); got != wire.NumberKexECDHInit {
				_, err := m.Server(says(t, append([]byte{byte(n)}, init[1:]...)), testTranscript(), forbiddenIdentity(t))
				require.ErrorAs(t, err, &want)
				require.Equal(t, MessageError{Method: m.Name(), Want: wire.NumberKexECDHInit, Got: got}, *want)
			}
		}
	})
}

func TestMalformedMessage(t *testing.T) {
	forEachMethod(t, func(t *testing.T, m Method) {
		init := validInit(t, m)
		reply := replyTo(t, m, init)
		refused := func(name string, err error, n wire.Number, cause error) {
			t.Helper()
			var got *MessageError
			require.ErrorAs(t, err, &got, name)
			require.Equal(t, n, got.Want, name)
			require.Equal(t, n, got.Got, name)
			require.ErrorIs(t, err, cause, name)
		}
		for _, i := range truncations(len(init)) {
			_, err := m.Server(says(t, init[:i]), testTranscript(), forbiddenIdentity(t))
			refused("RFC 5656 4: truncated INIT", err, wire.NumberKexECDHInit, wire.ErrTruncated)
		}
		for _, i := range truncations(len(reply)) {
			_, err := m.Client(says(t, reply[:i]), testTranscript())
			refused("RFC 5656 4: truncated REPLY", err, wire.NumberKexECDHReply, wire.ErrTruncated)
		}
		_, err := m.Server(says(t, append(slices.Clip(init), 0)), testTranscript(), forbiddenIdentity(t))
		refused("RFC 5656 4: bytes after INIT", err, wire.NumberKexECDHInit, wire.ErrTrailing)
		_, err = m.Client(says(t, append(slices.Clip(reply), 0)), testTranscript())
		refused("RFC 5656 4: bytes after REPLY", err, wire.NumberKexECDHReply, wire.ErrTrailing)
	})
}

// truncations returns lengths below n: all of them near either end, where the
// fields begin and end, and a few between.
func truncations(n int) (lengths []int) {
	for i := range n {
		if i < 50 || i >= n-50 || i%100 == 0 {
			lengths = append(lengths, i)
		}
	}
	return lengths
}

// A signer that fails is not the peer's fault, and nothing is sent.
func TestSignFails(t *testing.T) {
	broken := errors.New("token was pulled")
	forEachMethod(t, func(t *testing.T, m Method) {
		id := testIdentity()
		id.Sign = func([]byte) ([]byte, error) { return nil, broken }
		result, err := m.Server(says(t, validInit(t, m)), testTranscript(), id)
		require.Nil(t, result)
		require.ErrorIs(t, err, broken)
		require.EqualError(t, err, "kex: "+m.Name()+": signing the exchange hash: token was pulled")
		requireLocal(t, err)
	})
}

func requireLocal(t *testing.T, err error) {
	var refused *Error
	var message *MessageError
	require.False(t, errors.As(err, &refused), "blames the peer's value: %v", err)
	require.False(t, errors.As(err, &message), "blames the peer's message: %v", err)
}

// A fakeKEM is a KEM whose every step can be made to fail.
type fakeKEM struct{ generate, open, encapsulate error }

func (f fakeKEM) GenerateKey() ([]byte, func([]byte) ([]byte, error), error) {
	return []byte("public"), func([]byte) ([]byte, error) { return []byte("k"), f.open }, f.generate
}

func (f fakeKEM) Encapsulate([]byte) ([]byte, []byte, error) {
	return []byte("ciphertext"), []byte("k"), f.encapsulate
}

func TestErrorsOfAKEM(t *testing.T) {
	broken := errors.New("broken")
	init := (&wire.KexECDHInit{Public: []byte("public")}).Append(nil)
	reply := (&wire.KexECDHReply{}).Append(nil)

	_, err := New("fake", sha256.New, fakeKEM{generate: broken}).Client(&scriptedConn{
		write: func([]byte) error { require.Fail(t, "wrote without a key"); return nil },
	}, testTranscript())
	require.ErrorIs(t, err, broken)
	requireLocal(t, err)

	for name, run := range map[string]func() (*Result, error){
		"open": func() (*Result, error) {
			return New("fake", sha256.New, fakeKEM{open: broken}).Client(says(t, reply), testTranscript())
		},
		"encapsulate": func() (*Result, error) {
			return New("fake", sha256.New, fakeKEM{encapsulate: broken}).Server(says(t, init), testTranscript(), forbiddenIdentity(t))
		},
	} {
		result, err := run()
		require.Nil(t, result, name)
		var refused *Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "fake", refused.Method, name)
		require.ErrorIs(t, err, broken, name)
	}
}

// A keptKEM remembers the secret it gave away.
type keptKEM struct {
	fakeKEM
	k []byte
}

func (f *keptKEM) Encapsulate([]byte) ([]byte, []byte, error) { return nil, f.k, nil }

func TestServerClearsTheSecretOfAFailedExchange(t *testing.T) {
	broken := errors.New("broken")
	init := (&wire.KexECDHInit{}).Append(nil)
	for name, f := range map[string]func(*scriptedConn, *Identity){
		"sign":  func(_ *scriptedConn, id *Identity) { id.Sign = func([]byte) ([]byte, error) { return nil, broken } },
		"write": func(c *scriptedConn, _ *Identity) { c.write = func([]byte) error { return broken } },
	} {
		kem := &keptKEM{k: []byte("secret")}
		c, id := says(t, init), testIdentity()
		f(c, &id)
		_, err := New("kept", sha256.New, kem).Server(c, testTranscript(), id)
		require.ErrorIs(t, err, broken, name)
		require.Equal(t, make([]byte, 6), kem.k, name)
	}
}

func TestErrorTexts(t *testing.T) {
	require.EqualError(t, &Error{Method: "m", Err: errors.New("bad")},
		"kex: m: refused the peer's public value: bad")
	require.EqualError(t, &MessageError{Method: "m", Want: 31, Got: 21},
		"kex: m: expected SSH_MSG_KEX_ECDH_REPLY, got SSH_MSG_NEWKEYS")
	require.EqualError(t, &MessageError{Method: "m", Want: 30, Got: 30, Err: wire.ErrTrailing},
		"kex: m: malformed SSH_MSG_KEX_ECDH_INIT: wire: bytes after the end of the message")
}
