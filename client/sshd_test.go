package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
)

// sshd starts OpenSSH's server with options, which go before others of the same
// name, and returns its address and who it lets in.
func sshd(t *testing.T, options ...string) (address string, config *Config) {
	t.Helper()
	const path = "/usr/sbin/sshd"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI needs %s (Debian: openssh-server)", path)
		}
		t.Skipf("there is no %s here (Debian: openssh-server)", path)
	}
	os.MkdirAll("/run/sshd", 0o755) // for privilege separation, where it may be made
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		return name
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	require.NoError(t, l.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	var first []string
	for _, o := range options {
		first = append(first, "-o", o)
	}
	cmd := exec.Command(path, append(first, "-D", "-E", filepath.Join(dir, "log"), "-f", "/dev/null", "-p", port, "-h", file("host", testkeys.PEM("ecdsa256")),
		"-o", "ListenAddress=127.0.0.1", "-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes",
		"-o", "AuthorizedKeysFile="+file("authorized", hostkey.MarshalAuthorizedKey(testkeys.RSA2048().PublicKey(), "")),
		"-o", "MaxSessions=200", "-o", "AcceptEnv=WHELK_*", "-o", "Subsystem=sink cat")...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", address)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	u, err := user.Current()
	require.NoError(t, err)
	return address, &Config{
		User: u.Username, HostKeys: hostkey.Pin(testkeys.ECDSA256().PublicKey()),
		Auth: []userauth.Method{userauth.PublicKey(testkeys.RSA2048())},
	}
}

func TestOpenSSH(t *testing.T) {
	address, config := sshd(t)
	c, err := Dial(t.Context(), "tcp", address, config)
	require.NoError(t, err)
	defer c.Close()
	require.True(t, c.State().StrictKeyExchange)

	t.Run("streams", func(t *testing.T) {
		var stdout, stderr bytes.Buffer
		cmd := c.Command("cat; echo $WHELK_X$OTHER >&2")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("in"), &stdout, &stderr
		cmd.Env = []string{"WHELK_X=set", "OTHER=not accepted"}
		require.NoError(t, cmd.Run(t.Context()))
		require.Equal(t, "in", stdout.String())
		require.Equal(t, "set\n", stderr.String())
	})
	t.Run("statuses", func(t *testing.T) {
		for _, status := range []int{0, 1, 127, 128, 254, 255} {
			var exit *ExitError
			err := c.Command(fmt.Sprintf("exit %d", status)).Run(t.Context())
			if errors.As(err, &exit) {
				require.Equal(t, status, exit.Status)
				continue
			}
			require.NoError(t, err)
			require.Zero(t, status)
		}
	})
	t.Run("signal", func(t *testing.T) {
		var exit *ExitError
		require.ErrorAs(t, c.Command("kill -KILL $$").Run(t.Context()), &exit)
		require.Equal(t, channel.SIGKILL, exit.Signal)
	})
	t.Run("half-close", func(t *testing.T) {
		cmd := c.Command("sort")
		cmd.Stdin = strings.NewReader("b\na\n")
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "a\nb\n", string(out))
	})
	t.Run("shell", func(t *testing.T) {
		cmd := c.Command("")
		cmd.Stdin = strings.NewReader("echo $((6*7))\n")
		out, err := cmd.Output(t.Context())
		require.NoError(t, err)
		require.Equal(t, "42\n", string(out))
	})
	t.Run("nobody reads on", func(t *testing.T) {
		cmd := c.Command("yes")
		cmd.Stdout = broken{}
		var exit *ExitError
		require.ErrorAs(t, cmd.Run(t.Context()), &exit)
		require.Equal(t, channel.SIGPIPE, exit.Signal)
	})
	t.Run("output left unread", func(t *testing.T) {
		cmd := c.Command("head -c 1000000 /dev/zero")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start(t.Context()))
		require.NoError(t, cmd.Wait())
		n, err := io.Copy(io.Discard, stdout)
		require.NoError(t, err)
		require.Equal(t, int64(1000000), n)
	})
	t.Run("killed by its context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Command("sleep 5").Run(ctx), context.DeadlineExceeded)
	})
	t.Run("pty", func(t *testing.T) {
		cmd := c.Command("stty size; read line; stty size; echo $TERM")
		cmd.Pty = &Pty{Term: "vt220", Window: Window{Columns: 91, Rows: 31}, Modes: channel.Modes{{Opcode: channel.ECHO, Value: 0}}}
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		var out bytes.Buffer
		cmd.Stdout = &out
		require.NoError(t, cmd.Start(t.Context()))
		require.NoError(t, cmd.Resize(Window{Columns: 120, Rows: 60}))
		_, err = io.WriteString(stdin, "\n")
		require.NoError(t, err)
		require.NoError(t, cmd.Wait())
		require.Contains(t, out.String(), "60 120\r\nvt220\r\n")
	})
	t.Run("subsystem", func(t *testing.T) {
		ch, err := c.Subsystem(t.Context(), "sink")
		require.NoError(t, err)
		defer ch.Close()
		_, err = io.WriteString(ch, "ping")
		require.NoError(t, err)
		require.NoError(t, ch.CloseWrite())
		answer, err := io.ReadAll(ch)
		require.NoError(t, err)
		require.Equal(t, "ping", string(answer))
	})
	t.Run("many at once", func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				out, err := c.Command(fmt.Sprintf("echo %d", i)).Output(context.Background())
				if err != nil || string(out) != fmt.Sprintf("%d\n", i) {
					t.Errorf("%d: %q, %v", i, out, err)
				}
			})
		}
		all.Wait()
	})
	require.NoError(t, c.Close())
}

// Both ways, with keys exchanged again and again.
func TestOpenSSHRekey(t *testing.T) {
	address, config := sshd(t)
	config.Transport.Rekey.Bytes = 1 << 20
	c, err := Dial(t.Context(), "tcp", address, config)
	require.NoError(t, err)
	defer c.Close()
	const size = 16 << 20
	data := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	cmd := c.Command("cat")
	hash := sha256.New()
	cmd.Stdin, cmd.Stdout = bytes.NewReader(data), hash
	require.NoError(t, cmd.Run(t.Context()))
	want := sha256.Sum256(data)
	require.Equal(t, want[:], hash.Sum(nil))
	require.Greater(t, c.State().KeyExchangesFinished, 5)
}

func TestOpenSSHRefuses(t *testing.T) {
	address, config := sshd(t)
	config.Auth = []userauth.Method{userauth.PublicKey(testkeys.Ed25519()), userauth.PublicKey(testkeys.ECDSA384(), testkeys.Ed25519Other())}
	_, err := Dial(t.Context(), "tcp", address, config)
	var refused *userauth.Error
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Allowed, "publickey")

	config.HostKeys = hostkey.Pin(testkeys.ECDSA384().PublicKey())
	_, err = Dial(t.Context(), "tcp", address, config)
	var negotiation *transport.NegotiationError
	var key *transport.HostKeyError
	require.True(t, errors.As(err, &negotiation) || errors.As(err, &key), "%v", err)
}

func TestOpenSSHDies(t *testing.T) {
	address, config := sshd(t)
	c, err := Dial(t.Context(), "tcp", address, config)
	require.NoError(t, err)
	err = c.Command("kill -9 $PPID; sleep 5").Run(t.Context())
	var lost *transport.Error
	require.ErrorAs(t, err, &lost)
	require.Equal(t, transport.ReasonConnectionLost, lost.Reason)
	require.ErrorIs(t, c.Wait(), net.ErrClosed)
	require.NoError(t, c.Close())
}
