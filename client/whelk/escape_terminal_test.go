//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The escape sequences, on a terminal and behind the end of a line.
func TestEscapesOnATerminal(t *testing.T) {
	s := open(t, startSSHD(t).command("-t", "@", "stty -echo; echo rea''dy; cat; echo left; exit 3"))
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "a~b~.c\r") // within a line
	s.expect(t, "a~b~.c\r\n")
	fmt.Fprint(s, "~?")
	s.expect(t, "send the escape character\r\n")
	fmt.Fprint(s, "~I")
	s.expect(t, "OpenSSH_")
	s.expect(t, "received: ")
	fmt.Fprint(s, "~R~I")
	require.Eventually(t, func() bool {
		fmt.Fprint(s, "~I")
		s.expect(t, "kex:")
		return strings.Contains(s.expect(t, "times\r\n"), " 2 times")
	}, 10*time.Second, 10*time.Millisecond)
	fmt.Fprint(s, "~B")
	s.expect(t, "~B [sent break]\r\n")
	fmt.Fprint(s, "~#~C")
	s.expect(t, "nothing is forwarded\r\n")
	s.expect(t, "EnableEscapeCommandline")
	fmt.Fprint(s, "~v")
	s.expect(t, "~v [LogLevel VERBOSE]\r\n")
	fmt.Fprint(s, "~~.\r")
	s.expect(t, "~.\r\n")
	fmt.Fprint(s, "~.")
	s.expect(t, "~.\r\nConnection to 127.0.0.1 closed.\r\n")
	s.finish(t, failure)
}

// What is to be forwarded can be said in the middle of a session, and taken back.
func TestForwardingByTheCommandLine(t *testing.T) {
	server := startSSHD(t)
	local, remote, socks := freePort(t), freePort(t), freePort(t)
	s := open(t, server.command("-o", "EnableEscapeCommandline=yes", "-t", "@", "stty -echo; echo rea''dy; cat"))
	s.expect(t, "ready\r\n")
	say := func(line string) {
		t.Helper()
		fmt.Fprint(s, "\r~C")
		s.expect(t, "whelk> ")
		fmt.Fprint(s, line+"\r")
	}
	banner := func(port string) error {
		nc, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return err
		}
		defer nc.Close()
		text := make([]byte, 4)
		if _, err := io.ReadFull(nc, text); err != nil {
			return err
		}
		require.Equal(t, "SSH-", string(text))
		return nil
	}
	say("-L 127.0.0.1:" + local + ":127.0.0.1:" + server.port)
	require.Eventually(t, func() bool { return banner(local) == nil }, 10*time.Second, 10*time.Millisecond)
	say("-R " + remote + ":127.0.0.1:" + server.port)
	require.Eventually(t, func() bool { return banner(remote) == nil }, 10*time.Second, 10*time.Millisecond)
	say("-D127.0.0.1:" + socks)
	fmt.Fprint(s, "\r~#")
	s.expect(t, " -L 127.0.0.1:"+local+" to [127.0.0.1]:"+server.port+"\r\n")
	s.expect(t, remote+" to [127.0.0.1]:"+server.port+"\r\n")
	s.expect(t, " -D 127.0.0.1:"+socks+" to SOCKS\r\n")
	for flag, port := range map[string]string{"-KL 127.0.0.1:": local, "-KR ": remote, "-KD 127.0.0.1:": socks} {
		say(flag + port)
		require.Eventually(t, func() bool {
			nc, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err == nil {
				nc.Close()
			}
			return err != nil
		}, 10*time.Second, 10*time.Millisecond, flag)
	}
	say("-KL 1")
	s.expect(t, `nothing is forwarded from "1" by -L: ~# lists what is`)
	say("-L x")
	s.expect(t, "it is not of the form")
	fmt.Fprint(s, "\r~.")
	s.finish(t, failure)
}

// The character may be another, or none.
func TestEscapeCharacterOnATerminal(t *testing.T) {
	server := startSSHD(t)
	s := open(t, server.command("-e", "%", "-t", "@", "stty -echo; echo rea''dy; cat"))
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "~.\r")
	s.expect(t, "~.\r\n")
	fmt.Fprint(s, "%.")
	s.expect(t, "Connection to 127.0.0.1 closed.\r\n")
	s.finish(t, failure)

	s = open(t, server.command("-e", "none", "-t", "@", "stty -echo; echo rea''dy; head -n 2; exit 4"))
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "~.\r%.\r")
	s.expect(t, "~.\r\n%.\r\n")
	s.finish(t, 4)
}

// Without a terminal everything is sent as it is.
func TestNoEscapesWithoutATerminal(t *testing.T) {
	server := startSSHD(t)
	for _, flag := range []string{"-T", "-tt"} {
		stdout, stderr, status := server.run("~?\n~.\nend\n\x04", flag, "@", "stty -echo 2>/dev/null; while read line; do echo $line; test $line = end && exit 5; done")
		require.Equal(t, 5, status, stderr)
		require.Contains(t, strings.ReplaceAll(stdout, "\r", ""), "~?\n~.\nend\n")
		require.NotContains(t, stderr, "escape character")
	}
}

// What is typed before the session begins is for the session.
func TestTypedAhead(t *testing.T) {
	s := open(t, startSSHD(t).command("-t", "@", "read line; echo got $line; exit 6"))
	fmt.Fprint(s, "early\n")
	s.expect(t, "got early\r\n")
	s.finish(t, 6)
	s = open(t, startSSHD(t).command("-t", "@", "sleep 100"))
	fmt.Fprint(s, "~.")
	s.expect(t, "Connection to 127.0.0.1 closed.\r\n")
	s.finish(t, failure)
}

