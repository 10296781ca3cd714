package userauth

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// step is what one request of a client looked like.
type step struct {
	method string
	signed bool
	key    hostkey.Signer
}

func (r *step) matches(t *testing.T, got wire.UserauthRequest) {
	t.Helper()
	require.Equal(t, "alice", got.User)
	require.Equal(t, "ssh-connection", got.Service)
	require.Equal(t, r.method, got.Method)
	if r.key == nil {
		return
	}
	m, err := wire.ParsePublicKeyFields(got.Fields)
	require.NoError(t, err)
	require.Equal(t, r.signed, m.Signed)
	require.Equal(t, r.key.PublicKey().Marshal(), m.Key)
}

func TestClientDialogue(t *testing.T) {
	a, b, c := keyA(), keyB(), keyC()
	two := []Method{PublicKey(a), Password(secret("x"))}
	for _, tt := range []struct {
		name    string
		methods []Method
		server  [][]byte
		want    []step
	}{
		{"RFC 4252 7: one key signs at once", []Method{PublicKey(a)},
			[][]byte{success()},
			[]step{{"publickey", true, a}}},
		{"RFC 4252 7: several keys are asked about", []Method{PublicKey(a, b, c)},
			[][]byte{failureOf("publickey"), pkOK(b), success()},
			[]step{{"publickey", false, a}, {"publickey", false, b}, {"publickey", true, b}}},
		{"the same key twice is one key", []Method{PublicKey(a, a)},
			[][]byte{success()},
			[]step{{"publickey", true, a}}},
		{"the next key after a signature was refused", []Method{PublicKey(a, b)},
			[][]byte{pkOK(a), failureOf("publickey"), pkOK(b), success()},
			[]step{{"publickey", false, a}, {"publickey", true, a}, {"publickey", false, b}, {"publickey", true, b}}},
		{"no more keys once publickey is not listed", []Method{PublicKey(a, b, c), Password(secret("x"))},
			[][]byte{failureOf("password"), success()},
			[]step{{"publickey", false, a}, {"password", false, nil}}},
		{"the next method after a refusal", two,
			[][]byte{failureOf("publickey", "password"), success()},
			[]step{{"publickey", true, a}, {"password", false, nil}}},
		{"RFC 4252 5.2: none", []Method{None(), Password(secret("x"))},
			[][]byte{failureOf("password"), success()},
			[]step{{"none", false, nil}, {"password", false, nil}}},
		{"none is let in", []Method{None()},
			[][]byte{success()},
			[]step{{"none", false, nil}}},
		{"none is tried in its turn although no server lists it", []Method{Password(secret("x")), None()},
			[][]byte{failureOf("password"), success()},
			[]step{{"password", false, nil}, {"none", false, nil}}},
		{"a method the server does not list is passed over", []Method{None(), PublicKey(a), Password(secret("x"))},
			[][]byte{failureOf("password"), success()},
			[]step{{"none", false, nil}, {"password", false, nil}}},
		{"no probe where the next method has something to send", []Method{PublicKey(), Password(secret("x"))},
			[][]byte{success()},
			[]step{{"password", false, nil}}},
		{"a method listed twice is tried twice", []Method{Password(secret("x")), Password(secret("y"))},
			[][]byte{failureOf("password"), success()},
			[]step{{"password", false, nil}, {"password", false, nil}}},
		{"RFC 4252 5.1: partial success, then another method", two,
			[][]byte{partialOf("password"), success()},
			[]step{{"publickey", true, a}, {"password", false, nil}}},
		{"RFC 4252 5.1: partial success, then another key", []Method{PublicKey(a, b)},
			[][]byte{pkOK(a), partialOf("publickey"), success()},
			[]step{{"publickey", false, a}, {"publickey", true, a}, {"publickey", true, b}}},
		{"a key refused before a partial success is worth another try", []Method{PublicKey(a, b, c)},
			[][]byte{failureOf("publickey"), pkOK(b), partialOf("publickey"), pkOK(a), success()},
			[]step{{"publickey", false, a}, {"publickey", false, b}, {"publickey", true, b}, {"publickey", false, a}, {"publickey", true, a}}},
		{"a method spent before a partial success is worth another try", []Method{Password(secret("x")), PublicKey(a)},
			[][]byte{failureOf("publickey"), partialOf("password"), success()},
			[]step{{"password", false, nil}, {"publickey", true, a}, {"password", false, nil}}},
		{"none is not repeated after a partial success", []Method{None(), PublicKey(a), Password(secret("x"))},
			[][]byte{failureOf("publickey"), partialOf("password"), success()},
			[]step{{"none", false, nil}, {"publickey", true, a}, {"password", false, nil}}},
		{"RFC 4252 5.4: banners in between", two,
			[][]byte{bannerOf("hi"), failureOf("password"), bannerOf("there"), success()},
			[]step{{"publickey", true, a}, {"password", false, nil}}},
		{"RFC 4253 11.4: unknown messages in between", two,
			[][]byte{{59}, failureOf("password"), {193, 1}, success()},
			[]step{{"publickey", true, a}, {"password", false, nil}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: tt.server}
			c := &Client{User: "alice", Methods: tt.methods}
			require.NoError(t, c.Authenticate(t.Context(), conn, bound))
			got := conn.requests(t)
			require.Len(t, got, len(tt.want))
			for i, want := range tt.want {
				want.matches(t, got[i])
			}
			require.Zero(t, conn.readsAt[0], "the first request must not wait for the server")
			require.Equal(t, len(tt.server), conn.reads)
		})
	}
}

