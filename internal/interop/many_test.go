package interop

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hundred commands run at the same time over one connection, each with its
// own input, output, errors and status. RFC 4254, section 5.
func TestHundredCommands(t *testing.T) {
	const commands = 100
	// None ends before all have begun: each waits for a file that the last
	// one makes.
	script := func(dir string, i int) string {
		return fmt.Sprintf("touch %s/%d; until [ $(ls %s | wc -l) -ge %d ]; do sleep 0.2; done; cat; echo error %d >&2; exit %d",
			dir, i, dir, commands, i, i)
	}
	check := func(t *testing.T, i int, r result) {
		require.Equal(t, i, r.status, r.stderr)
		require.Equal(t, fmt.Sprintf("input %d", i), r.stdout)
		require.Equal(t, fmt.Sprintf("error %d\n", i), r.stderr)
	}
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			dir, results := t.TempDir(), make([]result, commands)
			var all sync.WaitGroup
			for i := range commands {
				all.Go(func() {
					var stdout, stderr bytes.Buffer
					cmd := c.Command(script(dir, i))
					cmd.Stdin = bytes.NewReader(fmt.Appendf(nil, "input %d", i))
					cmd.Stdout, cmd.Stderr = &stdout, &stderr
					err := cmd.Run(t.Context())
					results[i] = result{status: statusOf(err), stdout: stdout.String(), stderr: stderr.String()}
				})
			}
			all.Wait()
			for i, r := range results {
				check(t, i, r)
			}
		})
	}
	between(t, "ssh to whelkd", []*program{ssh, whelkd}, func(t *testing.T) {
		t.Parallel()
		s := serve(t, whelkd)
		shared := s.master(t)
		dir, results := t.TempDir(), make([]result, commands)
		var all sync.WaitGroup
		for i := range commands {
			cmd := s.command(t, ssh, script(dir, i), shared...)
			cmd.Stdin = bytes.NewReader(fmt.Appendf(nil, "input %d", i))
			all.Go(func() { results[i] = run(t, cmd) })
		}
		all.Wait()
		for i, r := range results {
			check(t, i, r)
		}
	})
}

// Commands one after the other over one connection leave nothing behind on the
// server.
func TestNothingAccumulates(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			s := serve(t, p.server)
			c := s.dial(t, nil)
			require.NoError(t, c.Command("true").Run(t.Context()))
			before := descriptors(s.pid())
			for range 50 {
				require.NoError(t, c.Command("echo out; echo err >&2").Run(t.Context()))
			}
			s.requireDescriptors(t, before)
		})
	}
}
