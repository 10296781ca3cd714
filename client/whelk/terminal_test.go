//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/channel"
)

// A screen is whelk on a terminal of ours.
type screen struct {
	*os.File
	shown  chan byte
	cmd    *exec.Cmd
	before unix.Termios
}

func open(t *testing.T, cmd *exec.Cmd) *screen {
	master, slave, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { master.Close(); slave.Close() })
	require.NoError(t, pty.Setsize(master, &pty.Winsize{Rows: 33, Cols: 99}))
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	require.NoError(t, err)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	s := &screen{File: master, shown: make(chan byte, 1<<20), cmd: cmd, before: *before}
	go func() {
		defer close(s.shown)
		for lines := bufio.NewReader(master); ; {
			c, err := lines.ReadByte()
			if err != nil {
				return
			}
			s.shown <- c
		}
	}()
	return s
}

// expect reads up to a text.
func (s *screen) expect(t *testing.T, want string) string {
	t.Helper()
	timeout := time.After(10 * time.Second)
	var seen strings.Builder
	for !strings.HasSuffix(seen.String(), want) {
		select {
		case c := <-s.shown:
			seen.WriteByte(c)
		case <-timeout:
			t.Fatalf("want %q, saw %q", want, seen.String())
		}
	}
	return seen.String()
}

// finish waits for the end, and checks that the terminal is as it was.
func (s *screen) finish(t *testing.T, status int) {
	t.Helper()
	s.cmd.Wait()
	require.Equal(t, status, s.cmd.ProcessState.ExitCode())
	after, err := unix.IoctlGetTermios(int(s.Fd()), unix.TCGETS)
	require.NoError(t, err)
	require.Equal(t, s.before, *after)
}

// A shell on a terminal sees its size, before and after it changes.
func TestShellOnATerminal(t *testing.T) {
	s := open(t, startSSHD(t).command("@"))
	fmt.Fprint(s, "PS1=; stty -echo; echo rea''dy\n")
	s.expect(t, "ready\r\n")
	fmt.Fprint(s, "stty size; echo $TERM\n")
	s.expect(t, "33 99\r\nvt100\r\n")
	require.NoError(t, pty.Setsize(s.File, &pty.Winsize{Rows: 44, Cols: 111}))
	require.Eventually(t, func() bool {
		fmt.Fprint(s, "stty size; echo done\n")
		return strings.Contains(s.expect(t, "done\r\n"), "44 111\r\n")
	}, 10*time.Second, 50*time.Millisecond)
	fmt.Fprint(s, "echo asl''eep; sleep 5\n")
	s.expect(t, "asleep\r\n")
	time.Sleep(300 * time.Millisecond) // until it is
	start := time.Now()
	fmt.Fprint(s, "\x03")
	time.Sleep(300 * time.Millisecond) // a terminal throws away what is typed just behind it
	fmt.Fprint(s, "exit 5\n")
	s.expect(t, "Connection to 127.0.0.1 closed.")
	require.Less(t, time.Since(start), 4*time.Second, "the interrupt key is the remote terminal's")
	s.finish(t, 5)
}

// The terminal is given back however whelk ends.
func TestTerminalIsRestored(t *testing.T) {
	server := startSSHD(t)
	for _, test := range []struct {
		name, command string
		signal        os.Signal
		status        int
	}{
		{"status", "echo ready; exit 3", nil, 3},
		{"killed", "echo ready; kill -9 $$", nil, failure},
		{"server killed", "echo ready; sleep 0.3; kill -9 $PPID; sleep 5", nil, failure},
		{"terminated", "echo ready; sleep 5", syscall.SIGTERM, failure},
		{"hung up", "echo ready; sleep 5", syscall.SIGHUP, failure},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, server.command("-t", "@", test.command))
			s.expect(t, "ready\r\n")
			if test.signal != nil {
				require.NoError(t, s.cmd.Process.Signal(test.signal))
			}
			s.finish(t, test.status)
		})
	}
}

// The remote terminal has the modes of ours.
func TestModes(t *testing.T) {
	cmd := startSSHD(t).command("-t", "@", "echo ready; stty -a")
	s := open(t, exec.Command("sh", append([]string{"-c", `stty intr ^G -ixon; exec "$@"`, "sh"}, cmd.Args...)...))
	s.expect(t, "ready\r\n")
	said := s.expect(t, "closed.")
	require.Contains(t, said, "intr = ^G;")
	require.Contains(t, said, "-ixon")
	require.Contains(t, said, "speed 38400 baud")
}

func TestModesOfATerminal(t *testing.T) {
	master, slave, err := pty.Open()
	require.NoError(t, err)
	defer master.Close()
	defer slave.Close()
	all := modes(int(slave.Fd()))
	for opcode, want := range map[channel.Opcode]uint32{
		channel.VINTR: 3, channel.VEOF: 4, channel.VEOL: noCharacter, channel.ECHO: 1, channel.ICANON: 1,
		channel.ONLCR: 1, channel.INLCR: 0, channel.CS8: 1, channel.TTY_OP_ISPEED: 38400,
	} {
		got, ok := all.Lookup(opcode)
		require.True(t, ok, "%v", opcode)
		require.Equal(t, want, got, "%v", opcode)
	}
	without := []channel.Opcode{channel.VDSUSP, channel.VFLUSH, channel.VSTATUS} // Linux is
	for opcode := channel.Opcode(1); opcode < 160; opcode++ {
		defined := !strings.HasPrefix(opcode.String(), "opcode ")
		_, sent := all.Lookup(opcode)
		require.Equal(t, defined && !slices.Contains(without, opcode), sent, "%v", opcode)
	}
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	require.Empty(t, modes(int(null.Fd())))
}

// A password is asked for on the terminal, not echoed, and as often as
// NumberOfPasswordPrompts says.
func TestPasswordPrompt(t *testing.T) {
	s := open(t, startSSHD(t).command("-oPreferredAuthentications=password", "-oNumberOfPasswordPrompts=2", "@", "true"))
	for range 2 {
		s.expect(t, "@127.0.0.1's password: ")
		require.Eventually(t, func() bool {
			now, err := unix.IoctlGetTermios(int(s.Fd()), unix.TCGETS)
			return err == nil && now.Lflag&unix.ECHO == 0
		}, 10*time.Second, time.Millisecond)
		fmt.Fprint(s, "not the one\n")
	}
	require.NotContains(t, s.expect(t, `does not let`), "not the one")
	s.finish(t, failure)
}

func TestPasswordPromptInterrupted(t *testing.T) {
	s := open(t, startSSHD(t).command("-oPreferredAuthentications=password", "@", "true"))
	s.expect(t, "password: ")
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	s.finish(t, failure)
}
