package readme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fragments returns the blocks of Go in the README that are no programs: those
// behind a mark.
func fragments(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for part := range strings.SplitSeq(string(text), fragment+"\n```go\n") {
		code, _, _ := strings.Cut(part, "```")
		all = append(all, code)
	}
	return all[1:]
}

// fragment marks a block of statements.
const fragment = "<!-- fragment -->"

// surroundings are what the fragments stand in.
const surroundings = `package main

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/fuzz"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/server"
	"github.com/whelk-ssh/whelk/server/sshtest"
	"github.com/whelk-ssh/whelk/transport"
	"github.com/whelk-ssh/whelk/userauth"
	"github.com/whelk-ssh/whelk/wire"
)

var (
	ctx             context.Context
	askPassphrase   hostkey.PassphraseFunc
	anyCryptoSigner crypto.Signer
	certificate     *hostkey.Certificate
	agentClient     *agent.Client
	srv             *server.Server
	alice           hostkey.PublicKey
	ca              hostkey.Signer
	tomorrow        uint64
	handler         server.Handler
	config          *client.Config
	nc              net.Conn
	c               *client.Client

	_ = []any{fmt.Sprint, io.EOF, http.Serve, os.Exit, time.Now, sftp.NewClient, sshtest.NewServer, fuzz.Client, transport.Client, userauth.None, wire.Describe}
)

func main() {}
`

// The fragments compile, where their variables are, but for variables that
// nobody uses.
func TestFragments(t *testing.T) {
	var program strings.Builder
	program.WriteString(surroundings)
	all := fragments(t)
	require.NotEmpty(t, all)
	for i, code := range all {
		fmt.Fprintf(&program, "\nfunc fragment%d() {\n%s}\n", i, code)
	}
	source := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte(program.String()), 0o600))
	out, _ := exec.Command("go", "build", "-gcflags=-e", "-o", os.DevNull, source).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "# ") && !strings.Contains(line, "declared and not used") {
			require.Fail(t, "a fragment does not compile", "%s", out)
		}
	}
}
