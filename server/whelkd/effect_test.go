//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// Every keyword that may stand behind a Match has its effect on connections that
// fit, from 127.0.0.2, and none on others.
func TestEffectBehindMatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		return filepath.Join(dir, name)
	}
	ours := string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	other := string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), ""))
	none, all := write("none", other), write("all", ours)
	banner := write("banner", "a banner\n")
	keys := script(t, "cat "+all+"\n")
	me := currentUser(t)
	for _, test := range []struct {
		name, lines string   // behind the Match, after what is global
		global      string   // outside of it
		args        []string // of ssh
		there, here string   // what ssh prints from elsewhere, and from 127.0.0.2
		denied      string   // who is let in nowhere: "there" or "here"
	}{
		{name: "AcceptEnv", lines: "AcceptEnv A*", args: []string{"-o", "SetEnv=AB=1", "echo $AB"}, there: "\n", here: "1\n"},
		{name: "AcceptEnv, less", global: "AcceptEnv A*", lines: "AcceptEnv B", args: []string{"-o", "SetEnv=AB=1", "echo $AB"}, there: "1\n", here: "\n"},
		{name: "AllowAgentForwarding", lines: "AllowAgentForwarding yes", args: []string{"-A", "test -S \"$SSH_AUTH_SOCK\"; echo $?"}, there: "1\n", here: "0\n"},
		{name: "DisableForwarding", global: "AllowAgentForwarding yes", lines: "DisableForwarding yes", args: []string{"-A", "test -S \"$SSH_AUTH_SOCK\"; echo $?"}, there: "0\n", here: "1\n"},
		{name: "AllowUsers", lines: "AllowUsers nobody", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "AllowGroups", lines: "AllowGroups no-such-group", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "DenyUsers", lines: "DenyUsers *", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "DenyUsers, others", global: "DenyUsers *", lines: "DenyUsers nobody", args: []string{"echo in"}, here: "in\n", denied: "there"},
		{name: "DenyGroups", lines: "DenyGroups *", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "AuthenticationMethods", lines: "AuthenticationMethods publickey,publickey", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "AuthorizedKeysCommand", global: "AuthorizedKeysFile " + none, lines: "AuthorizedKeysCommand " + keys + "\nAuthorizedKeysCommandUser " + me, args: []string{"echo in"}, here: "in\n", denied: "there"},
		{name: "AuthorizedKeysFile", global: "AuthorizedKeysFile " + all, lines: "AuthorizedKeysFile " + none, args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "AuthorizedKeysFile none", global: "AuthorizedKeysFile " + all, lines: "AuthorizedKeysFile none", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "Banner", lines: "Banner " + banner, args: []string{"-o", "LogLevel=INFO", "true"}, here: "a banner\n"},
		{name: "Banner none", global: "Banner " + banner, lines: "Banner none", args: []string{"-o", "LogLevel=INFO", "true"}, there: "a banner\n"},
		{name: "ExposeAuthInfo", lines: "ExposeAuthInfo yes", args: []string{"cat $SSH_USER_AUTH </dev/null"}, here: "publickey\n"},
		{name: "ForceCommand", lines: "ForceCommand echo forced", args: []string{"echo in"}, there: "in\n", here: "forced\n"},
		{name: "ForceCommand none", global: "ForceCommand echo forced", lines: "ForceCommand none", args: []string{"echo in"}, there: "forced\n", here: "in\n"},
		{name: "PermitTTY", lines: "PermitTTY no", args: []string{"-tt", "tty >/dev/null; echo $?"}, there: "0\r\n", denied: "here"},
		{name: "PubkeyAcceptedAlgorithms", lines: "PubkeyAcceptedAlgorithms rsa-sha2-256", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "PubkeyAuthentication", lines: "PubkeyAuthentication no", args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "PubkeyAuthentication, only here", global: "PubkeyAuthentication no", lines: "PubkeyAuthentication yes", args: []string{"echo in"}, here: "in\n", denied: "there"},
		{name: "RevokedKeys", lines: "RevokedKeys " + all, args: []string{"echo in"}, there: "in\n", denied: "here"},
		{name: "RevokedKeys none", global: "RevokedKeys " + all, lines: "RevokedKeys none", args: []string{"echo in"}, here: "in\n", denied: "there"},
		{name: "SetEnv", global: "SetEnv A=1", lines: "SetEnv A=2 PATH=/usr/bin:/bin", args: []string{"echo $A"}, there: "1\n", here: "2\n"},
		{name: "TrustedUserCAKeys", global: "AuthorizedKeysFile none\nTrustedUserCAKeys " + all, lines: "AuthorizedKeysFile " + all, args: []string{"echo in"}, here: "in\n", denied: "there"},
		{name: "an Include", lines: "Include " + write("include", "SetEnv A=2\nMatch Address 127.0.0.1\nSetEnv A=3\n"), global: "SetEnv A=1", args: []string{"echo $A"}, there: "1\n", here: "2\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf("%s\nMatch Address 127.0.0.2\n%s\n", test.global, test.lines)
			r := startWith(t, text)
			for address, want := range map[string]string{"127.0.0.1": test.there, "127.0.0.2": test.here} {
				denied := test.denied == "here" && address == "127.0.0.2" || test.denied == "there" && address == "127.0.0.1"
				cmd := r.ssh(append([]string{"-b", address, "-o", "NumberOfPasswordPrompts=0"}, test.args...)...)
				if r.agent != "" {
					cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+r.agent)
				}
				var out, errs strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &errs
				_ = cmd.Run()
				require.Equal(t, denied, cmd.ProcessState.ExitCode() == 255, "%s: %s", address, errs.String())
				if strings.HasPrefix(test.name, "Banner") {
					out.Reset()
					out.WriteString(errs.String())
				}
				require.Equal(t, want, out.String(), address)
			}
		})
	}
}

