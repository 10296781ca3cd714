package interop

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/userauth"
)

// config is for package client to connect to s with.
func (s *server) config(t *testing.T) *client.Config {
	t.Helper()
	return &client.Config{
		User:     userName(t),
		Auth:     []userauth.Method{userauth.PublicKey(signer(t, userKeyFile(t, hostkey.Ed25519)))},
		HostKeys: hostkey.Pin(s.hostKeys...),
	}
}

// dial connects package client to s.
func (s *server) dial(t *testing.T, change func(*client.Config)) *client.Client {
	t.Helper()
	config := s.config(t)
	if change != nil {
		change(config)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, "tcp", s.address(), config)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// statusOf is what a command of package client exited with, as a client's exit
// status, or -1 for other errors.
func statusOf(err error) int {
	var exit *client.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Signal == "":
		return exit.Status
	}
	return -1
}
