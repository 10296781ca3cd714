package userauth

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// A methodFunc is a method made of a function.
type methodFunc func(ctx context.Context, d *Dialog) (Answer, error)

func (methodFunc) Name() string { return "test@example.com" }

func (f methodFunc) Authenticate(ctx context.Context, d *Dialog) (Answer, error) { return f(ctx, d) }

func TestDialogOfOwnMethod(t *testing.T) {
	conn := &script{in: [][]byte{{60, 'q'}, bannerOf("in between"), success()}}
	m := methodFunc(func(_ context.Context, d *Dialog) (Answer, error) {
		require.Equal(t, "alice", d.User())
		require.Equal(t, "ssh-connection", d.Service())
		require.Equal(t, bound, d.Binding())
		answer, err := d.Request([]byte("fields"))
		require.NoError(t, err)
		require.Equal(t, Answer{Message: []byte{60, 'q'}}, answer)
		answer, err = d.Respond(61, []byte("body"))
		require.NoError(t, err)
		require.Equal(t, Answer{OK: true}, answer)
		return answer, nil
	})
	c := &Client{User: "alice", Methods: []Method{m}}
	require.NoError(t, c.Authenticate(t.Context(), conn, bound))
	require.Equal(t, []byte("fields"), conn.requests(t)[0].Fields)
	require.Equal(t, []byte("\x3dbody"), conn.out[1])
}

func TestDialogAnswers(t *testing.T) {
	conn := &script{in: [][]byte{failureOf("a", "b"), partialOf("c"), failureOf()}}
	m := methodFunc(func(_ context.Context, d *Dialog) (Answer, error) {
		for _, want := range []Answer{
			{Continue: []string{"a", "b"}}, {Continue: []string{"c"}, Partial: true}, {},
		} {
			answer, err := d.Request(nil)
			require.NoError(t, err)
			require.Equal(t, want, answer)
		}
		return Answer{}, nil
	})
	c := &Client{User: "alice", Methods: []Method{m}}
	var failed *Error
	require.ErrorAs(t, c.Authenticate(t.Context(), conn, bound), &failed)
	require.Equal(t, []string{"test@example.com"}, failed.Tried)
}

func TestDialogGoesByWhatTheServerSaid(t *testing.T) {
	distrust := errors.New("the server asked for nothing")
	broken := &ProtocolError{What: "nonsense"}
	for _, tt := range []struct {
		name   string
		server [][]byte
		method methodFunc
		is     error
		text   string
	}{
		{"a method that claims success", [][]byte{failureOf("password")},
			func(_ context.Context, d *Dialog) (Answer, error) {
				_, err := d.Request(nil)
				return Answer{OK: true}, err
			}, nil, "claims a success"},
		{"a method that overlooks success", [][]byte{success()},
			func(_ context.Context, d *Dialog) (Answer, error) {
				_, err := d.Request(nil)
				return Answer{}, err
			}, nil, "does not take"},
		{"I1: a method that distrusts success", [][]byte{success()},
			func(_ context.Context, d *Dialog) (Answer, error) {
				answer, _ := d.Request(nil)
				return answer, distrust
			}, distrust, ""},
		{"a message after success", [][]byte{success(), success()},
			func(_ context.Context, d *Dialog) (Answer, error) {
				d.Request(nil)
				answer, _ := d.Request(nil)
				return answer, nil
			}, nil, "after the server's success"},
		{"a method that keeps a lost connection to itself", nil,
			func(_ context.Context, d *Dialog) (Answer, error) {
				d.Request(nil)
				return Answer{}, nil
			}, nil, "connection lost"},
		{"a method that goes on after the connection was lost", nil,
			func(_ context.Context, d *Dialog) (Answer, error) {
				_, first := d.Request(nil)
				answer, err := d.Respond(60, nil)
				if err != first {
					return answer, nil
				}
				return answer, errors.New("not seen")
			}, nil, "connection lost"},
		{"a method that finds a violation", [][]byte{{60}},
			func(_ context.Context, d *Dialog) (Answer, error) {
				d.Request(nil)
				return Answer{}, broken
			}, broken, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: tt.server}
			c := &Client{User: "alice", Methods: []Method{tt.method, Password(secret("x"))}}
			err := c.Authenticate(t.Context(), conn, bound)
			require.Error(t, err)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			require.ErrorContains(t, err, tt.text)
			require.Len(t, conn.out, 1, "the dialogue is over")
		})
	}
}

func TestDialogRespondPanics(t *testing.T) {
	d := newDialog(t.Context(), &Client{}, &script{}, bound)
	for _, n := range []byte{0, 20, 50, 59, 80, 255} {
		require.Panics(t, func() { d.Respond(n, nil) })
	}
}

// A badSigner does not do what it is asked to.
type badSigner struct {
	hostkey.Signer
	sig *hostkey.Signature
	err error
}

func (s badSigner) Sign(context.Context, string, []byte) (*hostkey.Signature, error) {
	return s.sig, s.err
}

func TestSignersThatFail(t *testing.T) {
	locked := errors.New("agent is locked")
	for _, tt := range []struct {
		name   string
		signer badSigner
		text   string
	}{
		{"error", badSigner{keyA(), nil, locked}, "agent is locked"},
		{"nothing", badSigner{keyA(), nil, nil}, `does not sign with "ssh-ed25519"`},
		{"RFC 8332: SHA-1 all the same", badSigner{keyA(), &hostkey.Signature{Algorithm: "ssh-rsa"}, nil}, `does not sign with "ssh-ed25519"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Run("the next key is tried", func(t *testing.T) {
				conn := &script{in: [][]byte{pkOK(keyA()), pkOK(keyB()), success()}}
				c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signer, keyB())}}
				require.NoError(t, c.Authenticate(t.Context(), conn, bound))
			})
			t.Run("nothing but the failure is said", func(t *testing.T) {
				conn := &script{in: [][]byte{failureOf("publickey")}}
				c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signer)}}
				err := c.Authenticate(t.Context(), conn, bound)
				require.ErrorContains(t, err, tt.text)
				require.ErrorContains(t, err, "publickey: key SHA256:")
				require.Equal(t, "none", conn.requests(t)[0].Method)
			})
		})
	}
}

func TestSignRefusesSHA1(t *testing.T) {
	d := newDialog(t.Context(), &Client{User: "alice"}, &script{}, bound)
	for _, algorithm := range overSHA1 {
		_, err := d.Sign(t.Context(), preferring{keyA(), overSHA1}, algorithm)
		require.ErrorContains(t, err, "SHA-1")
	}
}

func TestSignDoesNotLeaveTheSession(t *testing.T) {
	d := newDialog(t.Context(), &Client{User: "alice", Service: "s"}, &script{}, bound)
	one, err := d.Sign(t.Context(), keyA(), "ssh-ed25519")
	require.NoError(t, err)
	sig, err := hostkey.ParseSignature(one)
	require.NoError(t, err)
	data := signed{user: "alice", service: "s", algorithm: "ssh-ed25519", key: keyA().PublicKey().Marshal()}
	require.NoError(t, keyA().PublicKey().Verify(data.data(session), sig))
	require.Error(t, keyA().PublicKey().Verify(data.data([]byte("another")), sig))
	require.Equal(t, wire.AppendString(nil, session), data.data(session)[:4+len(session)])
}
