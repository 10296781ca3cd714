package server_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/connection"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

const (
	announceRequest = "hostkeys-00@openssh.com"
	proveRequest    = "hostkeys-prove-00@openssh.com"
)

// announced logs in to srv in a bubble and returns the global requests that
// come of it.
func announced(t *testing.T, srv *server.Server, config transport.Config) (*peer, []*connection.Request) {
	t.Helper()
	near, far := memnet.Pipe()
	p := &peer{t: t, served: make(chan error, 1), ended: make(chan error, 1)}
	go func() { p.served <- srv.ServeConn(context.Background(), far) }()
	config.Verifier = hostkey.InsecureAcceptAny()
	p.conn = transport.Client(near, &config)
	t.Cleanup(func() { p.conn.Close() })
	p.handshake()
	client := userauth.Client{User: "alice", Methods: []userauth.Method{
		userauth.Password(func(context.Context) (string, error) { return "secret", nil })}}
	require.NoError(t, client.Authenticate(context.Background(), p.conn, userauth.Binding{SessionID: p.conn.State().SessionID}))
	var requests []*connection.Request
	p.mux = connection.New(p.conn, &connection.Config{Requests: 8, OnRequest: func(r *connection.Request) { requests = append(requests, r) }})
	go func() { p.ended <- p.mux.Serve() }()
	synctest.Wait()
	return p, requests
}

// end ends the connection.
func (p *peer) end() {
	p.conn.Close()
	<-p.served
	<-p.ended
}

func blobs(payload []byte) (all [][]byte) {
	for r := wire.NewReader(payload); r.Len() > 0; {
		all = append(all, r.Blob())
	}
	return all
}

func naming(signers ...hostkey.Signer) (payload []byte) {
	for _, s := range signers {
		payload = wire.AppendString(payload, s.PublicKey().Marshal())
	}
	return payload
}

// proves reports whether the answer to a request holds a proof for each key.
func (p *peer) proves(signers ...hostkey.Signer) error {
	reply, err := p.mux.Request(context.Background(), proveRequest, naming(signers...))
	if err != nil {
		return err
	}
	all := blobs(reply)
	require.Len(p.t, all, len(signers))
	for i, s := range signers {
		signed := wire.AppendString(wire.AppendString(nil, proveRequest), p.conn.State().SessionID)
		signed = wire.AppendString(signed, s.PublicKey().Marshal())
		signature, err := hostkey.ParseSignature(all[i])
		require.NoError(p.t, err)
		require.NoError(p.t, hostkey.Verify(s.PublicKey(), signature.Algorithm, signed, signature))
	}
	return nil
}

// manyKeys is a server with keys of all formats, one of them twice, and a
// certificate.
func manyKeys(t *testing.T) *server.Server {
	srv := newServer(nothing)
	c := &hostkey.Certificate{Key: testkeys.RSA3072().PublicKey(), Kind: hostkey.HostCertificate, Principals: []string{"h"}}
	require.NoError(t, c.Certify(t.Context(), testkeys.Ed25519()))
	certified, err := hostkey.NewCertificateSigner(c, testkeys.RSA3072())
	require.NoError(t, err)
	srv.HostKeys = []hostkey.Signer{testkeys.Ed25519(), testkeys.RSA2048(), certified, testkeys.ECDSA256(), testkeys.Ed25519()}
	return srv
}

func TestHostKeysAreAnnounced(t *testing.T) {
	srv := manyKeys(t)
	synctest.Test(t, func(t *testing.T) {
		p, requests := announced(t, srv, transport.Config{})
		require.Len(t, requests, 1)
		require.Equal(t, announceRequest, requests[0].Type)
		require.False(t, requests[0].WantReply)
		require.Equal(t, naming(testkeys.Ed25519(), testkeys.RSA2048(), testkeys.ECDSA256()), requests[0].Payload, "each once, and no certificate")
		require.NoError(t, p.proves(testkeys.ECDSA256(), testkeys.RSA2048()))
		p.end()
	})
}

