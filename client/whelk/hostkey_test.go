//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

var hostKey = testkeys.Ed25519Other().PublicKey() // that of an sshd

// known returns a line for an sshd.
func (s *sshd) known(marker string, key hostkey.PublicKey) string {
	return marker + "[127.0.0.1]:" + s.port + " " + string(hostkey.MarshalAuthorizedKey(key, ""))
}

func (s *sshd) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	require.NoError(t, err)
	return string(text)
}

// ssh runs OpenSSH's client with a known_hosts file of s.
func (s *sshd) ssh(t *testing.T, known string, options ...string) (stdout, stderr string, status int) {
	t.Helper()
	path, err := exec.LookPath("ssh")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("CI needs OpenSSH's ssh")
	} else if err != nil {
		t.Skip("there is no ssh here")
	}
	args := []string{"-F", "none", "-p", s.port, "-i", s.path("user"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"}
	for _, o := range append(options, "UserKnownHostsFile="+s.path(known), "GlobalKnownHostsFile=/dev/null") {
		args = append(args, "-o", o)
	}
	cmd := exec.Command(path, append(args, "127.0.0.1", "echo in")...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	return capture(cmd, "")
}

// The first connection to a host asks as ssh does, and takes the fingerprint
// for an answer.
func TestNewHostAsks(t *testing.T) {
	server := startSSHD(t)
	fingerprint := hostkey.Fingerprint(hostKey)
	for _, test := range []struct {
		name    string
		answers []string
		in      bool
	}{
		{"yes", []string{"yes"}, true},
		{"the fingerprint", []string{fingerprint}, true},
		{"not understood, then yes", []string{"y", "sure", "YES"}, true},
		{"another fingerprint, then nothing", []string{hostkey.Fingerprint(testkeys.Ed25519().PublicKey()), ""}, false},
		{"no", []string{"no"}, false},
		{"end of file", []string{"\x04"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server.write(t, "new", "")
			s := open(t, server.command("-oUserKnownHostsFile="+server.path("new"), "@", "echo in"))
			s.expect(t, "The authenticity of host '[127.0.0.1]:"+server.port+" (127.0.0.1)' can't be established.\r\n"+
				"ssh-ed25519 key fingerprint is "+fingerprint+".\r\n"+
				"This key is not known by any other names.\r\n"+
				"Are you sure you want to continue connecting (yes/no/[fingerprint])? ")
			for i, answer := range test.answers {
				if i > 0 {
					s.expect(t, "Please type 'yes', 'no' or the fingerprint: ")
				}
				if answer != "\x04" {
					answer += "\n"
				}
				fmt.Fprint(s, answer)
			}
			if !test.in {
				s.expect(t, "whelk: host key verification failed: ")
				s.finish(t, failure)
				require.Empty(t, server.read(t, "new"))
				return
			}
			s.expect(t, "Permanently added")
			s.expect(t, "in\r\n")
			s.finish(t, 0)
			require.Equal(t, server.known("", hostKey), server.read(t, "new"))
			out, stderr, status := server.ssh(t, "new", "StrictHostKeyChecking=yes")
			require.Zero(t, status, "ssh reads what we wrote: %s", stderr)
			require.Equal(t, "in\n", out)
		})
	}
}

// Who is thinking about the question can still interrupt it, and is not too
// slow for the server's answer.
func TestNewHostInterrupted(t *testing.T) {
	server := startSSHD(t)
	s := open(t, server.command("-oConnectTimeout=1", "-oUserKnownHostsFile="+server.path("none"), "@", "true"))
	s.expect(t, "? ")
	time.Sleep(1500 * time.Millisecond)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	s.finish(t, failure)
	require.NoFileExists(t, server.path("none"))
}

// Each refusal is one line that says what to do, and names the line and the
// command where there is something to take back.
func TestHostsRefused(t *testing.T) {
	s := startSSHD(t)
	other := testkeys.ECDSA256().PublicKey()
	for _, test := range []struct {
		name  string
		file  string
		flags []string
		want  []string
	}{
		{"new, without a terminal", "", nil, []string{"no terminal", hostkey.Fingerprint(hostKey), "StrictHostKeyChecking=accept-new"}},
		{"new, in batch mode", "", []string{"-oBatchMode=yes"}, []string{"BatchMode"}},
		{"new, and strict", "", []string{"-oStrictHostKeyChecking=yes"}, []string{"is not in", "StrictHostKeyChecking=accept-new"}},
		{"changed", "# comment\n" + s.known("", other), nil, []string{"is known by", "ecdsa-sha2-nistp256", "file:2", "`ssh-keygen -f '" + s.path("file") + "' -R '[127.0.0.1]:"}},
		{"changed, accept-new", s.known("", other), []string{"-oStrictHostKeyChecking=accept-new"}, []string{"file:1"}},
		{"revoked", s.known("", hostKey) + s.known("@revoked ", hostKey), nil, []string{"file:2 revokes"}},
		{"revoked, and not strict", s.known("@revoked ", hostKey), []string{"-oStrictHostKeyChecking=no"}, []string{"file:1 revokes"}},
		{"P1: escapes in the file", s.known("@\x1b[2J ", hostKey) + s.known("", other) + "# \x1b[2J\n", nil, []string{"file:2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.write(t, "file", test.file)
			args := append(test.flags, "-v", "-oUserKnownHostsFile="+s.path("file"), "@", "true")
			cmd := exec.Command("setsid", append([]string{"-w"}, s.command(args...).Args...)...)
			_, stderr, status := capture(cmd, "")
			require.Equal(t, failure, status, stderr)
			last := stderr[strings.LastIndex(strings.TrimSpace(stderr), "\n")+1:]
			require.True(t, strings.HasPrefix(last, "whelk: host key verification failed: "), last)
			for _, want := range test.want {
				require.Contains(t, last, want)
			}
			require.NotContains(t, stderr, "\x1b")
			require.Equal(t, test.file, s.read(t, "file"))
		})
	}
}

// The command of the message does what it says.
func TestRemovalCommand(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "file", s.known("", testkeys.ECDSA256().PublicKey()))
	flags := []string{"-oStrictHostKeyChecking=accept-new", "-oUserKnownHostsFile=" + s.path("file"), "@", "true"}
	_, stderr, status := s.run("", flags...)
	require.Equal(t, failure, status)
	_, command, _ := strings.Cut(stderr, "`")
	command, _, _ = strings.Cut(command, "`")
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
	_, stderr, status = s.run("", flags...)
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "Permanently added")
}