// What is counted and what is logged, by connection.
func TestLimitsBehindMatch(t *testing.T) {
	r := start(t, "-f", config(t, `
LogLevel DEBUG
MaxSessions 3
Match Address 127.0.0.2
	MaxSessions 1
	LogLevel QUIET
	MaxAuthTries 1
	RekeyLimit 1K
	UnusedConnectionTimeout 1s
`))
	// ssh opens further sessions on the connection that it has.
	for address, refused := range map[string]bool{"127.0.0.1": false, "127.0.0.2": true} {
		socket := r.path("ctl" + address)
		master := r.ssh("-b", address, "-S", socket, "-M", "sleep 100")
		require.NoError(t, master.Start())
		require.Eventually(t, func() bool { return r.ssh("-S", socket, "-O", "check", "").Run() == nil }, waitFor, 10*time.Millisecond)
		_, errs, status := r.output("-S", socket, "-o", "LogLevel=ERROR", "-o", "ControlMaster=no", "-b", address, "-o", "PreferredAuthentications=none", "exit 7")
		require.Equal(t, refused, status != 7, errs)
		master.Process.Kill()
		master.Wait()
	}
	require.Contains(t, r.logged(), "remote=127.0.0.1:")
	require.NotContains(t, r.logged(), "remote=127.0.0.2:")

	// A second key is one too many.
	r.write("wrong", testkeys.PEM("rsa3072"))
	for address, want := range map[string]string{"127.0.0.1": "in\n", "127.0.0.2": ""} {
		cmd := r.ssh("-b", address, "-S", "none", "echo in")
		cmd.Args = append([]string{cmd.Args[0], "-i", r.path("wrong")}, cmd.Args[1:]...)
		out, _ := cmd.Output()
		require.Equal(t, want, string(out), address)
	}

	// Keys are changed every KiB, or not at all.
	for address, many := range map[string]bool{"127.0.0.1": false, "127.0.0.2": true} {
		_, errs, status := r.output("-b", address, "-S", "none", "-vv", "head -c 20000 /dev/zero")
		require.Zero(t, status)
		require.Equal(t, many, strings.Count(errs, "SSH2_MSG_NEWKEYS received") > 1, "%s: %s", address, errs)
	}

	// A connection without a session has its time.
	idle := r.ssh("-b", "127.0.0.2", "-S", "none", "-N")
	began := time.Now()
	require.Error(t, idle.Run())
	require.Less(t, time.Since(began), waitFor)
}

// Passwords behind a Match: keys from elsewhere, and both of them from here.
func TestPasswordsBehindMatch(t *testing.T) {
	me := currentUser(t)
	dir := t.TempDir()
	const secret = "$2a$04$i6z2Uzje3VJoQJnsazknm.1bNnLuWD5LcOwNVKftZqIrip6LX4p4q" // its bcrypt hash
	require.NoError(t, os.WriteFile(dir+"/passwords", []byte(me+":"+secret+"\n"), 0o600))
	r := start(t, "-v", "-f", config(t, `
PasswordFile "`+dir+`/passwords"
PasswordAuthentication no
Match Address 127.0.0.2
	PasswordAuthentication yes
	AuthenticationMethods publickey,password
Match Address 127.0.0.3
	KbdInteractiveAuthentication yes
	PubkeyAuthentication no
`))
	askpass := script(t, "echo secret\n")
	for address, methods := range map[string]string{
		"127.0.0.1": "methods=[publickey]", "127.0.0.2": `methods="[publickey password]"`, "127.0.0.3": "methods=[keyboard-interactive]",
	} {
		cmd := r.ssh("-b", address, "-o", "BatchMode=no", "echo in")
		cmd.Env = append(cmd.Env, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "in\n", string(out))
		require.Contains(t, r.logged(), methods)
	}
	_, errs, status := r.output("-b", "127.0.0.2", "echo in")
	require.Equal(t, 255, status)
	require.Contains(t, errs, "Permission denied (password)", "a key is not enough")
}

// A configured is a running whelkd, and an agent for ssh to lend.
type configured struct {
	*running
	agent string
}

// startWith runs a whelkd with a configuration, in which the keys are those of
// start unless it says otherwise.
func startWith(t *testing.T, text string) configured {
	t.Helper()
	var agent string
	if strings.Contains(text, "AgentForwarding") || strings.Contains(text, "DisableForwarding") {
		_, agent = lend(t)
	}
	if !strings.Contains(text, "AuthorizedKeysFile") {
		return configured{start(t, "-f", config(t, text)), agent}
	}
	return configured{startPlain(t, "-f", config(t, text)), agent}
}
