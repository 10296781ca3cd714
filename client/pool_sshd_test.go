package client

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Fifty connections to OpenSSH's server, twice: the second time they are there.
func TestOpenSSHPool(t *testing.T) {
	address, config := sshd(t, "MaxStartups=100")
	dialed := make(chan string, 100)
	pool := &Pool{Parallel: 10, Dial: func(ctx context.Context, host string) (*Client, error) {
		dialed <- host
		return Dial(ctx, "tcp", address, config)
	}}
	defer pool.Close()
	var hosts []string
	for i := range 50 {
		hosts = append(hosts, fmt.Sprint("host", i))
	}
	for range 2 {
		results := make(map[string]bool)
		for r := range pool.Run(t.Context(), "echo $SSH_CONNECTION", hosts...) {
			require.NoError(t, r.Err, r.Host)
			results[strings.Fields(string(r.Stdout))[1]] = true
		}
		require.Len(t, results, 50, "each has a port of its own")
	}
	require.Len(t, dialed, 50)
	for r := range pool.Run(t.Context(), "exit 3", hosts[:5]...) {
		require.Error(t, r.Err)
	}
	require.NoError(t, pool.Close())
}
