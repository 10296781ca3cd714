package fuzz_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// Whatever a file of configuration holds, it is refused with its place, or what
// it says of a host can be printed, and no name comes of it that means something
// to a shell.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"Host a*\nHostName %h.b\nUser u\nPort 2\n", "Match host x exec \"t %h\" all\nIdentityFile ~/%k${X}\n", "Include *\n",
		"ProxyJump u@a:1,[::1]:2\nProxyCommand nc %h\n", "LocalForward [::1]:1 /a\\:b:2\nRemoteForward 0\nDynamicForward 1\n",
		"CanonicalizeHostname always\nCanonicalDomains a b\nCanonicalizePermittedCNAMEs *:*\nMatch final\nSetEnv A='b c' #\n",
		"RekeyLimit 1.5G 2h\nIPQoS ef\nEscapeChar ^A\nAddKeysToAgent confirm 1h\nCiphers +aes*\nSendEnv -*\n",
	} {
		f.Add("a", []byte(text))
	}
	f.Fuzz(func(t *testing.T, host string, text []byte) {
		path := filepath.Join(t.TempDir(), "config")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		config := sshconfig.Config{
			Files:   []sshconfig.File{{Path: path, Required: true}},
			Account: sshconfig.Account{Name: "me", ID: "1", Home: filepath.Dir(path)}, Machine: "here",
			Getenv:  func(string) (string, bool) { return "", true },
			Exec:    func(context.Context, string) (bool, error) { return true, nil },
			Resolve: func(_ context.Context, _, name string) (string, error) { return "c." + name, nil },
		}
		s, err := config.Evaluate(t.Context(), host)
		if err != nil {
			require.NotContains(t, err.Error(), "\x1b")
			return
		}
		require.NoError(t, sshconfig.CheckHost(s.HostName()))
		_, err = s.WriteTo(io.Discard)
		require.NoError(t, err)
		if via, _, ok := s.Jump(); ok {
			require.NoError(t, sshconfig.CheckHost(via.Host))
		}
	})
}
