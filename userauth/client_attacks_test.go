package userauth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// A message that a server may not send, or not then, ends the dialogue
// (attacks I1, E7 to E10).
func TestI1ClientProtocolErrors(t *testing.T) {
	one := []Method{PublicKey(keyA())}
	two := []Method{PublicKey(keyA(), keyB())}
	pw := []Method{Password(secret("x"))}
	for _, tt := range []struct {
		name    string
		methods []Method
		server  [][]byte
	}{
		{"RFC 4252 7: success for a key that has not signed", two, [][]byte{success()}},
		{"RFC 4252 7: partial success for a key that has not signed", two, [][]byte{partialOf("password")}},
		{"PK_OK for another key", two, [][]byte{pkOK(keyC())}},
		{"PK_OK that is truncated", two, [][]byte{pkOK(keyA())[:20]}},
		{"another method's message to a key", two, [][]byte{{61}}},
		{"PK_OK to a signature", one, [][]byte{pkOK(keyA())}},
		{"a method's message to none", []Method{None()}, [][]byte{{60}}},
		{"a method's message to the probe", nil, [][]byte{{60}}},
		{"another method's message to a password", pw, [][]byte{{61, 0}}},
		{"PASSWD_CHANGEREQ that is truncated", pw, [][]byte{{60, 0, 0, 0, 9}}},
		{"success with bytes after it", one, [][]byte{append(success(), 0)}},
		{"failure that is truncated", one, [][]byte{{51, 0, 0, 0}}},
		{"failure with an empty name", one, [][]byte{{51, 0, 0, 0, 1, ',', 0}}},
		{"banner that is truncated", one, [][]byte{{53, 0, 0, 0, 1}}},
		{"empty message", one, [][]byte{{}}},
		{"USERAUTH_REQUEST from a server", one, [][]byte{passwordOf("alice", "x")}},
		{"KEXINIT let through", one, [][]byte{{20}}},
		{"number 0", one, [][]byte{{0}}},
		{"GLOBAL_REQUEST before success", one, [][]byte{{80}}},
		{"CHANNEL_OPEN before success", one, [][]byte{{90}}},
		{"CHANNEL_DATA after a refusal", append(one, pw...), [][]byte{failureOf("password"), {94}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: append(slices.Clone(tt.server), success(), success())}
			c := &Client{User: "alice", Methods: tt.methods}
			err := c.Authenticate(t.Context(), conn, bound)
			var broken *ProtocolError
			require.ErrorAs(t, err, &broken)
			require.Contains(t, err.Error(), "userauth: protocol error: ")
			require.Equal(t, len(tt.server), conn.reads, "nothing is read after the violation")
		})
	}
}

func TestI1SuccessForNothing(t *testing.T) {
	t.Run("none is accepted only if it was asked for (CVE-2021-36367, CVE-2021-36368, CVE-2021-36369)", func(t *testing.T) {
		for _, methods := range [][]Method{nil, {PublicKey()}} {
			c := &Client{User: "alice", Methods: methods}
			require.ErrorIs(t, c.Authenticate(t.Context(), &script{in: [][]byte{success()}}, bound), ErrTrivial)
		}
	})
	t.Run("no secret leaves where a key would do", func(t *testing.T) {
		asked := false
		prompt := func(context.Context) (string, error) { asked = true; return "x", nil }
		c := &Client{User: "alice", Methods: []Method{PublicKey(keyA(), keyB()), Password(prompt)}}
		require.Error(t, c.Authenticate(t.Context(), &script{in: [][]byte{success()}}, bound))
		require.False(t, asked)
	})
}

