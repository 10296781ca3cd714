package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// Nothing makes the agent load a library, whoever asks and whatever is behind
// the number.
func TestM6Providers(t *testing.T) { // M6: CVE-2023-38408, CVE-2016-10009
	fields := wire.AppendString(wire.AppendString(nil, "/usr/lib/x86_64-linux-gnu/evil.so"), "1234")
	for _, n := range []number{addSmartcardKey, removeSmartcardKey, addSmartcardKeyConstrained} {
		for _, p := range [][]byte{nil, fields, append(fields, constrainConfirm), fields[:7]} {
			t.Run(fmt.Sprintf("M6 CVE-2023-38408 CVE-2016-10009/%v/%d", n, len(p)), func(t *testing.T) {
				var reported error
				c := serveWith(t, &Server{Agent: NewKeyring(), Report: func(_ context.Context, request string, err error) {
					require.Equal(t, n.String(), request)
					reported = err
				}})
				require.ErrorIs(t, c.do(t.Context(), "x", append(frame(n), p...)), ErrRefused)
				require.Equal(t, errProvider, reported)
			})
		}
	}
}

// Each number, with each beginning of nonsense, gets one answer, and the
// connection lives on.
func TestM2EveryRequest(t *testing.T) { // M2: CVE-2025-47914
	c := serve(t, NewKeyring())
	for n := range 256 {
		for _, p := range [][]byte{nil, {0}, {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{0}, 64), bytes.Repeat([]byte{0xff}, 64)} {
			answer, err := c.call(t.Context(), "x", append(frame(number(n)), p...))
			require.NoError(t, err, "%d %x", n, p)
			switch number(answer[0]) {
			case agentFailure, extensionFailure:
				require.Len(t, answer, 1)
			case identitiesAnswer, agentSuccess:
				require.Contains(t, []number{requestIdentities, removeAllIdentities}, number(n))
				require.Empty(t, p)
			default:
				t.Fatalf("%d %x: %v", n, p, number(answer[0]))
			}
		}
	}
	require.NoError(t, c.RemoveAll(t.Context()))
}

// A Server without an Agent refuses.
func TestZeroServer(t *testing.T) {
	c := serveWith(t, &Server{})
	for name, ask := range requests(t) {
		require.Error(t, ask(t.Context(), c), name)
	}
}

// Frames that end the connection. Nothing is answered, and nothing allocated.
func TestM3BadFrames(t *testing.T) { // M3
	for name, p := range map[string][]byte{
		"M3 no message":    {0, 0, 0, 0},
		"M3 256 KiB and 1": {0, 4, 0, 1, 11},
		"M3 RUSTSEC-2026-0154 CVE-2026-46673 4 GiB":   {0xff, 0xff, 0xff, 0xff, 11},
		"a message that is cut off":                   {0, 0, 0, 2, 11},
		"a length that is cut off":                    {0, 0},
		"an SSH client that took a wrong turn: SSH-2": []byte("SSH-2.0-x\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			near, far := memnet.Pipe()
			served := make(chan error, 1)
			go func() {
				served <- Serve(t.Context(), NewKeyring(), far)
				far.Close()
			}()
			_, err := near.Write(p)
			require.NoError(t, err)
			require.NoError(t, near.CloseWrite())
			require.Error(t, <-served)
			rest, _ := io.ReadAll(near)
			require.Empty(t, rest)
		})
	}
}

// A failing and a panicking agent.
type badAgent struct{ Agent }

var errBad = errors.New("bad")

func (badAgent) Keys(context.Context) ([]Key, error)             { return nil, errBad }
func (badAgent) Remove(context.Context, hostkey.PublicKey) error { panic(errBad) }
func (badAgent) RemoveAll(context.Context) error                 { panic("at the disco") }
func (badAgent) Sign(context.Context, hostkey.PublicKey, string, []byte) (*hostkey.Signature, error) {
	return nil, nil
}

func TestBadAgents(t *testing.T) {
	var reported []error
	c := serveWith(t, &Server{Agent: badAgent{}, Report: func(_ context.Context, _ string, err error) { reported = append(reported, err) }})
	for name, ask := range requests(t) {
		if name != "extensions" {
			require.Error(t, ask(t.Context(), c), name)
		}
	}
	reported = nil
	require.ErrorIs(t, c.RemoveAll(t.Context()), ErrRefused)
	var panicked *PanicError
	require.ErrorAs(t, reported[0], &panicked)
	require.Equal(t, "at the disco", panicked.Value)
	require.Contains(t, string(panicked.Stack), "RemoveAll")
}

// A crowd has more keys than can be said.
type crowd struct {
	Agent
	keys []Key
}

func (c crowd) Keys(context.Context) ([]Key, error) { return c.keys, nil }

func TestM3TooManyKeys(t *testing.T) { // M3
	one := Key{PublicKey: testkeys.Ed25519().PublicKey()}
	many, large := make([]Key, maxKeys+1), make([]Key, 70)
	for i := range many {
		many[i] = one
	}
	for i := range large {
		large[i] = Key{one.PublicKey, string(make([]byte, maxComment))}
	}
	for name, keys := range map[string][]Key{"M3 2049": many, "M3 more than 256 KiB": large} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, crowd{keys: keys}).Keys(t.Context())
			require.ErrorIs(t, err, ErrRefused)
		})
	}
}

