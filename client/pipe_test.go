package client

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestPipes(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("cat")
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start(t.Context()))
		lines := bufio.NewReader(stdout)
		for _, line := range []string{"one\n", "two\n"} {
			_, err = io.WriteString(stdin, line)
			require.NoError(t, err)
			got, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, line, got)
		}
		require.NoError(t, stdin.Close())
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait())
		_, err = lines.ReadByte()
		require.Equal(t, io.EOF, err)
		_, err = stdin.Write([]byte("x"))
		require.Error(t, err)
	})
}

// What a command wrote before it ended can be read after Wait.
func TestPipesAfterWait(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("fail to do it")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start(t.Context()))
		var exit *ExitError
		require.ErrorAs(t, cmd.Wait(), &exit)
		out, err := io.ReadAll(stdout)
		require.NoError(t, err)
		require.Equal(t, "partial\n", string(out))
		var b strings.Builder
		_, err = io.Copy(&b, stderr)
		require.NoError(t, err)
		require.Equal(t, "to do it", b.String())
	})
}

// A pipe used before Start waits for it.
func TestPipesBeforeStart(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("cat")
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		go func() {
			io.WriteString(stdin, "early bird")
			stdin.Close()
		}()
		synctest.Wait()
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "early bird", string(out))
	})
}

func TestPipesTwice(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("cat")
		for _, pipe := range []func() error{
			func() error { _, err := cmd.StdinPipe(); return err },
			func() error { _, err := cmd.StdoutPipe(); return err },
			func() error { _, err := cmd.StderrPipe(); return err },
		} {
			require.NoError(t, pipe())
			require.Equal(t, errPiped, pipe())
		}
		_, err := cmd.Output(t.Context())
		require.Equal(t, errOutputSet, err)
	})
}

// To close a pipe ends a command that would write for ever.
func TestPipeCloseEndsTheCommand(t *testing.T) {
	p := newPeer()
	p.transport.Software = "Other"
	in(t, p, func(t *testing.T, c *Client) {
		cmd := c.Command("yes")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start(t.Context()))
		_, err = io.ReadFull(stdout, make([]byte, 1000))
		require.NoError(t, err)
		require.NoError(t, stdout.Close())
		require.NoError(t, stdout.Close())
		var missing *ExitMissingError
		require.ErrorAs(t, cmd.Wait(), &missing)
	})
}

// To close the pipe of standard error leaves the rest of the command alone.
func TestStderrPipeClose(t *testing.T) {
	inEarnest(t, newPeer(), func(t *testing.T, c *Client) {
		cmd := c.Command("spew 8388608")
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start(t.Context()))
		require.NoError(t, stderr.Close())
		require.NoError(t, cmd.Wait())
	})
}
