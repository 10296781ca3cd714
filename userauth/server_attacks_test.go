package userauth

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Restrictions of the first factor outlive the second (attack H2,
// CVE-2026-39828).
func TestH2PermissionsOfPartialSuccess(t *testing.T) {
	first := &Permissions{
		CriticalOptions: map[string]string{"force-command": "/bin/true"},
		Extensions:      map[string]string{"permit-pty": "", "permit-X11-forwarding": ""},
	}
	for _, tt := range []struct {
		name   string
		second *Permissions
		want   *Permissions // nil if the two cannot both be had
	}{
		{"a second factor that says nothing", nil, first},
		{"a second factor that permits less", &Permissions{Extensions: map[string]string{"permit-pty": ""}},
			&Permissions{CriticalOptions: first.CriticalOptions, Extensions: map[string]string{"permit-pty": ""}}},
		{"a second factor that permits something else", &Permissions{Extensions: map[string]string{"permit-agent-forwarding": ""}},
			&Permissions{CriticalOptions: first.CriticalOptions, Extensions: map[string]string{}}},
		{"a second factor that forces something else",
			&Permissions{CriticalOptions: map[string]string{"force-command": "/bin/sh"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{Checks: []Check{
				CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) {
					return AcceptPartial(first, "password"), nil
				}),
				CheckPassword(func(context.Context, *Attempt, string) (Decision, error) {
					return Accept(tt.second), nil
				}),
			}}
			o := serve(t, s, signedBy(t, "alice", keyA()), passwordOf("alice", "x"))
			if tt.want == nil {
				require.Nil(t, o.grant)
				return
			}
			require.Equal(t, tt.want, o.grant.Permissions)
		})
	}
}

// Whoever changes the user name starts again (attack H4, CVE-2026-46705).
func TestH4StateIsFlushed(t *testing.T) {
	var passed [][]string
	s := &Server{Checks: []Check{
		CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) {
			return AcceptPartial(&Permissions{}, "password"), nil
		}),
		CheckPassword(func(_ context.Context, a *Attempt, _ string) (Decision, error) {
			passed = append(passed, a.Passed)
			if len(a.Passed) == 1 {
				return Accept(nil), nil
			}
			return Decision{}, nil
		}),
	}}
	o := serve(t, s, signedBy(t, "alice", keyA()), passwordOf("bob", "x"), passwordOf("alice", "x"))
	require.Nil(t, o.grant)
	require.Equal(t, [][]string{nil, nil}, passed)
	all := failureOf("publickey", "password")
	require.Equal(t, [][]byte{partialOf("password"), all, all}, o.conn.out)

	o = serve(t, s, signedBy(t, "alice", keyA()), passwordOf("bad\x00name", "x"), passwordOf("alice", "x"))
	require.Nil(t, o.grant)

	o = serve(t, s, signedBy(t, "alice", keyA()), passwordOf("bob", "x"), signedBy(t, "bob", keyA()), passwordOf("bob", "x"))
	require.Equal(t, "bob", o.grant.User, "the key may pass for another user")
	require.Equal(t, []string{"publickey", "password"}, o.grant.Methods)
}

// Every kind of request is counted (attack H5).
func TestH5Limits(t *testing.T) {
	yes := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return Accept(nil), nil })
	again := CheckPassword(func(context.Context, *Attempt, string) (Decision, error) {
		return AcceptPartial(nil, "password"), nil
	})
	wrong := passwordOf("alice", "wrong")
	for _, tt := range []struct {
		name    string
		server  Server
		client  [][]byte
		answers int
		limit   int
	}{
		{"failures", Server{Checks: []Check{onlyPassword("alice", "right")}},
			slicesRepeat(wrong, 200), 5, 6},
		{"failures, as set", Server{Checks: []Check{onlyPassword("alice", "right")}, MaxTries: 2},
			slicesRepeat(wrong, 200), 1, 2},
		{"a first none is free", Server{Checks: []Check{onlyPassword("alice", "right")}},
			append([][]byte{requestOf("alice", "none", nil)}, slicesRepeat(wrong, 200)...), 6, 6},
		{"only the first", Server{Checks: []Check{onlyPassword("alice", "right")}},
			slicesRepeat(requestOf("alice", "none", nil), 200), 6, 6},
		{"changing the user is no way out", Server{Checks: []Check{onlyPassword("alice", "right")}},
			[][]byte{wrong, passwordOf("b", "x"), passwordOf("c", "x"), passwordOf("d", "x"), passwordOf("e", "x"), passwordOf("f", "x")}, 5, 6},
		{"methods nobody has", Server{Checks: []Check{onlyPassword("alice", "right")}},
			slicesRepeat(requestOf("alice", "x", nil), 200), 5, 6},
		{"keys that would not do", Server{Checks: []Check{onlyKey("alice", keyA())}},
			slicesRepeat(queryOf("alice", keyB()), 200), 5, 6},
		{"keys that would do", Server{Checks: []Check{yes}},
			slicesRepeat(queryOf("alice", keyA()), 200), 20, 20},
		{"keys, however many failures are allowed", Server{Checks: []Check{onlyKey("alice", keyA())}, MaxTries: 1000},
			slicesRepeat(queryOf("alice", keyB()), 200), 20, 20},
		{"requests, however many failures are allowed", Server{Checks: []Check{onlyPassword("alice", "right")}, MaxTries: 1000},
			slicesRepeat(wrong, 200), 128, 128},
		{"partial successes", Server{Checks: []Check{again}},
			slicesRepeat(wrong, 200), 128, 128},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, &tt.server, tt.client...)
			var limit *LimitError
			require.ErrorAs(t, o.err, &limit)
			require.Equal(t, tt.limit, limit.Limit)
			require.Len(t, o.conn.out, tt.answers)
			require.Equal(t, tt.answers+1, o.conn.reads)
		})
	}
}

