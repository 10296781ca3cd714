package client

import (
	"context"
	"io"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// An exit is how a command ended, as far as the server has said (RFC 4254,
// section 6.10). Both ways to say so may come before or after the end of the
// output, and not at all.
type exit struct {
	status *wire.ExitStatus
	signal *wire.ExitSignal
}

// report is the goroutine that takes the server's requests, until the channel
// is closed. What it does not know is refused; so OpenSSH's keepalives are
// answered.
func (c *Cmd) report() {
	defer close(c.reports)
	for r := range c.channel.Requests(context.Background()) {
		r.Reply(c.take(r))
	}
}

// take takes one request, and reports whether that made sense.
func (c *Cmd) take(r *channel.Request) bool {
	switch r.Type {
	case "eow@openssh.com": // OpenSSH PROTOCOL, section 2.2: nobody reads the input
		c.channel.CloseWrite()
		return true
	case "xon-xoff": // RFC 4254, section 6.8
		m, err := wire.ParseXonXoff(r.Payload)
		if err != nil || c.OnXonXoff == nil {
			return false
		}
		c.OnXonXoff(m.Allowed)
		return true
	}
	return c.exit.take(r.Type, r.Payload)
}

// take notes what a request says, and reports whether that made sense.
func (e *exit) take(name string, payload []byte) bool {
	switch name {
	case "exit-status":
		if m, err := wire.ParseExitStatus(payload); err == nil {
			e.status = &m
			return true
		}
	case "exit-signal":
		if m, err := wire.ParseExitSignal(payload); err == nil {
			e.signal = &m
			return true
		}
	}
	return false
}

// known reports whether the server has said how the command ended.
func (e *exit) known() bool { return e.status != nil || e.signal != nil }

// err returns the error for a command that ended so.
func (e *exit) err(stderr *tail) error {
	failed := &ExitError{Stderr: stderr.bytes()}
	switch {
	case e.signal != nil:
		failed.Signal, failed.Core = channel.Signal(e.signal.Signal), e.signal.Core
		failed.Message, failed.Language = e.signal.Message, e.signal.Language
	case e.status == nil:
		return &ExitMissingError{}
	case e.status.Status == 0:
		return nil
	default:
		failed.Status = int(e.status.Status)
	}
	return failed
}

// A tail is a writer that keeps the end of what it is given.
type tail struct{ kept []byte }

const maxTail = 32 << 10

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*maxTail { // only then, so that each byte is moved once at most
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-maxTail:]...)
	}
	return len(p), nil
}

// bytes returns what a tail has kept; a nil one nothing.
func (t *tail) bytes() []byte {
	if t == nil {
		return nil
	}
	return t.kept[max(0, len(t.kept)-maxTail):]
}
