//go:build unix

package client

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/connection"
)

// sshd(8) that is stopped is found dead, and one that is not answers.
func TestOpenSSHFrozen(t *testing.T) {
	address, config := sshd(t)
	for _, byChannel := range []bool{false, true} {
		t.Run("by channel "+strconv.FormatBool(byChannel), func(t *testing.T) {
			config.KeepAlive = connection.KeepAlive{Interval: 200 * time.Millisecond, Count: 4, ByChannel: byChannel}
			c, err := Dial(t.Context(), "tcp", address, config)
			require.NoError(t, err)
			defer c.Close()
			cmd := c.Command("echo $PPID; sleep 1.5; echo still here; sleep 100")
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start(t.Context()))
			text := make([]byte, 100)
			n, err := out.Read(text)
			require.NoError(t, err)
			pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
			require.NoError(t, err)
			n, err = out.Read(text) // longer than its patience
			require.NoError(t, err)
			require.Equal(t, "still here\n", string(text[:n]))
			require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
			defer syscall.Kill(pid, syscall.SIGKILL)
			began := time.Now()
			require.ErrorIs(t, cmd.Wait(), ErrDeadPeer)
			require.Less(t, time.Since(began), 3*time.Second)
			require.ErrorIs(t, c.Wait(), ErrDeadPeer)
		})
	}
}
