package main

import (
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

	once   sync.Once
	before *term.State // as it was
	unhook func()
}

// pty describes the terminal to the server.
func (t *terminal) pty() *client.Pty {
	p := &client.Pty{Term: os.Getenv("TERM")}
	if p.Term == "" {
		p.Term = "dumb"
	}
	if t.here {
		p.Columns, p.Rows = t.size()
		p.Modes = modes(t.fd)
	}
	return p
}

// size returns the terminal's size in characters, or zeros if it has none.
func (t *terminal) size() (columns, rows uint32) {
	width, height, err := term.GetSize(t.fd)
	if err != nil || width < 0 || height < 0 {
		return 0, 0
	}
	return uint32(width), uint32(height)
}

// attach hands the terminal over to cmd, until the function it returns is
// called: each key goes to the remote terminal, which makes of it what it
// will, and the remote one has the size of ours.
func (t *terminal) attach(cmd *client.Cmd) (restore func()) {
	if !t.here {
		return t.restore
	}
	if before, err := term.MakeRaw(t.fd); err == nil {
		t.before = before
		t.log.raw.Store(true)
	}
	t.unhook = onResize(func() {
		if columns, rows := t.size(); columns > 0 && rows > 0 {
			cmd.Resize(client.Window{Columns: columns, Rows: rows})
		}
	})
	return t.restore
}

// restore takes the terminal back.
func (t *terminal) restore() {
	t.once.Do(func() {
		if t.unhook != nil {
			t.unhook()
		}
		if t.before != nil {
			term.Restore(t.fd, t.before)
			t.log.raw.Store(false)
		}
	})
}
