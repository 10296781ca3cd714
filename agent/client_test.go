package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// Everything a client can ask, over a connection and of a Keyring.
func TestAgent(t *testing.T) {
	for name, wrap := range map[string]func(*testing.T, *Keyring) Agent{
		"keyring": func(_ *testing.T, k *Keyring) Agent { return k },
		"session": func(_ *testing.T, k *Keyring) Agent { return k.Connect() },
		"client":  func(t *testing.T, k *Keyring) Agent { return serve(t, k) },
		"client of a client": func(t *testing.T, k *Keyring) Agent {
			return serve(t, serve(t, k))
		},
	} {
		t.Run(name, func(t *testing.T) { testAgent(t, wrap(t, NewKeyring())) })
	}
}

func testAgent(t *testing.T, a Agent) {
	ctx := t.Context()
	keys, err := a.Keys(ctx)
	require.NoError(t, err)
	require.Empty(t, keys)

	for _, name := range keyNames {
		key := private(t, name)
		require.NoError(t, a.Add(ctx, AddedKey{Key: key, Comment: name}))
		c := certify(t, public(t, key), hostkey.Certificate{KeyID: name})
		require.NoError(t, a.Add(ctx, AddedKey{Key: key, Certificate: c, Comment: name + " certified"}))
	}
	keys, err = a.Keys(ctx)
	require.NoError(t, err)
	require.Len(t, keys, 2*len(keyNames))
	for i, name := range keyNames {
		require.Equal(t, name, keys[2*i].Comment)
		require.Equal(t, name+" certified", keys[2*i+1].Comment)
		require.IsType(t, (*hostkey.Certificate)(nil), keys[2*i+1].PublicKey)
	}

	signers, err := Signers(ctx, a)
	require.NoError(t, err)
	require.Len(t, signers, len(keys))
	for _, s := range signers {
		for _, algorithm := range s.Algorithms() {
			sig, err := s.Sign(ctx, algorithm, []byte("data"))
			require.NoError(t, err, algorithm)
			require.NoError(t, hostkey.Verify(s.PublicKey(), algorithm, []byte("data"), sig), algorithm)
		}
		_, err := s.Sign(ctx, hostkey.RSA, []byte("data"))
		require.Error(t, err, "never over SHA-1")
	}
	require.Contains(t, fmt.Sprint(signers[0]), `"ed25519"`)

	require.NoError(t, a.Remove(ctx, keys[0].PublicKey))
	require.Error(t, a.Remove(ctx, keys[0].PublicKey))
	_, err = a.Sign(ctx, keys[0].PublicKey, hostkey.Ed25519, []byte("data"))
	require.Error(t, err)
	left, err := a.Keys(ctx)
	require.NoError(t, err)
	require.Equal(t, keys[1:], left)

	require.NoError(t, a.Lock(ctx, []byte("secret")))
	left, err = a.Keys(ctx)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Error(t, a.Add(ctx, AddedKey{Key: private(t, "ed25519")}))
	require.Error(t, a.RemoveAll(ctx))
	require.Error(t, a.Remove(ctx, keys[1].PublicKey))
	require.Error(t, a.Lock(ctx, []byte("again")))
	_, err = a.Sign(ctx, keys[2].PublicKey, hostkey.ECDSA256, []byte("data"))
	require.Error(t, err)
	require.Error(t, a.Unlock(ctx, []byte("wrong")))
	require.NoError(t, a.Unlock(ctx, []byte("secret")))
	require.Error(t, a.Unlock(ctx, []byte("secret")))

	require.NoError(t, a.RemoveAll(ctx))
	left, err = a.Keys(ctx)
	require.NoError(t, err)
	require.Empty(t, left)
}

