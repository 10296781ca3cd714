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
	// the end of its input; nil is an empty input. A command that closes its
	// input early, if the server tells, ends the copy. Wait does not wait for a
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

	// Subsystem starts the subsystem of that name instead of a command (RFC
	// 4254, section 6.5). [Client.Subsystem] is simpler where its standard error
	// and status do not matter.
	Subsystem bool

	// OnXonXoff, unless nil, is called when the server says whether ^S and ^Q may
	// be left to the terminal here (RFC 4254, section 6.8), which few servers do.
	// It runs on a goroutine of the command's, and is not to wait.
	OnXonXoff func(allowed bool)

	// ForwardAgent lends the agent of [Config].Agent to the server, for as long
	// as the command runs. Whoever is root there can have it sign, and so can
	// be the user elsewhere, but does not get to see the keys. It is no error
	// if the server does not want it.
	ForwardAgent bool

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
	Term   string // its type, such as "xterm-256color"; "xterm" if empty
	Window        // 80 columns and 24 rows if both are zero
	Modes  channel.Modes
}

// A Window is the size of a terminal.
type Window struct {
	Columns, Rows uint32 // in characters
	Width, Height uint32 // in pixels; zero if that is not known
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

// open opens the channel and sends what has to be known of the command.
func (c *Cmd) open(ctx context.Context) (*channel.Channel, error) {
	env, err := c.env()
	if err != nil {
		return nil, err
	}
	params := channel.Params{Requests: maxRequests, Extended: c.Stderr != nil || c.pipes.stderr != nil}
	if c.ForwardAgent && c.client.lending == nil {
		return nil, errNoAgent
	}
	ch, err := c.client.openSession(ctx, params)
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

// request sends the requests that make a command of a channel. They go out
// behind each other, without an answer in between, save that a command is not
// to run without the terminal that was asked for. A shell comes to no harm: it
// ends with the channel.
func (c *Cmd) request(ctx context.Context, ch *channel.Channel, env []wire.EnvRequest) error {
	terminal := func() error { return nil }
	if c.Pty != nil {
		m := c.Pty.request()
		answer, err := ch.Ask(ctx, "pty-req", m.Append(nil))
		if err != nil {
			return err
		}
		terminal = func() error { return refused(answer.Wait(ctx), "pty-req", m.Term) }
	}
	if c.name != "" {
		if err := terminal(); err != nil {
			return err
		}
	}
	if c.ForwardAgent {
		if err := c.client.offerAgent(ch); err != nil {
			return err
		}
	}
	for _, m := range env {
		if err := ch.Notify("env", m.Append(nil)); err != nil {
			return err
		}
	}
	kind, payload := c.start()
	started, err := ch.Ask(ctx, kind, payload)
	if err != nil {
		return err
	}
	if err := terminal(); err != nil {
		return err
	}
	return refused(started.Wait(ctx), kind, c.name)
}

// start returns the request that starts the command.
func (c *Cmd) start() (kind string, payload []byte) {
	switch {
	case c.Subsystem:
		m := wire.SubsystemRequest{Name: c.name}
		return "subsystem", m.Append(nil)
	case c.name == "":
		return "shell", nil
	}
	m := wire.ExecRequest{Command: c.name}
	return "exec", m.Append(nil)
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
