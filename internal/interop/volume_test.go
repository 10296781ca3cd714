package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const gibibyte = 1 << 30

// A gibibyte arrives whole, each way, in both roles; default algorithms.
func TestGibibyte(t *testing.T) {
	heavy(t)
	for _, p := range []pair{{whelk, sshd}, {ssh, whelkd}} {
		between(t, p.String()+", down", p.programs(), func(t *testing.T) {
			s := serve(t, p.server)
			received := newSum()
			cmd := s.command(t, p.client, remotely(t, fmt.Sprint("generate ", gibibyte)))
			cmd.Stdout = received
			r := run(t, cmd)
			require.Equal(t, 0, r.status, r.stderr)
			require.Equal(t, streamSum(gibibyte), received.String())
			t.Logf("%.0f MB/s", gibibyte/1e6/r.elapsed.Seconds())
		})
		between(t, p.String()+", up", p.programs(), func(t *testing.T) {
			s := serve(t, p.server)
			r := s.fed(t, p.client, newStream(gibibyte), remotely(t, "digest"))
			require.Equal(t, 0, r.status, r.stderr)
			require.Equal(t, streamSum(gibibyte), strings.TrimSpace(r.stdout))
			t.Logf("%.0f MB/s", gibibyte/1e6/r.elapsed.Seconds())
		})
	}
}
