package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/whelk-ssh/whelk/client"
)

// A terminal is the one in front of the user, lent to a remote command.
type terminal struct {
	fd   int
	here bool // it is one
	log  *logger

	attached chan struct{} // closed once it is lent

	mu     sync.Mutex
	before *term.State // as it was, once it is lent
	over   bool        // it was given back for good
	cmd    *client.Cmd
	unhook func()
}

func newTerminal(fd int, here bool, log *logger) *terminal {
	return &terminal{fd: fd, here: here, log: log, attached: make(chan struct{})}
}

// pty describes the terminal to the server.
func (t *terminal) pty() *client.Pty {
	p := &client.Pty{Term: os.Getenv("TERM")}
	if p.Term == "" {
		p.Term = "dumb"
	}
	if t.here {
		p.Window = windowOf(t.fd)
		p.Modes = modes(t.fd)
	}
	return p
}

// attach hands the terminal over to cmd: each key goes to the remote terminal,
// which makes of it what it will, and the remote one has the size of ours.
func (t *terminal) attach(cmd *client.Cmd) {
	if !t.here {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cmd = cmd
	if before, err := term.MakeRaw(t.fd); err == nil {
		t.before = before
		t.log.raw.Store(true)
	}
	t.unhook = onResize(t.resize)
	close(t.attached)
}

// An onScreen is output that is shown on the terminal once that is attached. What
// the server sends at once would otherwise be changed by a terminal that is
// not raw yet, which puts a carriage return of its own ahead of a line feed.
type onScreen struct {
	w        io.Writer
	attached <-chan struct{}
}

func (s onScreen) Write(p []byte) (int, error) {
	<-s.attached
	return s.w.Write(p)
}

// screen returns what cmd is to write to in place of w. If there is no terminal
// here it need not wait for one.
func (t *terminal) screen(w io.Writer) io.Writer {
	if !t.here {
		return w
	}
	return onScreen{w, t.attached}
}

// resize tells the remote terminal the size of ours.
func (t *terminal) resize() {
	if w := windowOf(t.fd); w.Columns > 0 && w.Rows > 0 {
		t.cmd.Resize(w)
	}
}

// lendBack gives the terminal back for as long as f runs.
func (t *terminal) lendBack(f func()) {
	t.giveBack()
	f()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.before == nil {
		return
	}
	if _, err := term.MakeRaw(t.fd); err == nil {
		t.log.raw.Store(true)
	}
	go t.resize() // it may have changed meanwhile, and the connection may be stuck
}

// giveBack makes the terminal what it was.
func (t *terminal) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before != nil {
		term.Restore(t.fd, t.before)
		t.log.raw.Store(false)
	}
}

// restore takes the terminal back for good.
func (t *terminal) restore() {
	t.mu.Lock()
	again, unhook := t.over, t.unhook
	t.over = true
	t.mu.Unlock()
	if again {
		return
	}
	if unhook != nil {
		unhook()
	}
	t.giveBack()
}
