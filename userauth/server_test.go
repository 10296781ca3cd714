package userauth

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/wire"
)

// An outcome is what became of a server's dialogue.
type outcome struct {
	conn  *script
	grant *Grant
	err   error
}

// serve has s read the packets given, without delays unless it sets one.
func serve(t *testing.T, s *Server, in ...[]byte) outcome {
	t.Helper()
	if s.Delay == 0 {
		s.Delay = -1
	}
	conn := &script{in: in}
	grant, err := s.Authenticate(t.Context(), conn, bound)
	if grant != nil {
		require.NoError(t, err)
		require.Equal(t, success(), conn.out[len(conn.out)-1])
	} else {
		require.Error(t, err)
		require.NotContains(t, conn.numbers(), byte(wire.NumberUserauthSuccess))
	}
	return outcome{conn, grant, err}
}

// onlyPassword accepts one user with one password.
func onlyPassword(user, want string) Check {
	return CheckPassword(func(_ context.Context, a *Attempt, got string) (Decision, error) {
		if a.User == user && got == want {
			return Accept(nil), nil
		}
		return Decision{}, nil
	})
}

// onlyKey accepts one user with one key.
func onlyKey(user string, want hostkey.Signer) Check {
	return CheckPublicKey(func(_ context.Context, a *Attempt, got hostkey.PublicKey) (Decision, error) {
		if a.User == user && string(got.Marshal()) == string(want.PublicKey().Marshal()) {
			return Accept(nil), nil
		}
		return Decision{}, nil
	})
}

func TestServerDialogue(t *testing.T) {
	a, b := keyA(), keyB()
	both := []Check{onlyKey("alice", a), onlyPassword("alice", "right")}
	list := failureOf("publickey", "password")
	for _, tt := range []struct {
		name   string
		client [][]byte
		want   [][]byte // before success
		passed string
	}{
		{"password", [][]byte{passwordOf("alice", "right")}, nil, "password"},
		{"a key that signs at once", [][]byte{signedBy(t, "alice", a)}, nil, "publickey"},
		{"RFC 4252 7: a key that is asked about first",
			[][]byte{queryOf("alice", a), signedBy(t, "alice", a)}, [][]byte{pkOK(a)}, "publickey"},
		{"a key that would not do",
			[][]byte{queryOf("alice", b), queryOf("alice", a), signedBy(t, "alice", a)}, [][]byte{list, pkOK(a)}, "publickey"},
		{"RFC 4252 5.2: none lists the methods",
			[][]byte{requestOf("alice", "none", nil), passwordOf("alice", "right")}, [][]byte{list}, "password"},
		{"wrong, then right",
			[][]byte{passwordOf("alice", "wrong"), passwordOf("alice", "right")}, [][]byte{list}, "password"},
		{"a user who is not there, then one who is",
			[][]byte{passwordOf("bob", "right"), passwordOf("alice", "right")}, [][]byte{list}, "password"},
		{"G3: a method nobody has (CVE-2020-29652)",
			[][]byte{requestOf("alice", "gssapi-with-mic", []byte{0, 0, 0, 1}), passwordOf("alice", "right")}, [][]byte{list}, "password"},
		{"E12: a method without a name",
			[][]byte{requestOf("alice", "", nil), requestOf("alice", "\x00", nil), passwordOf("alice", "right")}, [][]byte{list, list}, "password"},
		{"RFC 4253 11.4: unknown messages in between",
			[][]byte{{55}, {200, 1, 2}, passwordOf("alice", "right")}, nil, "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, &Server{Checks: both}, tt.client...)
			require.NoError(t, o.err)
			require.Equal(t, &Grant{User: "alice", Service: "ssh-connection", Methods: []string{tt.passed}}, o.grant)
			require.Equal(t, append(tt.want, success()), o.conn.out)
		})
	}
}

func TestServerNone(t *testing.T) {
	open := CheckNone(func(_ context.Context, a *Attempt) (Decision, error) {
		if a.User == "guest" {
			return Accept(&Permissions{}), nil
		}
		return Decision{}, nil
	})
	s := &Server{Checks: []Check{open, onlyPassword("alice", "right")}}
	o := serve(t, s, requestOf("guest", "none", nil))
	require.Equal(t, []string{"none"}, o.grant.Methods)
	require.Equal(t, &Permissions{}, o.grant.Permissions)

	o = serve(t, s, requestOf("alice", "none", nil))
	require.Equal(t, [][]byte{failureOf("password")}, o.conn.out, "RFC 4252 5.2: none is never listed")

	var broken *ProtocolError
	require.ErrorAs(t, serve(t, s, requestOf("guest", "none", []byte{0})).err, &broken)
}

