//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
	"github.com/whelk-ssh/whelk/server"
)

// from has ssh connect from another of the addresses that this machine has.
func (r *running) from(address string, args ...string) (stdout, stderr string, status int) {
	r.t.Helper()
	return r.output(append([]string{"-b", address}, args...)...)
}

// Who comes from where gets what is behind the Match lines that fit.
func TestMatchOfConnections(t *testing.T) {
	banner := config(t, "Go away.\n")
	r := start(t, "-v", "-f", config(t, `
SetEnv WHERE=anywhere
VersionAddendum of_the_house
AcceptEnv LC_X? PLAIN
Match Address 127.0.0.2,127.0.0.3
	SetEnv WHERE=here
	PermitTTY no
	ForceCommand echo "$WHERE" "<$SSH_ORIGINAL_COMMAND>"
Match LocalPort 1
	ForceCommand false
Match Address 127.0.0.3
	SetEnv WHERE=nowhere
	Banner `+banner+`
	MaxAuthTries 1
Match Address 127.0.0.4
	PubkeyAuthentication no
Match User nobody,!nobody
	PubkeyAuthentication no
Match User !`+currentUser(t)+`,*
	PubkeyAuthentication no
Match Host 127.0.0.5
	AcceptEnv OTHER
Match Group `+currentGroup(t)+` Address 127.0.0.6
	SetEnv WHERE=group
`))
	for _, test := range []struct{ address, command, want string }{
		{"127.0.0.1", `echo "$WHERE" "$SSH_ORIGINAL_COMMAND"`, "anywhere \n"},
		{"127.0.0.2", "id; true", "here <id; true>\n"},
		{"127.0.0.3", "id", "here <id>\n"},
		{"127.0.0.6", `echo "$WHERE"`, "group\n"},
	} {
		out, errs, status := r.from(test.address, test.command)
		require.Zero(t, status, errs)
		require.Equal(t, test.want, out, test.address)
	}
	_, errs, status := r.from("127.0.0.4", "true")
	require.Equal(t, 255, status)
	require.Contains(t, errs, "Permission denied")
	require.Contains(t, r.logged(), "public keys are off for this connection")

	_, errs, _ = r.output("-b", "127.0.0.3", "-o", "LogLevel=INFO", "true")
	require.Contains(t, errs, "Go away.")
	_, errs, _ = r.output("-b", "127.0.0.2", "-v", "true")
	require.Contains(t, errs, "Whelk_0.1 of_the_house")
	require.NotContains(t, errs, "Go away.")

	// AcceptEnv, by the patterns of sshd_config(5).
	for address, want := range map[string]string{"127.0.0.1": "1 2   \n", "127.0.0.5": "    5\n"} {
		cmd := r.ssh("-b", address, "-o", "SendEnv=LC_* PLAIN* OTHER", `echo "$LC_X1 $PLAIN $LC_X12 $PLAINER $OTHER"`)
		cmd.Env = append(cmd.Env, "LC_X1=1", "PLAIN=2", "LC_X12=3", "PLAINER=4", "OTHER=5")
		out, err := cmd.Output()
		require.NoError(t, err)
		require.Equal(t, want, string(out), address)
	}

	// A terminal is there or not.
	for address, want := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false} {
		out, errs, _ := r.output("-b", address, "-o", "LogLevel=INFO", "-tt", "tty")
		require.Equal(t, want, !strings.Contains(errs, "PTY allocation request failed"), errs)
		require.Equal(t, want, strings.Contains(out, "/dev/"), out)
	}
}

func currentUser(t *testing.T) string {
	t.Helper()
	a, err := currentAccount()
	require.NoError(t, err)
	return a.name
}

func currentGroup(t *testing.T) string {
	t.Helper()
	a, err := currentAccount()
	require.NoError(t, err)
	if len(a.groups) == 0 {
		t.Skip("the user's groups have no names")
	}
	return a.groups[0]
}

