package fuzz_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/kex"
)

// A kexPeer is a kex.Conn whose peer says one thing and then hangs up.
type kexPeer struct {
	says  []byte
	wrote []byte
}

var errHungUp = errors.New("the peer hung up")

func (p *kexPeer) ReadPacket() ([]byte, error) {
	if p.says == nil {
		return nil, errHungUp
	}
	said := p.says
	p.says = nil
	return said, nil
}

func (p *kexPeer) WritePacket(parts ...[]byte) error {
	p.wrote = bytes.Join(parts, nil)
	return nil
}

var kexTranscript = &kex.Transcript{
	ClientVersion: []byte("SSH-2.0-c"), ServerVersion: []byte("SSH-2.0-s"),
	ClientInit: []byte{20, 1}, ServerInit: []byte{20, 2},
}

// kexOpening returns what a client of m says first.
func kexOpening(f *testing.F, m kex.Method) []byte {
	var peer kexPeer
	_, err := m.Client(&peer, kexTranscript)
	require.ErrorIs(f, err, errHungUp)
	return peer.wrote
}

// addKexSeeds adds message, and the ways to break it that reach furthest.
func addKexSeeds(f *testing.F, method byte, message []byte) {
	f.Add(method, message)
	f.Add(method, message[:len(message)-1])
	f.Add(method, append(bytes.Clone(message), 0))
	f.Add(method, message[:1])
	f.Add(method, []byte{})
	f.Add(method, append(bytes.Clone(message[:5]), make([]byte, len(message)-5)...))
}

// requireKexOutcome checks what must hold whatever the peer said: a whole
// result, or an error that blames the peer.
func requireKexOutcome(t *testing.T, r *kex.Result, err error) {
	if err != nil {
		var refused *kex.Error
		var message *kex.MessageError
		require.True(t, errors.As(err, &refused) || errors.As(err, &message), "%v", err)
		require.Nil(t, r)
		return
	}
	require.Len(t, r.H, r.Hash().Size())
	require.Greater(t, len(r.K), 4)
	require.LessOrEqual(t, len(r.K), 4+1+8192/8, "no method's secret is longer than a number of 8192 bits")
	require.Len(t, r.Key('A', r.H, 100), 100)
}

// kexMethods returns the methods of one round trip, but those of the larger
// finite fields, which are slow and none other than the small.
func kexMethods(f *testing.F) []kex.Method {
	f.Helper()
	methods := kex.DefaultServer()
	for _, name := range []string{"diffie-hellman-group1-sha1", "diffie-hellman-group14-sha256"} {
		m, ok := kex.Lookup(name)
		require.True(f, ok)
		methods = append(methods, m)
	}
	return methods
}

// FuzzKexServer gives the server's half of each method a client's message.
func FuzzKexServer(f *testing.F) {
	methods := kexMethods(f)
	for i, m := range methods {
		addKexSeeds(f, byte(i), kexOpening(f, m))
	}
	f.Fuzz(func(t *testing.T, method byte, message []byte) {
		m := methods[int(method)%len(methods)]
		peer := kexPeer{says: append([]byte{}, message...)}
		id := kex.Identity{HostKey: []byte("key"), Sign: func(h []byte) ([]byte, error) { return h, nil }}
		r, err := m.Server(&peer, kexTranscript, id)
		requireKexOutcome(t, r, err)
		require.Equal(t, err == nil, peer.wrote != nil, "a refused message is not answered, any other is")
	})
}

// FuzzKexClient gives the client's half of each method a server's message.
func FuzzKexClient(f *testing.F) {
	methods := kexMethods(f)
	for i, m := range methods {
		peer := kexPeer{says: kexOpening(f, m)}
		id := kex.Identity{HostKey: []byte("key"), Sign: func(h []byte) ([]byte, error) { return h, nil }}
		_, err := m.Server(&peer, kexTranscript, id)
		require.NoError(f, err)
		addKexSeeds(f, byte(i), peer.wrote)
	}
	f.Fuzz(func(t *testing.T, method byte, message []byte) {
		m := methods[int(method)%len(methods)]
		peer := kexPeer{says: append([]byte{}, message...)}
		r, err := m.Client(&peer, kexTranscript)
		requireKexOutcome(t, r, err)
		require.NotNil(t, peer.wrote, "a client speaks first")
	})
}