// L8: a server signs for what is its own, as often as anybody needs it to, and
// for nothing else.
func TestL8ProofsAreBounded(t *testing.T) {
	srv := manyKeys(t)
	synctest.Test(t, func(t *testing.T) {
		p, _ := announced(t, srv, transport.Config{})
		for name, payload := range map[string][]byte{
			"no key":                 nil,
			"a key of somebody else": naming(testkeys.Ed25519Other()),
			"and one of ours":        naming(testkeys.Ed25519(), testkeys.Ed25519Other()),
			"a key twice":            naming(testkeys.Ed25519(), testkeys.Ed25519()),
			"a certificate":          naming(srv.HostKeys[2]),
			"the certificate's key":  naming(testkeys.RSA3072()),
			"a truncated key":        naming(testkeys.Ed25519())[:20],
			"trailing bytes":         append(naming(testkeys.Ed25519()), 0),
			"garbage":                []byte("garbage"),
		} {
			_, err := p.mux.Request(context.Background(), proveRequest, payload)
			require.ErrorIs(t, err, connection.ErrRefused, name)
		}
		for range 64 {
			require.NoError(t, p.proves(testkeys.Ed25519()))
		}
		require.ErrorIs(t, p.proves(testkeys.Ed25519()), connection.ErrRefused)
		require.Equal(t, outcome{}, p.session().exec("x").finish(), "the connection lives on")
		p.end()
	})
}

// unwilling is a key that signs key exchanges only.
type unwilling struct{ hostkey.Signer }

func (u unwilling) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	if len(data) > 64 {
		return nil, errors.New("not this")
	}
	return u.Signer.Sign(ctx, algorithm, data)
}

func TestProofFails(t *testing.T) {
	srv := newServer(nothing)
	srv.HostKeys = []hostkey.Signer{unwilling{testkeys.Ed25519()}}
	l := logged(srv)
	synctest.Test(t, func(t *testing.T) {
		p, _ := announced(t, srv, transport.Config{})
		require.ErrorIs(t, p.proves(testkeys.Ed25519()), connection.ErrRefused)
		p.end()
	})
	require.Equal(t, 1, l.lines("cannot be proved"))
}

// RSA keys sign as was agreed on, or as they would have if that had been.
func TestProofAlgorithm(t *testing.T) {
	for _, test := range []struct {
		server, client []string
		want           string
	}{
		{nil, []string{hostkey.Ed25519}, hostkey.RSASHA512},
		{nil, []string{hostkey.RSASHA256}, hostkey.RSASHA256},
		{[]string{hostkey.Ed25519, hostkey.RSASHA256}, []string{hostkey.Ed25519}, hostkey.RSASHA256},
	} {
		srv := newServer(nothing)
		srv.HostKeys = []hostkey.Signer{testkeys.Ed25519(), testkeys.RSA2048()}
		srv.Transport.HostKeyAlgorithms = test.server
		synctest.Test(t, func(t *testing.T) {
			p, _ := announced(t, srv, transport.Config{HostKeyAlgorithms: test.client})
			reply, err := p.mux.Request(context.Background(), proveRequest, naming(testkeys.RSA2048()))
			require.NoError(t, err)
			signature, err := hostkey.ParseSignature(blobs(reply)[0])
			require.NoError(t, err)
			require.Equal(t, test.want, signature.Algorithm)
			p.end()
		})
	}
}

// Some clients do not bear announcements, and a server of certificates has
// nothing to announce. Who serves the request by itself, does.
func TestHostKeysAreNotAnnounced(t *testing.T) {
	for version, want := range map[string]int{"TTSSH/2.72": 0, "TTSSH/2.91": 1, "TTSSH/1.5.4": 0} {
		synctest.Test(t, func(t *testing.T) {
			p, requests := announced(t, newServer(nothing), transport.Config{Software: version})
			require.Len(t, requests, want, version)
			p.end()
		})
	}
	srv := manyKeys(t)
	srv.HostKeys = srv.HostKeys[2:3]
	srv.Requests = map[string]func(context.Context, *server.Conn, *connection.Request){
		proveRequest: func(_ context.Context, _ *server.Conn, r *connection.Request) { r.Reply(true, []byte("mine")) },
	}
	synctest.Test(t, func(t *testing.T) {
		p, requests := announced(t, srv, transport.Config{HostKeyAlgorithms: slices.Clone(srv.HostKeys[0].Algorithms())})
		require.Empty(t, requests)
		reply, err := p.mux.Request(context.Background(), proveRequest, nil)
		require.NoError(t, err)
		require.Equal(t, "mine", string(reply))
		p.end()
	})
}