// A client that is slow costs itself: time for a message and for its answer, and
// nobody else waits.
func TestSlowClients(t *testing.T) {
	for _, test := range []struct {
		name   string
		server Server
		begin  []byte
		after  time.Duration
	}{
		{"with a length", Server{}, []byte{0, 0}, 30 * time.Second},
		{"with a message", Server{}, []byte{0, 0, 0, 9, 11}, 30 * time.Second},
		{"as long as it may", Server{MessageTimeout: time.Second}, []byte{0}, time.Second},
		{"idle", Server{IdleTimeout: time.Hour}, nil, time.Hour},
		{"idle after a request", Server{IdleTimeout: time.Hour}, message(requestIdentities), time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := memnet.Pipe()
				defer near.Close()
				defer far.Close()
				test.server.Agent = NewKeyring()
				begun := time.Now()
				served := make(chan error, 1)
				go func() { served <- test.server.Serve(t.Context(), far) }()
				_, err := near.Write(test.begin)
				require.NoError(t, err)
				require.ErrorIs(t, <-served, os.ErrDeadlineExceeded)
				require.Equal(t, test.after, time.Since(begun))
			})
		})
	}
	t.Run("that do not read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe() // which has no buffer
			defer near.Close()
			begun := time.Now()
			served := make(chan error, 1)
			go func() { served <- Serve(t.Context(), NewKeyring(), far) }()
			_, err := near.Write(message(requestIdentities))
			require.NoError(t, err)
			require.ErrorIs(t, <-served, os.ErrDeadlineExceeded)
			require.Equal(t, 30*time.Second, time.Since(begun))
		})
	})
	t.Run("that ask nothing may stay", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := serve(t, NewKeyring())
			time.Sleep(1000 * time.Hour)
			require.NoError(t, c.RemoveAll(t.Context()))
		})
	})
}

// A context ends what is served.
func TestServeContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		defer near.Close()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, NewKeyring(), far) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-served, context.Canceled)
	})
}

// Of those who come to a listener, so many are served, each by itself.
func TestServeListener(t *testing.T) {
	l, err := Listen()
	require.NoError(t, err)
	k := NewKeyring()
	release := make(chan struct{})
	k.Confirm = func(context.Context, Use) error { <-release; return nil }
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Confirm: true}))
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- (&Server{Agent: k, Connections: 2}).ServeListener(ctx, l) }()
	dial := func() *Client {
		c, err := Dial(t.Context(), l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	slow, other := dial(), dial()
	signed := make(chan error, 1)
	go func() { signed <- sign(t, slow, testkeys.Ed25519().PublicKey()) }()
	require.Len(t, list(t, other), 1, "nobody waits for whoever is asked")
	_, err = dial().Keys(t.Context())
	require.ErrorAs(t, err, new(*ConnError), "one too many")
	require.NoError(t, other.Close())
	require.Eventually(t, func() bool { _, err := dial().Keys(t.Context()); return err == nil }, soon, time.Millisecond)
	close(release)
	require.NoError(t, <-signed)
	cancel()
	require.ErrorIs(t, <-served, context.Canceled)
	require.NoDirExists(t, filepath.Dir(l.Addr().String()))
}

// A broken listener says so.
type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBad }
func (brokenListener) Close() error              { return nil }

func TestBrokenListener(t *testing.T) {
	require.ErrorIs(t, (&Server{}).ServeListener(t.Context(), brokenListener{}), errBad)
}

// Nobody else gets to the socket, and nothing is left of it.
func TestM7Listen(t *testing.T) { // M7
	l, err := Listen()
	require.NoError(t, err)
	path := l.Addr().String()
	dir, err := os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm(), "M7")
	socket, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), socket.Mode().Perm(), "M7")
	require.NoError(t, l.Close())
	require.NoDirExists(t, filepath.Dir(path))

	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nonesuch"))
	_, err = Listen()
	require.ErrorContains(t, err, "nonesuch")
	long := filepath.Join(t.TempDir(), string(bytes.Repeat([]byte("x"), 200)))
	require.NoError(t, os.Mkdir(long, 0o700))
	t.Setenv("TMPDIR", long)
	_, err = Listen()
	require.Error(t, err)
	left, err := os.ReadDir(long)
	require.NoError(t, err)
	require.Empty(t, left)
}

// What was sent is not kept.
func TestRequestsAreCleared(t *testing.T) {
	var seen []byte
	k := NewKeyring()
	k.Check = func(_ context.Context, u Use) error { seen = u.Data; return nil }
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519")}))
	require.NoError(t, sign(t, serve(t, k), testkeys.Ed25519().PublicKey()))
	require.Equal(t, make([]byte, 4), seen)
}

// A thousand clients, most of which are a nuisance.
func TestHostileCrowd(t *testing.T) {
	k := NewKeyring()
	require.NoError(t, k.Add(t.Context(), AddedKey{Key: private(t, "ed25519")}))
	s := &Server{Agent: k, MessageTimeout: 100 * time.Millisecond}
	var serving sync.WaitGroup
	for i := range 1000 {
		near, far := memnet.Pipe()
		t.Cleanup(func() { near.Close() })
		serving.Go(func() {
			s.Serve(t.Context(), far)
			far.Close()
		})
		near.Write([][]byte{{0}, {0, 4, 0, 0}, {0xff, 0xff, 0xff, 0xff}, message(unlockAgent), message(addIdentity, make([]byte, 100))}[i%5])
		if i%5 > 2 {
			near.CloseWrite()
		}
	}
	c := serve(t, k)
	for range 10 {
		require.NoError(t, sign(t, c, testkeys.Ed25519().PublicKey()))
	}
	serving.Wait()
}
