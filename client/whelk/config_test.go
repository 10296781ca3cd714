//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client/sshconfig"
	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// Each keyword of the configuration has one row, and so nothing that a file asks
// for is passed over by mistake.
func TestEveryKeywordHasARow(t *testing.T) {
	var names []string
	for _, k := range keywords {
		names = append(names, k.name)
		require.True(t, k.take == nil || k.idle == "" && !k.dear && !k.loud, k.name)
	}
	require.True(t, slices.IsSorted(names), "they are in order, so that merging is easy")
	known := append(sshconfig.Keywords(), own...)
	slices.Sort(known)
	require.Equal(t, known, names)
	s := parse(t, "h")
	require.Empty(t, s.passedOver, "nothing is asked for by default")
}

// home is a home directory with a configuration for s.
func (s *sshd) home(t *testing.T, lines ...string) string {
	t.Helper()
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	text := strings.Join(append(lines, fmt.Sprintf("Host box\nHostName 127.0.0.1\nPort %s\nIdentityFile %s\nUserKnownHostsFile %s\nHost *\nGlobalKnownHostsFile none\nHashKnownHosts no",
		s.port, s.path("user"), s.path("known"))), "\n")
	require.NoError(t, os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(text+"\n"), 0o600))
	return home
}

// whelkIn returns whelk for somebody who has that home.
func whelkIn(home string, args ...string) *exec.Cmd {
	cmd := exec.Command(whelk, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "SSH_AUTH_SOCK=", "SHELL=/bin/sh")
	return cmd
}

// The user's file is read, or that of -F, or none.
func TestConfigurationFiles(t *testing.T) {
	s := startSSHD(t)
	home := s.home(t, "Host box\nRemoteCommand echo remote %n", "Host quiet\nHostName 127.0.0.1\nSessionType none", "Match exec \"test %n = magic\"\nHostName 127.0.0.1\nPort "+s.port+
		"\nIdentityFile "+s.path("user")+"\nUserKnownHostsFile "+s.path("known"))
	out, stderr, status := capture(whelkIn(home, "box"), "")
	require.Zero(t, status, stderr)
	require.Equal(t, "remote box\n", out)
	out, stderr, status = capture(whelkIn(home, "magic", "echo in"), "")
	require.Zero(t, status, stderr)
	require.Equal(t, "in\n", out)
	_, stderr, status = capture(whelkIn(home, "box", "echo in"), "")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, ".ssh/config:2: remotecommand: there is a command already")

	_, stderr, status = capture(whelkIn(home, "-F", "none", "-oConnectTimeout=5", "box", "true"), "")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "connect to host box port 22")
	_, stderr, status = capture(whelkIn(home, "-F", home+"/none", "box"), "")
	require.Equal(t, failure, status)
	require.Equal(t, "whelk: "+home+"/none: no such file or directory: check the name behind -F\n", stderr)
	other := filepath.Join(home, "other")
	require.NoError(t, os.WriteFile(other, []byte("Host box\nPort 4\n"), 0o666))
	require.NoError(t, os.Chmod(other, 0o666))
	out, stderr, status = capture(whelkIn(home, "-F", other, "-G", "box"), "")
	require.Zero(t, status, "as with ssh, who names a file trusts it: %s", stderr)
	require.Contains(t, out, "\nport 4\n")
	require.NoError(t, os.Chmod(filepath.Join(home, ".ssh", "config"), 0o660))
	_, stderr, status = capture(whelkIn(home, "box"), "")
	require.Equal(t, failure, status)
	require.Equal(t, "whelk: "+home+"/.ssh/config: others may write to it: make it yours, and `chmod go-w` it\n", stderr)
}

// What whelk does not do is refused if it would be missed, and otherwise passed
// over with a word at the level that it deserves; as an option it is refused.
func TestUnsupportedKeywords(t *testing.T) {
	s := startSSHD(t)
	home := s.home(t, "Host box\nControlMaster auto\nControlPath ~/x\nGSSAPIAuthentication yes\nForwardX11 yes\nVisualHostKey yes", "Host card\nPKCS11Provider /x.so", "Host forward\nLocalForward 80 h:1")
	_, stderr, status := capture(whelkIn(home, "box", "true"), "")
	require.Zero(t, status, stderr)
	require.Empty(t, stderr)
	_, stderr, status = capture(whelkIn(home, "-v", "box", "true"), "")
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, ".ssh/config:2: controlmaster auto is passed over")
	_, stderr, status = capture(whelkIn(home, "-oHostName=127.0.0.1", "-p", s.port, "-i", s.path("user"), "-oUserKnownHostsFile="+s.path("known"), "card", "true"), "")
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "pkcs11provider /x.so is passed over: whelk does not support it yet")
	for _, args := range [][]string{{"forward"}, {"-oControlMaster=auto", "box"}, {"-oTunnel=yes", "box"}, {"-oVisualHostKey=yes", "box"}} {
		_, stderr, status := capture(whelkIn(home, args...), "")
		require.Equal(t, failure, status)
		require.Contains(t, stderr, "is not supported yet by whelk")
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
	for _, o := range []string{"ControlMaster=no", "Tunnel=no", "LocalForward=80 h:1", "VisualHostKey=no", "PKCS11Provider=none", "ServerAliveInterval=0"} {
		_, err := settled("-o", o, "h")
		require.Equal(t, strings.HasPrefix(o, "LocalForward"), err != nil, o)
	}
}

