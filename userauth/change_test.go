package userauth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// An account has a password that may have expired.
type account struct {
	password string
	expired  bool
	changes  int
}

// check has alice change a password that has expired to one of 8 bytes.
func (u *account) check() Check {
	return CheckPasswordOrChange(
		func(_ context.Context, a *Attempt, password string) (Decision, error) {
			switch {
			case a.User != "alice" || password != u.password:
				return Decision{}, nil
			case u.expired:
				return MustChange("It has expired."), nil
			}
			return Accept(nil), nil
		},
		func(_ context.Context, _ *Attempt, old, password string) (Decision, error) {
			u.changes++
			if old == password || len(password) < 8 {
				return MustChange("Another one."), nil
			}
			u.password, u.expired = password, false
			return Accept(nil), nil
		})
}

func changeOf(user, old, password string) []byte {
	return requestOf(user, "password", (&wire.PasswordFields{Change: true, Password: old, NewPassword: password}).Append(nil))
}

func expiredOf(prompt string) []byte {
	return (&wire.UserauthPasswdChangeReq{Prompt: prompt}).Append(nil)
}

// RFC 4252, section 8, both roles against each other.
func TestPasswordChange(t *testing.T) {
	for _, tt := range []struct {
		name    string
		offers  []string // the passwords the user comes up with
		methods []string // nil if not let in
		prompts []string
	}{
		{"at the first try", []string{"long enough"}, []string{"password"}, []string{"It has expired."}},
		{"at the third", []string{"short", "old", "long enough"}, []string{"password"}, []string{"It has expired.", "Another one.", "Another one."}},
		{"never", make([]string, 20), nil, []string{"It has expired."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user := &account{password: "old", expired: true}
			var prompts []string
			m := PasswordOrChange(secret("old"), func(_ context.Context, prompt string) (string, error) {
				prompts = append(prompts, prompt)
				return tt.offers[len(prompts)-1], nil
			})
			var reports []error
			s := &Server{Checks: []Check{user.check()}, Delay: -1, Report: func(_ context.Context, _ *Attempt, err error) { reports = append(reports, err) }}
			near, far := newPipe()
			go func() {
				defer close(near.done)
				(&Client{User: "alice", Methods: []Method{m}}).Authenticate(t.Context(), near, bound)
			}()
			grant, _ := s.Authenticate(t.Context(), far, bound)
			require.Equal(t, tt.methods != nil, grant != nil)
			require.Equal(t, tt.prompts, prompts)
			require.ErrorIs(t, reports[0], ErrExpired)
			if grant != nil {
				require.Equal(t, tt.methods, grant.Methods)
				require.Equal(t, "long enough", user.password)
				require.NoError(t, reports[len(reports)-1])
			}
		})
	}
}

// The flag is the answer to a question. Without it, it changes nothing, and
// proves nothing (attack H7, CVE-2012-5975).
func TestH7ChangeAnswersTheQuestion(t *testing.T) {
	expired, good := passwordOf("alice", "old"), changeOf("alice", "old", "long enough")
	wrong := passwordOf("alice", "wrong")
	for _, tt := range []struct {
		name    string
		client  [][]byte
		changes int
		want    []byte // numbers
	}{
		{"in answer", [][]byte{expired, good}, 1, []byte{60, 52}},
		{"at first", [][]byte{good}, 0, []byte{51}},
		{"after a refusal", [][]byte{wrong, good}, 0, []byte{51, 51}},
		{"after something else", [][]byte{expired, wrong, good}, 0, []byte{60, 51, 51}},
		{"after an unknown method", [][]byte{expired, requestOf("alice", "x", nil), good}, 0, []byte{60, 51, 51}},
		{"after a key asked about", [][]byte{expired, queryOf("alice", keyA()), good}, 0, []byte{60, 60, 51}},
		{"for somebody else", [][]byte{expired, changeOf("bob", "old", "long enough")}, 0, []byte{60, 51}},
		{"after a change of user", [][]byte{expired, passwordOf("bob", "x"), good}, 0, []byte{60, 51, 51}},
		{"with the wrong old password", [][]byte{expired, changeOf("alice", "wrong", "long enough")}, 0, []byte{60, 51}},
		{"with no old password", [][]byte{expired, changeOf("alice", "", "long enough")}, 0, []byte{60, 51}},
		{"to nothing", [][]byte{expired, changeOf("alice", "old", "")}, 0, []byte{60, 51}},
		{"to something too long", [][]byte{expired, changeOf("alice", "old", strings.Repeat("x", 1025))}, 0, []byte{60, 51}},
		{"once refused, twice in answer", [][]byte{expired, changeOf("alice", "old", "old"), good}, 2, []byte{60, 60, 52}},
		{"expired twice", [][]byte{expired, expired, good}, 1, []byte{60, 60, 52}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			user := &account{password: "old", expired: true}
			keys := CheckPublicKey(func(context.Context, *Attempt, hostkey.PublicKey) (Decision, error) { return Accept(nil), nil })
			o := serve(t, &Server{Checks: []Check{user.check(), keys}}, tt.client...)
			require.Equal(t, tt.want, o.conn.numbers())
			require.Equal(t, tt.changes, user.changes)
			require.Equal(t, tt.want[len(tt.want)-1] == 52, o.grant != nil)
		})
	}
}