// requests are all that a Client can send.
func requests(t testing.TB) map[string]func(context.Context, *Client) error {
	key := private(t, "ed25519")
	return map[string]func(context.Context, *Client) error{
		"keys": func(ctx context.Context, c *Client) error { _, err := c.Keys(ctx); return err },
		"sign": func(ctx context.Context, c *Client) error {
			_, err := c.Sign(ctx, testkeys.Ed25519().PublicKey(), hostkey.Ed25519, []byte("data"))
			return err
		},
		"add":        func(ctx context.Context, c *Client) error { return c.Add(ctx, AddedKey{Key: key}) },
		"remove":     func(ctx context.Context, c *Client) error { return c.Remove(ctx, testkeys.Ed25519().PublicKey()) },
		"remove all": func(ctx context.Context, c *Client) error { return c.RemoveAll(ctx) },
		"lock":       func(ctx context.Context, c *Client) error { return c.Lock(ctx, []byte("x")) },
		"unlock":     func(ctx context.Context, c *Client) error { return c.Unlock(ctx, []byte("x")) },
		"bind": func(ctx context.Context, c *Client) error {
			return c.Bind(ctx, Binding{HostKey: testkeys.Ed25519().PublicKey()})
		},
		"extensions": func(ctx context.Context, c *Client) error { _, err := c.Extensions(ctx); return err },
		"extension": func(ctx context.Context, c *Client) error {
			_, err := c.Extension(ctx, "x@example.com", nil)
			return err
		},
	}
}

// Each request, answered with each message: bare, truncated, with too much.
func TestM1UnexpectedAnswers(t *testing.T) { // M1: CVE-2025-47913
	success := map[string]number{"keys": identitiesAnswer, "sign": signResponse}
	for name, ask := range requests(t) {
		t.Run("M1 CVE-2025-47913/"+name, func(t *testing.T) {
			for n := range 256 {
				for _, rest := range [][]byte{nil, {0}, {0, 0, 0, 9}, {0, 0, 0, 1, 0, 0, 0, 4, 'a', 'b'}, {0xff, 0xff, 0xff, 0xff}} {
					c := answerWith(t, message(number(n), rest))
					err := ask(t.Context(), c)
					plain := success[name] == 0 && number(n) == agentSuccess && rest == nil
					loose := strings.HasPrefix(name, "extension") && (number(n) == agentSuccess || number(n) == extensionResponse)
					switch {
					case plain:
						require.NoError(t, err)
					case loose:
					case number(n) == agentFailure || number(n) == extensionFailure:
						if name == "extension" || name == "extensions" {
							require.True(t, errors.Is(err, ErrUnsupported) || errors.Is(err, ErrRefused))
							break
						}
						require.ErrorIs(t, err, ErrRefused)
						require.ErrorContains(t, err, "ssh-add -X")
					default:
						require.ErrorAs(t, err, new(*ProtocolError))
						require.Equal(t, err, c.RemoveAll(t.Context()), "the connection is of no use any more")
					}
				}
			}
		})
	}
}

// Frames that are none.
func TestM3UnexpectedFrames(t *testing.T) {
	for name, ask := range requests(t) {
		for _, test := range []struct {
			name   string
			answer []byte
			want   any
		}{
			{"M1 no message", []byte{0, 0, 0, 0}, new(*ProtocolError)},
			{"M3 RUSTSEC-2026-0153 a message of 4 GiB", []byte{0xff, 0xff, 0xff, 0xff}, new(*ProtocolError)},
			{"M3 a message of 256 KiB and 1", []byte{0, 4, 0, 1}, new(*ProtocolError)},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				require.ErrorAs(t, ask(t.Context(), answerWith(t, test.answer)), test.want)
			})
		}
	}
}

// An agent that dies in the middle.
func TestAgentDies(t *testing.T) {
	for name, ask := range requests(t) {
		for cut, whole := 0, message(agentSuccess); cut < len(whole); cut++ {
			t.Run(fmt.Sprintf("%s/%d", name, cut), func(t *testing.T) {
				near, far := memnet.Pipe()
				defer near.Close()
				go func() {
					receive(far, func() {})
					far.Write(whole[:cut])
					far.Close()
				}()
				c := NewClient(near)
				err := ask(t.Context(), c)
				var broke *ConnError
				require.ErrorAs(t, err, &broke)
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				require.NotEmpty(t, broke.Request)
				require.Equal(t, err, c.RemoveAll(t.Context()))
			})
		}
	}
}

