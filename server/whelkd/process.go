//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
)

// killAfter is how long a process group may take to end after SIGHUP.
const killAfter = 5 * time.Second

// A process is a program that runs for a session, and the files by which it is
// connected to it. It leads a session and a process group of its own, whose
// number stays its own until it is reaped: so signals are sent to the group
// only before that.
type process struct {
	session  *server.Session
	cmd      *exec.Cmd
	mute     bool           // the client may send it no signals
	input    *os.File       // to the program; nil on a terminal, which takes it where it gives output
	outputs  []*os.File     // from the program
	terminal *os.File       // one of them, if it is
	copies   sync.WaitGroup // of outputs to the client

	mu     sync.Mutex
	reaped bool
}

// startOnPipes starts the program with a pipe each for input, output and
// errors.
func (p *process) startOnPipes(setEnv func(tty string)) (tty string, err error) {
	setEnv("")
	var theirs, ours [3]*os.File
	defer func() {
		closeAll(theirs[:])
		if err != nil {
			closeAll(ours[:])
		}
	}()
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			return "", err
		}
		if theirs[i], ours[i] = w, r; i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.cmd.Start(); err != nil {
		return "", err
	}
	p.input, p.outputs = ours[0], ours[1:]
	go p.copyInput()
	p.copyOutput(p.session, ours[1])
	p.copyOutput(p.session.Stderr(), ours[2])
	return "", nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// copyInput gives the program what the client sends. Once it takes no more the
// client is told, and what comes is thrown away, so that the client gets rid of
// it whether it understands or not.
func (p *process) copyInput() {
	_, err := io.Copy(p.input, p.session)
	p.input.Close()
	if err != nil {
		p.session.CloseRead()
		io.Copy(io.Discard, p.session)
	}
}

// copyOutput sends what the program writes to the client, until everybody has
// closed the other end. Once the client takes no more, neither do we: the
// program gets SIGPIPE.
func (p *process) copyOutput(to io.Writer, from *os.File) {
	p.copies.Go(func() {
		io.Copy(to, from)
		from.Close()
	})
}

// wait waits until the program has exited and its output has been sent, and
// says how it ended.
func (p *process) wait() syscall.WaitStatus {
	ended := make(chan struct{})
	stop := context.AfterFunc(p.session.Context(), func() { p.hangUp(ended) })
	if !p.mute {
		p.session.OnSignal(p.signal)
	}
	awaitExit(p.cmd)
	if p.input != nil {
		p.input.Close() // nobody reads it, or nobody should
	}
	if p.terminal != nil {
		p.terminal.SetReadDeadline(time.Now())
	}
	p.copies.Wait()
	closeAll(p.outputs)
	err := p.reap()
	close(ended)
	stop()
	return statusOf(p.cmd, err)
}

// hangUp ends the program because its client is gone.
func (p *process) hangUp(ended <-chan struct{}) {
	p.kill(syscall.SIGHUP)
	closeAll(p.outputs) // background programs may keep the other ends open
	select {
	case <-ended:
	case <-time.After(killAfter):
		p.kill(syscall.SIGKILL)
	}
}

// signal passes on a signal of the client's.
func (p *process) signal(name channel.Signal) {
	if sig, ok := name.System(); ok {
		p.kill(sig.(syscall.Signal))
	}
}

// kill sends a signal to the process group.
func (p *process) kill(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.cmd.Process.Pid, sig)
	}
}

// reap takes the exit status of the program, which has exited.
func (p *process) reap() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
	return p.cmd.Wait()
}

// statusOf returns how cmd ended, given the error of its Wait.
func statusOf(cmd *exec.Cmd, err error) syscall.WaitStatus {
	if cmd.ProcessState != nil {
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
			return status
		}
	}
	return syscall.WaitStatus(failure << 8)
}