// A server's list of algorithms narrows the choice and never widens it to SHA-1
// (attack I3).
func TestI3ServerSigAlgs(t *testing.T) {
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("unknown-%d", i)
	}
	rsa, ed := testkeys.RSA2048(), keyA()
	for _, tt := range []struct {
		name   string
		theirs []string
		signer hostkey.Signer
		want   string // "" if the key cannot be used
	}{
		{"unknown", nil, rsa, "rsa-sha2-512"},
		{"RFC 8332 3.3: only one of ours", []string{"rsa-sha2-256"}, rsa, "rsa-sha2-256"},
		{"our order counts", []string{"rsa-sha2-256", "rsa-sha2-512"}, rsa, "rsa-sha2-512"},
		{"only SHA-1, as OpenSSH 7.4 says", []string{"ssh-rsa", "ssh-dss"}, rsa, "rsa-sha2-512"},
		{"no RSA, only DSA", []string{"ssh-dss"}, rsa, ""},
		{"empty", []string{}, ed, ""},
		{"other keys", []string{"rsa-sha2-512"}, ed, ""},
		{"huge and useless", many, ed, ""},
		{"huge and useful", append(slices.Clone(many), "ssh-ed25519"), ed, "ssh-ed25519"},
		{"a signer that prefers SHA-1", nil, preferring{rsa, []string{"ssh-rsa", "rsa-sha2-256"}}, "rsa-sha2-256"},
		{"a signer of nothing but SHA-1", nil, preferring{rsa, []string{"ssh-rsa"}}, ""},
		{"an algorithm only the signer knows", []string{"ssh-future@example.com"},
			preferring{ed, []string{"ssh-future@example.com"}}, "ssh-future@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: [][]byte{failureOf("publickey")}}
			c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signer)}}
			err := c.Authenticate(t.Context(), conn, Binding{SessionID: session, Algorithms: tt.theirs})
			require.Error(t, err)
			require.Less(t, len(err.Error()), 1000)
			r := conn.requests(t)[0]
			if tt.want == "" {
				require.Equal(t, "none", r.Method)
				require.ErrorContains(t, err, "of which the server takes none")
				return
			}
			m, err := wire.ParsePublicKeyFields(r.Fields)
			require.NoError(t, err)
			require.Equal(t, tt.want, m.Algorithm)
		})
	}
}

// preferring is a signer that says it can do something else.
type preferring struct {
	hostkey.Signer
	algorithms []string
}

func (p preferring) Algorithms() []string { return p.algorithms }

// Sign signs in the name of whatever algorithm it is asked for.
func (p preferring) Sign(ctx context.Context, algorithm string, data []byte) (*hostkey.Signature, error) {
	sig, err := p.Signer.Sign(ctx, p.Signer.Algorithms()[0], data)
	sig.Algorithm = algorithm
	return sig, err
}

func TestI3UnusableKeyIsSkipped(t *testing.T) {
	conn := &script{in: [][]byte{success()}}
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA(), testkeys.RSA2048())}}
	b := Binding{SessionID: session, Algorithms: []string{"rsa-sha2-256"}}
	require.NoError(t, c.Authenticate(t.Context(), conn, b))
	want := step{"publickey", true, testkeys.RSA2048()} // the only one left signs at once
	want.matches(t, conn.requests(t)[0])
}

// No server keeps a client going for ever (attack I4).
func TestI4Attempts(t *testing.T) {
	endless := Method(talker{})
	for _, tt := range []struct {
		name    string
		methods []Method
		answer  []byte
	}{
		{"partial success for ever", []Method{Password(secret("x"))}, partialOf("password")},
		{"refusals for ever", slices.Repeat([]Method{Password(secret("x"))}, 1000), failureOf("password")},
		{"a method's questions for ever", []Method{endless}, []byte{60}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: slicesRepeat(tt.answer, 1000)}
			c := &Client{User: "alice", Methods: tt.methods}
			err := c.Authenticate(t.Context(), conn, bound)
			var failed *Error
			require.ErrorAs(t, err, &failed)
			var limit *LimitError
			require.ErrorAs(t, err, &limit)
			require.Equal(t, 64, limit.Limit)
			require.Len(t, conn.out, 64)
		})
	}
}

