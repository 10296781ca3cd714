package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// whelk is the program under test, built once.
var whelk string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "whelk")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		whelk = filepath.Join(dir, "whelk")
		if out, err := exec.Command("go", "build", "-o", whelk, ".").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("go build: %v\n%s", err, out))
		}
		return m.Run()
	}())
}

// An sshd is OpenSSH's server, and what whelk needs to log in to it.
type sshd struct {
	dir  string
	port string
	cmd  *exec.Cmd
}

// startSSHD starts a server that ends with the test.
func startSSHD(t *testing.T, options ...string) *sshd {
	t.Helper()
	return startSSHDWith(t, "ed25519-other", options...)
}

// startSSHDWith is startSSHD with a host key of package testkeys.
func startSSHDWith(t *testing.T, hostKey string, options ...string) *sshd {
	t.Helper()
	path, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI needs /usr/sbin/sshd (Debian: openssh-server)")
		}
		t.Skip("there is no /usr/sbin/sshd here (Debian: openssh-server)")
	}
	os.MkdirAll("/run/sshd", 0o755) // for privilege separation, where it may be made
	s := &sshd{dir: t.TempDir(), port: freePort(t)}
	host, err := hostkey.ParsePrivateKey(testkeys.PEM(hostKey), nil)
	require.NoError(t, err)
	s.write(t, "host", string(testkeys.PEM(hostKey)))
	s.write(t, "user", string(testkeys.PEM("ed25519")))
	s.write(t, "authorized", string(hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")))
	s.write(t, "known", "[127.0.0.1]:"+s.port+" "+string(hostkey.MarshalAuthorizedKey(host.PublicKey(), "")))
	args := []string{"-D", "-E", s.path("log"), "-f", "/dev/null", "-h", s.path("host"), "-p", s.port}
	for _, o := range append(options, "ListenAddress=127.0.0.1", "StrictModes=no", "UsePAM=no", "PidFile=none", "PermitRootLogin=yes",
		"AuthorizedKeysFile="+s.path("authorized"), "AcceptEnv=WHELK_*", "MaxSessions=200") {
		args = append(args, "-o", o)
	}
	s.cmd = exec.Command(path, args...)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(s.path("log"))
			t.Logf("sshd:\n%s", log)
		}
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	return s
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// user returns the name of the user that it lets in.
func (s *sshd) user() string {
	u, err := user.Current()
	if err != nil {
		panic(err)
	}
	return u.Username
}

func (s *sshd) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sshd) write(t *testing.T, name, text string) {
	require.NoError(t, os.WriteFile(s.path(name), []byte(text), 0o600))
}

// command returns whelk with the flags that let it in, and those given, which
// count more.
func (s *sshd) command(args ...string) *exec.Cmd {
	u, err := user.Current()
	if err != nil {
		panic(err)
	}
	flags := append([]string{}, args...)
	host := "127.0.0.1"
	for i, a := range args { // flags before "@", the command behind it
		if a == "@" {
			flags, args = append([]string{}, args[:i]...), args[i+1:]
			flags = append(flags, "-p", s.port, "-l", u.Username, "-i", s.path("user"),
				"-oUserKnownHostsFile="+s.path("known"), "-oGlobalKnownHostsFile=none", "--", host)
			break
		}
	}
	cmd := exec.Command(whelk, slices.Concat([]string{"-F", "none"}, flags, args)...)
	cmd.Env = append(os.Environ(), "TERM=vt100", "SSH_AUTH_SOCK=")
	return cmd
}

// run runs a command and returns what came of it.
func (s *sshd) run(stdin string, args ...string) (stdout, stderr string, status int) {
	cmd := s.command(args...)
	return capture(cmd, stdin)
}

func capture(cmd *exec.Cmd, stdin string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", err.Error(), -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
