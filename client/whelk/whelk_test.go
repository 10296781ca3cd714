package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

func TestCommands(t *testing.T) {
	s := startSSHD(t)
	for _, test := range []struct {
		name           string
		args           []string
		stdin          string
		stdout, stderr string
		status         int
	}{
		{"streams are separate", []string{"@", "echo out; echo err >&2"}, "", "out\n", "err\n", 0},
		{"words are joined", []string{"@", "echo", "a  b", "c"}, "", "a b c\n", "", 0},
		{"half-close", []string{"@", "sort"}, "b\na\n", "a\nb\n", "", 0},
		{"shell", []string{"-T", "@"}, "echo hello; exit 7", "hello\n", "", 7},
		{"-n", []string{"-n", "@", "cat"}, "not for you", "", "", 0},
		{"environment", []string{"-oSetEnv=WHELK_A=1 OTHER=2", "@", "echo $WHELK_A-$OTHER-"}, "", "1--\n", "", 0},
		{"output left unread by the command", []string{"@", "true"}, strings.Repeat("x", 1<<20), "", "", 0},
		{"signal", []string{"@", "kill -TERM $$"}, "", "", "whelk: the command was killed by signal \"TERM\"\n", 255},
		{"signal, quietly", []string{"-q", "@", "kill -TERM $$"}, "", "", "", 255},
		{"a terminal without one", []string{"-t", "@", "tty"}, "", "not a tty\n", "Pseudo-terminal will not be allocated because stdin is not a terminal.\n", 1},
		{"a terminal all the same", []string{"-tt", "@", "stty size; echo $TERM"}, "", "24 80\r\nvt100\r\n", "Connection to 127.0.0.1 closed.\n", 0},
		{"rekeying all the time", []string{"-oRekeyLimit=16", "@", "cat"}, "short", "short", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, status := s.run(test.stdin, test.args...)
			require.Equal(t, test.status, status, stderr)
			require.Equal(t, test.stdout, stdout)
			require.Equal(t, test.stderr, stderr)
		})
	}
}

func TestStatuses(t *testing.T) {
	s := startSSHD(t)
	for _, want := range []int{0, 1, 2, 42, 126, 127, 128, 254, 255} {
		_, stderr, status := s.run("", "@", fmt.Sprintf("exit %d", want))
		require.Equal(t, want, status, stderr)
		require.Empty(t, stderr)
	}
}

// 64 MiB each way, with keys exchanged again and again.
func TestMuch(t *testing.T) {
	s := startSSHD(t)
	const size = 64 << 20
	block := sha256.Sum256([]byte("seed"))
	data := bytes.Repeat(block[:], size/len(block))
	want := sha256.Sum256(data)
	for _, flags := range [][]string{nil, {"-oRekeyLimit=1M", "-cchacha20-poly1305@openssh.com"}} {
		stdout, stderr, status := s.run(string(data), append(flags, "@", "sha256sum")...)
		require.Zero(t, status, stderr)
		require.Contains(t, stdout, hex.EncodeToString(want[:]))

		cmd := s.command(append(flags, "@", "cat")...)
		hash := sha256.New()
		cmd.Stdin, cmd.Stdout = bytes.NewReader(data), hash
		require.NoError(t, cmd.Run())
		require.Equal(t, want[:], hash.Sum(nil))
	}
}

// A reader that goes away ends a command that would write for ever.
func TestReaderGoesAway(t *testing.T) {
	s := startSSHD(t)
	cmd := s.command("@", "yes")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(out, make([]byte, 1000))
	require.NoError(t, err)
	require.NoError(t, out.Close())
	cmd.Wait()
	require.Equal(t, failure, cmd.ProcessState.ExitCode(), "as ssh")
	require.Empty(t, stderr.String())
}