func TestClientIsReusable(t *testing.T) {
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA(), keyB())}}
	for range 2 {
		conn := &script{in: [][]byte{pkOK(keyA()), partialOf("publickey"), success()}}
		require.NoError(t, c.Authenticate(t.Context(), conn, bound))
	}
	require.Len(t, c.Methods, 1)
}

func TestClientSendsWhatItSays(t *testing.T) {
	conn := &script{in: [][]byte{success()}}
	c := &Client{User: "älice", Service: "other@example.com", Methods: []Method{Password(secret("pÿ"))}}
	require.NoError(t, c.Authenticate(t.Context(), conn, bound))
	want := []byte("\x32\x00\x00\x00\x06\xc3\xa4lice\x00\x00\x00\x11other@example.com\x00\x00\x00\x08password\x00\x00\x00\x00\x03p\xc3\xbf")
	require.Equal(t, want, conn.out[0])
}

func TestClientSignature(t *testing.T) {
	for _, s := range testkeys.All() {
		for _, algorithm := range s.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				conn := &script{in: [][]byte{success()}}
				c := &Client{User: "alice", Methods: []Method{PublicKey(s)}}
				b := Binding{SessionID: session, Algorithms: []string{algorithm}}
				require.NoError(t, c.Authenticate(t.Context(), conn, b))
				m, err := wire.ParsePublicKeyFields(conn.requests(t)[0].Fields)
				require.NoError(t, err)
				require.Equal(t, algorithm, m.Algorithm)

				sig, err := hostkey.ParseSignature(m.Signature)
				require.NoError(t, err)
				require.Equal(t, algorithm, sig.Algorithm)
				data := wire.AppendString(nil, session)
				data = append(data, "\x32\x00\x00\x00\x05alice\x00\x00\x00\x0essh-connection\x00\x00\x00\x09publickey\x01"...)
				data = wire.AppendString(data, algorithm)
				data = wire.AppendString(data, s.PublicKey().Marshal())
				require.NoError(t, s.PublicKey().Verify(data, sig))
			})
		}
	}
}

