package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long tests wait for what should take no time.
const patience = 20 * time.Second

// A transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.Write(p)
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String()
}

// A daemon is a process that runs until the test has ended.
type daemon struct {
	cmd  *exec.Cmd
	log  transcript
	done chan struct{} // closed when it has ended
}

// launch starts a daemon that logs to its standard error.
func launch(t *testing.T, path string, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(path, args...), done: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	d.cmd.Env = environment()
	ownGroup(d.cmd)
	require.NoError(t, d.cmd.Start())
	go func() {
		d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		d.kill()
		require.NotContains(t, d.log.String(), "DATA RACE")
		if t.Failed() {
			t.Logf("%s %q said:\n%s", path, args, d.log.String())
		}
	})
	return d
}

// pid is the daemon's process.
func (d *daemon) pid() int { return d.cmd.Process.Pid }

// kill kills the daemon, and every process below it: those of sshd are in
// sessions of their own.
func (d *daemon) kill() {
	below := descendants(d.pid())
	killGroup(d.pid())
	for _, pid := range below {
		killProcess(pid)
	}
	<-d.done
}

// environment is what programs get, which is as little as they work with. The
// shell is one that reads none of the user's files, for the sake of speed.
func environment(extra ...string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "SHELL=/bin/sh", "LC_ALL=C", "TERM=xterm"}
	if dir := os.Getenv("TMPDIR"); dir != "" {
		env = append(env, "TMPDIR="+dir)
	}
	return append(env, extra...)
}

// parents maps each process to its parent.
func parents() map[int]int {
	parents := make(map[int]int)
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// proc(5): "pid (name) state ppid", where the name may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	return parents
}

// descendants returns the processes that stem from pid.
func descendants(pid int) (found []int) {
	parents := parents()
	found = []int{pid}
	for i := 0; i < len(found); i++ {
		for child, parent := range parents {
			if parent == found[i] && !slices.Contains(found, child) {
				found = append(found, child)
			}
		}
	}
	return found[1:]
}

// descriptors returns what the files that a process has open are.
func descriptors(pid int) (files []string) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			files = append(files, target)
		}
	}
	return files
}

// requireGone waits until a process does not exist any more.
func requireGone(t *testing.T, pid int, within time.Duration) {
	t.Helper()
	require.Eventually(t, func() bool { return !alive(pid) }, within, 10*time.Millisecond, "process %d is still there", pid)
}
