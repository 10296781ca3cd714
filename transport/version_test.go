package transport

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func newTestInbound(r io.Reader) *inbound {
	return &inbound{conn: r, idle: func() {}, buf: make([]byte, smallBuffer)}
}

func TestReadVersion(t *testing.T) {
	long := strings.Repeat("x", 255-len("SSH-2.0-\r\n"))
	tests := []struct {
		name  string
		peer  role
		input string
		want  string // empty: refused
	}{
		{"RFC 4253 4.2: plain", client, "SSH-2.0-x\r\n", "SSH-2.0-x"},
		{"RFC 4253 4.2: comments", server, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH-2.0-OpenSSH_9.2p1 Debian-2"},
		{"A4: LF only", client, "SSH-2.0-x\n", "SSH-2.0-x"},
		{"A4: 255 bytes with CR LF", client, "SSH-2.0-" + long + "\r\n", "SSH-2.0-" + long},
		{"A4: 256 bytes with CR LF", client, "SSH-2.0-x" + long + "\r\n", ""},
		{"A4: empty software version", server, "SSH-2.0-\r\n", "SSH-2.0-"},
		{"A4: NUL inside", client, "SSH-2.0-a\x00b\r\n", ""},
		{"A6: escape sequence", server, "SSH-2.0-\x1b[31mred\r\n", ""},
		{"A4: UTF-8 in the comment", server, "SSH-2.0-x caf\u00e9\r\n", "SSH-2.0-x caf\u00e9"},
		{"A4: SSH 1.5", server, "SSH-1.5-x\r\n", ""},
		{"RFC 4253 5.1: a server that says 1.99", server, "SSH-1.99-x\r\n", "SSH-1.99-x"},
		{"RFC 4253 5.1: a client that says 1.99", client, "SSH-1.99-x\r\n", ""},
		{"RFC 4253 4.2: lines before a server's version", server, "hello\r\nworld\r\nSSH-2.0-x\r\n", "SSH-2.0-x"},
		{"CVE-2026-48108: lines before a client's version", client, "hello\r\nSSH-2.0-x\r\n", ""},
		{"A3: a thousand lines of 250 bytes", server, strings.Repeat(strings.Repeat("p", 249)+"\n", 1000) + "SSH-2.0-x\r\n", "SSH-2.0-x"},
		{"A1: 1025 lines", server, strings.Repeat("p\n", 1026) + "SSH-2.0-x\r\n", ""},
		{"A1: a line of 8 KiB and more", server, strings.Repeat("p", 9<<10) + "\nSSH-2.0-x\r\n", ""},
		{"A4: HTTP", client, "GET / HTTP/1.1\r\n", ""},
		{"A4: HTTP server", server, "HTTP/1.1 400 Bad Request\r\n\r\n", ""},
		{"A4: nothing", server, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
				got, err := newTestInbound(wrap(strings.NewReader(tt.input))).readVersion(tt.peer)
				require.Equal(t, tt.want, got)
				require.Equal(t, tt.want == "", err != nil, "error: %v", err)
				if err != nil {
					require.NotContains(t, err.Error(), "\x1b")
					require.NotContains(t, err.Error(), "\n")
				}
			}
		})
	}
}

// endless yields one byte for ever.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestReadVersionIsBounded(t *testing.T) {
	for _, b := range []byte{0, 'x', '\n'} {
		for _, peer := range []role{client, server} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			counted := &countingReader{r: endless(b)}
			_, err := newTestInbound(counted).readVersion(peer)
			runtime.ReadMemStats(&after)
			var version *VersionError
			require.True(t, errors.As(err, &version), "CVE-2022-21716: %q to a %v: %v", b, 1-peer, err)
			require.LessOrEqual(t, counted.n, int64(maxPrelude+largeBuffer))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(512<<10))
		}
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func TestVersionLine(t *testing.T) {
	line, err := versionLine("Whelk_0.1")
	require.NoError(t, err)
	require.Equal(t, "SSH-2.0-Whelk_0.1", line)
	for _, software := range []string{"", "a\nb", "a\x00", strings.Repeat("x", 246)} {
		_, err := versionLine(software)
		require.Error(t, err, "%q", software)
	}
}

func TestVersionErrorText(t *testing.T) {
	err := &VersionError{Line: "\x1b]0;owned\a", Why: "server"}
	require.Equal(t, `transport: the peer is not an SSH 2.0 server: it sent "\x1b]0;owned\a"`, err.Error())
	_, cause := newTestInbound(bytes.NewReader(nil)).readVersion(server)
	require.ErrorIs(t, cause, io.EOF)
}

// A buffer that was given back while the line had not ended may be another
// connection's by the time it fails.
func TestInterruptedLineIsOurs(t *testing.T) {
	const line = "SSH-2.0-inter"
	in := &inbound{idle: func() {}}
	in.draw = func() (int, error) {
		if in.buf == nil {
			return copy(in.space(), line), nil
		}
		given := in.buf
		in.rest()
		copy(given, bytes.Repeat([]byte("x"), len(given)))
		return 0, io.EOF
	}
	got, err := in.readLine(255)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, line, got)
}