// A list that does not fit its count, or is beyond all bounds.
func TestLists(t *testing.T) {
	entry := func(comment string) []byte {
		return wire.AppendString(wire.AppendString(nil, testkeys.Ed25519().PublicKey().Marshal()), comment)
	}
	many := wire.AppendUint32(nil, maxKeys+1)
	for range maxKeys + 1 {
		many = append(many, entry("")...)
	}
	for _, test := range []struct {
		name   string
		fields []byte
		want   string
	}{
		{"fewer than it says", append(wire.AppendUint32(nil, 2), entry("one")...), "truncated"},
		{"more than it says", append(wire.AppendUint32(nil, 1), append(entry("one"), entry("two")...)...), "after the end"},
		{"M3 2^32-1", wire.AppendUint32(nil, 1<<32-1), "4294967295 keys"},
		{"M3 2049", many, "2049 keys"},
		{"M3 a comment of 4 KiB and 1", append(wire.AppendUint32(nil, 1), entry(strings.Repeat("x", maxComment+1))...), "comment"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := answerWith(t, message(identitiesAnswer, test.fields)).Keys(t.Context())
			require.ErrorAs(t, err, new(*ProtocolError))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A key of a kind that nobody here knows is listed, and can be removed.
func TestUnknownKeys(t *testing.T) {
	strange := wire.AppendString(wire.AppendString(nil, "ssh-strange@example.com"), "public")
	list := wire.AppendUint32(nil, 3)
	for _, blob := range [][]byte{strange, {1, 2, 3}, testkeys.RSA2048().PublicKey().Marshal()} {
		list = wire.AppendString(wire.AppendString(list, blob), "")
	}
	answers := [][]byte{message(identitiesAnswer, list), message(identitiesAnswer, list), message(agentSuccess)}
	c := answerWith(t, answers...)
	keys, err := c.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 3)
	require.Equal(t, "ssh-strange@example.com", keys[0].Type())
	require.Equal(t, strange, keys[0].Marshal())
	require.Error(t, keys[0].Verify(nil, &hostkey.Signature{}))
	signers, err := Signers(t.Context(), c)
	require.NoError(t, err)
	require.Len(t, signers, 1, "nobody knows how the others sign")
	require.NoError(t, c.Remove(t.Context(), keys[0]))
}

// Signatures that are not the one asked for.
func TestWrongSignatures(t *testing.T) {
	data := []byte("data")
	signed := func(s hostkey.Signer, algorithm string, data []byte) []byte {
		sig, err := s.Sign(t.Context(), algorithm, data)
		require.NoError(t, err)
		return wire.AppendString(nil, sig.Append(nil))
	}
	sha1, err := hostkey.InsecureSHA1(testkeys.RSA2048())
	require.NoError(t, err)
	for _, test := range []struct {
		name      string
		key       hostkey.Signer
		algorithm string
		answer    []byte
	}{
		{"of other data", testkeys.Ed25519(), hostkey.Ed25519, signed(testkeys.Ed25519(), hostkey.Ed25519, []byte("other"))},
		{"by another key", testkeys.Ed25519(), hostkey.Ed25519, signed(testkeys.Ed25519Other(), hostkey.Ed25519, data)},
		{"RFC 8332 3.3: over SHA-1", testkeys.RSA2048(), hostkey.RSASHA512, signed(sha1, hostkey.RSA, data)},
		{"of another hash", testkeys.RSA2048(), hostkey.RSASHA512, signed(testkeys.RSA2048(), hostkey.RSASHA256, data)},
		{"truncated", testkeys.Ed25519(), hostkey.Ed25519, []byte{0, 0, 0, 9, 1}},
		{"no signature", testkeys.Ed25519(), hostkey.Ed25519, []byte{0, 0, 0, 1, 1}},
		{"with something behind it", testkeys.Ed25519(), hostkey.Ed25519, append(signed(testkeys.Ed25519(), hostkey.Ed25519, data), 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := answerWith(t, message(signResponse, test.answer))
			sig, err := c.Sign(t.Context(), test.key.PublicKey(), test.algorithm, data)
			require.ErrorAs(t, err, new(*ProtocolError))
			require.Nil(t, sig)
		})
	}
	_, err = answerWith(t).Sign(t.Context(), testkeys.Ed25519().PublicKey(), hostkey.RSASHA256, data)
	require.ErrorAs(t, err, new(*hostkey.AlgorithmError))
}

// A security key in an agent signs through a Signer.
func TestSecurityKeyInAgent(t *testing.T) {
	for _, device := range []*testkeys.Authenticator{testkeys.SKEd25519(), testkeys.SKECDSA256()} {
		k := NewKeyring()
		require.NoError(t, k.Add(t.Context(), AddedKey{Signer: device}))
		signers, err := Signers(t.Context(), serve(t, k))
		require.NoError(t, err)
		require.Len(t, signers, 1)
		algorithm := device.PublicKey().Type()
		sig, err := signers[0].Sign(t.Context(), algorithm, []byte("data"))
		require.NoError(t, err)
		require.NoError(t, hostkey.Verify(device.PublicKey(), algorithm, []byte("data"), sig))
		device.Flags = 0 // which is for the server to mind
		_, err = signers[0].Sign(t.Context(), algorithm, []byte("data"))
		require.NoError(t, err)
	}
}

// A context that is done ends the wait, and the connection with it.
func TestContext(t *testing.T) {
	for name, ask := range requests(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := memnet.Pipe()
				defer near.Close()
				defer far.Close()
				c := NewClient(near)
				done, cancel := context.WithCancel(t.Context())
				cancel()
				require.ErrorIs(t, ask(done, c), context.Canceled)
				require.Zero(t, near.BytesWritten(), "nothing was asked")

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				begun := time.Now()
				require.ErrorIs(t, ask(ctx, c), context.DeadlineExceeded)
				require.Equal(t, time.Minute, time.Since(begun))
				require.ErrorAs(t, ask(t.Context(), c), new(*ConnError))
			})
		})
	}
}

