package interop

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/client"
)

// A screen is a client on a terminal of its own.
type screen struct {
	tty    *os.File // the end of whoever sits in front of it
	shown  transcript
	cmd    *exec.Cmd
	closed chan struct{} // when everything is shown
}

// open runs a client on a terminal.
func open(t *testing.T, cmd *exec.Cmd, size pty.Winsize) *screen {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{} // the terminal's session
	tty, err := pty.StartWithSize(cmd, &size)
	require.NoError(t, err)
	s := &screen{tty: tty, cmd: cmd, closed: make(chan struct{})}
	go func() {
		defer close(s.closed)
		for p := make([]byte, 4096); ; {
			n, err := tty.Read(p)
			s.shown.Write(p[:n])
			if err != nil {
				return // EIO once the client has ended
			}
		}
	}()
	t.Cleanup(func() {
		tty.Close()
		cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the terminal shows %q", s.shown.String())
		}
	})
	return s
}

func (s *screen) enter(t *testing.T, text string) {
	t.Helper()
	_, err := s.tty.WriteString(text)
	require.NoError(t, err)
}

// await waits until the terminal shows a match.
func (s *screen) await(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	require.Eventually(t, func() bool { return re.MatchString(s.shown.String()) }, patience, 10*time.Millisecond, "%s", pattern)
}

// prompt is how a shell says that it waits for a command.
const prompt = `[$#%>] $`

// A shell on a terminal sees the size that the client's has, before and after
// a resize, and its keys are not echoed here as well. RFC 4254, sections 6.2
// and 6.7.
func TestShellOnTerminal(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		server := serve(t, p.server)
		s := open(t, server.command(t, p.client, ""), pty.Winsize{Rows: 24, Cols: 80})
		s.await(t, prompt)
		s.enter(t, "echo size=$(stty size) term=$TERM tty=$SSH_TTY\r")
		s.await(t, `size=24 80 term=xterm tty=/dev/pts/\d+\r\n(?s:.*)`+prompt)
		require.NoError(t, pty.Setsize(s.tty, &pty.Winsize{Rows: 50, Cols: 132}))
		s.enter(t, "until stty size | grep -x '50 132'; do sleep 0.05; done; echo re''sized\r")
		s.await(t, `50 132\r\nresized\r\n(?s:.*)`+prompt)
		s.enter(t, "echo on''ce\r")
		s.await(t, `once\r\n(?s:.*)`+prompt)
		require.Equal(t, 1, strings.Count(s.shown.String(), "on''ce"), "echoed by the remote terminal only")
		s.enter(t, "exit 7\r")
		s.requireExit(t, 7)
		require.Regexp(t, `Connection to 127\.0\.0\.1 closed\.\r+\n$`, s.shown.String())
	})
}

// requireExit waits for the client to end.
func (s *screen) requireExit(t *testing.T, status int) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.cmd.Wait()
		<-s.closed
	}()
	select {
	case <-ended:
		require.Equal(t, status, s.cmd.ProcessState.ExitCode())
	case <-time.After(patience):
		require.Fail(t, "the client does not end")
	}
}

// Keys reach the remote terminal and not the local one, which would send
// signals to the client: ^C interrupts the command, ^D ends its input.
func TestKeysOnTerminal(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		server := serve(t, p.server)
		s := open(t, server.command(t, p.client, "echo ready; trap 'echo interrupted' INT; cat; cat; echo over; exit 3", "-t"),
			pty.Winsize{Rows: 24, Cols: 80})
		s.await(t, `ready\r\n`)
		s.enter(t, "typed\r")
		s.await(t, `(?s)typed\r\n.*typed\r\n`)
		s.enter(t, "\x03")
		s.await(t, `interrupted\r\n`)
		s.enter(t, "\x04")
		s.await(t, `over\r\n`)
		s.requireExit(t, 3)
	})
}

// A command has a terminal only if asked for, whatever standard input is.
func TestTerminalOnRequest(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		server := serve(t, p.server)
		for _, test := range []struct {
			name    string
			options []string
			want    string
		}{
			{"a command", nil, "not a tty"},
			{"-t without a terminal here", []string{"-t"}, "not a tty"},
			{"-tt without a terminal here", []string{"-tt"}, "/dev/pts/"},
			{"-T", []string{"-T"}, "not a tty"},
			{"RequestTTY=force", []string{"-o", "RequestTTY=force"}, "/dev/pts/"},
		} {
			between(t, test.name, p.programs(), func(t *testing.T) {
				r := server.run(t, p.client, "tty; true", test.options...)
				require.Equal(t, 0, r.status, r.stderr)
				require.Contains(t, r.stdout, test.want)
			})
		}
	})
}

// Special characters are where the user's terminal has them. RFC 4254, section 8.
func TestTerminalModes(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		server := serve(t, p.server)
		cmd := server.command(t, p.client, "stty -a", "-t")
		set := commandOf("/bin/sh", "-c", "stty erase '^H' intr '^X' -ixany -echoctl && exec \"$@\"", "sh")
		set.Args = append(set.Args, cmd.Args...)
		s := open(t, set, pty.Winsize{Rows: 10, Cols: 40})
		s.requireExit(t, 0)
		for _, mode := range []string{"erase = ^H", "intr = ^X", "-ixany", "-echoctl", "rows 10", "columns 40"} {
			require.Contains(t, s.shown.String(), mode)
		}
	})
}

// The library asks for a terminal and changes its size without one here.
func TestLibraryTerminal(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			cmd := c.Command("stty size; until stty size | grep -x '60 200'; do sleep 0.05; done; exit 4")
			cmd.Pty = &client.Pty{Term: "vt100", Window: client.Window{Columns: 100, Rows: 30}}
			_, err := cmd.StdinPipe() // sshd resizes no terminal whose input has ended
			require.NoError(t, err)
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start(t.Context()))
			requireLine(t, stdout, "30 100\r")
			require.NoError(t, cmd.Resize(client.Window{Columns: 200, Rows: 60}))
			requireLine(t, stdout, "60 200\r")
			var exit *client.ExitError
			require.ErrorAs(t, cmd.Wait(), &exit)
			require.Equal(t, 4, exit.Status)
		})
	}
}
