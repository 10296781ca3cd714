package client

import (
	"errors"
	"io"
	"sync"
)

// pipes are the ends of a command's streams that its user holds.
type pipes struct {
	stdin          *inputPipe
	stdout, stderr *outputPipe
}

var errPiped = errors.New("client: the stream has a reader or writer already, or the command was started")

// StdinPipe returns a pipe to the command's standard input. Close ends the
// input. A Write waits until the command has been started.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil || c.pipes.stdin != nil || c.phase != fresh {
		return nil, errPiped
	}
	c.pipes.stdin = &inputPipe{newPlug()}
	return c.pipes.stdin, nil
}

// StdoutPipe returns a pipe from the command's standard output. Unlike that of
// os/exec it can be read after Wait too, up to the end: only what is in it
// beyond 2 MiB keeps a command from ending. Close tells the command that
// nobody reads on, as a failing Stdout does.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if c.Stdout != nil || c.pipes.stdout != nil || c.phase != fresh {
		return nil, errPiped
	}
	c.pipes.stdout = &outputPipe{plug: newPlug()}
	return c.pipes.stdout, nil
}

// StderrPipe returns a pipe from the command's standard error, which is like
// that of StdoutPipe, and shares its 2 MiB: a command that writes much to both
// has to have both read at the same time.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if c.Stderr != nil || c.pipes.stderr != nil || c.phase != fresh {
		return nil, errPiped
	}
	c.pipes.stderr = &outputPipe{plug: newPlug(), stderr: true}
	return c.pipes.stderr, nil
}

// connect lets the pipes be used.
func (p *pipes) connect(c *Cmd) {
	for _, plug := range p.plugs() {
		plug.command = c
		close(plug.ready)
	}
}

// abandon makes the pipes of a command that does not start fail.
func (p *pipes) abandon() { p.connect(nil) }

func (p *pipes) plugs() (plugs []*plug) {
	if p.stdin != nil {
		plugs = append(plugs, p.stdin.plug)
	}
	for _, out := range []*outputPipe{p.stdout, p.stderr} {
		if out != nil {
			plugs = append(plugs, out.plug)
		}
	}
	return plugs
}

// A plug waits for its command to be started.
type plug struct {
	ready   chan struct{}
	command *Cmd // nil if it did not start; set when ready is closed
}

func newPlug() *plug { return &plug{ready: make(chan struct{})} }

// wait returns the command once it runs.
func (p *plug) wait() (*Cmd, error) {
	<-p.ready
	if p.command == nil {
		return nil, errNotStarted
	}
	return p.command, nil
}

// An inputPipe is what StdinPipe returns.
type inputPipe struct{ *plug }

func (p *inputPipe) Write(b []byte) (int, error) {
	c, err := p.wait()
	if err != nil {
		return 0, err
	}
	return c.channel.Write(b)
}

// Close ends the input. A command that has ended has no input to end.
func (p *inputPipe) Close() error {
	c, err := p.wait()
	if err == nil {
		c.channel.CloseWrite()
	}
	return err
}

// An outputPipe is what StdoutPipe and StderrPipe return.
type outputPipe struct {
	*plug
	stderr bool
	close  sync.Once
}

func (p *outputPipe) stream(c *Cmd) io.ReadWriter {
	if p.stderr {
		return c.channel.Stderr()
	}
	return c.channel
}

func (p *outputPipe) Read(b []byte) (int, error) {
	c, err := p.wait()
	if err != nil {
		return 0, err
	}
	return p.stream(c).Read(b)
}

// WriteTo implements [io.WriterTo].
func (p *outputPipe) WriteTo(w io.Writer) (int64, error) {
	c, err := p.wait()
	if err != nil {
		return 0, err
	}
	return p.stream(c).(io.WriterTo).WriteTo(w)
}

// Close gives up reading. What comes after it is discarded.
func (p *outputPipe) Close() error {
	c, err := p.wait()
	if err != nil {
		return err
	}
	p.close.Do(func() {
		go func() {
			if !p.stderr {
				c.stopReading()
			}
			p.WriteTo(io.Discard)
		}()
	})
	return nil
}