// Requests wait for each other, and who gives up waiting harms nobody.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := memnet.Pipe()
		defer near.Close()
		c := NewClient(near)
		first := make(chan error, 1)
		go func() { first <- c.RemoveAll(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.RemoveAll(ctx), context.DeadlineExceeded)
		_, err := receive(far, func() {})
		require.NoError(t, err)
		_, err = far.Write(message(agentSuccess))
		require.NoError(t, err)
		require.NoError(t, <-first)
		go Serve(t.Context(), NewKeyring(), far)
		require.NoError(t, c.RemoveAll(t.Context()))
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.RemoveAll(t.Context()), net.ErrClosed)
	})
}

// What is too large to be a message is not sent.
func TestTooMuchToAsk(t *testing.T) {
	c := answerWith(t)
	_, err := c.Sign(t.Context(), testkeys.Ed25519().PublicKey(), hostkey.Ed25519, make([]byte, maxMessage))
	require.ErrorContains(t, err, "262144")
	require.ErrorContains(t, c.Add(t.Context(), AddedKey{Key: private(t, "ed25519"), Comment: strings.Repeat("x", maxComment+1)}), "comment")
	require.ErrorContains(t, c.Bind(t.Context(), Binding{}), "no host key")
}

func TestExtensions(t *testing.T) {
	c := serve(t, NewKeyring())
	names, err := c.Extensions(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{sessionBind}, names)
	_, err = c.Extension(t.Context(), "nonesuch@example.com", []byte("contents"))
	require.ErrorIs(t, err, ErrUnsupported)
	_, err = c.Extension(t.Context(), queryExtension, []byte("contents"))
	require.ErrorIs(t, err, ErrRefused)
	names, err = serve(t, plain{NewKeyring()}).Extensions(t.Context())
	require.NoError(t, err)
	require.Empty(t, names, "that one cannot be bound")

	for _, test := range []struct {
		name   string
		answer []byte
		want   []string
		fails  bool
	}{
		{"RFC 9987 5.8.1", message(extensionResponse, []byte("\x00\x00\x00\x05query\x00\x00\x00\x01a")), []string{"a"}, false},
		{"a draft of it", message(agentSuccess, []byte("\x00\x00\x00\x01a\x00\x00\x00\x01b")), []string{"a", "b"}, false},
		{"of another", message(extensionResponse, []byte("\x00\x00\x00\x05other\x00\x00\x00\x01a")), nil, true},
		{"truncated", message(extensionResponse, []byte("\x00\x00\x00\x05query\x00\x00\x00\x02a")), nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			names, err := answerWith(t, test.answer).Extensions(t.Context())
			require.Equal(t, test.fails, err != nil, "%v", err)
			require.Equal(t, test.want, names)
		})
	}
}

// A plain is an Agent and nothing else.
type plain struct{ Agent }

func TestDial(t *testing.T) {
	_, err := Dial(t.Context(), "")
	require.ErrorContains(t, err, "SSH_AUTH_SOCK")
	_, err = Dial(t.Context(), t.TempDir()+"/nonesuch")
	require.ErrorContains(t, err, "nonesuch")

	l, err := Listen()
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- (&Server{Agent: NewKeyring()}).ServeListener(t.Context(), l) }()
	c, err := Dial(t.Context(), l.Addr().String())
	require.NoError(t, err)
	testAgent(t, c)
	require.NoError(t, c.Close())
	require.NoError(t, l.Close())
	require.NoError(t, <-served)
}