// A host whose key has changed gets no password even if it is let through.
func TestChangedHostGetsNoPassword(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "file", s.known("", testkeys.ECDSA256().PublicKey()))
	flags := []string{"-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=" + s.path("file"), "-oUpdateHostKeys=yes"}
	out, stderr, status := s.run("", append(flags, "@", "echo in")...)
	require.Zero(t, status, stderr)
	require.Equal(t, "in\n", out)
	require.Contains(t, stderr, "WARNING")
	_, stderr, status = s.run("", append(flags, "-oPreferredAuthentications=password", "@", "echo in")...)
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "passwords are not sent")
	require.Equal(t, s.known("", testkeys.ECDSA256().PublicKey()), s.read(t, "file"), "nor does it teach us keys")
}

// Against sshd: further keys are learned, and those that it has no more are
// forgotten, and ssh goes on with the file.
func TestRotatedHostKeys(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "second", string(testkeys.PEM("ecdsa256")))
	rotated := startSSHD(t, "HostKey="+s.path("second"))
	second := testkeys.ECDSA256().PublicKey()
	file := rotated.known("", hostKey) + rotated.known("", testkeys.RSA2048().PublicKey()) + "other " + string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA521().PublicKey(), ""))
	want := rotated.known("", hostKey) + "other " + string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA521().PublicKey(), "")) + rotated.known("", second)
	for _, flags := range [][]string{{"-oUpdateHostKeys=yes", "-oLogLevel=VERBOSE"}, {"-oUpdateHostKeys=yes", "-oHostKeyAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256"}} {
		rotated.write(t, "file", file)
		_, stderr, status := rotated.run("", append(flags, "-oUserKnownHostsFile="+rotated.path("file"), "@", "true")...)
		require.Zero(t, status, stderr)
		require.Equal(t, want, rotated.read(t, "file"))
	}
	_, stderr, status := rotated.ssh(t, "file", "StrictHostKeyChecking=yes", "HostKeyAlgorithms=ecdsa-sha2-nistp256")
	require.Zero(t, status, stderr)

	for name, flags := range map[string][]string{"off by default, with a file of one's own": nil, "off": {"-oUpdateHostKeys=no"}} {
		rotated.write(t, "file", file)
		_, stderr, status := rotated.run("", append(flags, "-oUserKnownHostsFile="+rotated.path("file"), "@", "true")...)
		require.Zero(t, status, stderr)
		require.Equal(t, file, rotated.read(t, "file"), name)
	}
	// A file that ssh updated is one that we read.
	rotated.write(t, "file", rotated.known("", hostKey))
	_, stderr, status = rotated.ssh(t, "file", "UpdateHostKeys=yes", "StrictHostKeyChecking=yes")
	require.Zero(t, status, stderr)
	_, stderr, status = rotated.run("", "-oHostKeyAlgorithms=ecdsa-sha2-nistp256", "-oUserKnownHostsFile="+rotated.path("file"), "@", "true")
	require.Zero(t, status, stderr)
}

