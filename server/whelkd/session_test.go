//go:build unix

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

func TestCommandStreams(t *testing.T) {
	r := start(t)
	cmd := r.ssh("cat; echo errors >&2; exit 3")
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("in\x00put"), &stdout, &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, "in\x00put", stdout.String())
	require.Equal(t, "errors\n", stderr.String())
	require.Equal(t, 3, cmd.ProcessState.ExitCode())
	require.Empty(t, r.logged(), "nothing but the one line on standard error")
}

// multiplexed has ssh open one connection for all that follows.
func (r *running) multiplexed() *running {
	r.t.Helper()
	master := r.ssh("-M", "-N")
	require.NoError(r.t, master.Start())
	r.t.Cleanup(func() { master.Process.Kill(); master.Wait() })
	require.Eventually(r.t, func() bool { return r.ssh("-O", "check", "").Run() == nil }, waitFor, 10*time.Millisecond)
	return r
}

func TestExitStatus(t *testing.T) {
	r := start(t).multiplexed()
	idle := r.descriptors()
	var wg sync.WaitGroup
	for status := range 256 {
		if status%16 == 0 {
			wg.Wait()
		}
		wg.Go(func() {
			out, errs, got := r.output(fmt.Sprintf("echo %d; exit %d", status, status))
			if want := fmt.Sprintln(status); got != status || out != want || errs != "" {
				t.Errorf("exit %d: status %d, stdout %q, stderr %q", status, got, out, errs)
			}
		})
	}
	wg.Wait()
	// No descriptor and no process stays.
	require.Eventually(t, func() bool { return r.descriptors() <= idle && r.children() == 0 }, waitFor, 10*time.Millisecond)
}

func TestHundredCommandsAtOnce(t *testing.T) {
	r := start(t, "-o", "MaxSessions=100").multiplexed()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			if out, errs, status := r.output(fmt.Sprintf("sleep 0.2; echo %d", i)); out != fmt.Sprintln(i) || status != 0 {
				t.Errorf("command %d: status %d, stdout %q, stderr %q", i, status, out, errs)
			}
		})
	}
	wg.Wait()
}

func TestDeathBySignal(t *testing.T) {
	r := start(t, "-v")
	for _, sig := range []string{"TERM", "KILL", "SEGV", "BUS"} {
		_, _, status := r.output("kill -" + sig + " $$")
		require.Equal(t, 255, status, sig)
	}
}

// `sort` gives nothing before it has seen the end of its input.
func TestHalfClose(t *testing.T) {
	cmd := start(t).ssh("sort")
	cmd.Stdin = strings.NewReader("c\na\nb\n")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "a\nb\nc\n", string(out))
}

func TestBulk(t *testing.T) {
	const size = 16 << 20
	blob := make([]byte, size)
	rand.Read(blob)
	sum := fmt.Sprintf("%x", sha256.Sum256(blob))
	r := start(t)
	r.write("blob", blob)

	up := r.ssh("sha256sum")
	up.Stdin = bytes.NewReader(blob)
	out, err := up.Output()
	require.NoError(t, err)
	require.Equal(t, sum, strings.Fields(string(out))[0])

	out, err = r.ssh("cat " + r.path("blob")).Output()
	require.NoError(t, err)
	require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(out)))

	both := r.ssh("-o", "RekeyLimit=1M", "cat")
	both.Stdin = bytes.NewReader(blob)
	out, err = both.Output()
	require.NoError(t, err)
	require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(out)), "both ways at once, with new keys each MiB")
}

// Which ends first, the program or its streams.
func TestEndOfSession(t *testing.T) {
	r := start(t)
	for _, test := range []struct {
		name, command string
		least, most   time.Duration
		want          string
		status        int
	}{
		{"a background program keeps the output open, as with sshd", "sleep 1 & echo x", time.Second, waitFor, "x\n", 0},
		{"one that does not", "sleep 100 >/dev/null 2>&1 & echo x; echo $! >&2", 0, waitFor, "x\n", 0},
		{"input that nobody reads to its end", "exit 4", 0, waitFor, "", 4},
		{"a program that closes its input and goes on", "exec <&-; sleep 0.2; echo x", 0, waitFor, "x\n", 0},
		{"a program that closes its output and goes on", "exec >&- 2>&-; sleep 0.5; exit 6", 500 * time.Millisecond, waitFor, "", 6},
		{"much output and no input", "head -c 1000000 /dev/zero | tr '\\0' x; exit 7", 0, waitFor, strings.Repeat("x", 1000000), 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			begin := time.Now()
			cmd := r.ssh(test.command)
			never, err := cmd.StdinPipe() // stays open
			require.NoError(t, err)
			defer never.Close()
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			require.Equal(t, test.want, stdout.String())
			require.Equal(t, test.status, cmd.ProcessState.ExitCode())
			require.GreaterOrEqual(t, time.Since(begin), test.least)
			require.Less(t, time.Since(begin), test.most)
			if pid, err := strconv.Atoi(strings.TrimSpace(stderr.String())); err == nil {
				require.NoError(t, syscall.Kill(pid, 0), "a session that ends well kills nobody")
				syscall.Kill(pid, syscall.SIGKILL)
			}
		})
	}
}

