package interop

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
)

// promptly is how soon an end has to notice that the other one was killed. It
// takes milliseconds; the rest is for a machine that is busy.
const promptly = 5 * time.Second

// A client that is killed takes its commands with it: whelkd hangs up on what
// runs for it, and keeps no process and no file. attacks.md F8.
func TestClientKilled(t *testing.T) {
	for _, test := range []struct {
		name, command string
		options       []string
		within        time.Duration
	}{
		{"a command that waits", "echo $$; exec sleep 300", nil, promptly},
		{"one that writes", "echo $$; exec yes", nil, promptly},
		{"one with children", "echo $$; sleep 300; true", nil, promptly},
		{"one on a terminal", "echo $$; exec sleep 300", []string{"-tt"}, promptly},
		{"one that ignores SIGHUP", "trap '' HUP; echo $$; sleep 300; sleep 300", nil, patience}, // until SIGKILL
	} {
		t.Run(test.name, func(t *testing.T) {
			onPairs(t, []pair{{ssh, whelkd}, {whelk, whelkd}}, func(t *testing.T, p pair) {
				s := serve(t, p.server)
				before := descriptors(s.pid())
				cmd := s.command(t, p.client, test.command, test.options...)
				stdin, err := cmd.StdinPipe()
				require.NoError(t, err)
				defer stdin.Close()
				stdout, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				pid := readPid(t, stdout)
				require.True(t, alive(pid))
				require.NoError(t, cmd.Process.Kill())
				cmd.Wait()
				requireGone(t, pid, test.within)
				s.requireNoChildren(t)
				s.requireDescriptors(t, before)
			})
		})
	}
}

// sshd leaves a command without a terminal alone, but closes its files; it
// notices the death of a client of ours as that of its own. F8.
func TestClientOfOpenSSHKilled(t *testing.T) {
	onPairs(t, []pair{{ssh, sshd}, {whelk, sshd}}, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, test := range []struct {
			command string
			options []string
		}{
			{"echo $$; exec cat", nil}, {"echo $$; exec yes", nil}, {"echo $$; exec sleep 300", []string{"-tt"}},
		} {
			cmd := s.command(t, p.client, test.command, test.options...)
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			pid := readPid(t, stdout)
			require.NoError(t, cmd.Process.Kill())
			cmd.Wait()
			stdin.Close()
			requireGone(t, pid, patience)
			s.requireNoChildren(t)
		}
	})
}

// A client whose server is killed says so in one line, and exits with 255. F8.
func TestServerKilled(t *testing.T) {
	for _, test := range []struct{ name, command string }{
		{"while nothing moves", "echo ready; exec sleep 20"},
		{"while output comes", "echo ready; exec yes"},
		{"while input goes", "echo ready; exec cat >/dev/null"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPairs(t, pairs, func(t *testing.T, p pair) {
				s := serve(t, p.server)
				cmd := s.command(t, p.client, test.command)
				stdin, err := cmd.StdinPipe()
				require.NoError(t, err)
				defer stdin.Close()
				if strings.Contains(test.command, "cat") {
					go io.Copy(stdin, newStream(1<<40))
				}
				stdout, err := cmd.StdoutPipe()
				require.NoError(t, err)
				var stderr transcript
				cmd.Stderr = &stderr
				require.NoError(t, cmd.Start())
				requireLine(t, stdout, "ready")
				go io.Copy(io.Discard, stdout)
				start := time.Now()
				s.kill()
				err = cmd.Wait()
				require.Less(t, time.Since(start), promptly)
				require.Equal(t, 255, cmd.ProcessState.ExitCode(), "%v", err)
				require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "%q", stderr.String())
				if p.client == whelk { // ssh leaves the host out at times
					require.Contains(t, stderr.String(), "127.0.0.1")
				}
			})
		})
	}
}

// Package client reports a server that was killed with an error that is a
// net.ErrClosed, in everything that waits, and holds on to nothing. F8.
func TestServerKilledUnderLibrary(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			s := serve(t, p.server)
			before := takeStock()
			c := s.dial(t, nil)
			waiting, writing := c.Command("exec sleep 20"), c.Command("exec cat >/dev/null")
			require.NoError(t, waiting.Start(t.Context()))
			stdin, err := writing.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, writing.Start(t.Context()))
			written := make(chan error, 1)
			go func() {
				_, err := io.Copy(stdin, newStream(1<<40))
				written <- err
			}()
			start := time.Now()
			s.kill()
			for _, err := range []error{waiting.Wait(), <-written, writing.Wait(), c.Wait()} {
				require.ErrorIs(t, err, net.ErrClosed)
				var exit *client.ExitError
				require.False(t, errors.As(err, &exit))
			}
			require.ErrorIs(t, c.Command("true").Run(t.Context()), net.ErrClosed)
			require.Less(t, time.Since(start), promptly)
			require.NoError(t, ignoreClosed(c.Close()))
			before.requireSame(t)
		})
	}
}

// A whelkd that is asked to end lets the sessions end first, and a second time
// does not. ssh gets to know.
func TestServerDrains(t *testing.T) {
	for _, p := range []pair{{ssh, whelkd}, {whelk, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, p.server)
			cmd := s.command(t, p.client, "echo ready; cat; exit 3")
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			var stderr transcript
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			requireLine(t, stdout, "ready")
			require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
			require.Eventually(t, func() bool {
				nc, err := net.Dial("tcp", s.address())
				if err == nil {
					nc.Close()
				}
				return err != nil
			}, patience, 10*time.Millisecond, "it still accepts connections")
			_, err = io.WriteString(stdin, "still here\n")
			require.NoError(t, err)
			requireLine(t, stdout, "still here")
			require.NoError(t, stdin.Close())
			cmd.Wait()
			require.Equal(t, 3, cmd.ProcessState.ExitCode(), stderr.String())
			select {
			case <-s.done:
				require.Equal(t, 0, s.cmd.ProcessState.ExitCode())
			case <-time.After(patience):
				require.Fail(t, "whelkd does not end")
			}
		})
	}
}
