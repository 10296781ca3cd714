package userauth

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

// Nothing is a password change that the server did not ask for (attack H7,
// CVE-2012-5975).
func TestH7PasswordChange(t *testing.T) {
	for name, m := range map[string]wire.PasswordFields{
		"right, to something new": {Change: true, Password: "right", NewPassword: "new"},
		"right, to nothing":       {Change: true, Password: "right"},
		"nothing to nothing":      {Change: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, &Server{Checks: []Check{untouchable(t)}}, requestOf("alice", "password", m.Append(nil)))
			require.Equal(t, [][]byte{failureOf("password")}, o.conn.out)
		})
	}
}

// untouchable is a check of passwords that must not be asked.
func untouchable(t *testing.T) Check {
	return CheckPassword(func(_ context.Context, a *Attempt, password string) (Decision, error) {
		t.Errorf("the check was asked about user %q, %d bytes of password", a.User, len(password))
		return Accept(nil), nil
	})
}

// A password too long to be one is not hashed (attack H11, CVE-2016-6515).
func TestH11LongPassword(t *testing.T) {
	o := serve(t, &Server{Checks: []Check{untouchable(t)}}, passwordOf("alice", strings.Repeat("x", 1025)))
	require.Equal(t, [][]byte{failureOf("password")}, o.conn.out)

	longest := strings.Repeat("x", 1024)
	o = serve(t, &Server{Checks: []Check{onlyPassword("alice", longest)}}, passwordOf("alice", longest))
	require.NotNil(t, o.grant)
}

func TestPasswordExpired(t *testing.T) {
	change := (&wire.UserauthPasswdChangeReq{Prompt: "Choose\na new one: "}).Append(nil)

	t.Run("RFC 4252 8: the error says so", func(t *testing.T) {
		c := &Client{User: "alice", Methods: []Method{Password(secret("old"))}}
		err := c.Authenticate(t.Context(), &script{in: [][]byte{change}}, bound)
		var expired *PasswordExpiredError
		require.ErrorAs(t, err, &expired)
		require.Equal(t, "Choose\na new one: ", expired.Prompt)
		require.ErrorContains(t, err, `must be changed on the server: "Choose\na new one: "`)
		var failed *Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, []string{"password"}, failed.Tried)
	})
	t.Run("RFC 4252 5.1: another method can be tried", func(t *testing.T) {
		conn := &script{in: [][]byte{change, success()}}
		c := &Client{User: "alice", Methods: []Method{Password(secret("old")), PublicKey(keyA())}}
		require.NoError(t, c.Authenticate(t.Context(), conn, bound))
		require.Equal(t, "publickey", conn.requests(t)[1].Method)
	})
}

func TestPasswordIsAskedForWhenItIsNeeded(t *testing.T) {
	asked := 0
	prompt := func(context.Context) (string, error) { asked++; return "x", nil }
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA()), Password(prompt)}}
	require.NoError(t, c.Authenticate(t.Context(), &script{in: [][]byte{success()}}, bound))
	require.Zero(t, asked)
	require.Error(t, c.Authenticate(t.Context(), &script{in: [][]byte{failureOf("publickey")}}, bound))
	require.Zero(t, asked, "nor for a server that takes none")
	require.NoError(t, c.Authenticate(t.Context(), &script{in: [][]byte{failureOf("password"), success()}}, bound))
	require.Equal(t, 1, asked)
}
