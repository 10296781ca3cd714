package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
)

// Every exit status comes through, one after the other over one connection.
// RFC 4254, section 6.10.
func TestExitStatuses(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			for status := range 256 {
				err := c.Command(fmt.Sprint("exit ", status)).Run(t.Context())
				if status == 0 {
					require.NoError(t, err)
					continue
				}
				var exit *client.ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, status, exit.Status)
				require.Empty(t, exit.Signal)
			}
		})
	}
	between(t, "ssh to whelkd", []*program{ssh, whelkd}, func(t *testing.T) {
		t.Parallel()
		s := serve(t, whelkd)
		shared := s.master(t)
		for status := range 256 {
			r := s.run(t, ssh, fmt.Sprint("exit ", status), shared...)
			require.Equal(t, status, r.status, r.stderr)
		}
	})
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, status := range []int{0, 1, 2, 127, 128, 254, 255} {
			r := s.run(t, p.client, fmt.Sprint("exit ", status))
			require.Equal(t, status, r.status, r.stderr)
			require.Empty(t, r.stderr)
		}
	})
}

// master starts an ssh that keeps a connection to s, and returns the options
// by which others share it.
func (s *server) master(t *testing.T) []string {
	t.Helper()
	socket := []string{"-S", filepath.Join(t.TempDir(), "s")}
	cmd := s.command(t, ssh, "", append([]string{"-M", "-N", "-f"}, socket...)...)
	r := run(t, cmd)
	require.Equal(t, 0, r.status, r.stderr)
	t.Cleanup(func() {
		_ = commandOf(ssh.path, append(socket, "-O", "exit", "127.0.0.1")...).Run()
	})
	return socket
}

// Death by signal is reported as that, and by the commands as failure.
// RFC 4254, section 6.10.
func TestExitSignals(t *testing.T) {
	signals := []channel.Signal{
		channel.SIGABRT, channel.SIGALRM, channel.SIGFPE, channel.SIGHUP, channel.SIGILL, channel.SIGINT, channel.SIGKILL,
		channel.SIGPIPE, channel.SIGQUIT, channel.SIGSEGV, channel.SIGTERM, channel.SIGUSR1, channel.SIGUSR2,
	}
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			for _, signal := range signals {
				err := c.Command(dying(string(signal))).Run(t.Context())
				var exit *client.ExitError
				require.ErrorAs(t, err, &exit, "%s", signal)
				require.Equal(t, signal, exit.Signal)
				require.Zero(t, exit.Status)
				require.False(t, exit.Core)
			}
		})
	}
	onPairs(t, pairs, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, signal := range []string{"TERM", "KILL", "16"} { // the last, SIGSTKFLT, is none of RFC 4254's
			r := s.run(t, p.client, dying(signal))
			require.Equal(t, 255, r.status, "%s: %s", signal, r.stderr)
			require.Equal(t, "last words\n", r.stdout)
			require.LessOrEqual(t, strings.Count(r.stderr, "\n"), 1, r.stderr)
		}
	})
}

// dying is a command that a signal kills. Shells heed some signals themselves,
// so it must not be one when that comes. The limit keeps core files away.
func dying(signal string) string {
	return "ulimit -c 0; echo last words; " +
		"(while kill -" + signal + " $$; do sleep 0.05; done) </dev/null >/dev/null 2>&1 & exec sleep 10"
}

// A signal sent by the client reaches the command. RFC 4254, section 6.9. ssh
// has no way to send one, and sshd takes none for root.
func TestSignals(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			if p.server == sshd && os.Geteuid() == 0 {
				t.Skip("sshd passes on signals only where it separates privileges, so not for root")
			}
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			for _, signal := range []channel.Signal{channel.SIGTERM, channel.SIGINT, channel.SIGHUP, channel.SIGUSR1, channel.SIGKILL} {
				cmd := c.Command("echo ready; exec sleep 30")
				stdout, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start(t.Context()))
				requireLine(t, stdout, "ready")
				require.NoError(t, cmd.SignalName(signal))
				var exit *client.ExitError
				require.ErrorAs(t, cmd.Wait(), &exit, "%s", signal)
				require.Equal(t, signal, exit.Signal)
			}
		})
	}
}

// A command that does not exist is the shell's error, not ours.
func TestCommandNotFound(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		r := serve(t, p.server).run(t, p.client, "/nowhere/at-all")
		require.Equal(t, 127, r.status)
		require.Contains(t, r.stderr, "/nowhere/at-all")
	})
}

// A context that is done kills the command, and leaves the connection alone.
func TestContextEndsCommand(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			ctx, cancel := contextWithCancel(t)
			cmd := c.Command("echo $$; exec cat") // ends with its input, should sshd not let it be killed
			_, err := cmd.StdinPipe()
			require.NoError(t, err)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start(ctx))
			pid := readPid(t, stdout)
			require.True(t, alive(pid))
			cancel()
			err = cmd.Wait()
			require.ErrorIs(t, err, ctx.Err())
			var contextual *client.ContextError
			require.True(t, errors.As(err, &contextual), "%v", err)
			requireGone(t, pid, patience)
			require.NoError(t, c.Command("true").Run(t.Context()))
		})
	}
}
