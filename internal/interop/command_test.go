package interop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
)

// userName is who runs the tests, and whom the servers let in.
func userName(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	require.NoError(t, err)
	return u.Username
}

// arguments returns those that make a client connect to s and nothing else:
// no configuration, no agent, no question. Options are flags of ssh(1); they
// come first, because the first value for a keyword counts. Without -i among
// them the user has the Ed25519 key.
func (s *server) arguments(t *testing.T, options ...string) []string {
	t.Helper()
	args := slices.Clone(options)
	if !slices.Contains(options, "-i") {
		args = append(args, "-i", userKeyFile(t, hostkey.Ed25519))
	}
	return append(args,
		"-F", "/dev/null", "-p", strconv.Itoa(s.port), "-l", userName(t),
		"-o", "UserKnownHostsFile="+s.knownHosts, "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes")
}

// commandLimit is how long a command may take.
const commandLimit = 3 * time.Minute

// command returns a client that runs a command on s, or a shell if there is
// none.
func (s *server) command(t *testing.T, p *program, remote string, options ...string) *exec.Cmd {
	t.Helper()
	args := append(s.arguments(t, options...), "127.0.0.1")
	if remote != "" {
		args = append(args, remote)
	}
	return limited(t, p, args...)
}

// limited returns a command that is killed when it takes too long.
func limited(t *testing.T, p *program, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env = environment()
	ownGroup(cmd)
	cmd.WaitDelay = patience
	return cmd
}

// A result is how a client ended.
type result struct {
	status         int
	stdout, stderr string
	elapsed        time.Duration
}

// run runs a command to its end.
func run(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "%v: %s", cmd.Args, stderr.String())
	}
	require.True(t, cmd.ProcessState.Exited(), "%v: %v: %s", cmd.Args, err, stderr.String())
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(start)}
}

// run runs a command on s through a client.
func (s *server) run(t *testing.T, p *program, remote string, options ...string) result {
	t.Helper()
	return run(t, s.command(t, p, remote, options...))
}

// fed runs a command on s through a client, with input.
func (s *server) fed(t *testing.T, p *program, stdin io.Reader, remote string, options ...string) result {
	t.Helper()
	cmd := s.command(t, p, remote, options...)
	cmd.Stdin = stdin
	return run(t, cmd)
}

// requireOneLine fails unless a client failed with a single line that has all
// the texts.
func requireOneLine(t *testing.T, r result, texts ...string) {
	t.Helper()
	require.Equal(t, 255, r.status, "%s%s", r.stdout, r.stderr)
	require.Empty(t, r.stdout)
	require.Equal(t, 1, strings.Count(r.stderr, "\n"), "%q", r.stderr)
	for _, text := range texts {
		require.Contains(t, r.stderr, text)
	}
}
