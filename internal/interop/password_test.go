package interop

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	whelkserver "github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

const secret = "correct horse"

// withPassword makes package server ask for a password; whelkd takes keys
// only.
func withPassword(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	key := signer(t, hostKeyFile(t, hostkey.Ed25519))
	served := &whelkserver.Server{
		HostKeys: []hostkey.Signer{key},
		Auth: userauth.Server{Checks: []userauth.Check{userauth.CheckPassword(
			func(_ context.Context, a *userauth.Attempt, password string) (userauth.Decision, error) {
				if a.User == userName(t) && password == secret {
					return userauth.Accept(nil), nil
				}
				return userauth.Decision{}, nil
			})}},
		Session: whelkserver.HandlerFunc(func(s *whelkserver.Session) { s.Write([]byte("in\n")) }),
	}
	var done sync.WaitGroup
	done.Go(func() { served.Serve(l) })
	t.Cleanup(func() {
		served.Close()
		done.Wait()
	})
	s := &server{program: whelkd, port: l.Addr().(*net.TCPAddr).Port, hostKeys: []hostkey.PublicKey{key.PublicKey()}}
	s.knownHosts = filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(s.knownHosts, knownHosts(s.port, s.hostKeys...), 0o600))
	return s
}

func passwords(secrets ...string) (methods []userauth.Method) {
	for _, s := range secrets {
		methods = append(methods, userauth.Password(func(context.Context) (string, error) { return s, nil }))
	}
	return methods
}

// ssh gets in to package server with the right password, and with no other.
// RFC 4252, section 8.
func TestPasswordOfOpenSSH(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		status       int
	}{{"right", secret, 0}, {"wrong", "guess", 255}, {"empty", "", 255}} {
		between(t, test.name, []*program{ssh, library}, func(t *testing.T) {
			before := takeStock()
			t.Run("session", func(t *testing.T) {
				s := withPassword(t)
				ask := filepath.Join(t.TempDir(), "ask")
				require.NoError(t, os.WriteFile(ask, []byte("#!/bin/sh\necho '"+test.answer+"'\n"), 0o700))
				cmd := s.command(t, ssh, "hello", "-o", "BatchMode=no", "-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=2")
				cmd.Env = append(cmd.Env, "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force")
				r := run(t, cmd)
				require.Equal(t, test.status, r.status, r.stderr)
				if test.status == 0 {
					require.Equal(t, "in\n", r.stdout)
				} else {
					require.Contains(t, r.stderr, "Permission denied (password)")
				}
			})
			before.requireSame(t)
		})
	}
}

// Package client is refused with a typed error for a wrong password, and gets
// in with the right one after it.
func TestPasswordOfLibrary(t *testing.T) {
	between(t, "library to sshd, wrong", []*program{library, sshd}, func(t *testing.T) {
		s := serve(t, sshd, "PasswordAuthentication=yes")
		before := takeStock()
		config := s.config(t)
		config.Auth = passwords("guess", "another guess")
		_, err := client.Dial(t.Context(), "tcp", s.address(), config)
		var refused *userauth.Error
		require.ErrorAs(t, err, &refused)
		require.Contains(t, refused.Tried, "password")
		require.Contains(t, refused.Allowed, "password")
		require.NotContains(t, err.Error(), "\n")
		require.NotContains(t, err.Error(), "guess")
		before.requireSame(t)
	})
	between(t, "library to library", []*program{library}, func(t *testing.T) {
		s := withPassword(t)
		c := s.dial(t, func(c *client.Config) { c.Auth = passwords("guess", secret) })
		output, err := c.Command("hello").Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "in\n", string(output))
	})
}
