package fuzz_test

import (
	"context"
	"errors"
	"io"
	"net"

	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/kex"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// A victim is a server or a client under test, and what has been done to it.
type victim struct {
	conn     *memnet.Conn // its end of the connection
	end      chan error   // how it ended
	sessions atomic.Int32 // that were started on a server
	checks   atomic.Int32 // proofs that a server was given
	secrets  atomic.Int32 // times that a client gave its password away

	mu     sync.Mutex
	client *client.Client // once it is logged in
}

// A setting is what a victim is made with.
type setting struct {
	transport transport.Config
	server    func(*server.Server)
	client    func(*client.Config)
	link      memnet.Link
}

// nullCrypto has neither arithmetic nor secrets.
func nullCrypto() setting {
	return setting{transport: transport.Config{KeyExchanges: []kex.Method{fuzz.NullKex()}, Ciphers: []cipher.Mode{fuzz.Plain()}}}
}

// nullPeer is what a Peer needs to be understood by a victim with nullCrypto.
func nullPeer() fuzz.Config {
	return fuzz.Config{KeyExchanges: []kex.Method{fuzz.NullKex()}, Ciphers: []cipher.Mode{fuzz.Plain()}}
}

const (
	alice  = "alice"
	secret = "correct horse"
)

// againstServer returns a Peer whose other end is served by package server. The
// server lets in alice by her password, or by answering its question, and echoes
// in every session.
func againstServer(t testing.TB, c fuzz.Config, s setting) (*fuzz.Peer, *victim) {
	near, far := s.link.Pipe()
	v := &victim{conn: far, end: make(chan error, 1)}
	srv := v.newServer(s)
	go func() { v.end <- srv.ServeConn(context.Background(), far) }()
	return peerOf(t, fuzz.Client(near, c)), v
}

func (v *victim) newServer(s setting) *server.Server {
	decide := func(ok bool) (userauth.Decision, error) {
		v.checks.Add(1)
		if ok {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	}
	srv := &server.Server{
		HostKeys:  []hostkey.Signer{testkeys.Ed25519()},
		Transport: s.transport,
		Auth: userauth.Server{Delay: -1, Checks: []userauth.Check{
			userauth.CheckPassword(func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
				return decide(a.User == alice && password == secret)
			}),
			userauth.CheckInteractive(func(_ context.Context, a *userauth.Attempt, ask func(userauth.Challenge) ([]string, error)) (userauth.Decision, error) {
				answers, err := ask(userauth.Challenge{Prompts: []userauth.Prompt{{Text: "Password: "}}})
				if err != nil {
					return userauth.Decision{}, err
				}
				return decide(a.User == alice && answers[0] == secret)
			}),
		}},
		Session: server.HandlerFunc(func(session *server.Session) {
			v.sessions.Add(1)
			io.Copy(session, session)
		}),
	}
	if s.server != nil {
		s.server(srv)
	}
	return srv
}

// againstClient returns a Peer whose other end is alice's client, which trusts
// the key testkeys.Ed25519.
func againstClient(t testing.TB, c fuzz.Config, s setting) (*fuzz.Peer, *victim) {
	near, far := s.link.Pipe()
	v := &victim{conn: near, end: make(chan error, 1)}
	config := &client.Config{
		User: alice, HostKeys: hostkey.Pin(testkeys.Ed25519().PublicKey()), Transport: s.transport,
		Auth: []userauth.Method{userauth.Password(func(context.Context) (string, error) {
			v.secrets.Add(1)
			return secret, nil
		})},
	}
	if s.client != nil {
		s.client(config)
	}
	go func() {
		cl, err := client.New(context.Background(), near, "test:22", config)
		if err == nil {
			v.mu.Lock()
			v.client = cl
			v.mu.Unlock()
			err = cl.Wait()
			cl.Close()
		}
		v.end <- err
	}()
	if c.HostKey == nil {
		c.HostKey = testkeys.Ed25519()
	}
	return peerOf(t, fuzz.Server(far, c)), v
}

// loggedIn returns the client once it is, or nil.
func (v *victim) loggedIn() *client.Client {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.client
}

// A side is who is under test.
type side struct {
	name    string
	client  bool
	against func(testing.TB, fuzz.Config, setting) (*fuzz.Peer, *victim)
}

var sides = []side{{"server", false, againstServer}, {"client", true, againstClient}}

// bubble runs a test in a bubble, in which waiting takes no time.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// eachSide runs a test on a server and a client without crypto, in bubbles.
func eachSide(t *testing.T, name string, f func(t *testing.T, s side, p *fuzz.Peer, v *victim)) {
	t.Helper()
	for _, s := range sides {
		bubble(t, s.name+" "+name, func(t *testing.T) {
			p, v := s.against(t, nullPeer(), nullCrypto())
			f(t, s, p, v)
			require.NoError(t, p.Close())
			v.gone(t)
			require.False(t, !s.client && v.checks.Load() == 0 && v.sessions.Load() > 0, "a session without authentication")
		})
	}
}

// denies requires that the script so far has ended the connection for a reason
// that the victim gives and has.
func (v *victim) denies(t *testing.T, p *fuzz.Peer, reason transport.Reason) {
	t.Helper()
	p.ExpectDisconnect(reason)
	require.NoError(t, p.Err())
	v.requireReason(t, reason)
	v.end <- net.ErrClosed
}

// enter authenticates alice, on whichever side.
func (s side) enter(p *fuzz.Peer) {
	if s.client {
		p.Admit()
	} else {
		p.Login(alice, password(secret))
	}
}

func peerOf(t testing.TB, p *fuzz.Peer) *fuzz.Peer {
	t.Cleanup(func() { p.Close() })
	return p
}

// requireReason requires that the victim has ended, and for what. The layers above
// the transport have errors of their own, and the peer was told the reason.
func (v *victim) requireReason(t testing.TB, want transport.Reason) {
	t.Helper()
	select {
	case err := <-v.end:
		require.Error(t, err)
		var peer *transport.DisconnectError
		require.False(t, errors.As(err, &peer), "it was not the victim that ended the connection: %v", err)
		if local, ok := errors.AsType[*transport.Error](err); ok {
			require.Equal(t, want, local.Reason, err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the victim lives on")
	}
}

// gone waits for the end of a victim, whatever it is.
func (v *victim) gone(t testing.TB) error {
	t.Helper()
	select {
	case err := <-v.end:
		require.Error(t, err)
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the victim lives on")
		return nil
	}
}

var _ userauth.Conn = (*fuzz.Peer)(nil)
