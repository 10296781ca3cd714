package client

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel/sftp"
)

// sftp is a subsystem like any other, over which package sftp speaks.
func TestSFTPOpenSSH(t *testing.T) {
	address, config := sshd(t, "Subsystem=sftp /usr/lib/openssh/sftp-server")
	c, err := Dial(t.Context(), "tcp", address, config)
	require.NoError(t, err)
	defer c.Close()
	files, err := c.SFTP(t.Context())
	require.NoError(t, err)
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<20)
	name := filepath.Join(t.TempDir(), "file")
	f, err := files.Create(name)
	require.NoError(t, err)
	_, err = f.ReadFrom(bytes.NewReader(data))
	require.NoError(t, err)
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	var got bytes.Buffer
	_, err = f.WriteTo(&got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got.Bytes()))
	_, err = files.Stat(name + ".missing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, files.Close())
	require.NoError(t, c.Command("true").Run(t.Context()), "the connection is still there")

	again, err := c.SFTP(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = again.Stat(name)
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestSFTPRefused(t *testing.T) {
	in(t, newPeer(), func(t *testing.T, c *Client) {
		_, err := c.SFTP(t.Context())
		var refused *StartError
		require.ErrorAs(t, err, &refused)
	})
	p := newPeer()
	p.refuse = ""
	in(t, p, func(t *testing.T, c *Client) {
		ch, err := c.Subsystem(t.Context(), "cat")
		require.NoError(t, err)
		_, err = sftp.NewClient(context.Background(), ch)
		var broken *sftp.ProtocolError
		require.ErrorAs(t, err, &broken, "what comes back is what was sent")
	})
}
