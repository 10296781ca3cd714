package userauth

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// chained has all methods, alice and chains.
func chained(chains ...[]string) *Server {
	keys := CheckPublicKey(func(_ context.Context, a *Attempt, key hostkey.PublicKey) (Decision, error) {
		known := hostkey.Equal(key, keyA().PublicKey()) || hostkey.Equal(key, keyB().PublicKey())
		if a.User == "alice" && known {
			return Accept(&Permissions{CriticalOptions: map[string]string{"force-command": "true"}}), nil
		}
		return Decision{}, nil
	})
	return &Server{Checks: []Check{keys, onlyPassword("alice", "right"), onePrompt(nil)}, Chains: chains}
}

// AuthenticationMethods of sshd_config(5).
func TestChains(t *testing.T) {
	key, other, password := signedBy(t, "alice", keyA()), signedBy(t, "alice", keyB()), passwordOf("alice", "right")
	ask, answer := interactiveOf("alice", ""), responseOf("right")
	wrong := passwordOf("alice", "wrong")
	const pk, pw, ki = "publickey", "password", "keyboard-interactive"
	for _, tt := range []struct {
		name   string
		chains [][]string
		client [][]byte
		want   [][]byte // before success
		passed []string // nil if not let in
	}{
		{"one method", [][]string{{pk}}, [][]byte{key}, nil, []string{pk}},
		{"a method of none", [][]string{{pk}}, [][]byte{password}, [][]byte{failureOf(pk)}, nil},
		{"two methods", [][]string{{pk, pw}}, [][]byte{key, password}, [][]byte{partialOf(pw)}, []string{pk, pw}},
		{"the wrong order", [][]string{{pk, pw}}, [][]byte{password, key, password}, [][]byte{failureOf(pk), partialOf(pw)}, []string{pk, pw}},
		{"the second is wrong", [][]string{{pk, pw}}, [][]byte{key, wrong, password}, [][]byte{partialOf(pw), failureOf(pw)}, []string{pk, pw}},
		{"the first again", [][]string{{pk, pw}}, [][]byte{key, key, other}, [][]byte{partialOf(pw), failureOf(pw), failureOf(pw)}, nil},
		{"either of two", [][]string{{pk, pw}, {pk, ki}}, [][]byte{key, ask, answer}, [][]byte{partialOf(pw, ki), {60}}, []string{pk, ki}},
		{"heads once each", [][]string{{pk, pw}, {pk, ki}, {pw, pk}}, [][]byte{requestOf("alice", "none", nil), key, password},
			[][]byte{failureOf(pk, pw), partialOf(pw, ki)}, []string{pk, pw}},
		{"each chain by itself", [][]string{{pk, pw}, {ki, pk, pw}}, [][]byte{ask, answer, key, password},
			[][]byte{{60}, partialOf(pk), partialOf(pw)}, []string{ki, pk, pw}},
		{"two keys", [][]string{{pk, pk}}, [][]byte{key, key, other}, [][]byte{partialOf(pk), failureOf(pk)}, []string{pk, pk}},
		{"a question is no step", [][]string{{pk, pw}}, [][]byte{queryOf("alice", keyA()), password, key, password},
			[][]byte{pkOK(keyA()), failureOf(pk), partialOf(pw)}, []string{pk, pw}},
		{"RFC 4252 5: another user starts again", [][]string{{pk, pw}}, [][]byte{key, passwordOf("bob", "x"), password},
			[][]byte{partialOf(pw), failureOf(pk), failureOf(pk)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, chained(tt.chains...), tt.client...)
			if tt.passed == nil {
				require.Nil(t, o.grant)
			} else {
				require.Equal(t, tt.passed, o.grant.Methods)
				tt.want = append(tt.want, success())
			}
			require.Len(t, o.conn.out, len(tt.want))
			for i, want := range tt.want {
				require.Equal(t, want, o.conn.out[i][:len(want)], "answer %d", i)
			}
		})
	}
}

// Who exists does not show in the methods (attack H10).
func TestH10ChainsAreTheSameForAll(t *testing.T) {
	for _, request := range []func(string) []byte{
		func(u string) []byte { return requestOf(u, "none", nil) },
		func(u string) []byte { return passwordOf(u, "wrong") },
		func(u string) []byte { return signedBy(t, u, keyC()) },
	} {
		s := chained([]string{"publickey", "password"}, []string{"keyboard-interactive"})
		known, unknown := serve(t, s, request("alice")), serve(t, s, request("nobody"))
		require.Equal(t, known.conn.out, unknown.conn.out)
	}
}

// What a factor forbids stays forbidden (attack H2, CVE-2026-39828).
func TestH2PermissionsOfChains(t *testing.T) {
	o := serve(t, chained([]string{"publickey", "password"}), signedBy(t, "alice", keyA()), passwordOf("alice", "right"))
	require.Equal(t, "true", o.grant.Permissions.CriticalOptions["force-command"])
}

// A check that asks for more does not have it overruled.
func TestChainsAndPartialSuccess(t *testing.T) {
	s := &Server{
		Checks: []Check{anyKey(AcceptPartial(nil, "password")), onlyPassword("alice", "right")},
		Chains: [][]string{{"publickey"}},
	}
	o := serve(t, s, signedBy(t, "alice", keyA()))
	require.Nil(t, o.grant)
	require.Equal(t, [][]byte{failureOf("publickey")}, o.conn.out)
}

func TestChainsThatLeadNowhere(t *testing.T) {
	for name, chains := range map[string][][]string{
		"none at all":              {},
		"an empty one (attack H3)": {{"publickey"}, {}},
		"none":                     {{"none"}},
		"a method without check":   {{"publickey", "hostbased"}},
	} {
		s := chained(chains...)
		s.Chains = chains
		require.Error(t, s.Validate(), name)
		o := serve(t, s, passwordOf("alice", "right"))
		require.Zero(t, o.conn.reads, name)
	}
	require.NoError(t, chained().Validate())
	require.Error(t, (&Server{Checks: []Check{named("publickey-hostbound-v00@openssh.com")}}).Validate())
}

// A client gets through a chain, and says how far it came when it does not.
func TestChainsOfClient(t *testing.T) {
	var shown []string
	methods := []Method{
		KeyboardInteractive(typist(&shown, map[string]string{"Password: ": "right"})),
		Password(secret("right")), PublicKey(keyC(), keyA()),
	}
	for _, chain := range [][]string{
		{"publickey", "password", "keyboard-interactive"}, {"keyboard-interactive", "publickey"}, {"password", "password"},
	} {
		s := chained(chain)
		s.Delay = -1
		grant, clientErr, serverErr := run(t, &Client{User: "alice", Methods: methods}, s)
		require.NoError(t, clientErr)
		require.NoError(t, serverErr)
		require.Equal(t, chain, grant.Methods)
	}
	s := chained([]string{"publickey", "password"})
	s.Delay, s.MaxTries = -1, 3
	near, far := newPipe()
	go func() {
		s.Authenticate(t.Context(), far, bound)
	}()
	err := (&Client{User: "alice", Methods: []Method{PublicKey(keyA())}}).Authenticate(t.Context(), near, bound)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, []string{"publickey"}, failed.Passed)
	require.Equal(t, []string{"password"}, failed.Allowed)
	close(near.done)
}
