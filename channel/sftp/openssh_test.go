package sftp

import (
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program is a server at the other end of two pipes.
type program struct {
	io.Reader
	io.WriteCloser
	output io.Closer
	cmd    *exec.Cmd
}

func (p *program) Close() error {
	p.WriteCloser.Close()
	p.output.Close()
	return nil
}

// start starts a program that speaks SFTP on its standard streams.
func start(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &program{Reader: out, WriteCloser: in, output: out, cmd: cmd}
	t.Cleanup(func() {
		p.Close()
		cmd.Wait()
	})
	return p
}

// openSSH starts OpenSSH's sftp-server in the directory.
func openSSH(t *testing.T, dir string, args ...string) *Client {
	t.Helper()
	const path = "/usr/lib/openssh/sftp-server"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs %s (Debian: openssh-sftp-server)", path)
		}
		t.Skipf("there is no %s here (Debian: openssh-sftp-server)", path)
	}
	c, err := NewClient(t.Context(), start(t, exec.Command(path, append([]string{"-d", dir}, args...)...)))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}
