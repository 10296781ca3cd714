package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

var errOutputSet = errors.New("client: Stdout or Stderr is set already")

// Output runs the command and returns what it wrote to its standard output,
// all there was of it if Output fails. If Stderr is nil, an [*ExitError] has
// the end of what it wrote to its standard error.
func (c *Cmd) Output(ctx context.Context) ([]byte, error) {
	if c.Stdout != nil || c.pipes.stdout != nil {
		return nil, errOutputSet
	}
	var stdout bytes.Buffer
	c.Stdout = &stdout
	if c.Stderr == nil && c.pipes.stderr == nil {
		c.stderr = new(tail)
		c.Stderr = c.stderr
	}
	err := c.Run(ctx)
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns what it wrote to its standard
// output and standard error, in the order in which it arrived: the two are
// separate streams, so that need not be the order in which it was written.
func (c *Cmd) CombinedOutput(ctx context.Context) ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil || c.pipes.stdout != nil || c.pipes.stderr != nil {
		return nil, errOutputSet
	}
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	err := c.Run(ctx)
	return output.Bytes(), err
}

// Signal sends the command one of the signals that RFC 4254, section 6.10, has
// a name for. It does not wait for it to be delivered; servers may ignore it.
func (c *Cmd) Signal(s os.Signal) error {
	name, ok := channel.SignalOf(s)
	if !ok {
		return fmt.Errorf("client: RFC 4254 has no name for the signal %v: use SignalName", s)
	}
	return c.SignalName(name)
}

// SignalName is Signal with a signal that need not exist on this system.
func (c *Cmd) SignalName(name channel.Signal) error {
	m := wire.SignalRequest{Name: string(name)}
	return c.notify("signal", m.Append(nil))
}

// Resize tells the command's terminal its size in characters.
func (c *Cmd) Resize(columns, rows uint32) error {
	m := wire.WindowChange{Columns: columns, Rows: rows}
	return c.notify("window-change", m.Append(nil))
}

func (c *Cmd) notify(name string, payload []byte) error {
	if c.channel == nil {
		return errNotStarted
	}
	return c.channel.Notify(name, payload)
}