func TestClientFails(t *testing.T) {
	broken := errors.New("agent is gone")
	keys := func(signers []hostkey.Signer, err error) Method {
		return PublicKeyFunc(func(context.Context) ([]hostkey.Signer, error) { return signers, err })
	}
	for _, tt := range []struct {
		name    string
		methods []Method
		server  [][]byte
		want    Error
		text    string
	}{
		{"nothing to offer", nil,
			[][]byte{failureOf("publickey", "password")},
			Error{Tried: []string{"none"}, Allowed: []string{"publickey", "password"}},
			`userauth: the server does not let "alice" in: tried ["none"]; it allows ["publickey" "password"]: give the client a way to do ["publickey" "password"]`},
		{"all allowed methods tried", []Method{PublicKey(keyA()), Password(secret("x"))},
			[][]byte{failureOf("publickey", "password"), failureOf("publickey", "password")},
			Error{Tried: []string{"publickey", "password"}, Allowed: []string{"publickey", "password"}},
			`userauth: the server does not let "alice" in: tried ["publickey" "password"]; it allows ["publickey" "password"]: check the user name and what was offered`},
		{"another method is wanted", []Method{PublicKey(keyA())},
			[][]byte{partialOf("password")},
			Error{Tried: []string{"publickey"}, Passed: []string{"publickey"}, Allowed: []string{"password"}},
			`userauth: the server does not let "alice" in: tried ["publickey"], of which ["publickey"] succeeded; it allows ["password"]: give the client a way to do ["password"]`},
		{"nothing is allowed", []Method{PublicKey(keyA()), Password(secret("x"))},
			[][]byte{failureOf()},
			Error{Tried: []string{"publickey"}},
			`userauth: the server does not let "alice" in: tried ["publickey"]; it allows []: it has no method left for this user`},
		{"a callback that fails", []Method{keys(nil, broken)},
			[][]byte{failureOf("publickey")},
			Error{Tried: []string{"none"}, Allowed: []string{"publickey"}},
			`userauth: the server does not let "alice" in: tried ["none"]; it allows ["publickey"]: give the client a way to do ["publickey"]; publickey: agent is gone`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: tt.server}
			c := &Client{User: "alice", Methods: tt.methods}
			err := c.Authenticate(t.Context(), conn, bound)
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, tt.want.Tried, failed.Tried)
			require.Equal(t, tt.want.Passed, failed.Passed)
			require.Equal(t, tt.want.Allowed, failed.Allowed)
			require.Equal(t, tt.text, err.Error())
			require.Equal(t, len(tt.server), conn.reads)
		})
	}
}

func TestClientGoesOnAfterCallbackFails(t *testing.T) {
	broken := errors.New("broken")
	failing := func(context.Context) (string, error) { return "", broken }
	conn := &script{in: [][]byte{failureOf("password"), failureOf("password")}}
	c := &Client{User: "alice", Methods: []Method{Password(failing), PublicKey(keyA()), Password(secret("x"))}}
	err := c.Authenticate(t.Context(), conn, bound)
	require.ErrorIs(t, err, broken)
	require.Len(t, conn.out, 2)
}

func TestClientConnectionLost(t *testing.T) {
	gone := errors.New("peer disconnected: Too many authentication failures")
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA()), Password(secret("x"))}}

	err := c.Authenticate(t.Context(), &script{in: [][]byte{failureOf("password")}, readErr: gone}, bound)
	require.ErrorIs(t, err, gone)
	require.EqualError(t, err, `userauth: connection lost after trying ["publickey" "password"]: `+gone.Error())
	var failed *Error
	require.False(t, errors.As(err, &failed), "a lost connection is not a refusal")

	conn := &script{writeErr: gone}
	require.ErrorIs(t, c.Authenticate(t.Context(), conn, bound), gone)
	require.Zero(t, conn.reads)

	require.ErrorIs(t, c.Authenticate(t.Context(), &script{}, bound), io.EOF)
}

func TestClientContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancelling := func(context.Context) (string, error) { cancel(); return "x", nil }
	conn := &script{in: [][]byte{failureOf("publickey", "password"), success()}}
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA()), Password(cancelling), Password(secret("y"))}}
	require.ErrorIs(t, c.Authenticate(ctx, conn, bound), context.Canceled)
	require.Len(t, conn.out, 1, "nothing may be sent once the context has ended")

	conn = &script{in: [][]byte{success()}}
	require.ErrorIs(t, c.Authenticate(ctx, conn, bound), context.Canceled)
	require.Empty(t, conn.out)

	ctx, cancel = context.WithCancel(t.Context())
	giving := func(context.Context) (string, error) { cancel(); return "", errors.New("the prompt is gone") }
	c.Methods = []Method{PublicKey(keyA()), Password(giving)}
	err := c.Authenticate(ctx, &script{in: [][]byte{failureOf("password")}}, bound)
	require.ErrorIs(t, err, context.Canceled)
	var failed *Error
	require.False(t, errors.As(err, &failed), "the user was not refused")
}

