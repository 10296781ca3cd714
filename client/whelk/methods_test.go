//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// checking is a server of ours with one check, in place of sshd.
func checking(t *testing.T, check userauth.Check) *sshd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519Other()},
		Auth:     userauth.Server{Checks: []userauth.Check{check}, Delay: -1},
		Session:  server.HandlerFunc(func(s *server.Session) { fmt.Fprintln(s, "in") }),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	s := &sshd{dir: t.TempDir(), port: port}
	s.write(t, "user", string(testkeys.PEM("ed25519")))
	s.write(t, "known", "[127.0.0.1]:"+port+" "+string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), "")))
	return s
}

// RFC 4256: rounds of questions are asked on the terminal, with and without
// echo, and what a terminal might act on is escaped (attack P1).
func TestKeyboardInteractive(t *testing.T) {
	check := userauth.CheckInteractive(func(_ context.Context, _ *userauth.Attempt, ask func(userauth.Challenge) ([]string, error)) (userauth.Decision, error) {
		code, err := ask(userauth.Challenge{
			Name: "Gate", Instruction: "Two\x1b[2J things.\n", Prompts: []userauth.Prompt{{Text: "Code\x07: ", Echo: true}, {Text: "PIN: "}},
		})
		if err != nil || code[0] != "123 456" || code[1] != "0000" {
			return userauth.Decision{}, err
		}
		if _, err := ask(userauth.Challenge{Instruction: "Well done."}); err != nil {
			return userauth.Decision{}, err
		}
		return userauth.Accept(nil), nil
	})
	s := open(t, checking(t, check).command("-oNumberOfPasswordPrompts=2", "-oPubkeyAuthentication=no", "@", "true"))
	for _, pin := range []string{"1111", "0000"} {
		require.Contains(t, s.expect(t, "@127.0.0.1) Gate"), "(")
		s.expect(t, `Two\x1b[2J things.`)
		s.expect(t, `Code\a: `)
		fmt.Fprint(s, "123 456\n")
		require.Contains(t, s.expect(t, "PIN: "), "123 456")
		time.Sleep(50 * time.Millisecond) // until echo is off
		fmt.Fprint(s, pin+"\n")
		if pin == "1111" {
			require.NotContains(t, s.expect(t, "Permission denied, please try again."), pin)
		}
	}
	require.NotContains(t, s.expect(t, "Well done."), "0000")
	s.expect(t, "in\r\n")
	s.finish(t, 0)
}

// RFC 4252, section 8: an expired password is changed, once it was typed twice
// the same.
func TestPasswordChange(t *testing.T) {
	check := userauth.CheckPasswordOrChange(
		func(_ context.Context, _ *userauth.Attempt, password string) (userauth.Decision, error) {
			if password != "old" {
				return userauth.Decision{}, nil
			}
			return userauth.MustChange("It \x1b[1mexpired."), nil
		},
		func(_ context.Context, _ *userauth.Attempt, old, password string) (userauth.Decision, error) {
			if old != "old" || password != "new one" {
				return userauth.MustChange("Not that one."), nil
			}
			return userauth.Accept(nil), nil
		})
	s := open(t, checking(t, check).command("-oPreferredAuthentications=password", "@", "true"))
	for _, step := range [][2]string{
		{"'s password: ", "old"}, {`It \x1b[1mexpired.`, ""}, {"'s new password: ", "new"}, {"Retype ", ""}, {": ", "other"},
		{"Mismatch; try again.", ""}, {"'s new password: ", "new"}, {"Retype ", ""}, {": ", "new"}, {"Not that one.", ""},
		{"'s new password: ", "new one"}, {"Retype ", ""}, {": ", "new one"},
	} {
		s.expect(t, step[0])
		if step[1] != "" {
			time.Sleep(50 * time.Millisecond) // until echo is off
			fmt.Fprint(s, step[1]+"\n")
		}
	}
	require.NotContains(t, s.expect(t, "in\r\n"), "new one")
	s.finish(t, 0)
}

// RFC 4252, section 9: this machine says who we are.
func TestHostbased(t *testing.T) {
	u, err := user.Current()
	require.NoError(t, err)
	machine := testkeys.ECDSA256()
	seen := make(chan userauth.ClientHost, 10)
	check := userauth.CheckHostbased(func(_ context.Context, a *userauth.Attempt, c userauth.ClientHost) (userauth.Decision, error) {
		seen <- c
		if hostkey.Equal(c.Key, machine.PublicKey()) && c.User == a.User {
			return userauth.Accept(nil), nil
		}
		return userauth.Decision{}, nil
	})
	s := checking(t, check)
	s.write(t, "machine", string(testkeys.PEM("ecdsa256")))
	stdout, stderr, status := s.run("", "-oHostbasedAuthentication=yes", "-oHostbasedKeyFile="+s.path("user")+" "+s.path("machine")+" /nonexistent", "@", "true")
	require.Equal(t, []any{"in\n", "", 0}, []any{stdout, stderr, status})
	first := <-seen
	require.Equal(t, u.Username, first.User)
	require.NotEmpty(t, first.Name)
	require.Len(t, seen, 1)

	_, stderr, status = s.run("", "-oHostbasedKeyFile="+s.path("machine"), "@", "true")
	require.Equal(t, failure, status, "it is off unless asked for")
	require.Contains(t, stderr, "does not let")
	require.NoError(t, os.Chmod(s.path("machine"), 0o644))
	_, stderr, _ = s.run("", "-oHostbasedAuthentication=yes", "-oHostbasedKeyFile="+s.path("machine"), "@", "true")
	require.Contains(t, stderr, "others may read it")
	require.NotEmpty(t, localName(nil))
}
