package userauth

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/wire"
)

// Nobody learns who has an account, from bytes, counts or time (attack H10,
// CVE-2016-6210, CVE-2018-15473, CVE-2018-15599).
func TestH10UserEnumeration(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request func(user string) []byte
		fatal   bool
	}{
		{"password", func(u string) []byte { return passwordOf(u, "wrong") }, false},
		{"long password", func(u string) []byte { return passwordOf(u, strings.Repeat("x", 64<<10)) }, false},
		{"empty password", func(u string) []byte { return passwordOf(u, "") }, false},
		{"key asked about", func(u string) []byte { return queryOf(u, keyB()) }, false},
		{"key that signs", func(u string) []byte { return signedBy(t, u, keyB()) }, false},
		{"unreadable key", func(u string) []byte {
			return requestOf(u, "publickey", (&wire.PublicKeyFields{Algorithm: "ssh-rsa", Key: []byte("x")}).Append(nil))
		}, false},
		{"unknown method", func(u string) []byte { return requestOf(u, "x", nil) }, false},
		{"password change", func(u string) []byte { return changeOf(u, "wrong", "x") }, false},
		{"another host's word", func(u string) []byte {
			return vouching{key: keyB(), user: u, host: "host.example.org", theirs: u}.request(t)
		}, false},
		{"a GSS-API mechanism that is not ours", func(u string) []byte { return gssapiOf(u, []byte("x")) }, false},
		{"malformed key request (CVE-2018-15473)", func(u string) []byte { return requestOf(u, "publickey", []byte{1, 0}) }, true},
		{"malformed password request", func(u string) []byte { return requestOf(u, "password", []byte{0, 0, 0, 0, 9}) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				known := enumerate(t, tt.request("alice"))
				unknown := enumerate(t, tt.request("nobody"))
				require.Equal(t, known.conn.out, unknown.conn.out)
				require.Equal(t, known.conn.reads, unknown.conn.reads)
				require.Equal(t, fmt.Sprint(known.err), fmt.Sprint(unknown.err))
				if tt.fatal {
					require.Equal(t, 1, known.conn.reads)
					return
				}
				require.Equal(t, 6, known.conn.reads)
				for _, took := range []time.Duration{known.took, unknown.took} {
					require.GreaterOrEqual(t, took, 6*300*time.Millisecond)
					require.Less(t, took, 6*319*time.Millisecond)
				}
			})
		})
	}
}

// Nor from conversations (attack H10, CVE-2026-60001: OpenSSH's delay was not
// kept for keyboard-interactive and GSSAPI).
func TestH10UserEnumerationByConversation(t *testing.T) {
	krb := derOf(t, kerberos)
	for name, conversation := range map[string]func(u string) [][]byte{
		"keyboard-interactive":                   func(u string) [][]byte { return [][]byte{interactiveOf(u, ""), responseOf("wrong")} },
		"keyboard-interactive, too many answers": func(u string) [][]byte { return [][]byte{interactiveOf(u, ""), responseOf("a", "b")} },
		"gssapi-with-mic": func(u string) [][]byte {
			return [][]byte{gssapiOf(u, krb), tokenOf("eve@REALM 1"), micOf("k", []byte(u))}
		},
		"gssapi-with-mic, no integrity":            func(u string) [][]byte { return [][]byte{gssapiOf(u, krb), tokenOf("eve@REALM 1"), {63}} },
		"gssapi-with-mic, a token that is no good": func(u string) [][]byte { return [][]byte{gssapiOf(u, krb), tokenOf("eve@REALM 9")} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				known, unknown := enumerate(t, conversation("alice")...), enumerate(t, conversation("nobody")...)
				require.Equal(t, known.conn.out, unknown.conn.out)
				require.Equal(t, known.conn.reads, unknown.conn.reads)
				require.Equal(t, fmt.Sprint(known.err), fmt.Sprint(unknown.err))
				var limit *LimitError
				require.ErrorAs(t, known.err, &limit)
				for _, took := range []time.Duration{known.took, unknown.took} {
					require.GreaterOrEqual(t, took, 6*300*time.Millisecond)
					require.Less(t, took, 6*319*time.Millisecond)
				}
			})
		})
	}
}

type timed struct {
	outcome
	took time.Duration
}

