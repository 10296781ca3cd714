package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/wire"
)

// A Cmd is a remote command, in the manner of os/exec. Its fields are set
// before Start and left alone after; it cannot be used twice.
type Cmd struct {
	// Stdin is copied to the command until it ends, which the command sees as
	// the end of its input; nil is an empty input. Wait does not wait for a
	// Read that is under way when the command has ended: whoever gave a
	// Stdin that blocks may see it read once more after Wait.
	Stdin io.Reader

	// Stdout and Stderr get what the command writes; nil discards it. If they
	// are the same, one Write is made at a time. A command of a [Pty] has no
	// standard error of its own.
	//
	// When a Write to Stdout fails the command is told that nobody reads on,
	// as a closed pipe does, and Wait returns the error unless it has a
	// better one.
	Stdout, Stderr io.Writer

	// Env are variables to set, each of the form "NAME=value". Servers take
	// few names, OpenSSH none unless AcceptEnv says so, and it is no error if
	// one is refused: the command runs without it.
	Env []string

	// Pty, unless nil, asks for a terminal.
	Pty *Pty

	// ForwardAgent lends the agent of [Config].Agent to the server, for as long
	// as the command runs. Whoever is root there can have it sign, and so can
	// be the user elsewhere, but does not get to see the keys. It is no error
	// if the server does not want it.
	ForwardAgent bool

	// X11, unless nil, lends a display to the command. Start fails with a
	// [*StartError] if the server does not want it.
	X11 *X11

	client *Client
	name   string

	channel *channel.Channel // once started
	ctx     context.Context
	begun   time.Time
	unhook  func() bool   // of ctx
	killed  atomic.Bool   // ctx was done first
	reports chan struct{} // closed when exit is final
	exit    exit
	pipes   pipes
	output  sync.WaitGroup // copies of Stdout and Stderr
	errs    copyErrors
	stderr  *tail // for ExitError
	phase   phase
}

// A phase is how far a Cmd has got.
type phase int

const (
	fresh phase = iota
	started
	waited
)

// A Pty is a terminal to be asked for (RFC 4254, section 6.2).
type Pty struct {
	Term          string // its type, such as "xterm-256color"; "xterm" if empty
	Columns, Rows uint32 // size in characters; 80 and 24 if both are zero
	Width, Height uint32 // size in pixels, or zero
	Modes         channel.Modes
}

// Command returns a command to be run on the server, which hands the text as it
// is to the user's login shell: see [Quote] for arguments that come from
// elsewhere. The empty command is the login shell itself.
func (c *Client) Command(name string) *Cmd { return &Cmd{client: c, name: name} }

// String returns the command.
func (c *Cmd) String() string { return c.name }

// Run starts the command and waits for it to end.
func (c *Cmd) Run(ctx context.Context) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	return c.Wait()
}

// Start starts the command. It returns when the server has said that it runs,
// with a [*StartError] if it refuses, and with a [*channel.OpenError] if it
// refuses so much as a channel.
//
// When ctx is done before the command, it is sent the signal KILL, which
// servers may ignore, and its channel is closed; Wait then returns a
// [*ContextError].
func (c *Cmd) Start(ctx context.Context) error {
	if c.phase != fresh {
		return errStarted
	}
	c.phase = started
	c.begun, c.ctx = time.Now(), ctx
	ch, err := c.open(ctx)
	if err != nil {
		c.pipes.abandon()
		return contextual(ctx, err, c.begun, fmt.Sprintf("starting %q", c.name))
	}
	c.channel = ch
	c.pipes.connect(c)
	c.reports = make(chan struct{})
	go c.report()
	c.copy()
	c.unhook = context.AfterFunc(ctx, c.kill)
	return nil
}

// maxRequests is how many requests of the server may wait until report comes
// to take them: the exit-status would be lost if there was no room.
const maxRequests = 16

// open opens the channel and sends what has to be known of the command. The
// requests go out behind each other, but for the terminal: without one that
// was asked for the command is not to run.
func (c *Cmd) open(ctx context.Context) (*channel.Channel, error) {
	env, err := c.env()
	if err != nil {
		return nil, err
	}
	params := channel.Params{Requests: maxRequests, Extended: c.Stderr != nil || c.pipes.stderr != nil}
	if c.ForwardAgent && c.client.lending == nil {
		return nil, errNoAgent
	}
	ch, err := c.client.mux.Open(ctx, sessionType, nil, params)
	if err != nil {
		return nil, err
	}
	if err := c.request(ctx, ch, env); err != nil {
		ch.Close()
		return nil, err
	}
	return ch, nil
}

