package interop

import (
	"context"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireLine reads a line, and no more than that.
func requireLine(t *testing.T, r io.Reader, want string) {
	t.Helper()
	require.Equal(t, want, readLine(t, r))
}

// readLine reads a line without its end, and no more than that.
func readLine(t *testing.T, r io.Reader) string {
	t.Helper()
	var line strings.Builder
	ended := make(chan error, 1)
	go func() {
		for b := make([]byte, 1); ; line.WriteByte(b[0]) {
			if _, err := io.ReadFull(r, b); err != nil || b[0] == '\n' {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		require.NoError(t, err, "after %q", line.String())
		return line.String()
	case <-time.After(patience):
		require.Fail(t, "a line takes too long")
		return ""
	}
}

// readPid reads a line that is the number of a process.
func readPid(t *testing.T, r io.Reader) int {
	t.Helper()
	line := readLine(t, r)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	return pid
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// commandOf is a program that needs no server.
func commandOf(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = environment()
	return cmd
}