// What happens to our own streams is no failure of the command's, unless its
// output is lost to somebody who wants it.
func TestOurStreams(t *testing.T) {
	s := startSSHD(t)
	out, err := os.Create("/dev/full")
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	defer out.Close()
	var stderr bytes.Buffer
	cmd := s.command("@", "echo lost")
	cmd.Stdout, cmd.Stderr = out, &stderr
	cmd.Run()
	require.Equal(t, failure, cmd.ProcessState.ExitCode())
	require.Contains(t, stderr.String(), "no space left")

	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	cmd = s.command("@", "cat; exit 4")
	cmd.Stdin = dir
	cmd.Run()
	require.Equal(t, 4, cmd.ProcessState.ExitCode())

	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	stderr.Reset()
	cmd = s.command("@", "echo to nobody")
	cmd.Stdout, cmd.Stderr = writer, &stderr
	cmd.Run()
	require.NoError(t, writer.Close())
	require.Zero(t, cmd.ProcessState.ExitCode(), "as ssh")
	require.Empty(t, stderr.String())
}

// One line on standard error that says what was wrong, and 255.
func TestErrors(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "empty", "")
	s.write(t, "other", "[127.0.0.1]:"+s.port+" "+string(hostkey.MarshalAuthorizedKey(testkeys.ECDSA256().PublicKey(), "")))
	s.write(t, "wrong", string(testkeys.PEM("ecdsa384")))
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown host", []string{"-oUserKnownHostsFile=" + s.path("empty"), "@", "true"},
			[]string{hostkey.Fingerprint(testkeys.Ed25519Other().PublicKey()), "accept-new"}},
		{"changed host key", []string{"-oUserKnownHostsFile=" + s.path("other"), "@", "true"},
			[]string{"ecdsa-sha2-nistp256", "ssh-keygen", "other:1"}},
		{"no common algorithm", []string{"-oKexAlgorithms=mlkem768x25519-sha256", "-oHostKeyAlgorithms=rsa-sha2-512", "@", "true"},
			[]string{"no common", "we offer", "the peer offers"}},
		{"wrong key", []string{"-oBatchMode=yes", "-i", s.path("wrong"), "-o", "IdentityFile=" + s.path("wrong"), "@@"},
			[]string{"does not let", "publickey"}},
		{"no key", []string{"-oBatchMode=yes", "-oPubkeyAuthentication=no", "@", "true"}, []string{"does not let", "publickey"}},
		{"nobody there", []string{"-p" + freePort(t), "@", "true"}, []string{"connection refused", "check"}},
		{"no such host", []string{"no-such-host.invalid"}, []string{"no-such-host.invalid", "check"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if last := len(test.args) - 1; test.args[last] == "@@" {
				// Without the key that would do.
				test.args = append(test.args[:last:last], "-p", s.port, "-oUserKnownHostsFile="+s.path("known"), "127.0.0.1", "true")
			}
			stdout, stderr, status := s.run("", test.args...)
			require.Equal(t, failure, status)
			require.Empty(t, stdout)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.True(t, strings.HasPrefix(stderr, "whelk: "), stderr)
			for _, want := range test.want {
				require.Contains(t, stderr, want)
			}
			_, stderr, status = s.run("", append([]string{"-q"}, test.args...)...)
			require.Equal(t, failure, status)
			require.Empty(t, stderr, "-q")
		})
	}
}

func TestPeersThatAreNotSSH(t *testing.T) {
	for _, test := range []struct {
		name, says string
		hangs      bool
		want       string
	}{
		{"closes at once", "", false, "does not speak SSH"},
		{"HTTP", "HTTP/1.0 400 Bad Request\r\n\r\n", false, "SSH"},
		{"SSH 1", "SSH-1.5-old\r\n", true, `"SSH-1.5-old"`},
		{"says nothing", "", true, "ConnectTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				defer nc.Close()
				io.WriteString(nc, test.says)
				if test.hangs {
					io.Copy(io.Discard, nc)
				}
			}()
			_, port, err := net.SplitHostPort(l.Addr().String())
			require.NoError(t, err)
			start := time.Now()
			_, stderr, status := capture(exec.Command(whelk, "-F", "none", "-oConnectTimeout=1", "-p", port, "127.0.0.1", "true"), "")
			require.Equal(t, failure, status)
			require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			require.Contains(t, stderr, test.want)
			require.Less(t, time.Since(start), 5*time.Second)
		})
	}
}