// serverPid reads the process id of the one who speaks for the server.
func (s *screen) serverPid(t *testing.T) int {
	t.Helper()
	text := strings.Fields(s.expect(t, "ready\r\n"))
	pid, err := strconv.Atoi(text[len(text)-2])
	require.NoError(t, err)
	return pid
}

// A connection that is stuck, of which nothing else can be had, ends by ~. at
// once, even in the middle of a key exchange and with much typed ahead.
func TestEscapeOfAStuckConnection(t *testing.T) {
	s := open(t, startSSHD(t).command("-t", "@", "stty -icanon -echo; echo $PPID ready; sleep 100"))
	pid := s.serverPid(t)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	defer syscall.Kill(pid, syscall.SIGKILL)
	fmt.Fprint(s, "\r~R")
	s.expect(t, "~R")
	for range 40 {
		fmt.Fprint(s, strings.Repeat("x", 500))
	}
	began := time.Now()
	fmt.Fprint(s, "\r~.")
	s.expect(t, "Connection to 127.0.0.1 closed.\r\n")
	s.finish(t, failure)
	require.Less(t, time.Since(began), 5*time.Second)
}

// ServerAliveInterval ends it without anybody typing.
func TestServerAlive(t *testing.T) {
	s := open(t, startSSHD(t).command("-oServerAliveInterval=1", "-oServerAliveCountMax=2", "-t", "@", "stty -echo; echo $PPID ready; sleep 100"))
	pid := s.serverPid(t)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	defer syscall.Kill(pid, syscall.SIGKILL)
	began := time.Now()
	s.expect(t, "whelk: connection to 127.0.0.1 lost: timeout, server 127.0.0.1 not responding\r\n")
	s.finish(t, failure)
	require.Less(t, time.Since(began), 4*time.Second)
}

// jobs runs whelk in a shell that controls jobs, which then runs a script.
func jobs(t *testing.T, cmd *exec.Cmd, script string) *screen {
	t.Helper()
	cmd.Args = append([]string{"sh", "-c", `set -m; ` + script, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	return open(t, cmd)
}

// ^Z gives the terminal back as it was, until the user comes back; the size that
// it has by then counts.
func TestSuspend(t *testing.T) {
	s := jobs(t, startSSHD(t).command("-t", "@", "stty -echo; echo rea''dy; cat; stty size; exit 7"),
		`"$@"; echo sus''pended; stty -a; read line; fg; echo status $?`)
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "\r~\x1a")
	s.expect(t, "~^Z [suspend whelk]\r\n")
	s.expect(t, "suspended\r\n")
	require.Contains(t, s.expect(t, "echoke"), " icanon ")
	require.NoError(t, pty.Setsize(s.File, &pty.Winsize{Rows: 12, Cols: 34}))
	fmt.Fprint(s, "\n")
	require.Eventually(t, func() bool {
		now, err := unix.IoctlGetTermios(int(s.Fd()), unix.TCGETS)
		return err == nil && now.Lflag&unix.ICANON == 0
	}, 10*time.Second, time.Millisecond)
	time.Sleep(300 * time.Millisecond) // until the size is there
	fmt.Fprint(s, "back\r\x04")
	s.expect(t, "back\r\n")
	s.expect(t, "12 34\r\n")
	s.expect(t, "Connection to 127.0.0.1 closed.\r\n")
	s.expect(t, "status 7\r\n")
	s.finish(t, 0)
}

// ~& lets the shell go on, and what the session has to say still comes.
func TestBackground(t *testing.T) {
	s := jobs(t, startSSHD(t).command("-t", "@", "stty -echo; echo rea''dy; cat; sleep 1; echo la''ter; exit 8"),
		`"$@"; echo the shell; sleep 4; wait`)
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "line\r")
	s.expect(t, "line\r\n")
	fmt.Fprint(s, "~&")
	s.expect(t, "~& [backgrounded]\r\n")
	s.expect(t, "the shell\r\n")
	s.expect(t, "later")
	s.expect(t, "Connection to 127.0.0.1 closed.")
	s.finish(t, 0)
}

// The command line is there if it is switched on.
func TestCommandLineOnATerminal(t *testing.T) {
	s := open(t, startSSHD(t).command("-oEnableEscapeCommandline=yes", "-t", "@", "stty -echo; echo rea''dy; cat; exit 9"))
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "~C")
	s.expect(t, "whelk> ")
	fmt.Fprint(s, "-x\n")
	s.expect(t, "-x\r\n") // echoed by the terminal here
	s.expect(t, "Commands:\r\n")
	fmt.Fprint(s, "on\r\x04")
	s.expect(t, "on\r\n")
	s.finish(t, 9)
}

// The remote terminal has our size in pixels.
func TestPixels(t *testing.T) {
	master, slave, err := pty.Open()
	require.NoError(t, err)
	defer master.Close()
	defer slave.Close()
	require.NoError(t, pty.Setsize(master, &pty.Winsize{Rows: 1, Cols: 2, X: 3, Y: 4}))
	w := windowOf(int(slave.Fd()))
	require.Equal(t, []uint32{2, 1, 3, 4}, []uint32{w.Columns, w.Rows, w.Width, w.Height})
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	require.Zero(t, windowOf(int(null.Fd())))
}