// A talker is a method that goes on as long as the server asks.
type talker struct{}

func (talker) Name() string { return "talk@example.com" }

func (talker) Authenticate(_ context.Context, d *Dialog) (Answer, error) {
	answer, err := d.Request([]byte("hello"))
	for err == nil && answer.Message != nil {
		answer, err = d.Respond(61, append([]byte("you said "), answer.Message[1:]...))
	}
	return answer, err
}

// Banners are bounded in number and size (attack H19).
func TestH19Banners(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		size  int
		shown int
		ok    bool
	}{
		{"as many as may be", 32, 2048, 32, true},
		{"one too many", 33, 0, 32, false},
		{"10,000", 10_000, 1, 32, false},
		{"one of 64 KiB", 1, 64 << 10, 1, true},
		{"one larger than that", 1, 64<<10 + 1, 0, false},
		{"many that are", 3, 32 << 10, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: append(slicesRepeat(bannerOf(strings.Repeat("x", tt.size)), tt.n), success())}
			shown := 0
			c := &Client{
				User: "alice", Methods: []Method{PublicKey(keyA())},
				Banner: func(message string) { require.Len(t, message, tt.size); shown++ },
			}
			err := c.Authenticate(t.Context(), conn, bound)
			require.Equal(t, tt.shown, shown)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			var broken *ProtocolError
			require.ErrorAs(t, err, &broken)
		})
	}
	t.Run("the bound holds over the whole dialogue", func(t *testing.T) {
		var in [][]byte
		for range 33 {
			in = append(in, bannerOf("x"), failureOf("password"))
		}
		c := &Client{User: "alice", Methods: slices.Repeat([]Method{Password(secret("x"))}, 60)}
		var broken *ProtocolError
		require.ErrorAs(t, c.Authenticate(t.Context(), &script{in: in}, bound), &broken)
	})
}

// What a peer said is quoted in errors (attack P1).
func TestP1TextIsQuoted(t *testing.T) {
	const evil = "\x1b[2J\n\u202e\u009b\xff"
	change := (&wire.UserauthPasswdChangeReq{Prompt: evil}).Append(nil)
	c := &Client{User: "al\nice", Methods: []Method{Password(secret("x"))}}
	err := c.Authenticate(t.Context(), &script{in: [][]byte{change}}, bound)
	for _, text := range []string{
		err.Error(),
		(&ServiceError{Service: evil}).Error(),
		checkUser(evil).Error(),
		checkUser("a" + evil[:5]).Error(),
	} {
		require.NotRegexp(t, "[\x00-\x1f\x7f-\u009f\u202e]", text)
		require.Contains(t, text, `"`)
	}
}

func TestH16ZeroClient(t *testing.T) {
	var c Client
	conn := &script{in: [][]byte{failureOf("publickey")}}
	var failed *Error
	require.ErrorAs(t, c.Authenticate(t.Context(), conn, Binding{}), &failed)

	for _, m := range []Method{PublicKey(), PublicKey(nil), PublicKeyFunc(nil), Password(nil)} {
		c.Methods = []Method{m}
		conn := &script{in: [][]byte{failureOf("publickey")}}
		require.ErrorAs(t, c.Authenticate(t.Context(), conn, bound), &failed)
		require.NotEmpty(t, failed.Errs)
	}
	c.Methods = []Method{nil}
	conn = &script{}
	require.EqualError(t, c.Authenticate(t.Context(), conn, bound), "userauth: a method of the client is nil")
	require.Empty(t, conn.out)
}

func TestZeroBindingDoesNotSign(t *testing.T) {
	conn := &script{in: [][]byte{failureOf("publickey")}}
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA())}}
	require.ErrorIs(t, c.Authenticate(t.Context(), conn, Binding{}), errNoSession)
	require.Equal(t, "none", conn.requests(t)[0].Method)
}