func TestAcceptNew(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "new", "")
	flags := []string{"-oStrictHostKeyChecking=accept-new", "-oHashKnownHosts=yes", "-oUserKnownHostsFile=" + s.path("new"), "@", "true"}
	_, stderr, status := s.run("", flags...)
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "Permanently added")
	_, stderr, status = s.run("", flags...)
	require.Zero(t, status)
	require.Empty(t, stderr, "it is known the second time")
	text, err := os.ReadFile(s.path("new"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "|1|"))
}

func TestKeyFiles(t *testing.T) {
	s := startSSHD(t)
	s.write(t, "open", string(testkeys.PEM("ed25519")))
	require.NoError(t, os.Chmod(s.path("open"), 0o644))
	_, stderr, status := s.run("", "-i", s.path("open"), "-i", s.path("nonesuch"), "@", "true")
	require.Zero(t, status, "another key does it")
	require.Contains(t, stderr, "chmod 600")
	require.Contains(t, stderr, "nonesuch")
}

func TestVerbosity(t *testing.T) {
	s := startSSHD(t)
	_, one, status := s.run("x", "-v", "-caes256-ctr", "-mhmac-sha2-512", "@", "cat")
	require.Zero(t, status)
	for _, want := range []string{"debug1: kex: algorithm: sntrup761x25519-sha512", "cipher: aes256-ctr MAC: hmac-sha2-512", "Authenticated to"} {
		require.Contains(t, one, want)
	}
	require.NotContains(t, one, "SSH_MSG")
	_, two, _ := s.run("x", "-vv", "@", "cat")
	require.Contains(t, two, "SSH_MSG_USERAUTH_REQUEST")
	require.NotContains(t, two, "SSH_MSG_CHANNEL_DATA")
	_, three, _ := s.run("x", "-v", "-vv", "-E", s.path("log"), "@", "cat")
	require.Empty(t, three)
	log, err := os.ReadFile(s.path("log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "SSH_MSG_CHANNEL_DATA")
}

func TestVersionAndQueries(t *testing.T) {
	_, stderr, status := capture(exec.Command(whelk, "-V"), "")
	require.Zero(t, status)
	require.Regexp(t, `^Whelk_0\.1, Go 1\.\d+`, stderr)
	for _, topic := range []string{"cipher", "cipher-auth", "mac", "kex", "key", "sig", "help", "Ciphers", "compression", "protocol-version"} {
		stdout, stderr, status := capture(exec.Command(whelk, "-Q", topic), "")
		require.Zero(t, status, stderr)
		require.NotEmpty(t, strings.Fields(stdout), topic)
	}
	stdout, _, _ := capture(exec.Command(whelk, "-Q", "compression"), "")
	require.Equal(t, "none\nzlib@openssh.com\nzlib\n", stdout)
	_, stderr, status = capture(exec.Command(whelk, "-Q", "nonesuch"), "")
	require.Equal(t, failure, status)
	require.Contains(t, stderr, "-Q help")
}

// A server that is killed, with a command and without.
func TestServerDies(t *testing.T) {
	s := startSSHD(t)
	for _, args := range [][]string{{"@", "echo ready; kill -9 $PPID; sleep 5"}, {"@", "echo ready; exec 1>&- 2>&-; kill -9 $PPID"}} {
		start := time.Now()
		_, stderr, status := s.run("", args...)
		require.Equal(t, failure, status)
		require.Contains(t, stderr, "connection to 127.0.0.1 lost")
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Less(t, time.Since(start), 10*time.Second)
	}
}

// A signal ends whelk with 255, as it does ssh, and -N waits for one.
func TestSignals(t *testing.T) {
	s := startSSHD(t)
	for _, args := range [][]string{{"-v", "@", "sleep 5"}, {"-v", "-N", "@"}} {
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			cmd := s.command(args...)
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			var said bytes.Buffer
			for !strings.Contains(said.String(), "Authenticated") {
				_, err := io.CopyN(&said, stderr, 1)
				require.NoError(t, err, said.String())
			}
			require.NoError(t, cmd.Process.Signal(signal))
			io.Copy(&said, stderr)
			cmd.Wait()
			require.Equal(t, failure, cmd.ProcessState.ExitCode())
			require.Contains(t, said.String(), "Killed by signal")
		}
	}
}
