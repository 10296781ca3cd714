package interop

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/cipher"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/hostkey/knownhosts"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// A refusal is a reason for which client and server do not come together.
type refusal struct {
	name    string
	server  []string                                         // options
	change  func(t *testing.T, s *server, c *client.Config)  // for package client
	options func(t *testing.T, s *server) (options []string) // for the commands
	target  any                                              // of errors.As
	texts   []string                                         // in what package client and whelk say
}

// wrongHost is a known_hosts file with another key for s.
func wrongHost(t *testing.T, s *server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	other := publicKey(t, otherKeys.file(t, hostkey.Ed25519))
	require.NoError(t, os.WriteFile(file, knownHosts(s.port, other), 0o600))
	return file
}

func refusals() []refusal {
	gcm, _ := cipher.Lookup("aes128-gcm@openssh.com")
	return []refusal{
		{
			name: "wrong host key",
			change: func(t *testing.T, s *server, c *client.Config) {
				c.HostKeys = knownhosts.New(knownhosts.Config{Files: []string{wrongHost(t, s)}})
			},
			options: func(t *testing.T, s *server) []string { return []string{"-o", "UserKnownHostsFile=" + wrongHost(t, s)} },
			target:  new(*transport.HostKeyError),
			texts:   []string{"127.0.0.1", "SHA256:", "known_hosts", "ssh-keygen", "-R"},
		},
		{
			name: "unknown host",
			change: func(t *testing.T, s *server, c *client.Config) {
				c.HostKeys = knownhosts.New(knownhosts.Config{Files: []string{"/dev/null"}})
			},
			options: func(*testing.T, *server) []string { return []string{"-o", "UserKnownHostsFile=/dev/null"} },
			target:  new(*knownhosts.KeyError),
			texts:   []string{"127.0.0.1", "SHA256:"},
		},
		{
			name:    "no common cipher",
			server:  []string{"Ciphers=chacha20-poly1305@openssh.com,aes256-ctr"},
			change:  func(_ *testing.T, _ *server, c *client.Config) { c.Transport.Ciphers = []cipher.Mode{gcm} },
			options: func(*testing.T, *server) []string { return []string{"-c", gcm.Name} },
			target:  new(*transport.NegotiationError),
			texts:   []string{"cipher", gcm.Name, "chacha20-poly1305@openssh.com,aes256-ctr"},
		},
		{
			name:   "no common host key algorithm",
			server: []string{"HostKeyAlgorithms=ssh-ed25519"},
			change: func(_ *testing.T, _ *server, c *client.Config) {
				c.Transport.HostKeyAlgorithms = []string{hostkey.RSASHA512}
			},
			options: func(*testing.T, *server) []string { return []string{"-o", "HostKeyAlgorithms=rsa-sha2-512"} },
			target:  new(*transport.NegotiationError),
			texts:   []string{"host key", "rsa-sha2-512", "ssh-ed25519"},
		},
		{
			name: "wrong key",
			change: func(t *testing.T, _ *server, c *client.Config) {
				c.Auth = []userauth.Method{userauth.PublicKey(signer(t, otherKeys.file(t, hostkey.Ed25519)))}
			},
			options: func(t *testing.T, _ *server) []string { return []string{"-i", otherKeys.file(t, hostkey.Ed25519)} },
			target:  new(*userauth.Error),
			texts:   []string{"publickey"},
		},
		{
			name:    "no key",
			change:  func(_ *testing.T, _ *server, c *client.Config) { c.Auth = nil },
			options: func(*testing.T, *server) []string { return []string{"-o", "PubkeyAuthentication=no"} },
			target:  new(*userauth.Error),
			texts:   []string{"publickey"},
		},
		{
			name:    "wrong user",
			change:  func(_ *testing.T, _ *server, c *client.Config) { c.User = "mallory" },
			options: func(*testing.T, *server) []string { return []string{"-l", "mallory"} },
			target:  new(*userauth.Error),
			texts:   []string{"mallory", "publickey"},
		},
	}
}

// Package client says with a typed error of one line why it does not get in,
// and keeps neither goroutine nor file descriptor; the server keeps neither
// process nor file descriptor.
func TestRefusalsOfLibrary(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		for _, test := range refusals() {
			between(t, p.String()+", "+test.name, p.programs(), func(t *testing.T) {
				s := serve(t, p.server, test.server...)
				theirs, ours := descriptors(s.pid()), takeStock()
				config := s.config(t)
				test.change(t, s, config)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := client.Dial(ctx, "tcp", s.address(), config)
				require.ErrorAs(t, err, test.target)
				require.False(t, errors.Is(err, context.DeadlineExceeded), "%v", err)
				require.NotContains(t, err.Error(), "\n")
				for _, text := range test.texts {
					require.ErrorContains(t, err, text)
				}
				t.Log(err)
				ours.requireSame(t)
				s.requireNoChildren(t)
				s.requireDescriptors(t, theirs)
				s.dial(t, nil).Close() // it serves others
			})
		}
	}
}

// The commands say it in one line, and exit with 255.
func TestRefusals(t *testing.T) {
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			onPairs(t, pairs, func(t *testing.T, p pair) {
				s := serve(t, p.server, test.server...)
				before := descriptors(s.pid())
				r := s.run(t, p.client, "true", test.options(t, s)...)
				if p.client == ssh { // which may say more than that, and less
					require.Equal(t, 255, r.status, r.stderr)
					require.Empty(t, r.stdout)
				} else {
					requireOneLine(t, r, append(test.texts, "whelk: ")...)
				}
				t.Logf("%s", r.stderr)
				s.requireDescriptors(t, before)
			})
		})
	}
}