func TestServerKeysOfAllKinds(t *testing.T) {
	for _, s := range testkeys.All() {
		for _, algorithm := range s.Algorithms() {
			t.Run(algorithm, func(t *testing.T) {
				r := signing{signer: s, user: "alice", algorithm: algorithm, makeWith: algorithm}.request(t)
				o := serve(t, &Server{Checks: []Check{onlyKey("alice", s)}}, r)
				require.NotNil(t, o.grant)
			})
		}
	}
}

func TestServerBanner(t *testing.T) {
	calls := 0
	s := &Server{
		Checks: []Check{onlyPassword("alice", "right")},
		Banner: func(_ context.Context, user string) string { calls++; return "hello " + user },
	}
	o := serve(t, s, passwordOf("al\x00ice", "x"), passwordOf("alice", "wrong"), passwordOf("alice", "right"))
	require.Equal(t, [][]byte{failureOf("password"), bannerOf("hello alice"), failureOf("password"), success()}, o.conn.out,
		"RFC 4252 5.4, and H12: the banner is not asked for a name no user has")
	require.Equal(t, 1, calls)

	s.Banner = func(context.Context, string) string { return "" }
	require.Equal(t, [][]byte{success()}, serve(t, s, passwordOf("alice", "right")).conn.out)
}

// A report is a call of Server.Report.
type report struct {
	attempt Attempt
	err     error
}

func TestServerReport(t *testing.T) {
	broken := errors.New("database is down")
	var got []report
	s := &Server{
		Checks: []Check{
			onlyKey("alice", keyA()),
			CheckPassword(func(_ context.Context, _ *Attempt, p string) (Decision, error) {
				if p == "right" {
					return AcceptPartial(nil, "publickey"), nil
				}
				return Accept(nil), broken
			}),
		},
		Report: func(_ context.Context, a *Attempt, err error) { got = append(got, report{*a, err}) },
	}
	o := serve(t, s,
		queryOf("alice", keyB()), queryOf("alice", keyA()),
		passwordOf("alice", "wrong"), passwordOf("alice", "right"), signedBy(t, "alice", keyA()))
	require.NotNil(t, o.grant)
	require.Len(t, got, 4, "a key that would do is not worth a line")
	alice := Attempt{User: "alice", Service: "ssh-connection", binding: bound}
	for i, want := range []struct {
		method string
		passed []string
		err    error
	}{
		{"publickey", nil, nil}, {"password", nil, broken}, {"password", nil, nil}, {"publickey", []string{"password"}, nil},
	} {
		alice.Method, alice.Passed = want.method, want.passed
		require.Equal(t, alice, got[i].attempt, "the report holds no fields")
		if i == 0 {
			want.err = ErrRefused
		}
		require.ErrorIs(t, got[i].err, want.err)
	}
}

// The client has names of up to a packet's length; a log line does not.
func TestReportsAreShort(t *testing.T) {
	long := strings.Repeat("\x00", 100_000)
	var got []error
	s := &Server{
		Checks: []Check{onlyKey("alice", keyA())},
		Report: func(_ context.Context, _ *Attempt, err error) { got = append(got, err) },
	}
	key := keyA().PublicKey().Marshal()
	serve(t, s,
		requestOf("alice", long, nil),
		requestOf("alice", "publickey", (&wire.PublicKeyFields{Algorithm: long, Key: key}).Append(nil)),
		signing{signer: keyA(), user: "alice", signatureAlgorithm: long}.request(t))
	got = append(got, &ServiceError{Service: long}, &PasswordExpiredError{Prompt: long})
	require.Len(t, got, 5)
	for _, err := range got {
		require.Less(t, len(err.Error()), 1200)
	}
}

func TestServerEndsWithTheConnection(t *testing.T) {
	gone := errors.New("gone")
	s := &Server{Checks: []Check{onlyPassword("alice", "right")}, Delay: -1}
	require.ErrorIs(t, serve(t, s).err, io.EOF)

	for name, in := range map[string][]byte{
		"a refusal": passwordOf("alice", "wrong"),
		"a success": passwordOf("alice", "right"),
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := s.Authenticate(t.Context(), &script{in: [][]byte{in}, writeErr: gone}, bound)
			require.ErrorIs(t, err, gone)
			require.Nil(t, grant, "a client that was not told is not in")
		})
	}
	t.Run("a banner", func(t *testing.T) {
		s := &Server{Checks: s.Checks, Delay: -1, Banner: func(context.Context, string) string { return "hi" }}
		_, err := s.Authenticate(t.Context(), &script{in: [][]byte{passwordOf("alice", "right")}, writeErr: gone}, bound)
		require.ErrorIs(t, err, gone)
	})
}

func TestServerContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{Delay: -1, Checks: []Check{
		CheckPassword(func(context.Context, *Attempt, string) (Decision, error) { cancel(); return Accept(nil), nil }),
	}}
	conn := &script{in: [][]byte{passwordOf("alice", "right")}}
	grant, err := s.Authenticate(ctx, conn, bound)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, grant)
	require.Empty(t, conn.out)

	conn = &script{in: [][]byte{passwordOf("alice", "right")}}
	_, err = s.Authenticate(ctx, conn, bound)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, conn.reads)
}

func TestServerPartialSuccess(t *testing.T) {
	// Each check says what it wants, given what was passed.
	a, b := keyA(), keyB()
	keys := func(next ...string) Check {
		return CheckPublicKey(func(_ context.Context, at *Attempt, _ hostkey.PublicKey) (Decision, error) {
			if len(at.Passed) == 0 {
				return AcceptPartial(nil, next...), nil
			}
			return Accept(nil), nil
		})
	}
	password := onlyPassword("alice", "right")
	other := CheckNone(func(context.Context, *Attempt) (Decision, error) { return Decision{}, nil })
	for _, tt := range []struct {
		name   string
		checks []Check
		client [][]byte
		want   [][]byte
		passed []string
	}{
		{"RFC 4252 5.1: two methods", []Check{keys("password"), password},
			[][]byte{signedBy(t, "alice", a), passwordOf("alice", "right")},
			[][]byte{partialOf("password"), success()}, []string{"publickey", "password"}},
		{"without a name, all others may follow", []Check{other, keys(), password},
			[][]byte{signedBy(t, "alice", a), passwordOf("alice", "right")},
			[][]byte{partialOf("password"), success()}, []string{"publickey", "password"}},
		{"a method that may not follow", []Check{keys("password"), password},
			[][]byte{signedBy(t, "alice", a), signedBy(t, "alice", b), requestOf("alice", "none", nil), passwordOf("alice", "right")},
			[][]byte{partialOf("password"), failureOf("password"), failureOf("password"), success()}, []string{"publickey", "password"}},
		{"two keys", []Check{keys("publickey"), password},
			[][]byte{signedBy(t, "alice", a), signedBy(t, "alice", b)},
			[][]byte{partialOf("publickey"), success()}, []string{"publickey", "publickey"}},
		{"the same key twice is one key", []Check{keys("publickey"), password},
			[][]byte{signedBy(t, "alice", a), queryOf("alice", a), signedBy(t, "alice", a), signedBy(t, "alice", b)},
			[][]byte{partialOf("publickey"), failureOf("publickey"), failureOf("publickey"), success()}, []string{"publickey", "publickey"}},
		{"a key that would do is asked about as ever", []Check{keys("password"), password},
			[][]byte{queryOf("alice", a), signedBy(t, "alice", a), passwordOf("alice", "right")},
			[][]byte{pkOK(a), partialOf("password"), success()}, []string{"publickey", "password"}},
		{"a refusal in between changes nothing", []Check{keys("password"), password},
			[][]byte{signedBy(t, "alice", a), passwordOf("alice", "wrong"), passwordOf("alice", "right")},
			[][]byte{partialOf("password"), failureOf("password"), success()}, []string{"publickey", "password"}},
		{"nothing that could follow is a refusal", []Check{keys("hostbased", "none"), password, other},
			[][]byte{signedBy(t, "alice", a), passwordOf("alice", "right")},
			[][]byte{failureOf("publickey", "password"), success()}, []string{"password"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := serve(t, &Server{Checks: tt.checks}, tt.client...)
			require.NoError(t, o.err)
			require.Equal(t, tt.want, o.conn.out)
			require.Equal(t, tt.passed, o.grant.Methods)
		})
	}
}

func TestServerChecksCannotChangeTheRequest(t *testing.T) {
	s := &Server{Checks: []Check{
		CheckPassword(func(_ context.Context, a *Attempt, _ string) (Decision, error) {
			a.User, a.Method, a.Passed = "root", "hostbased", append(a.Passed, "everything")
			return Accept(nil), nil
		}),
	}}
	o := serve(t, s, passwordOf("alice", "x"))
	require.Equal(t, "alice", o.grant.User)
	require.Equal(t, []string{"password"}, o.grant.Methods)

	s.Checks = []Check{CheckPassword(func(_ context.Context, a *Attempt, _ string) (Decision, error) {
		if len(a.Passed) == 0 {
			return AcceptPartial(nil, "password"), nil
		}
		a.Passed[0] = "hostbased"
		return Accept(nil), nil
	})}
	o = serve(t, s, passwordOf("alice", "x"), passwordOf("alice", "x"))
	require.Equal(t, []string{"password", "password"}, o.grant.Methods)
}
