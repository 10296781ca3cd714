package userauth

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names no user has are not handed on (attack H12).
func TestH12UserNames(t *testing.T) {
	for name, user := range map[string]string{
		"NUL":             "root\x00x",
		"newline":         "root\nx",
		"escape":          "\x1b[2J",
		"C1":              "a\u009bb",
		"DEL":             "a\x7f",
		"invalid UTF-8":   "a\xff",
		"256 bytes":       strings.Repeat("a", 256),
		"1 MiB":           strings.Repeat("a", 1<<20),
		"256 bytes, NULs": strings.Repeat("\x00", 256),
	} {
		t.Run(name, func(t *testing.T) {
			var reported error
			s := &Server{
				Checks: []Check{untouchable(t)},
				Banner: func(context.Context, string) string { t.Error("asked for a banner"); return "" },
				Report: func(_ context.Context, _ *Attempt, err error) { reported = err },
			}
			o := serve(t, s, passwordOf(user, "right"))
			require.Equal(t, [][]byte{failureOf("password")}, o.conn.out)
			require.NotRegexp(t, "[\x00-\x1f\x7f-\u009f]", reported.Error())
			require.Less(t, len(reported.Error()), 200)
		})
	}
	for _, user := range []string{"a", strings.Repeat("a", 255), "jürgen", "DOMAIN\\user name", "../../etc"} {
		o := serve(t, &Server{Checks: []Check{onlyPassword(user, "right")}}, passwordOf(user, "right"))
		require.Equal(t, user, o.grant.User)
	}
}

// A checkFunc is a check of the method that a [talker] speaks.
type checkFunc func(ctx context.Context, a *Attempt) (Decision, error)

func (checkFunc) Method() string { return "talk@example.com" }

func (f checkFunc) Check(ctx context.Context, a *Attempt) (Decision, error) { return f(ctx, a) }

func talkOf(user string) []byte { return requestOf(user, "talk@example.com", []byte("hello")) }

func TestAttemptOfOwnMethod(t *testing.T) {
	var said []string
	check := checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
		require.Equal(t, "hello", string(a.Fields()))
		require.Equal(t, bound, a.Binding())
		for _, question := range []string{"one", "two"} {
			answer, err := a.Ask(60, []byte(question))
			if err != nil {
				return Decision{}, err
			}
			said = append(said, string(answer))
		}
		return Accept(nil), nil
	})
	grant, clientErr, serverErr := run(t,
		&Client{User: "alice", Methods: []Method{talker{}}},
		&Server{Checks: []Check{check}})
	require.NoError(t, clientErr)
	require.NoError(t, serverErr)
	require.Equal(t, []string{"talk@example.com"}, grant.Methods)
	require.Equal(t, []string{"\x3dyou said one", "\x3dyou said two"}, said)
}

// RFC 4252, section 5.1: a new request abandons the one before, and the check
// has no say in it.
func TestAskAbandoned(t *testing.T) {
	stubborn := checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
		_, err := a.Ask(60, nil)
		require.ErrorIs(t, err, ErrAbandoned)
		_, err = a.Ask(60, nil)
		require.ErrorIs(t, err, ErrAbandoned)
		return Accept(nil), nil
	})
	checks := []Check{stubborn, onlyPassword("bob", "right")}
	o := serve(t, &Server{Checks: checks}, talkOf("alice"), passwordOf("bob", "wrong"), talkOf("alice"), talkOf("alice"), passwordOf("bob", "right"))
	require.Equal(t, "bob", o.grant.User)
	require.Equal(t, []string{"password"}, o.grant.Methods)
	require.Equal(t, [][]byte{{60}, failureOf("talk@example.com", "password"), {60}, {60}, success()}, o.conn.out)
}

func TestAskEndsTheDialogue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		client [][]byte
		as     any
	}{
		{"CHANNEL_OPEN in the middle", [][]byte{{90}}, new(*ProtocolError)},
		{"SUCCESS in the middle", [][]byte{success()}, new(*ProtocolError)},
		{"malformed request in the middle", [][]byte{{50, 0}}, new(*ProtocolError)},
		{"answers for ever", slicesRepeat([]byte{61}, 200), new(*LimitError)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			curious := checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
				_, err := a.Ask(60, nil)
				for err == nil {
					_, err = a.Ask(60, nil)
				}
				_, again := a.Ask(60, nil)
				require.Equal(t, err, again)
				return Accept(nil), nil
			})
			o := serve(t, &Server{Checks: []Check{curious}}, append([][]byte{talkOf("alice")}, tt.client...)...)
			require.ErrorAs(t, o.err, tt.as)
		})
	}
	t.Run("a method's message that nobody asked for", func(t *testing.T) {
		var broken *ProtocolError
		require.ErrorAs(t, serve(t, &Server{Checks: []Check{onlyPassword("a", "b")}}, []byte{61}).err, &broken)
	})
	t.Run("the connection", func(t *testing.T) {
		gone := errors.New("gone")
		check := checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
			_, err := a.Ask(60, nil)
			return Accept(nil), err
		})
		s := &Server{Checks: []Check{check}, Delay: -1}
		_, err := s.Authenticate(t.Context(), &script{in: [][]byte{talkOf("alice")}, writeErr: gone}, bound)
		require.ErrorIs(t, err, gone)
		_, err = s.Authenticate(t.Context(), &script{in: [][]byte{talkOf("alice")}, readErr: gone}, bound)
		require.ErrorIs(t, err, gone)
	})
	t.Run("the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		check := checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
			cancel()
			_, err := a.Ask(60, nil)
			return Accept(nil), err
		})
		s := &Server{Checks: []Check{check}, Delay: -1}
		_, err := s.Authenticate(ctx, &script{in: [][]byte{talkOf("alice"), {61}}}, bound)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestAttemptOutsideItsCheck(t *testing.T) {
	var kept *Attempt
	s := &Server{Checks: []Check{checkFunc(func(_ context.Context, a *Attempt) (Decision, error) {
		kept = a
		return Accept(nil), nil
	})}}
	require.NotNil(t, serve(t, s, talkOf("alice")).grant)
	_, err := kept.Ask(60, nil)
	require.Error(t, err)
	require.Empty(t, kept.Fields())

	for _, n := range []byte{0, 50, 59, 80, 255} {
		require.Panics(t, func() { kept.Ask(n, nil) })
	}
}