// sshd_config(5), AllowUsers and the others.
func TestAccessOfConnections(t *testing.T) {
	u, g := currentUser(t), currentGroup(t)
	for _, test := range []struct {
		file   string
		denied string // address
		why    string
	}{
		{"AllowUsers " + u + "@127.0.0.2\n", "127.0.0.3", "not in AllowUsers"},
		{"AllowUsers nobody *@127.0.0.0/30\n", "127.0.0.4", "not in AllowUsers"},
		{"DenyUsers *@127.0.0.3\n", "127.0.0.3", `DenyUsers has \"*@127.0.0.3\"`},
		{"AllowGroups " + g + "\nMatch Address 127.0.0.3\nDenyGroups " + g + "\n", "127.0.0.3", "DenyGroups has"},
		{"AllowGroups " + g + "\nMatch Address 127.0.0.3\nAllowGroups no-such-group\n", "127.0.0.3", "not in AllowGroups"},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			r := start(t, "-v", "-f", config(t, test.file))
			out, errs, status := r.from("127.0.0.2", "echo in")
			require.Zero(t, status, errs)
			require.Equal(t, "in\n", out)
			_, errs, status = r.from(test.denied, "echo in")
			require.Equal(t, 255, status)
			require.Contains(t, errs, "Permission denied (publickey)")
			require.Contains(t, r.logged(), test.why)
		})
	}
}

func TestPermitRootLogin(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root is root")
	}
	for mode, ok := range map[string]bool{"yes": true, "no": false, "prohibit-password": true} {
		r := start(t, "-v", "-o", "PermitRootLogin="+mode)
		_, errs, status := r.output("true")
		require.Equal(t, ok, status == 0, errs)
		require.Equal(t, !ok, strings.Contains(r.logged(), "PermitRootLogin"))
	}
	g := guarded{check: server.InteractivePasswordFile("/none"), account: &account{name: "root", uid: "0"}, rootMode: "without-password"}
	require.ErrorContains(t, g.refuse("root", nil), "PermitRootLogin")
	g.rootMode = ""
	require.NoError(t, g.refuse("root", nil))
	g.account.uid, g.rootMode = "1", "no"
	require.NoError(t, g.refuse("root", nil), "it is not root, whatever it is called")
}

// Connections with settings of their own end with the server, and end it.
func TestShutdownOfAll(t *testing.T) {
	r := start(t, "-f", config(t, "Match Address 127.0.0.2\nSetEnv A=1\n"))
	cmd := r.ssh("-b", "127.0.0.2", "echo ready; cat; echo done $A")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, len("ready\n"))
	_, err = out.Read(line)
	require.NoError(t, err)
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", "127.0.0.1:"+r.port)
		if err == nil {
			nc.Close()
		}
		return err != nil
	}, waitFor, 5*time.Millisecond, "it takes no further connections")
	require.NoError(t, in.Close())
	rest := make([]byte, 64)
	n, _ := out.Read(rest)
	require.Equal(t, "done 1\n", string(rest[:n]))
	require.NoError(t, cmd.Wait())
	require.Zero(t, r.wait())

	r = start(t, "-f", config(t, "Match Address 127.0.0.2\nSetEnv A=1\n"))
	cmd = r.ssh("-b", "127.0.0.2", "-N")
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGINT))
	require.Zero(t, r.wait())
}

// Several ports and addresses, of which each says that it is there; and PidFile.
func TestSeveralAddresses(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	r := start(t, "-p", "0", "-o", "PidFile="+pid, "-f", config(t, "ListenAddress 127.0.0.1\nListenAddress localhost:0\nAddressFamily inet\n"))
	require.Eventually(t, func() bool { return strings.Count(r.logged(), "listening on 127.0.0.1:") == 2 }, waitFor, 5*time.Millisecond, r.logged())
	for line := range strings.Lines(r.logged()) {
		_, port, _ := strings.Cut(strings.TrimSpace(line), "127.0.0.1:")
		r.port = port
		_, errs, status := r.output("-o", "StrictHostKeyChecking=no", "true")
		require.Zero(t, status, errs)
	}
	text, err := os.ReadFile(pid)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(r.cmd.Process.Pid)+"\n", string(text))
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.Zero(t, r.wait())
	require.NoFileExists(t, pid)
}

