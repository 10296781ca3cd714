//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/hostkey"
	"github.com/whelk-ssh/whelk/internal/testkeys"
)

// TestMain makes the test binary a whelkd where a test asks for one.
func TestMain(m *testing.M) {
	if os.Getenv("WHELKD_TEST_MAIN") != "" {
		os.Unsetenv("WHELKD_TEST_MAIN")
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// whelkd returns the command that runs one.
func whelkd(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WHELKD_TEST_MAIN=1", "SHELL=/bin/sh")
	return cmd
}

// A running is a whelkd that accepts connections.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	dir   string
	port  string
	user  string
	ended chan error

	mu  sync.Mutex
	log bytes.Buffer
}

const waitFor = 10 * time.Second

// start runs a whelkd on a free port, for the key testkeys.Ed25519Other.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	r := prepare(t)
	r.start(append([]string{"-a", r.path("authorized_keys")}, args...)...)
	return r
}

// startPlain runs a whelkd like start does, whose configuration says which keys
// let the user in.
func startPlain(t *testing.T, args ...string) *running {
	t.Helper()
	r := prepare(t)
	r.start(args...)
	return r
}

// prepare writes the files for a whelkd and for ssh.
func prepare(t *testing.T) *running {
	t.Helper()
	u, err := user.Current()
	require.NoError(t, err)
	r := &running{t: t, dir: t.TempDir(), user: u.Username, ended: make(chan error, 1)}
	r.write("host_key", testkeys.PEM("ed25519"))
	r.write("id", testkeys.PEM("ed25519-other"))
	r.write("authorized_keys", hostkey.MarshalAuthorizedKey(testkeys.Ed25519Other().PublicKey(), ""))
	return r
}

// start runs the whelkd.
func (r *running) start(args ...string) {
	t := r.t
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "PerSourcePenalties") {
		args = append(args, "-o", "PerSourcePenalties=no") // all come from one address, and many fail on purpose
	}
	r.cmd = whelkd(append([]string{"-p", "0", "-h", r.path("host_key")}, args...)...)
	stderr, err := r.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() { r.cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	for r.port == "" {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		if port, ok := strings.CutPrefix(line, "listening on 127.0.0.1:"); ok {
			r.port = strings.TrimSpace(port)
		} else {
			r.log.WriteString(line)
		}
	}
	known := hostkey.MarshalAuthorizedKey(testkeys.Ed25519().PublicKey(), "")
	r.write("known_hosts", fmt.Appendf(nil, "[127.0.0.1]:%s %s", r.port, known))
	go func() {
		io.Copy(r, lines)
		r.ended <- r.cmd.Wait()
	}()
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		<-r.ended
	})
}

func (r *running) path(name string) string { return filepath.Join(r.dir, name) }

func (r *running) write(name string, content []byte) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(r.path(name), content, 0o600))
}

// Write collects the log.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// wait waits for the end of whelkd and returns its exit status.
func (r *running) wait() int {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended <- err
	case <-time.After(waitFor):
		r.t.Fatal("whelkd did not end")
	}
	return r.cmd.ProcessState.ExitCode()
}

// ssh returns OpenSSH's client, with options for this server ahead of args.
func (r *running) ssh(args ...string) *exec.Cmd {
	r.t.Helper()
	path, err := exec.LookPath("ssh")
	if err != nil {
		if os.Getenv("CI") == "true" {
			r.t.Fatal("OpenSSH's ssh is not installed")
		}
		r.t.Skip("OpenSSH's ssh is not installed")
	}
	all := []string{"-F", "none", "-p", r.port, "-i", r.path("id"), "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR",
		"-o", "UserKnownHostsFile=" + r.path("known_hosts"), "-o", "BatchMode=yes", "-o", "ControlPath=" + r.path("ctl"),
		r.user + "@127.0.0.1"}
	cmd := exec.Command(path, append(args, all...)...)
	if i := len(args); i > 0 && !strings.HasPrefix(args[i-1], "-") {
		cmd = exec.Command(path, append(args[:i-1:i-1], append(all, args[i-1])...)...)
	}
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=")
	return cmd
}

// output runs a command by ssh and returns what it wrote, and its exit status.
func (r *running) output(args ...string) (stdout, stderr string, status int) {
	r.t.Helper()
	cmd := r.ssh(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// gone waits until the process does not exist.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(waitFor); syscall.Kill(pid, 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// descriptors counts the open files of whelkd.
func (r *running) descriptors() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	if err != nil {
		r.t.Skip("there is no /proc")
	}
	return len(entries)
}

// children counts the processes that whelkd started and has not reaped.
func (r *running) children() int {
	n := 0
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.cmd.Process.Pid))
	for _, file := range files {
		pids, _ := os.ReadFile(file)
		n += len(strings.Fields(string(pids)))
	}
	return n
}
