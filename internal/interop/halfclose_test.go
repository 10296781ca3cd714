package interop

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A command that answers only when its input has ended gets to know that it
// has. RFC 4254, section 5.3; attacks.md F7.
func TestHalfClose(t *testing.T) {
	input := strings.Repeat("pear\napple\nfig\n", 10000)
	want := strings.Repeat("apple\n", 10000) + strings.Repeat("fig\n", 10000) + strings.Repeat("pear\n", 10000)
	onPairs(t, append([]pair{{library, sshd}, {library, whelkd}}, pairs...), func(t *testing.T, p pair) {
		s := serve(t, p.server)
		if p.client != library {
			r := s.fed(t, p.client, strings.NewReader(input), "LC_ALL=C sort")
			require.Equal(t, 0, r.status, r.stderr)
			require.True(t, r.stdout == want, "%d bytes", len(r.stdout))
			return
		}
		cmd := s.dial(t, nil).Command("LC_ALL=C sort")
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		require.NoError(t, cmd.Start(t.Context()))
		_, err = io.WriteString(stdin, input)
		require.NoError(t, err)
		time.Sleep(50 * time.Millisecond)
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait())
		require.True(t, stdout.String() == want, "%d bytes", stdout.Len())
	})
}

// The command closes its output first, and goes on reading; or its input, and
// goes on writing; or both, and ends later with a status. F7.
func TestCommandClosesFirst(t *testing.T) {
	tableOnPairs(t, append([]pair{{library, sshd}, {library, whelkd}}, pairs...), func(t *testing.T, p pair) {
		s := serve(t, p.server)
		for _, test := range []struct{ name, command, stdout, stderr string }{
			{"its output", "echo out; exec >&-; cat >&2; exit 5", "out\n", "input"},
			{"its input", "exec <&-; sleep 0.2; echo out; echo err >&2; exit 5", "out\n", "err\n"},
			{"its output and errors", "echo out; echo err >&2; exec >&- 2>&-; cat; sleep 0.2; exit 5", "out\n", "err\n"},
			{"everything", "echo out; echo err >&2; exec <&- >&- 2>&-; sleep 0.2; exit 5", "out\n", "err\n"},
		} {
			between(t, test.name, p.programs(), func(t *testing.T) {
				var r result
				if p.client == library {
					var stdout, stderr bytes.Buffer
					cmd := s.dial(t, nil).Command(test.command)
					cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("input"), &stdout, &stderr
					r = result{status: statusOf(cmd.Run(t.Context())), stdout: stdout.String(), stderr: stderr.String()}
				} else {
					r = s.fed(t, p.client, strings.NewReader("input"), test.command)
				}
				require.Equal(t, 5, r.status, r.stderr)
				require.Equal(t, test.stdout, r.stdout)
				require.Equal(t, test.stderr, r.stderr)
			})
		}
	})
}

// A command that exits with output still on the way loses none of it, even if
// the client reads slowly.
func TestOutputAfterExit(t *testing.T) {
	const size = 6 << 20 // more than a window
	onPairs(t, append([]pair{{library, sshd}, {library, whelkd}}, pairs...), func(t *testing.T, p pair) {
		s := serve(t, p.server)
		command := remotely(t, "generate 6291456") + "; exit 9"
		slow := &slowSum{sum: newSum()}
		var status int
		if p.client == library {
			cmd := s.dial(t, nil).Command(command)
			cmd.Stdout = slow
			status = statusOf(cmd.Run(t.Context()))
		} else {
			cmd := s.command(t, p.client, command)
			cmd.Stdout = slow
			status = run(t, cmd).status
		}
		require.Equal(t, 9, status)
		require.Equal(t, streamSum(size), slow.String())
	})
}

// A slowSum takes its time in the beginning.
type slowSum struct {
	*sum
	slept bool
}

func (s *slowSum) Write(p []byte) (int, error) {
	if !s.slept {
		s.slept = true
		time.Sleep(500 * time.Millisecond)
	}
	return s.sum.Write(p)
}

// A command that exits while input is still on its way ends the client: with
// the status, and without waiting for the input to end.
func TestExitWithInputUnread(t *testing.T) {
	onPairs(t, append([]pair{{library, sshd}, {library, whelkd}}, pairs...), func(t *testing.T, p pair) {
		s := serve(t, p.server)
		endless, w := io.Pipe()
		defer w.Close()
		go io.Copy(w, newStream(32<<20)) // and then nothing, but no end
		var r result
		if p.client == library {
			var stdout bytes.Buffer
			cmd := s.dial(t, nil).Command("head -c 10 | wc -c; exit 6")
			cmd.Stdin, cmd.Stdout = endless, &stdout
			r = result{status: statusOf(cmd.Run(t.Context())), stdout: stdout.String()}
		} else {
			cmd := s.command(t, p.client, "head -c 10 | wc -c; exit 6")
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			go io.Copy(stdin, endless)
			r = run(t, cmd)
		}
		require.Equal(t, 6, r.status, r.stderr)
		require.Equal(t, "10", strings.TrimSpace(r.stdout))
	})
}

// A client whose reader goes away stops the command, which would write for
// ever. PROTOCOL, section 2.2: ssh tells OpenSSH only, by its version, so that
// from whelkd it would read for ever.
func TestReaderGoesAway(t *testing.T) {
	onPairs(t, []pair{{ssh, sshd}, {whelk, sshd}, {whelk, whelkd}}, func(t *testing.T, p pair) {
		s := serve(t, p.server)
		cmd := s.command(t, p.client, "echo $$; exec yes")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		pid := readPid(t, stdout)
		require.NoError(t, stdout.Close())
		requireGone(t, pid, patience)
		cmd.Wait()
		require.True(t, cmd.ProcessState.Exited(), "%v", cmd.ProcessState)
	})
}