// A password that has to be changed lets nobody in, whatever check says so.
func TestMustChangeLetsNobodyIn(t *testing.T) {
	must := MustChange("Change it.")
	for name, c := range map[string]Check{
		"none":                 CheckNone(func(context.Context, *Attempt) (Decision, error) { return must, nil }),
		"publickey":            anyKey(must),
		"password":             CheckPassword(func(context.Context, *Attempt, string) (Decision, error) { return must, nil }),
		"keyboard-interactive": CheckInteractive(func(context.Context, *Attempt, func(Challenge) ([]string, error)) (Decision, error) { return must, nil }),
	} {
		o := serve(t, &Server{Checks: []Check{c, checkFunc(func(context.Context, *Attempt) (Decision, error) { return must, nil })}},
			requestOf("alice", "none", nil), signedBy(t, "alice", keyA()), passwordOf("alice", "x"), interactiveOf("alice", ""), talkOf("alice"))
		require.Equal(t, []byte{51, 51, 51, 51, 51}, o.conn.numbers(), name)
	}
	require.NotNil(t, serve(t, &Server{Checks: []Check{(&account{password: "old"}).check()}}, passwordOf("alice", "old")).grant)
	o := serve(t, &Server{Checks: []Check{CheckPasswordOrChange(nil, nil)}}, passwordOf("alice", "old"))
	require.Equal(t, []byte{51}, o.conn.numbers())
}

// The change may be one factor of two.
func TestPasswordChangeIsOneFactor(t *testing.T) {
	check := CheckPasswordOrChange(
		func(context.Context, *Attempt, string) (Decision, error) { return MustChange("now"), nil },
		func(context.Context, *Attempt, string, string) (Decision, error) { return Accept(nil), nil })
	s := &Server{Checks: []Check{check, onlyKey("alice", keyA())}, Chains: [][]string{{"password", "publickey"}}}
	o := serve(t, s, passwordOf("alice", "old"), changeOf("alice", "old", "new"), signedBy(t, "alice", keyA()))
	require.Equal(t, [][]byte{expiredOf("now"), partialOf("publickey"), success()}, o.conn.out)
}

// A user who does not want to keeps the password, and the next method its turn.
func TestPasswordChangeRefusedByTheUser(t *testing.T) {
	never := errors.New("never")
	m := PasswordOrChange(secret("old"), func(context.Context, string) (string, error) { return "", never })
	conn := &script{in: [][]byte{expiredOf("x"), success()}}
	c := &Client{User: "alice", Methods: []Method{m, PublicKey(keyA())}}
	require.NoError(t, c.Authenticate(t.Context(), conn, bound))

	conn = &script{in: [][]byte{expiredOf("x"), failureOf()}}
	require.ErrorIs(t, (&Client{User: "alice", Methods: []Method{m, PublicKey(keyA())}}).Authenticate(t.Context(), conn, bound), never)

	// The server does not do it after all, or wants more.
	change := func(context.Context, string) (string, error) { return "new", nil }
	for _, answer := range [][]byte{failureOf("password"), partialOf("publickey")} {
		conn = &script{in: [][]byte{expiredOf("x"), answer}}
		err := (&Client{User: "alice", Methods: []Method{PasswordOrChange(secret("old"), change)}}).Authenticate(t.Context(), conn, bound)
		var failed *Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, answer[len(answer)-1] == 1, len(failed.Passed) == 1)
		require.Equal(t, changeOf("alice", "old", "new"), conn.out[1])
	}
	conn = &script{in: [][]byte{expiredOf("x"), {60, 0}}}
	var broken *ProtocolError
	require.ErrorAs(t, (&Client{User: "alice", Methods: []Method{PasswordOrChange(secret("old"), change)}}).Authenticate(t.Context(), conn, bound), &broken)
}
