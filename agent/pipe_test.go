package agent

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// An agent in this process, as it is found elsewhere: each connection is one of
// its own.
func TestDialTo(t *testing.T) {
	k := NewKeyring()
	dial := DialTo(k)
	open := func() *Client {
		rw, err := dial(t.Context())
		require.NoError(t, err)
		c := NewClient(rw)
		t.Cleanup(func() { c.Close() })
		return c
	}
	testAgent(t, open())
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Destinations: []Destination{step("a")}}))
	bound, other := open(), open()
	require.NoError(t, bound.Bind(t.Context(), newVisit(hosts["b"]).binding(t, false)))
	require.Empty(t, list(t, bound))
	require.Len(t, list(t, other), 1, "that one is bound to nothing")
	require.NoError(t, bound.Close())
	require.ErrorAs(t, bound.RemoveAll(t.Context()), new(*ConnError))
	require.Len(t, list(t, other), 1)
}

// A Dialer connects each time that it is asked.
func TestDialer(t *testing.T) {
	l, err := Listen()
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- (&Server{Agent: NewKeyring()}).ServeListener(context.Background(), l) }()
	dial := Dialer(l.Addr().String())
	for range 3 {
		rw, err := dial(t.Context())
		require.NoError(t, err)
		require.NoError(t, NewClient(rw).RemoveAll(t.Context()))
		require.NoError(t, rw.Close())
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dial(done)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, l.Close())
	require.NoError(t, <-served)
	_, err = dial(t.Context())
	require.Error(t, err)
}

// What cannot be closed is left alone, and an agent that fails says so.
func TestOddStreams(t *testing.T) {
	c := NewClient(struct {
		io.Reader
		io.Writer
	}{neverRead{}, io.Discard})
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.RemoveAll(t.Context()), io.ErrUnexpectedEOF)
	_, err := Signers(t.Context(), badAgent{})
	require.ErrorIs(t, err, errBad)
}

type neverRead struct{}

func (neverRead) Read([]byte) (int, error) { return 0, io.EOF }

// Errors say what was wrong and what to do, and quote what somebody else chose.
func TestErrors(t *testing.T) {
	key := private(t, "ed25519")
	for _, test := range []struct {
		err  error
		want []string
	}{
		{&RefusedError{Request: "to list its keys"}, []string{"agent: ", "to list its keys", "ssh-add -X"}},
		{&ProtocolError{What: "what"}, []string{"agent: what"}},
		{&ProtocolError{What: "what", Err: errBad}, []string{"agent: what: bad"}},
		{&ConnError{Request: "to sign", Err: errBad}, []string{"broke", "to sign", "bad"}},
		{&ConstraintError{"x\x1b[2J", "it is unknown"}, []string{`"x\x1b[2J"`, "unknown"}},
		{&UseError{Key: public(t, key), Why: "why", Err: errBad}, []string{hostkey.Fingerprint(public(t, key)), "why: bad"}},
		{&BindingError{"why"}, []string{"agent: cannot bind", "why"}},
		{&PanicError{Value: "v"}, []string{"agent: panic: v"}},
	} {
		for _, want := range test.want {
			require.ErrorContains(t, test.err, want)
		}
	}
	require.ErrorIs(t, &ProtocolError{Err: errBad}, errBad)
	require.ErrorIs(t, &ConnError{Err: errBad}, errBad)
	require.ErrorIs(t, &UseError{Err: errBad}, errBad)
	require.NotErrorIs(t, &RefusedError{}, errBad)
}

// A key may be at the end of each of many lists.
func TestSignersOfCertificates(t *testing.T) {
	k := NewKeyring()
	for _, name := range keyNames {
		key := private(t, name)
		require.NoError(t, k.Add(t.Context(), AddedKey{Key: key, Certificate: certify(t, public(t, key), hostkey.Certificate{KeyID: name})}))
	}
	signers, err := Signers(t.Context(), k)
	require.NoError(t, err)
	for i, s := range signers {
		c := s.PublicKey().(*hostkey.Certificate)
		require.Equal(t, keyNames[i], c.KeyID)
		for _, algorithm := range s.Algorithms() {
			require.Equal(t, c.Type(), hostkey.KeyType(algorithm))
			_, err := s.Sign(t.Context(), algorithm, []byte("data"))
			require.NoError(t, err)
		}
		_, err = s.Sign(t.Context(), c.Key.Type(), []byte("data"))
		require.ErrorAs(t, err, new(*hostkey.AlgorithmError), "it is not the key that was asked for")
	}
}