// UpdateHostKeys=ask asks when the session is over, if that is one of somebody's:
// not of a command, as with ssh.
func TestRotatedHostKeysAsk(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "second", string(testkeys.PEM("ecdsa256")))
	rotated := startSSHD(t, "HostKey="+s.path("second"))
	for answer, want := range map[string]int{"yes": 2, "no": 1} {
		rotated.write(t, "file", rotated.known("", hostKey))
		screen := open(t, rotated.command("-oUpdateHostKeys=ask", "-oUserKnownHostsFile="+rotated.path("file"), "@"))
		fmt.Fprint(screen, "echo i''n; exit\n")
		screen.expect(t, "in\r\n")
		screen.expect(t, "Accept updated host keys? (yes/no): ")
		fmt.Fprint(screen, "maybe\n")
		screen.expect(t, "Please type 'yes' or 'no': ")
		fmt.Fprint(screen, answer+"\n")
		screen.finish(t, 0)
		require.Equal(t, want, strings.Count(rotated.read(t, "file"), "\n"))
	}
}

// A certificate of sshd's counts by a line marked @cert-authority, and by its
// key without.
func TestHostCertificate(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("there is no ssh-keygen here")
	}
	s := startSSHD(t)
	s.write(t, "ca", string(testkeys.PEM("ecdsa384")))
	s.write(t, "host.pub", string(hostkey.MarshalAuthorizedKey(hostKey, "")))
	out, err := exec.Command(keygen, "-s", s.path("ca"), "-I", "id", "-h", "-n", "127.0.0.1,alias", "-V", "-1h:+1h", s.path("host.pub")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	certified := startSSHD(t, "HostCertificate="+s.path("host-cert.pub"))
	ca := testkeys.ECDSA384().PublicKey()
	for _, test := range []struct {
		name  string
		file  string
		flags []string
		in    bool
	}{
		{"authority", certified.known("@cert-authority ", ca), nil, true},
		{"authority without the port", "@cert-authority 127.* " + string(hostkey.MarshalAuthorizedKey(ca, "")), nil, true},
		{"by an alias", "@cert-authority alias " + string(hostkey.MarshalAuthorizedKey(ca, "")), []string{"-oHostKeyAlias=alias"}, true},
		{"by an alias it is not for", "@cert-authority * " + string(hostkey.MarshalAuthorizedKey(ca, "")), []string{"-oHostKeyAlias=other"}, false},
		{"another authority", certified.known("@cert-authority ", hostKey), nil, false},
		{"another authority, and the key", certified.known("@cert-authority ", testkeys.ECDSA256().PublicKey()) + certified.known("", hostKey), nil, true},
		{"authority revoked", certified.known("@cert-authority ", ca) + "@revoked * " + string(hostkey.MarshalAuthorizedKey(ca, "")), nil, false},
		{"authority signs otherwise", certified.known("@cert-authority ", ca), []string{"-oCASignatureAlgorithms=ssh-ed25519"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			certified.write(t, "file", test.file)
			out, stderr, status := certified.run("", append(test.flags, "-oStrictHostKeyChecking=yes", "-oUpdateHostKeys=yes", "-oUserKnownHostsFile="+certified.path("file"), "@", "echo in")...)
			require.Equal(t, test.in, status == 0, stderr)
			require.Equal(t, test.in, out == "in\n")
			require.Equal(t, test.file, certified.read(t, "file"))
			var options []string
			for _, flag := range test.flags {
				options = append(options, strings.TrimPrefix(flag, "-o"))
			}
			_, stderr, status = certified.ssh(t, "file", append(options, "StrictHostKeyChecking=yes", "UpdateHostKeys=no")...)
			require.Equal(t, test.in, status == 0, "ssh agrees: %s", stderr)
		})
	}
}
