package sftp

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	c := openSSH(t, dir)
	t.Log(c.Extensions(), c.Limits())
	data := make([]byte, 10<<20+17)
	rand.Read(data)
	f, err := c.Create("x")
	require.NoError(t, err)
	n, err := f.ReadFrom(bytes.NewReader(data))
	require.NoError(t, err)
	require.EqualValues(t, len(data), n)
	require.NoError(t, f.Close())
	got, err := os.ReadFile(dir + "/x")
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
	f, err = c.Open("x")
	require.NoError(t, err)
	got, err = io.ReadAll(struct{ io.Reader }{f})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
	_, err = f.Seek(0, 0)
	require.NoError(t, err)
	var b bytes.Buffer
	_, err = f.WriteTo(&b)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, b.Bytes()))
	at := make([]byte, 5<<20)
	m, err := f.ReadAt(at, 7<<20)
	require.Equal(t, io.EOF, err)
	require.True(t, bytes.Equal(data[7<<20:], at[:m]))
	require.NoError(t, c.MkdirAll("a/b/c", 0o755))
	require.NoError(t, c.RemoveAll("a"))
	_, err = c.Stat("a")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorIs(t, func() error { c.Mkdir("q", 0o755); return c.Mkdir("q", 0o755) }(), os.ErrExist)
	t.Log(c.Mkdir("q", 0o755))
	_ = fstest.MapFS{}
}