// There is one service to be let into (attack H13).
func TestH13Service(t *testing.T) {
	for _, service := range []string{"", "foo", "ssh-userauth", "ssh-connection\x00"} {
		m := wire.UserauthRequest{User: "alice", Service: service, Method: "password",
			Fields: (&wire.PasswordFields{Password: "right"}).Append(nil)}
		o := serve(t, &Server{Checks: []Check{untouchable(t)}}, m.Append(nil))
		var wrong *ServiceError
		require.ErrorAs(t, o.err, &wrong)
		require.Equal(t, service, wrong.Service)
		require.Empty(t, o.conn.out)
	}
}

// A server that was not told how to decide lets nobody in and does not fall
// over (attack H16, CVE-2026-39835).
func TestH16ZeroValues(t *testing.T) {
	for name, s := range map[string]*Server{
		"zero server":        {},
		"nil check":          {Checks: []Check{nil}},
		"two of a kind":      {Checks: []Check{untouchable(t), untouchable(t)}},
		"check without name": {Checks: []Check{named("")}},
		"check of two names": {Checks: []Check{named("a,b")}},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, s, passwordOf("alice", "right"))
			require.Zero(t, o.conn.reads)
			require.ErrorContains(t, o.err, "userauth: ")
		})
	}
	s := &Server{Checks: []Check{CheckNone(nil), CheckPassword(nil), CheckPublicKey(nil)}}
	o := serve(t, s, requestOf("alice", "none", nil), passwordOf("alice", "right"), queryOf("alice", keyA()), signedBy(t, "alice", keyA()))
	require.Len(t, o.conn.out, 4)

	for _, c := range s.Checks {
		_, err := c.Check(t.Context(), &Attempt{})
		require.Error(t, err, "an attempt made by nobody")
	}
	accepting := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return Accept(nil), nil })
	r, err := wire.ParseUserauthRequest(signedBy(t, "alice", keyA()))
	require.NoError(t, err)
	_, err = accepting.Check(t.Context(), &Attempt{User: "alice", Service: r.Service, fields: r.Fields})
	require.ErrorIs(t, err, errNoSession)
}

// A named check has a name and nothing else.
type named string

func (n named) Method() string { return string(n) }

func (named) Check(context.Context, *Attempt) (Decision, error) { return Accept(nil), nil }

// Only an explicit yes lets anyone in (attack H17, CVE-2006-5794).
func TestH17OnlyAcceptAccepts(t *testing.T) {
	broken := errors.New("broken")
	for name, d := range map[string]struct {
		Decision
		error
	}{
		"nothing":               {Decision{}, nil},
		"error":                 {Decision{}, broken},
		"accept and an error":   {Accept(&Permissions{}), broken},
		"partial and an error":  {AcceptPartial(nil, "password"), broken},
		"permissions alone":     {Decision{permissions: &Permissions{}}, nil},
		"next alone":            {Decision{next: []string{"password"}}, nil},
		"a message alone":       {Decision{message: []byte{52}}, nil},
		"a verdict of no kind":  {Decision{verdict: -1}, nil},
		"error of the protocol": {Accept(nil), &ProtocolError{What: "of another connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Checks: []Check{
				CheckPassword(func(context.Context, *Attempt, string) (Decision, error) { return d.Decision, d.error }),
				CheckNone(func(context.Context, *Attempt) (Decision, error) { return d.Decision, d.error }),
				CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return d.Decision, d.error }),
			}}
			o := serve(t, s, passwordOf("alice", "x"), requestOf("alice", "none", nil), queryOf("alice", keyA()), signedBy(t, "alice", keyA()))
			no := failureOf("password", "publickey")
			require.Equal(t, [][]byte{no, no, no, no}, o.conn.out)
		})
	}
}

// Before the user is in, a server reads requests and nothing else (attacks E7
// to E9: CVE-2025-32433, CVE-2018-7750, CVE-2018-10933).
func TestE9ServerProtocolErrors(t *testing.T) {
	legal := map[int]bool{50: true}
	for n := 54; n < 60; n++ {
		legal[n] = true // unknown: SSH_MSG_UNIMPLEMENTED
	}
	for n := 128; n < 256; n++ {
		legal[n] = true
	}
	for n := range 256 {
		for name, before := range map[string][][]byte{
			"first":          nil,
			"after failure":  {passwordOf("alice", "wrong")},
			"after question": {queryOf("alice", keyA())},
		} {
			if legal[n] {
				continue
			}
			s := &Server{Checks: []Check{onlyKey("alice", keyA()), onlyPassword("alice", "right")}}
			o := serve(t, s, append(before, []byte{byte(n)}, passwordOf("alice", "right"))...)
			var broken *ProtocolError
			require.ErrorAs(t, o.err, &broken, "%d %s", n, name)
			require.Len(t, o.conn.out, len(before))
		}
	}
	for name, p := range map[string][]byte{
		"empty":                     {},
		"truncated request":         passwordOf("alice", "right")[:20],
		"truncated password":        passwordOf("alice", "right")[:45],
		"bytes after the password":  append(passwordOf("alice", "right"), 0),
		"truncated key":             queryOf("alice", keyA())[:50],
		"bytes after the question":  append(queryOf("alice", keyA()), 0),
		"bytes after the signature": append(signedBy(t, "alice", keyA()), 0),
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Checks: []Check{onlyKey("alice", keyA()), onlyPassword("alice", "right")}}
			var broken *ProtocolError
			require.ErrorAs(t, serve(t, s, p, passwordOf("alice", "right")).err, &broken)
		})
	}
}
