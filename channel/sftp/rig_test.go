package sftp

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/internal/memnet"
	"github.com/whelk-ssh/whelk/wire"
)

// roleVariable makes the test binary a server on its standard streams, for
// clients that start a program.
const roleVariable = "WHELK_SFTP_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	s := &Server{Handler: SystemHandler(), Directory: os.Getenv("WHELK_SFTP_DIR")}
	if err := s.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

// A program is a server at the other end of two pipes.
type program struct {
	io.Reader
	io.WriteCloser
	output io.Closer
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
	p := &program{Reader: out, WriteCloser: in, output: out}
	t.Cleanup(func() {
		p.Close()
		cmd.Wait()
	})
	return p
}

// need skips the test if the program is missing, and fails it in CI.
func need(t *testing.T, path, from string) {
	t.Helper()
	if _, err := exec.LookPath(path); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI needs %s (Debian: %s)", path, from)
	}
	t.Skipf("there is no %s here (Debian: %s)", path, from)
}

// openSSH starts OpenSSH's sftp-server in the directory.
func openSSH(t *testing.T, dir string, args ...string) *Client {
	t.Helper()
	const path = "/usr/lib/openssh/sftp-server"
	need(t, path, "openssh-sftp-server")
	c, err := NewClient(t.Context(), start(t, exec.Command(path, append([]string{"-d", dir}, args...)...)))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// ours starts a Server in memory.
func ours(t *testing.T, s *Server) *Client { return linked(t, s, memnet.Link{}) }

// linked is ours over a link.
func linked(t *testing.T, s *Server, link memnet.Link) *Client {
	t.Helper()
	near, far := link.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		_ = s.Serve(ctx, far)
		far.Close()
	})
	c, err := NewClient(t.Context(), near)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		cancel()
		served.Wait()
	})
	return c
}

// jail returns a Server of the directory.
func jail(t *testing.T, dir string) *Server {
	t.Helper()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { root.Close() })
	return &Server{Handler: RootHandler(root)}
}

// eachServer runs the test against each server there is, in a directory of its
// own.
func eachServer(t *testing.T, f func(t *testing.T, c *Client, dir string)) {
	t.Helper()
	for _, server := range []struct {
		name  string
		start func(*testing.T, string) *Client
	}{
		{"OpenSSH", func(t *testing.T, dir string) *Client { return openSSH(t, dir) }},
		{"system", func(t *testing.T, dir string) *Client {
			return ours(t, &Server{Handler: SystemHandler(), Directory: dir})
		}},
		{"root", func(t *testing.T, dir string) *Client { return ours(t, jail(t, dir)) }},
	} {
		t.Run(server.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			require.NoError(t, err)
			f(t, server.start(t, dir), dir)
		})
	}
}

// write makes a file.
func write(t *testing.T, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, data, 0o644))
}

// read returns what is in a file.
func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return data
}

// pattern returns n bytes of which no stretch is like another.
func pattern(n int) []byte {
	p := make([]byte, 0, n+8)
	for i := uint64(0); len(p) < n; i++ {
		p = binary.BigEndian.AppendUint64(p, i*0x9e3779b97f4a7c15)
	}
	return p[:n]
}

// A request is one that a scripted server has read.
type request struct {
	kind number
	id   uint32
	body wire.Reader
}

// A script is a server that says what its answer returns, each a packet
// without its length.
type script struct {
	extensions []Extension
	answer     func(r request) [][]byte
}

// serve reads requests and answers them until the client is gone.
func (s *script) serve(rw io.ReadWriteCloser) {
	defer rw.Close()
	if _, err := readHello(rw, fxpInit); err != nil {
		return
	}
	hello := []byte{byte(fxpVersion), 0, 0, 0, 3}
	for _, e := range s.extensions {
		hello = wire.AppendString(wire.AppendString(hello, e.Name), e.Data)
	}
	rw.Write(wire.AppendString(nil, hello))
	for {
		var head [4]byte
		if _, err := io.ReadFull(rw, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(rw, body); err != nil {
			return
		}
		r := wire.NewReader(body)
		for _, p := range s.answer(request{number(r.Byte()), r.Uint32(), r}) {
			if p == nil {
				return // hang up
			}
			rw.Write(wire.AppendString(nil, p))
		}
	}
}

// scripted starts a scripted server.
func scripted(t *testing.T, s *script) *Client {
	t.Helper()
	near, far := memnet.Pipe()
	var served sync.WaitGroup
	served.Go(func() { s.serve(far) })
	c, err := NewClient(t.Context(), near)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		served.Wait()
	})
	return c
}

// reply begins an answer of a scripted server.
func (r request) reply(kind number) []byte {
	return wire.AppendUint32([]byte{byte(kind)}, r.id)
}

func (r request) status(code Status, text string) [][]byte {
	b := wire.AppendUint32(r.reply(fxpStatus), uint32(code))
	return [][]byte{wire.AppendString(wire.AppendString(b, text), "en")}
}

func (r request) handle(handle string) [][]byte {
	return [][]byte{wire.AppendString(r.reply(fxpHandle), handle)}
}

func (r request) data(p []byte) [][]byte {
	return [][]byte{wire.AppendString(r.reply(fxpData), p)}
}

func (r request) attrs(a Attributes) [][]byte { return [][]byte{a.append(r.reply(fxpAttrs))} }

func (r request) names(infos ...fileInfo) [][]byte {
	b := wire.AppendUint32(r.reply(fxpName), uint32(len(infos)))
	for _, info := range infos {
		b = info.a.append(wire.AppendString(wire.AppendString(b, info.name), "long name"))
	}
	return [][]byte{b}
}