// RFC 8308, section 2.4: the server's EXT_INFO may come behind a request that
// did not wait for it. What was refused for its algorithm is tried again.
func TestClientRelearnsAlgorithms(t *testing.T) {
	rsa, other := testkeys.RSA2048(), testkeys.RSA3072()
	refused := failureOf("publickey")
	for _, tt := range []struct {
		name    string
		signers []hostkey.Signer
		learned []string
		server  [][]byte
		want    []string // algorithms asked for, in order
	}{
		{"another algorithm", []hostkey.Signer{rsa}, []string{"rsa-sha2-256"}, [][]byte{refused, success()}, []string{"rsa-sha2-512", "rsa-sha2-256"}},
		{"the same algorithm", []hostkey.Signer{rsa}, []string{"rsa-sha2-512"}, [][]byte{refused}, []string{"rsa-sha2-512"}},
		{"none of the key's", []hostkey.Signer{rsa}, []string{"ssh-ed25519"}, [][]byte{refused}, []string{"rsa-sha2-512"}},
		{"nothing", []hostkey.Signer{rsa}, nil, [][]byte{refused}, []string{"rsa-sha2-512"}},
		{"for keys still to come", []hostkey.Signer{rsa, other}, []string{"rsa-sha2-256"}, [][]byte{refused, refused, refused},
			[]string{"rsa-sha2-512", "rsa-sha2-256", "rsa-sha2-256"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: tt.server}
			c := &Client{User: "alice", Methods: []Method{PublicKey(tt.signers...)}}
			asked := 0
			b := Binding{SessionID: session, Relearn: func(b *Binding) { asked++; b.Algorithms = tt.learned }}
			err := c.Authenticate(t.Context(), conn, b)
			require.Equal(t, tt.name == "another algorithm", err == nil, "%v", err)
			require.Positive(t, asked)
			var algorithms []string
			for _, r := range conn.requests(t) {
				m, err := wire.ParsePublicKeyFields(r.Fields)
				require.NoError(t, err)
				algorithms = append(algorithms, m.Algorithm)
			}
			require.Equal(t, tt.want, algorithms)
		})
	}
}

// Keys do not use up what the server stands where a password may do.
func TestClientSparesTheLastTry(t *testing.T) {
	keys := append(testkeys.All(), testkeys.SKEd25519(), testkeys.SKECDSA256())
	require.Len(t, keys, 8)
	list := failureOf("publickey", "password")
	pw := Password(secret("right"))
	for _, tt := range []struct {
		name    string
		client  Client
		list    []byte // what each refusal says
		want    int    // keys offered
		methods []string
	}{
		{"OpenSSH's six", Client{Methods: []Method{PublicKey(keys...), pw}}, list, 5, []string{"publickey", "password"}},
		{"keys of several origins", Client{Methods: []Method{PublicKey(keys[:3]...), PublicKey(keys[3:]...), pw}}, list, 5, []string{"publickey", "password"}},
		{"fewer", Client{Methods: []Method{PublicKey(keys...), pw}, MaxTries: 2}, list, 1, []string{"publickey", "password"}},
		{"more", Client{Methods: []Method{PublicKey(keys...), pw}, MaxTries: 20}, list, len(keys), []string{"publickey", "password"}},
		{"no other method", Client{Methods: []Method{PublicKey(keys...)}}, list, len(keys), []string{"publickey"}},
		{"no other but none", Client{Methods: []Method{PublicKey(keys...), None()}}, list, len(keys), []string{"publickey", "none"}},
		{"no other that is allowed", Client{Methods: []Method{PublicKey(keys...), pw}}, failureOf("publickey"), len(keys), []string{"publickey"}},
		{"a first none is free", Client{Methods: []Method{None(), PublicKey(keys...), pw}}, list, 5, []string{"none", "publickey", "password"}},
		{"a password counts too", Client{Methods: []Method{pw, PublicKey(keys...), pw}}, list, 4, []string{"password", "publickey", "password"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := &script{in: slicesRepeat(tt.list, 20)}
			tt.client.User = "alice"
			err := tt.client.Authenticate(t.Context(), conn, bound)
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, tt.methods, failed.Tried)
			offered := 0
			for _, r := range conn.requests(t) {
				if r.Method == "publickey" {
					offered++
				}
			}
			require.Equal(t, tt.want, offered)
			if tt.want < len(keys) {
				require.ErrorContains(t, err, "keys were not offered, because servers hang up after")
			}
		})
	}
}