// -G prints the settings, and connects to nobody.
func TestPrint(t *testing.T) {
	home := t.TempDir()
	out, stderr, status := capture(whelkIn(home, "-F", "none", "-G", "-p", "2222", "-l", "al ice", "-J", "a,b", "-P", "work", "-b", "127.0.0.1", "-B", "lo", "-T", "-n", "-x", "-k", "ssh://bob@Host:3"), "")
	require.Zero(t, status, stderr)
	for _, line := range []string{"host Host", "hostname host", "user al ice", "port 2222", "proxyjump a,b", "tag work", "bindaddress 127.0.0.1", "bindinterface lo",
		"requesttty false", "stdinnull yes", "forwardx11 no", "gssapiauthentication no", "identityfile ~/.ssh/id_ed25519"} {
		require.Contains(t, strings.Split(out, "\n"), line)
	}
	out, _, status = capture(whelkIn(home, "-F", "none", "-G", "-oLocalForward=80 h:1", "h"), "")
	require.Zero(t, status, "what is not supported can be printed")
	require.Contains(t, out, "localforward 80 [h]:1\n")
	_, stderr, status = capture(whelkIn(home, "-J", "a", "-J", "b", "h"), "")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "-J: it is given twice")
	_, stderr, _ = capture(whelkIn(home, "-J", "", "h"), "")
	require.Contains(t, stderr, "-J: there is no value")
}

// The address to connect from.
func TestBind(t *testing.T) {
	s := startSSHD(t)
	out, stderr, status := s.run("", "-b", "127.0.0.3", "@", "echo $SSH_CONNECTION")
	require.Zero(t, status, stderr)
	require.Contains(t, out, "127.0.0.3 ")
	_, stderr, status = s.run("", "-B", "lo", "@", "true")
	require.Zero(t, status, stderr)
	_, stderr, status = s.run("", "-B", "no-such-if", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, `BindInterface "no-such-if"`)
}

// A host on the way that is down, or that is another, is named.
func TestJumpFails(t *testing.T) {
	s := startSSHD(t)
	home := s.home(t, "Host down\nHostName 127.0.0.1\nPort "+freePort(t), "Host far\nHostName 127.0.0.1\nPort "+freePort(t)+"\nProxyJump box", "Host stranger\nHostKeyAlias other\nHostName 127.0.0.1\nPort "+s.port)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"-J", "down", "box", "true"}, []string{"whelk: jump host down: connect to host 127.0.0.1 port", "check the name, the port"}},
		{[]string{"far", "true"}, []string{"by way of box: the server cannot connect"}},
		{[]string{"-J", "stranger", "box", "true"}, []string{"whelk: jump host stranger: host key verification failed", "other"}},
		{[]string{"-J", "down,box", "far", "true"}, []string{"jump host down"}},
	} {
		_, stderr, status := capture(whelkIn(home, append([]string{"-v"}, tt.args...)...), "")
		require.Equal(t, failure, status, tt.args)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		for _, want := range tt.want {
			require.Contains(t, lines[len(lines)-1], want, tt.args)
		}
	}
}

// A passphrase is asked for by the file's name, and not in BatchMode.
func TestPassphrase(t *testing.T) {
	s := startSSHD(t)
	key, err := hostkey.ParsePrivateKeyFile(testkeys.PEM("ed25519"), nil)
	require.NoError(t, err)
	locked, err := hostkey.MarshalEncryptedPrivateKey(key.Key, "", hostkey.Encryption{Passphrase: []byte("open"), Rounds: 1})
	require.NoError(t, err)
	s.write(t, "user", string(locked))
	screen := open(t, s.command("@", "echo in"))
	screen.expect(t, "Enter passphrase for key '"+s.path("user")+"': ")
	fmt.Fprint(screen, "wrong\n")
	screen.expect(t, "Bad passphrase, try again for "+s.path("user")+".")
	screen.expect(t, "Enter passphrase for key '"+s.path("user")+"': ")
	fmt.Fprint(screen, "open\n")
	screen.expect(t, "in\r\n")
	screen.finish(t, 0)
	_, stderr, status := s.run("", "-oBatchMode=yes", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "is encrypted")
}
