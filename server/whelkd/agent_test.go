//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/agent"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// lend returns a Keyring with the key that lets in, and the address of its
// socket.
func lend(t *testing.T) (*agent.Keyring, string) {
	t.Helper()
	k := agent.NewKeyring()
	key, err := hostkey.ParsePrivateKeyFile(testkeys.PEM("ed25519-other"), nil)
	require.NoError(t, err)
	require.NoError(t, k.Add(t.Context(), agent.AddedKey{Key: key.Key, Comment: "mine"}))
	l, err := agent.Listen()
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- (&agent.Server{Agent: k}).ServeListener(context.Background(), l) }()
	t.Cleanup(func() {
		l.Close()
		<-served
	})
	return k, l.Addr().String()
}

// sshAdd skips a test where there is no ssh-add.
func sshAdd(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ssh-add"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("OpenSSH's ssh-add is not installed")
		}
		t.Skip("OpenSSH's ssh-add is not installed")
	}
}

// withAgent runs ssh with our Keyring as its agent.
func (r *running) withAgent(socket string, args ...string) (output string, status int) {
	r.t.Helper()
	cmd := r.ssh(args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// OpenSSH's client lends its agent, and ssh-add uses it in the session.
func TestAgentForwarding(t *testing.T) {
	sshAdd(t)
	_, socket := lend(t)
	fingerprint := hostkey.Fingerprint(testkeys.Ed25519Other().PublicKey())
	r := start(t, "-o", "AllowAgentForwarding=yes")
	out, status := r.withAgent(socket, "-A", `ssh-add -l; echo $SSH_AUTH_SOCK; stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK)`)
	require.Zero(t, status, out)
	lines := strings.Split(out, "\n")
	require.Contains(t, lines[0], fingerprint)
	require.Equal(t, []string{"600", "700"}, lines[2:4], "M7")
	require.NotEqual(t, socket, lines[1])
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Dir(lines[1]))
		return os.IsNotExist(err)
	}, waitFor, time.Millisecond, "M7: nothing is left of it")

	out, status = r.withAgent(socket, "-a", "ssh-add -l; echo .$SSH_AUTH_SOCK.")
	require.Zero(t, status, out)
	require.Contains(t, out, "..", "it was not asked for")
	require.NotContains(t, out, fingerprint)
	require.Zero(t, r.children())
}

// It is off unless it is switched on.
func TestM7AgentForwardingIsOff(t *testing.T) { // M7
	sshAdd(t)
	_, socket := lend(t)
	for _, args := range [][]string{nil, {"-o", "AllowAgentForwarding=no"}} {
		out, _ := start(t, args...).withAgent(socket, "-A", "echo .$SSH_AUTH_SOCK.")
		require.Equal(t, "..\n", out)
	}
}

// Several sessions on one connection have a socket each, and many connections to
// the agent go over one.
func TestAgentForwardingMuch(t *testing.T) {
	sshAdd(t)
	_, socket := lend(t)
	r := start(t, "-o", "AllowAgentForwarding=yes")
	out, status := r.withAgent(socket, "-A", `for i in 1 2 3 4 5 6 7 8; do ssh-add -l & done; wait`)
	require.Zero(t, status, out)
	require.Equal(t, 8, strings.Count(out, "SHA256:"), out)

	// A program that stays behind has no agent any more, and keeps nothing.
	out, _ = r.withAgent(socket, "-A", `(sleep 1; ssh-add -l >`+r.path("late")+` 2>&1) >/dev/null 2>&1 </dev/null & echo gone`)
	require.Equal(t, "gone\n", out)
	require.Eventually(t, func() bool {
		late, _ := os.ReadFile(r.path("late"))
		return strings.Contains(string(late), "agent")
	}, waitFor, 10*time.Millisecond)
}

// A client that goes away takes its agent with it.
func TestAgentForwardingClientDies(t *testing.T) {
	sshAdd(t)
	_, socket := lend(t)
	r := start(t, "-o", "AllowAgentForwarding=yes")
	before := r.descriptors()
	cmd := r.ssh("-A", "echo $SSH_AUTH_SOCK; sleep 100")
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	name := make([]byte, 200)
	n, err := out.Read(name)
	require.NoError(t, err)
	lent := strings.TrimSpace(string(name[:n]))
	require.FileExists(t, lent)
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Dir(lent))
		return os.IsNotExist(err) && r.descriptors() == before
	}, waitFor, time.Millisecond)
}

// OpenSSH's client logs in with a key of our Keyring only.
func TestLoginWithAgent(t *testing.T) {
	sshAdd(t)
	k, socket := lend(t)
	r := start(t)
	require.NoError(t, os.Rename(r.path("id"), r.path("gone")))
	out, status := r.withAgent(socket, "-oIdentitiesOnly=no", "echo in")
	require.Zero(t, status, out)
	require.Contains(t, out, "in\n")
	require.NoError(t, k.RemoveAll(t.Context()))
	_, status = r.withAgent(socket, "-oIdentitiesOnly=no", "echo in")
	require.Equal(t, failure, status)
}