// env takes the variables apart.
func (c *Cmd) env() ([]wire.EnvRequest, error) {
	var requests []wire.EnvRequest
	for _, v := range c.Env {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("client: %q in Cmd.Env is not of the form NAME=value", v)
		}
		requests = append(requests, wire.EnvRequest{Name: name, Value: value})
	}
	return requests, nil
}

// request sends the requests that make a command of a channel.
func (c *Cmd) request(ctx context.Context, ch *channel.Channel, env []wire.EnvRequest) error {
	if c.Pty != nil {
		m := c.Pty.request()
		if err := ch.Request(ctx, "pty-req", m.Append(nil)); err != nil {
			return refused(err, "pty-req", m.Term)
		}
	}
	if c.ForwardAgent {
		if err := c.client.offerAgent(ch); err != nil {
			return err
		}
	}
	if c.X11 != nil {
		if err := c.client.offerX11(ctx, ch, c.X11); err != nil {
			return err
		}
	}
	for _, m := range env {
		if err := ch.Notify("env", m.Append(nil)); err != nil {
			return err
		}
	}
	if c.name == "" {
		return refused(ch.Request(ctx, "shell", nil), "shell", "")
	}
	m := wire.ExecRequest{Command: c.name}
	return refused(ch.Request(ctx, "exec", m.Append(nil)), "exec", c.name)
}

func (p *Pty) request() wire.PtyRequest {
	m := wire.PtyRequest{
		Term: p.Term, Columns: p.Columns, Rows: p.Rows, Width: p.Width, Height: p.Height,
		Modes: p.Modes.Append(nil),
	}
	if m.Term == "" {
		m.Term = "xterm"
	}
	if m.Columns == 0 && m.Rows == 0 {
		m.Columns, m.Rows = 80, 24
	}
	return m
}

// lastWords is how long a command that is to be killed may keep us from saying
// so.
const lastWords = time.Second

// kill ends the command because ctx is done.
func (c *Cmd) kill() {
	select {
	case <-c.channel.Done():
		return
	default:
	}
	c.killed.Store(true)
	c.channel.SetWriteDeadline(time.Now().Add(lastWords))
	c.SignalName(channel.SIGKILL)
	c.channel.Close()
}

// Wait waits until the command has ended and its output is copied. What is
// left in a pipe of StdoutPipe or StderrPipe can still be read after it.
//
// The error is nil only if the command exited with status 0. Otherwise it is
// a [*ContextError] if the context of Start was done first, an [*ExitError] or
// an [*ExitMissingError]; an error of reading Stdin or writing Stdout or
// Stderr; or, if the connection ended before the command, one that wraps the
// connection's.
func (c *Cmd) Wait() error {
	switch c.phase {
	case fresh:
		return errNotStarted
	case waited:
		return errWaited
	}
	c.phase = waited
	if c.channel == nil {
		return errNotStarted
	}
	<-c.reports
	c.output.Wait()
	c.unhook()
	if c.killed.Load() {
		return contextual(c.ctx, c.ctx.Err(), c.begun, fmt.Sprintf("running %q", c.name))
	}
	if lost := c.lost(); lost != nil {
		return &lostError{err: lost, cause: c.client.transport.Err()}
	}
	if err := c.errs.first(); err != nil && (!c.exit.known() || c.exit.err(nil) == nil) {
		return err
	}
	return c.exit.err(c.stderr)
}

// lost returns why the connection ended, if that was before the command had
// ended as far as we are concerned: its status known and its output complete.
func (c *Cmd) lost() error {
	ended := c.client.mux.Err()
	if ended == nil {
		return nil
	}
	// The channel fails with the connection's error unless it was closed
	// before.
	if err := c.channel.CloseWrite(); !errors.Is(err, ended) {
		return nil
	}
	if c.exit.known() && !errors.Is(c.errs.first(), ended) {
		return nil
	}
	return ended
}