// spawn starts a command by ssh that prints its process id first.
func (r *running) spawn(args ...string) (cmd *exec.Cmd, pid int) {
	r.t.Helper()
	cmd = r.ssh(args...)
	stdin, err := cmd.StdinPipe() // stays open
	require.NoError(r.t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, cmd.Start())
	r.t.Cleanup(func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() })
	_, err = fmt.Fscan(stdout, &pid)
	require.NoError(r.t, err)
	return cmd, pid
}

// A client that is killed takes its programs along.
func TestClientDies(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
	}{
		{"a command", []string{"echo $$; sleep 1000"}},
		{"a command that reads", []string{"echo $$; exec cat"}},
		{"a command that writes", []string{"echo $$; exec yes"}},
		{"a program that ignores SIGHUP", []string{"trap '' HUP; echo $$; sleep 1000"}},
		{"a shell on a terminal", []string{"-tt", "echo $$; sleep 1000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			cmd, pid := r.spawn(test.args...)
			idle := r.descriptors()
			require.NoError(t, cmd.Process.Kill())
			gone(t, pid)
			require.Eventually(t, func() bool { return r.descriptors() < idle && r.children() == 0 }, waitFor, 10*time.Millisecond)
		})
	}
}

// A whelkd that is killed ends its clients.
func TestServerDies(t *testing.T) {
	r := start(t)
	cmd, _ := r.spawn("echo $$; exec cat")
	require.NoError(t, r.cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Equal(t, 255, cmd.ProcessState.ExitCode())
}

func TestEnvironment(t *testing.T) {
	r := start(t, "-o", "AcceptEnv=GOOD GREAT_*")
	r.cmd.Env = nil
	cmd := r.ssh("-o", "SendEnv=GOOD BAD GREAT_ONE HOME", "env; pwd")
	cmd.Env = append(cmd.Env, "GOOD=1", "BAD=2", "GREAT_ONE=3")
	out, err := cmd.Output()
	require.NoError(t, err)
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	env := strings.Split(string(out), "\n")
	for _, want := range []string{
		"HOME=" + home, "USER=" + r.user, "LOGNAME=" + r.user, "SHELL=/bin/sh", "GOOD=1", "GREAT_ONE=3", "MAIL=/var/mail/" + r.user, home,
	} {
		require.Contains(t, env, want)
	}
	require.Regexp(t, `(?m)^SSH_CONNECTION=127\.0\.0\.1 \d+ 127\.0\.0\.1 `+r.port+`$`, string(out))
	require.Regexp(t, `(?m)^SSH_CLIENT=127\.0\.0\.1 \d+ `+r.port+`$`, string(out))
	require.NotContains(t, string(out), "BAD=")
	require.NotContains(t, string(out), "SSH_TTY=")
	require.NotContains(t, string(out), "WHELKD_TEST_MAIN", "whelkd's own environment stays its own")
}

// Signals that whelkd was started with as ignored are not so for programs.
func TestProgramsHaveDefaultSignals(t *testing.T) {
	r := start(t)
	out, _, _ := r.output(`grep SigIgn /proc/self/status`)
	var ignored uint64
	_, err := fmt.Sscanf(out, "SigIgn: %x", &ignored)
	require.NoError(t, err, out)
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGTERM} {
		require.Zero(t, ignored&(1<<(sig-1)), sig)
	}
}

func TestSubsystem(t *testing.T) {
	r := start(t, "-o", "Subsystem=reverse rev")
	cmd := r.ssh("-s", "reverse")
	cmd.Stdin = strings.NewReader("abc\n")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "cba\n", string(out))
	_, errs, status := r.output("-s", "sftp")
	require.Equal(t, 255, status)
	require.Contains(t, errs, "subsystem request failed")
}

