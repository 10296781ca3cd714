package client

import (
	"bytes"
	"context"
	"errors"
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
