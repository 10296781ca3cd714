package readme

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/userauth"
)

// shown is where the snippets say a server is.
const shown = "127.0.0.1:2222"

// snippets returns the programs of the README: each block of Go is one, but
// for those marked as the tutorial's, which are one together and come last, and
// fragments.
func snippets(t *testing.T) (programs []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	var tutorial strings.Builder
	before := ""
	for i, part := range strings.Split(string(text), "```") {
		code, isGo := strings.CutPrefix(part, "go\n")
		switch {
		case i%2 == 0:
			before = strings.TrimSpace(part)
		case isGo && strings.HasSuffix(before, "<!-- tutorial -->"):
			tutorial.WriteString(code)
		case isGo && !strings.HasSuffix(before, fragment):
			programs = append(programs, code)
		}
	}
	return append(programs, tutorial.String())
}

// build compiles a program as somebody would who pasted it, except that its
// server is at address.
func build(t *testing.T, code, address string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	require.Contains(t, code, shown)
	require.NoError(t, os.WriteFile(source, []byte(strings.ReplaceAll(code, shown, address)), 0o600))
	program := filepath.Join(dir, "program")
	out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// keyDirectory returns a directory with the files that the snippets read.
func keyDirectory(t *testing.T) string {
	t.Helper()
	// Not under a world-writable directory, which AuthorizedKeys does not trust.
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(cache, 0o700))
	dir, err := os.MkdirTemp(cache, "whelk-readme-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := hostkey.NewSigner(key)
	require.NoError(t, err)
	require.NoError(t, hostkey.WritePrivateKeyFile(filepath.Join(dir, "id_ed25519"), key, "me"))
	line := fmt.Appendf(nil, "%s\n", hostkey.MarshalAuthorizedKey(signer.PublicKey(), "me"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "authorized_keys"), line, 0o600))
	return dir
}

// run runs a program and returns what it printed on standard output.
func run(t *testing.T, dir, program string) string {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "USER=me")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, "%s", complaints.String())
	return string(out)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestClientAndServer(t *testing.T) {
	programs := snippets(t)
	require.Len(t, programs, 3)
	address, dir := freeAddress(t), keyDirectory(t)
	client, srv := build(t, programs[0], address), build(t, programs[1], address)

	cmd := exec.Command(srv)
	cmd.Dir = dir
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", address)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)

	for range 2 { // the second time the host is known
		require.Equal(t, "hello to you, me\n", run(t, dir, client))
	}
}

func TestClientAndServerAreShort(t *testing.T) {
	for _, code := range snippets(t)[:2] {
		_, body, found := strings.Cut(code, "func main() {\n")
		require.True(t, found)
		body, _, _ = strings.Cut(body, "\n}\n")
		require.LessOrEqual(t, strings.Count(body, "\n")+1, 15, "%s", body)
	}
}

func TestTutorial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dir := keyDirectory(t)
	srv := &server.Server{
		HostKeys: []hostkey.Signer{testkeys.Ed25519()},
		Auth:     userauth.Server{Checks: []userauth.Check{server.AuthorizedKeys(filepath.Join(dir, "authorized_keys"))}},
		Session: server.HandlerFunc(func(s *server.Session) {
			if s.Command() == "cat" {
				io.Copy(s, s)
			}
		}),
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	programs := snippets(t)
	out := run(t, dir, build(t, programs[2], l.Addr().String()))
	require.Equal(t, "host key ssh-ed25519 "+hostkey.Fingerprint(testkeys.Ed25519().PublicKey())+"\ncat says: hello, cat\n", out)
}
