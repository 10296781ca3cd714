//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// stop stops the program, as a shell lets its user do, until it is continued.
// after, unless nil, is started before, to see to that. It does nothing where
// nobody could continue it.
func stop(after func(pid string) *exec.Cmd) {
	pid := os.Getpid()
	if after != nil {
		if helper := after(strconv.Itoa(pid)); helper.Start() == nil {
			go helper.Wait()
		}
	}
	woken := make(chan os.Signal, 1)
	signal.Notify(woken, syscall.SIGCONT)
	defer signal.Stop(woken)
	syscall.Kill(pid, syscall.SIGTSTP)
	select { // the signal may be another thread's, and stop this one only then
	case <-woken:
	case <-time.After(stopTime):
	}
}

// stopTime is how long the program may take to stop.
const stopTime = 200 * time.Millisecond

// continued is a command that continues the program once it has stopped: its
// shell then takes it for one in the background. A program of several threads
// cannot go there by itself, as fork(2) would take but one along.
func continued(pid string) *exec.Cmd {
	const script = `i=0
while [ $i -lt 20 ]; do
	case $(ps -o stat= -p "$0" 2>/dev/null) in T*) break;; esac
	i=$((i+1))
	sleep 0.1
done
kill -CONT "$0"`
	cmd := exec.Command("/bin/sh", "-c", script, pid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
