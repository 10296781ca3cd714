package client

import (
	"errors"
	"io"
	"net"
	"sync"
)

// copy starts what moves bytes between the command and the fields of Cmd. What
// nobody asked for is discarded, so that it does not use up the window that
// standard output and standard error share.
func (c *Cmd) copy() {
	stdout, stderr := c.Stdout, c.Stderr
	if stdout != nil && same(stdout, stderr) {
		one := &serial{w: stdout}
		stdout, stderr = one, one
	}
	if c.pipes.stdout == nil {
		if stdout == nil {
			stdout = io.Discard
		}
		c.output.Go(func() { c.errs.keep(c.copyOut(stdout, c.channel, c.stopReading)) })
	}
	if stderr != nil {
		c.output.Go(func() { c.errs.keep(c.copyOut(stderr, c.channel.Stderr(), func() {})) })
	}
	switch {
	case c.pipes.stdin != nil:
	case c.Stdin == nil:
		c.channel.CloseWrite()
	default:
		go c.copyIn(c.Stdin)
	}
}

// copyOut copies output to w. If w fails it calls stop and discards the rest:
// the other stream must not run out of window.
func (c *Cmd) copyOut(w io.Writer, r io.Reader, stop func()) error {
	sink := &marked{w: w}
	_, err := r.(io.WriterTo).WriteTo(sink)
	switch {
	case sink.failed:
		stop()
		r.(io.WriterTo).WriteTo(io.Discard)
	case c.client.mux.Err() == nil:
		return nil // we closed the channel ourselves
	}
	return err
}

// copyIn copies Stdin to the command. That the command, its input or the
// connection ends first is no failure of Stdin's. An error is kept before the command can end
// because of it.
func (c *Cmd) copyIn(r io.Reader) {
	if _, err := io.Copy(c.channel, r); !errors.Is(err, net.ErrClosed) {
		c.errs.keep(err)
	}
	c.channel.CloseWrite()
}

// stopReading tells the command that nobody reads its standard output any
// more. OpenSSH has a message for that (PROTOCOL, section 2.2); elsewhere only
// closing the channel makes the command stop.
func (c *Cmd) stopReading() {
	if c.client.likeOpenSSH() {
		c.channel.Notify("eow@openssh.com", nil)
		return
	}
	c.channel.Close()
}

// A marked is a writer that remembers whether it was the one that failed.
type marked struct {
	w      io.Writer
	failed bool
}

func (m *marked) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.failed = err != nil || n < len(p)
	return n, err
}

// A serial is a writer that two may write to.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// same reports whether two writers are one. Those whose type cannot be
// compared are not.
func same(a, b io.Writer) (equal bool) {
	defer func() { recover() }()
	return a == b
}

// copyErrors are the errors of a command's copies.
type copyErrors struct {
	mu  sync.Mutex
	err error
}

func (e *copyErrors) keep(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

// first returns the first of them.
func (e *copyErrors) first() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}