func TestListenErrors(t *testing.T) {
	for _, test := range []struct{ options, why string }{
		{"ListenAddress 127.0.0.1\nAddressFamily inet6\n", "cannot listen on 127.0.0.1: it has no address of AddressFamily inet6"},
		{"ListenAddress ::1\nAddressFamily inet\n", "of AddressFamily inet"},
		{"ListenAddress no-such-host.invalid\n", "cannot listen on no-such-host.invalid"},
		{"ListenAddress 127.0.0.1:0\nListenAddress 192.0.2.1:0\n", "cannot listen on 192.0.2.1:0"},
		{"ListenAddress 127.0.0.1:0\nPidFile /no/such/dir/pid\n", "PidFile: open /no/such/dir/pid"},
	} {
		var out, errs strings.Builder
		require.Equal(t, 255, run([]string{"-h", hostKeyIn(t), "-f", config(t, test.options)}, &out, &errs))
		require.Contains(t, errs.String(), test.why)
	}
}

// ExposeAuthInfo, and its end.
func TestExposeAuthInfo(t *testing.T) {
	r := start(t, "-o", "ExposeAuthInfo=yes")
	out, errs, status := r.output(`cat "$SSH_USER_AUTH"; stat -c %a "$SSH_USER_AUTH"; echo "$SSH_USER_AUTH"`)
	require.Zero(t, status, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Equal(t, []string{"publickey", "600"}, lines[:2])
	require.Eventually(t, func() bool { _, err := os.Stat(lines[2]); return os.IsNotExist(err) }, waitFor, 5*time.Millisecond)
	out, _, _ = start(t).output(`echo "<$SSH_USER_AUTH>"`)
	require.Equal(t, "<>\n", out)
}

// ForceCommand comes ahead of a key's command and takes signals from nobody; a
// subsystem is a command like any other.
func TestForceCommand(t *testing.T) {
	r := start(t, "-o", `ForceCommand=echo "forced <$SSH_ORIGINAL_COMMAND>"`, "-o", "Subsystem=sub /bin/sub -x")
	key := string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	for _, test := range []struct {
		options string
		args    []string
		want    string
	}{
		{"", []string{"asked for"}, "forced <asked for>\n"},
		{"", []string{""}, "forced <>\n"},
		{`command="key's" `, []string{"asked for"}, "forced <asked for>\n"},
		{`command="key's",environment="A=1" `, []string{""}, "forced <>\n"},
		{"", []string{"-s", "sub"}, "forced </bin/sub -x>\n"},
	} {
		r.write("authorized_keys", []byte(test.options+key))
		out, errs, status := r.output(test.args...)
		require.Zero(t, status, errs)
		require.Equal(t, test.want, out, fmt.Sprint(test.options, test.args))
	}
}

// HostKeyAgent, which is OpenSSH's.
func TestHostKeyAgent(t *testing.T) {
	path, err := exec.LookPath("ssh-agent")
	if err != nil {
		t.Skip("OpenSSH's ssh-agent is not installed")
	}
	dir := t.TempDir()
	agent := exec.Command(path, "-D", "-a", dir+"/agent")
	require.NoError(t, agent.Start())
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	require.Eventually(t, func() bool { _, err := os.Stat(dir + "/agent"); return err == nil }, waitFor, 5*time.Millisecond)
	require.NoError(t, os.WriteFile(dir+"/key", testkeys.PEM("ecdsa256"), 0o600))
	add := exec.Command("ssh-add", "-q", dir+"/key")
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+dir+"/agent")
	out, err := add.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Remove(dir+"/key"))
	public := hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), "")
	require.NoError(t, os.WriteFile(dir+"/key.pub", public, 0o600))
	require.NoError(t, os.WriteFile(dir+"/other.pub", hostkey.MarshalAuthorizedKey(testkeys.ECDSA384().PublicKey(), ""), 0o600))

	r := start(t, "-o", "HostKeyAgent="+dir+"/agent", "-o", "HostKey="+dir+"/key.pub")
	r.write("known_hosts", fmt.Appendf(nil, "[127.0.0.1]:%s %s", r.port, public))
	_, errs, status := r.output("-o", "HostKeyAlgorithms=ecdsa-sha2-nistp256", "true")
	require.Zero(t, status, errs)

	var stdout, stderr strings.Builder
	require.Equal(t, 255, run([]string{"-t", "-o", "HostKeyAgent=" + dir + "/agent", "-h", dir + "/other.pub"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "the agent does not have it")
}