// enumerate sends requests as often as they are answered to a server that knows
// alice and takes its time to look at what she says.
func enumerate(t *testing.T, requests ...[]byte) timed {
	work := func(a *Attempt) {
		if a.User == "alice" {
			time.Sleep(80 * time.Millisecond)
		}
	}
	s := &Server{Delay: defaultDelay, Checks: []Check{
		CheckPublicKey(func(_ context.Context, a *Attempt, _ hostkey.PublicKey) (Decision, error) {
			work(a)
			return Decision{}, nil
		}),
		CheckPassword(func(_ context.Context, a *Attempt, _ string) (Decision, error) {
			work(a)
			return Decision{}, nil
		}),
		CheckInteractive(func(_ context.Context, a *Attempt, ask func(Challenge) ([]string, error)) (Decision, error) {
			_, err := ask(Challenge{Prompts: []Prompt{{Text: "Password: "}}})
			work(a)
			return Decision{}, err
		}),
		CheckHostbased(func(_ context.Context, a *Attempt, _ ClientHost) (Decision, error) {
			work(a)
			return Decision{}, nil
		}),
		CheckGSSAPI(func(_ context.Context, a *Attempt, _ string) (Decision, error) {
			work(a)
			return Decision{}, nil
		}, realm{oid: kerberos, steps: 1, key: "k"}.mechanism(false)),
	}}
	start := time.Now()
	var in [][]byte
	for range 10 {
		in = append(in, requests...)
	}
	o := serve(t, s, in...)
	return timed{o, time.Since(start)}
}

func TestDelay(t *testing.T) {
	slow := func(d time.Duration) Check {
		return CheckPassword(func(context.Context, *Attempt, string) (Decision, error) {
			time.Sleep(d)
			return Decision{}, nil
		})
	}
	none := CheckNone(func(context.Context, *Attempt) (Decision, error) { return Decision{}, nil })
	wrong, ask := passwordOf("alice", "wrong"), requestOf("alice", "none", nil)
	const ms = time.Millisecond
	for _, tt := range []struct {
		name     string
		server   Server
		request  []byte
		low, top time.Duration
	}{
		{"the default", Server{Checks: []Check{slow(0)}}, wrong, 300 * ms, 319 * ms},
		{"as set", Server{Checks: []Check{slow(0)}, Delay: 1600 * ms}, wrong, 1600 * ms, 1700 * ms},
		{"none", Server{Checks: []Check{slow(0)}, Delay: -1}, wrong, 0, 0},
		{"a check that takes most of it", Server{Checks: []Check{slow(299 * ms)}}, wrong, 300 * ms, 319 * ms},
		{"a check that takes longer", Server{Checks: []Check{slow(400 * ms)}}, wrong, 600 * ms, 638 * ms},
		{"a check that takes much longer", Server{Checks: []Check{slow(700 * ms)}}, wrong, 1200 * ms, 1276 * ms},
		{"none, which nobody decides on", Server{Checks: []Check{slow(0)}}, ask, 0, 0},
		{"none, which somebody decides on", Server{Checks: []Check{slow(0), none}}, ask, 300 * ms, 319 * ms},
		{"a limit", Server{Checks: []Check{slow(0)}, MaxTries: 1}, wrong, 300 * ms, 319 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := tt.server.Authenticate(t.Context(), &script{in: [][]byte{tt.request}}, bound)
				require.Error(t, err)
				took := time.Since(start)
				require.GreaterOrEqual(t, took, tt.low)
				require.LessOrEqual(t, took, tt.top)
			})
		})
	}
}

func TestDelayDependsOnTheUserAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 20 {
			user := fmt.Sprint("user", i)
			s := &Server{Checks: []Check{onlyPassword("alice", "right")}}
			start := time.Now()
			_, err := s.Authenticate(t.Context(), &script{in: [][]byte{passwordOf(user, "wrong")}}, bound)
			require.Error(t, err)
			require.Equal(t, defaultDelay+jitter(user, defaultDelay), time.Since(start))
		}
	})
}

func TestDelayIsOverWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		s := &Server{Checks: []Check{onlyPassword("alice", "right")}}
		start := time.Now()
		_, err := s.Authenticate(ctx, &script{in: [][]byte{passwordOf("alice", "wrong")}}, bound)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100*time.Millisecond, time.Since(start))
	})
}

func TestJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for i := range 100 {
		user := fmt.Sprint("user", i)
		j := jitter(user, time.Second)
		require.Equal(t, j, jitter(user, time.Second), "one user always has to wait the same")
		require.GreaterOrEqual(t, j, time.Duration(0))
		require.Less(t, j, time.Second/16)
		seen[j] = true
	}
	require.Greater(t, len(seen), 90)
}
