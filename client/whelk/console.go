package main

import (
	"errors"
	"io"
	"sync"

	"github.com/whelk-ssh/whelk/client"
)

// errEscaped is why a session ends whose user has typed so.
var errEscaped = errors.New("ended by the escape character")

// A console is where a session on a terminal is typed: standard input, less the
// escape sequences. They work while nothing else does, because a goroutine reads
// the terminal whether or not the session takes what is typed.
//
//	keys --> escaper --> typed, at most maxTyped --> Read, by the session
//	            |
//	            '--> escapeKeys
type console struct {
	*escaper
	escape   byte
	program  *program
	terminal *terminal
	keys     io.Reader // the terminal
	screen   io.Writer // likewise
	client   *client.Client
	cmd      *client.Cmd
	leaving  bool       // for the background; the reader's
	ended    chan error // buffered: why the user ended the session

	mu    sync.Mutex
	ready sync.Cond // typed has changed
	typed []byte
	err   error // at the end of typed
}

// maxTyped is how many bytes are typed ahead. A terminal has 4 KiB more.
const maxTyped = 64 << 10

func newConsole(p *program, t *terminal, keys io.Reader, screen io.Writer) *console {
	c := &console{escape: p.escape, program: p, terminal: t, keys: keys, screen: screen, ended: make(chan error, 1)}
	c.ready.L = &c.mu
	c.escaper = &escaper{char: p.escape, run: c.run}
	return c
}

// attend reads what is typed to its end. Escape sequences are about c.cmd, which
// has to be set.
func (c *console) attend() {
	defer c.close()
	for keys := make([]byte, 4<<10); ; {
		n, err := c.keys.Read(keys)
		c.put(c.filter(nil, keys[:n]))
		if err != nil {
			return
		}
		if c.leaving {
			c.leave()
			return
		}
	}
}

// put has p be read. It waits for room.
func (c *console) put(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.typed) >= maxTyped && c.err == nil {
		c.ready.Wait()
	}
	if c.err == nil {
		c.typed = append(c.typed, p...)
		c.ready.Broadcast()
	}
}

// close ends what is typed.
func (c *console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = io.EOF
	c.ready.Broadcast()
}

// Read reads what was typed for the session.
func (c *console) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.typed) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.ready.Wait()
	}
	n := copy(p, c.typed)
	c.typed = c.typed[n:]
	c.ready.Broadcast()
	return n, nil
}

// end ends the session.
func (c *console) end(err error) {
	c.echo('.', "")
	select {
	case c.ended <- err:
	default:
	}
}

// later runs f without keeping the keys waiting: the connection may be stuck.
func (c *console) later(f func()) { go f() }

// ask asks for a line on the terminal, which echoes it and lets it be edited.
func (c *console) ask(prompt string) string {
	io.WriteString(c.screen, prompt)
	var line []byte
	for key := make([]byte, 1); ; {
		n, err := c.keys.Read(key)
		if err != nil || n > 0 && (key[0] == '\n' || key[0] == '\r') {
			return string(line)
		}
		line = append(line, key[:n]...)
	}
}
