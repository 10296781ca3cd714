//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is to be run, by flags and by keywords.
func TestSessionTypes(t *testing.T) {
	s := startSSHD(t, "Subsystem=upper tr a-z A-Z; exit 9")
	for _, test := range []struct {
		name           string
		args           []string
		stdin          string
		stdout, stderr string
		status         int
	}{
		{"-s", []string{"-s", "@", "upper"}, "abc", "ABC", "", 9},
		{"SessionType=subsystem", []string{"-oSessionType=subsystem", "@", "upper"}, "abc", "ABC", "", 9},
		{"a subsystem there is not", []string{"-s", "@", "lower"}, "",
			"", "whelk: the server refuses to start the subsystem \"lower\": check its name, and that the server offers it\n", failure},
		{"RemoteCommand", []string{"-oRemoteCommand=echo remote; exit 3", "@"}, "", "remote\n", "", 3},
		{"StdinNull", []string{"-oStdinNull=yes", "@", "cat"}, "not for you", "", "", 0},
		{"SendEnv and SetEnv", []string{"-oSendEnv=WHELK_T*", "-oSetEnv=WHELK_S=set", "@", "echo $WHELK_TEST $WHELK_S"}, "", "sent set\n", "", 0},
		{"LocalCommand", []string{"-oPermitLocalCommand=yes", "-oLocalCommand=echo local >&2; exit 5", "@", "exit 4"}, "", "", "local\n", 4},
		{"LocalCommand that is not permitted", []string{"-oLocalCommand=echo local", "@", "exit 4"}, "", "", "", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := s.command(test.args...)
			cmd.Env = append(cmd.Env, "WHELK_TEST=sent", "SHELL=")
			stdout, stderr, status := capture(cmd, test.stdin)
			require.Equal(t, test.status, status, stderr)
			require.Equal(t, test.stdout, stdout)
			require.Equal(t, test.stderr, stderr)
		})
	}
}

// -f lets the shell go on once the user is in; the command ends in its own time.
func TestForkAfterAuthentication(t *testing.T) {
	s := startSSHD(t)
	said := s.path("said")
	cmd := s.command("-f", "@", "echo $PPID; cat; sleep 0.7; echo in the background > "+said)
	out, err := os.Create(s.path("out"))
	require.NoError(t, err)
	defer out.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("not for it"), out, out
	require.NoError(t, cmd.Run())
	_, err = os.Stat(said)
	require.Error(t, err, "it returned before the command did")
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(said)
		return err == nil && string(text) == "in the background\n"
	}, 10*time.Second, 10*time.Millisecond)
}

// What fails before the user is in is the status, and said, as without -f.
func TestForkFails(t *testing.T) {
	s := startSSHD(t)
	_, stderr, status := s.run("", "-f", "-oPreferredAuthentications=password", "-oBatchMode=yes", "@", "true")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "whelk: ")
	_, stderr, status = s.run("", "-fN", "-oUserKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=yes", "@")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "host key verification failed")
}

// -N stays until it is killed, in the background too.
func TestForkWithoutACommand(t *testing.T) {
	s := startSSHD(t)
	cmd := s.command("-fN", "-oPermitLocalCommand=yes", "-oLocalCommand=echo $PPID", "@")
	var pid bytes.Buffer
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdout = writer
	require.NoError(t, cmd.Run())
	writer.Close()
	line := make([]byte, 20)
	n, err := reader.Read(line)
	require.NoError(t, err)
	pid.Write(line[:n])
	id, err := strconv.Atoi(strings.TrimSpace(pid.String()))
	require.NoError(t, err)
	sid, err := exec.Command("ps", "-o", "sid=", "-p", strconv.Itoa(id)).Output()
	if err == nil {
		require.Equal(t, strconv.Itoa(id), strings.TrimSpace(string(sid)), "it leads a session of its own")
	}
	require.NoError(t, syscall.Kill(id, syscall.SIGTERM))
	_, err = reader.Read(line)
	require.Error(t, err, "it ends, and with it the pipe")
}

// No further session can be opened on the connection, as with ssh.
func TestNoMoreSessions(t *testing.T) {
	s := startSSHD(t)
	_, stderr, status := s.run("", "-vv", "@", "true")
	require.Zero(t, status)
	require.Contains(t, stderr, "no-more-sessions@openssh.com")
}
