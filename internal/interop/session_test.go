package interop

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/client"
	"github.com/whelk-ssh/whelk/wire"
)

// A session on a terminal ends with its program, in whatever way that ends and
// whoever else has the terminal open. RFC 4254, section 6.10.
func TestEndOnTerminal(t *testing.T) {
	tableOnPairs(t, pairs, func(t *testing.T, p pair) {
		server := serve(t, p.server)
		for _, test := range []struct {
			name, command, shown string
			status               int
		}{
			{"all output comes first", "yes | head -n 20000; echo la''st; exit 5", "last\r\n", 5},
			{"a background program has it open", "trap '' HUP; sleep 300 & yes | head -n 20000; echo la''st; exit 6", "last\r\n", 6},
			{"a signal", "ulimit -c 0; echo la''st; kill -9 $$", "last\r\n", 255},
			{"nothing is read or written", "exec <&- >&- 2>&-; sleep 0.3; exit 7", "", 7},
		} {
			between(t, test.name, p.programs(), func(t *testing.T) {
				s := open(t, server.command(t, p.client, test.command, "-t"), pty.Winsize{Rows: 24, Cols: 80})
				s.requireExit(t, test.status)
				require.Contains(t, s.shown.String(), test.shown)
				if strings.Contains(test.command, "yes") {
					require.Equal(t, 20000, strings.Count(s.shown.String(), "y\r\n"))
				}
				for _, pid := range descendants(server.pid()) {
					if line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline")); err == nil && strings.Contains(string(line), "sleep") {
						killProcess(pid)
					}
				}
			})
		}
	})
}

// Every mode of RFC 4254, section 8, that the system has is that of the user's
// terminal, and so is the speed.
func TestAllTerminalModes(t *testing.T) {
	onPairs(t, pairs, func(t *testing.T, p pair) {
		here := filepath.Join(t.TempDir(), "here")
		cmd := serve(t, p.server).command(t, p.client, "stty -a", "-t")
		set := commandOf("/bin/sh", "-c", "stty intr ^A quit ^B erase ^E kill ^F eof ^G eol ^H eol2 ^K start ^L stop ^N susp ^O rprnt ^P "+
			"werase ^T lnext ^U discard ^W ignpar parmrk inpck istrip inlcr igncr -icrnl iuclc -ixon ixany ixoff imaxbel iutf8 "+
			"-isig -icanon xcase -echoe -echok echonl noflsh tostop -iexten echoctl -echoke olcuc -onlcr ocrnl onocr onlret 19200; "+
			"stty -a > "+here+"; exec \"$@\"", "sh")
		set.Args = append(set.Args, cmd.Args...)
		s := open(t, set, pty.Winsize{Rows: 24, Cols: 80})
		s.requireExit(t, 0)
		want, err := os.ReadFile(here)
		require.NoError(t, err)
		modes := func(text string) []string {
			text = strings.NewReplacer(";", "\n", "\r", "", " = ", "=").Replace(strings.ToLower(text))
			return strings.Fields(strings.ReplaceAll(text, "\n", " "))
		}
		got := modes(s.shown.String())
		for _, mode := range modes(string(want)) {
			// These are no modes of RFC 4254, or of a terminal that is none.
			if slices.Contains([]string{"hupcl", "-hupcl", "echoprt", "-echoprt", "echok", "swtch=<undef>", "min=1", "time=0"}, mode) {
				continue
			}
			require.Contains(t, got, mode, "%q and not %q", want, s.shown.String())
		}
	})
}

// A break is for a terminal, whoever serves it. RFC 4335.
func TestBreakOnTerminal(t *testing.T) {
	for _, p := range []pair{{library, sshd}, {library, whelkd}} {
		between(t, p.String(), p.programs(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, p.server).dial(t, nil)
			ch, err := c.Mux().Open(t.Context(), "session", nil, channel.Params{Requests: 8})
			require.NoError(t, err)
			defer ch.Close()
			terminal := wire.PtyRequest{Term: "xterm", Columns: 80, Rows: 24}
			require.NoError(t, ch.Request(t.Context(), "pty-req", terminal.Append(nil)))
			exec := wire.ExecRequest{Command: "sleep 300"}
			require.NoError(t, ch.Request(t.Context(), "exec", exec.Append(nil)))
			m := wire.Break{Milliseconds: 1000}
			require.Eventually(t, func() bool { return ch.Request(t.Context(), "break", m.Append(nil)) == nil }, patience, 10*time.Millisecond)
		})
	}
}

// A signal that the server's system does not have changes nothing.
func TestUnknownSignal(t *testing.T) {
	c := serve(t, whelkd).dial(t, nil)
	cmd := c.Command("echo ready; read line; exit 4")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(t.Context()))
	requireLine(t, stdout, "ready")
	require.NoError(t, cmd.SignalName(channel.SIGINFO))
	require.NoError(t, cmd.SignalName("NONE@example.com"))
	require.NoError(t, stdin.Close())
	var exit *client.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.NotZero(t, exit.Status)
}

// A command that closes its input and goes on has whoever writes it be told, as
// by a broken pipe. PROTOCOL, section 2.2; sshd tells its own kind only.
func TestInputGoesAway(t *testing.T) {
	s := serve(t, whelkd)
	cmd := s.command(t, whelk, "exec <&-; echo closed; sleep 3; echo over; exit 5")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	requireLine(t, stdout, "closed")
	began := time.Now()
	for err == nil {
		_, err = stdin.Write([]byte("y\n"))
		time.Sleep(time.Millisecond)
	}
	require.Less(t, time.Since(began), 2*time.Second, "before the command ends")
	requireLine(t, stdout, "over")
	cmd.Wait()
	require.Equal(t, 5, cmd.ProcessState.ExitCode())
}

// A peer that is frozen is noticed, by either side, and one that is idle is not
// taken for frozen. attacks.md F11, F12.
func TestFrozenPeer(t *testing.T) {
	t.Run("the server", func(t *testing.T) {
		onPairs(t, pairs, func(t *testing.T, p pair) {
			server := serve(t, p.server)
			cmd := server.command(t, p.client, "echo $PPID; sleep 2.5; echo still here; exec sleep 300",
				"-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-n")
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			pid := readPid(t, stdout)
			requireLine(t, stdout, "still here")
			freeze(pid)
			defer thaw(pid)
			began := time.Now()
			cmd.Wait()
			require.Equal(t, 255, cmd.ProcessState.ExitCode())
			require.Less(t, time.Since(began), patience/2)
		})
	})
	t.Run("the client", func(t *testing.T) {
		onPairs(t, pairs, func(t *testing.T, p pair) {
			server := serve(t, p.server, "ClientAliveInterval=1", "ClientAliveCountMax=2")
			cmd := server.command(t, p.client, "echo $$; sleep 2.5; echo still here; exec cat", "-tt")
			stdin, err := cmd.StdinPipe()
			require.NoError(t, err)
			defer stdin.Close()
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			pid := readPid(t, stdout)
			requireLine(t, stdout, "still here\r")
			freeze(cmd.Process.Pid)
			requireGone(t, pid, patience)
			require.NoError(t, cmd.Process.Kill())
			cmd.Wait()
		})
	})
}
