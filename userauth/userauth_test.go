package userauth

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// Both roles against each other.
func TestBothRoles(t *testing.T) {
	all := testkeys.All()
	twoFactors := []Check{
		CheckPublicKey(func(_ context.Context, a *Attempt, _ hostkey.PublicKey) (Decision, error) {
			return AcceptPartial(&Permissions{Extensions: map[string]string{"permit-pty": ""}}, "password"), nil
		}),
		CheckPassword(func(_ context.Context, a *Attempt, p string) (Decision, error) {
			if len(a.Passed) == 1 && p == "right" {
				return Accept(nil), nil
			}
			return Decision{}, nil
		}),
	}
	anyone := CheckNone(func(context.Context, *Attempt) (Decision, error) { return Accept(nil), nil })
	for _, tt := range []struct {
		name    string
		methods []Method
		checks  []Check
		passed  []string // nil if the client is not let in
		tried   []string
	}{
		{"none", []Method{None()}, []Check{anyone}, []string{"none"}, nil},
		{"password", []Method{Password(secret("right"))}, []Check{onlyPassword("alice", "right")}, []string{"password"}, nil},
		{"wrong password", []Method{Password(secret("wrong"))}, []Check{onlyPassword("alice", "right")}, nil, []string{"password"}},
		{"one key", []Method{PublicKey(keyA())}, []Check{onlyKey("alice", keyA())}, []string{"publickey"}, nil},
		{"the last of many keys", []Method{PublicKey(all...)}, []Check{onlyKey("alice", all[len(all)-1])}, []string{"publickey"}, nil},
		{"none of them", []Method{PublicKey(all[:4]...)}, []Check{onlyKey("alice", keyB())}, nil, []string{"publickey"}},
		{"a key, failing that a password", []Method{PublicKey(keyB()), Password(secret("right"))},
			[]Check{onlyKey("alice", keyA()), onlyPassword("alice", "right")}, []string{"password"}, nil},
		{"both", []Method{Password(secret("right")), PublicKey(keyA(), keyB())}, twoFactors, []string{"publickey", "password"}, nil},
		{"a method the server does not have", []Method{Password(secret("right"))}, []Check{onlyKey("alice", keyA())}, nil, []string{"password"}},
		{"nothing to offer", nil, []Check{onlyKey("alice", keyA())}, nil, []string{"none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := newPipe()
				var clientErr error
				go func() {
					defer close(near.done)
					c := &Client{User: "alice", Methods: tt.methods}
					clientErr = c.Authenticate(t.Context(), near, bound)
				}()
				s := &Server{Checks: tt.checks}
				grant, serverErr := s.Authenticate(t.Context(), far, bound)
				synctest.Wait()
				if tt.passed == nil {
					var failed *Error
					require.ErrorAs(t, clientErr, &failed)
					require.Equal(t, tt.tried, failed.Tried)
					require.Error(t, serverErr)
					return
				}
				require.NoError(t, clientErr)
				require.NoError(t, serverErr)
				require.Equal(t, tt.passed, grant.Methods)
				require.Equal(t, "alice", grant.User)
			})
		})
	}
}

func TestBothRolesOfDifferentSessions(t *testing.T) {
	conn := &script{in: [][]byte{failureOf("publickey")}}
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA())}}
	require.Error(t, c.Authenticate(t.Context(), conn, Binding{SessionID: []byte("another")}))
	o := serve(t, &Server{Checks: []Check{onlyKey("alice", keyA())}}, conn.out[0])
	require.Nil(t, o.grant, "H18: what was signed for one session is worth nothing in another")
}

// An agent with more keys than the server has patience gets an error that says
// which.
func TestTooManyKeys(t *testing.T) {
	s := &Server{Checks: []Check{onlyKey("alice", keyB())}, Delay: -1, MaxTries: 3}
	grant, clientErr, serverErr := run(t, &Client{User: "alice", Methods: []Method{PublicKey(testkeys.All()...)}}, s)
	require.Nil(t, grant)
	var limit *LimitError
	require.ErrorAs(t, serverErr, &limit)
	require.ErrorContains(t, clientErr, `connection lost after trying ["publickey"]`)
}

// One Server and one Client serve many connections at once.
func TestConcurrentUse(t *testing.T) {
	s := &Server{Checks: []Check{onlyKey("alice", keyB())}, Delay: -1}
	c := &Client{User: "alice", Methods: []Method{PublicKey(keyA(), keyB())}}
	results := make(chan error)
	const n = 20
	for range n {
		go func() {
			near, far := newPipe()
			go func() { results <- c.Authenticate(t.Context(), near, bound) }()
			_, err := s.Authenticate(t.Context(), far, bound)
			results <- err
		}()
	}
	var errs []error
	for range 2 * n {
		errs = append(errs, <-results)
	}
	require.NoError(t, errors.Join(errs...))
}