// A terminal of the client's with a shell behind ssh.
func TestShellOnTerminal(t *testing.T) {
	r := start(t)
	cmd := r.ssh("-tt")
	cmd.Env = append(cmd.Env, "TERM=vt220")
	term, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 11, Cols: 77})
	require.NoError(t, err)
	defer term.Close()
	seen := &screen{t: t, from: term}
	type_ := func(line string) {
		_, err := io.WriteString(term, line+"\r")
		require.NoError(t, err)
	}
	type_("PS1=; echo $0 $TERM; test -t 0 && test -t 1 && test -t 2 && echo three; stty size; tty; echo $SSH_TTY")
	seen.expect("-sh vt220")
	seen.expect("three")
	seen.expect("11 77")
	seen.expect("/dev/pts/")
	require.NoError(t, pty.Setsize(term, &pty.Winsize{Rows: 33, Cols: 99}))
	require.NoError(t, cmd.Process.Signal(syscall.SIGWINCH))
	type_("while test \"$(stty size)\" != '33 99'; do sleep 0.05; done; echo resi''zed")
	seen.expect("resized")
	type_("sleep 100; echo interrup''ted $?")
	time.Sleep(200 * time.Millisecond)
	_, err = term.Write([]byte{3}) // ^C
	require.NoError(t, err)
	type_("echo go''es on")
	seen.expect("goes on")
	type_("exit 9")
	cmd.Wait()
	require.Equal(t, 9, cmd.ProcessState.ExitCode())
	require.Eventually(t, func() bool { return r.children() == 0 }, waitFor, 10*time.Millisecond)
}

// A screen is what came out of a terminal.
type screen struct {
	t    *testing.T
	from io.Reader
	text string
}

// expect reads until text has come.
func (s *screen) expect(text string) {
	s.t.Helper()
	buf := make([]byte, 4096)
	for !strings.Contains(s.text, text) {
		n, err := s.from.Read(buf)
		s.text += string(buf[:n])
		if err != nil {
			s.t.Fatalf("%q does not come: %v: %q", text, err, s.text)
		}
	}
	_, s.text, _ = strings.Cut(s.text, text)
}

func TestTerminalRefused(t *testing.T) {
	_, errs, _ := start(t, "-o", "PermitTTY=no").output("-tt", "tty")
	require.Contains(t, errs, "PTY allocation request failed")
}

func TestWhoGetsIn(t *testing.T) {
	r := start(t, "-v")
	denied := func(args ...string) string {
		t.Helper()
		_, errs, status := r.output(args...)
		require.Equal(t, 255, status)
		return strings.ReplaceAll(errs, "nobody-else", r.user)
	}
	r.write("wrong", mustRead(t, "../../internal/testkeys/keys/ecdsa256.pem"))
	wrongUser := denied("-l", "nobody-else", "true")
	require.Contains(t, r.logged(), `may not log in`)
	wrongKey := denied("-o", "IdentityFile="+r.path("wrong"), "-o", "IdentityFile=none", "-l", "nobody-else", "true")
	require.Equal(t, wrongKey, wrongUser, "a client cannot tell who exists")
	_, _, status := r.output("true")
	require.Zero(t, status)
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
}

func TestBanner(t *testing.T) {
	banner := t.TempDir() + "/banner"
	require.NoError(t, os.WriteFile(banner, []byte("be nice\n"), 0o600))
	cmd := start(t, "-o", "Banner="+banner).ssh("-o", "LogLevel=INFO", "true")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "be nice\n", string(out))
}

func TestTraceOnVV(t *testing.T) {
	r := start(t, "-vv")
	_, _, status := r.output("true")
	require.Zero(t, status)
	require.Eventually(t, func() bool { return strings.Contains(r.logged(), "SSH_MSG_CHANNEL_CLOSE") }, waitFor, 10*time.Millisecond)
	require.Contains(t, r.logged(), "SSH_MSG_KEXINIT")
	require.Contains(t, r.logged(), "OpenSSH_")
}

func TestAlgorithmsAskedFor(t *testing.T) {
	r := start(t, "-o", "Ciphers=aes192-ctr", "-o", "MACs=hmac-sha2-512", "-o", "KexAlgorithms=ecdh-sha2-nistp256")
	_, errs, status := r.output("-v", "-o", "LogLevel=DEBUG1", "true")
	require.Zero(t, status)
	require.Contains(t, errs, "kex: algorithm: ecdh-sha2-nistp256")
	require.Contains(t, errs, "cipher: aes192-ctr MAC: hmac-sha2-512")
	_, errs, status = r.output("-o", "Ciphers=aes128-ctr", "-o", "LogLevel=INFO", "true")
	require.Equal(t, 255, status)
	require.Regexp(t, "no (matching|common) cipher", errs) // whichever side finds out first
}
