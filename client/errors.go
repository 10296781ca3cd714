package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/transport"
)

// A ContextError reports that a context was done before the work it bounds. It
// is what the context's Err and [context.Cause] are, and a net.Error.
type ContextError struct {
	Doing   string        // what was being done
	Elapsed time.Duration // how long it had been done for
	Cause   error         // of the context
	Err     error         // what the work failed with

	timeout bool
}

// Error says what there was no time left for.
func (e *ContextError) Error() string {
	if e.timeout {
		return fmt.Sprintf("client: %s: not done within %v", e.Doing, e.Elapsed.Round(time.Millisecond))
	}
	return fmt.Sprintf("client: %s: %v", e.Doing, e.Cause)
}

// Unwrap returns Cause and Err.
func (e *ContextError) Unwrap() []error { return []error{e.Cause, e.Err} }

// Is reports whether target is the error of a context that was done for the
// reason e was.
func (e *ContextError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.timeout || target == context.Canceled && !e.timeout
}

// Timeout reports whether a deadline passed.
func (e *ContextError) Timeout() bool { return e.timeout }

// Temporary reports false.
func (e *ContextError) Temporary() bool { return false }

// contextual returns err, or if it comes of ctx being done, a ContextError.
func contextual(ctx context.Context, err error, start time.Time, doing string) error {
	if ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	var timeout interface{ Timeout() bool } // as a deadline of another kind, given as the cause, has it
	return &ContextError{
		Doing: doing, Elapsed: time.Since(start), Cause: cause, Err: err,
		timeout: errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.As(cause, &timeout) && timeout.Timeout(),
	}
}

// A StartError reports that the server refused a request without which a
// command cannot run. The connection lives on.
type StartError struct {
	Request string // "exec", "shell", "subsystem" or "pty-req"
	Name    string // the command or subsystem, or the type of the terminal
	Err     error
}

// Error says what was refused.
func (e *StartError) Error() string {
	what := map[string]string{
		"exec":      fmt.Sprintf("to run the command %q", e.Name),
		"shell":     "to run a shell",
		"subsystem": fmt.Sprintf("to start the subsystem %q: check its name, and that the server offers it", e.Name),
		"pty-req":   fmt.Sprintf("a terminal of type %q: run the command without one", e.Name),
	}[e.Request]
	return "client: the server refuses " + what
}

// Unwrap returns Err, which is [channel.ErrRefused].
func (e *StartError) Unwrap() error { return e.Err }

// refused returns a StartError if err says that the server refused a request,
// and err otherwise.
func refused(err error, request, name string) error {
	if errors.Is(err, channel.ErrRefused) {
		return &StartError{Request: request, Name: name, Err: err}
	}
	return err
}

// An ExitError reports a command that did not end with status 0.
type ExitError struct {
	Status   int            // what it exited with; 0 if a signal killed it
	Signal   channel.Signal // what killed it, or ""; any text a server likes
	Core     bool           // it left a core dump
	Message  string         // the server's words about that; quote before showing
	Language string         // of Message (RFC 3066), or ""; likewise

	// Stderr is the end of what the command wrote to its standard error, up
	// to 32 KiB, if it was run by [Cmd.Output] and nothing else collected it.
	Stderr []byte
}

// Error says how the command ended.
func (e *ExitError) Error() string {
	if e.Signal == "" {
		return fmt.Sprintf("client: the command exited with status %d", e.Status)
	}
	text := fmt.Sprintf("client: the command was killed by signal %q", e.Signal)
	if e.Core {
		text += " (core dumped)"
	}
	if e.Message != "" {
		text += fmt.Sprintf(": %q", e.Message)
	}
	return text
}

// An ExitMissingError reports a command whose channel the server closed
// without saying how it ended.
type ExitMissingError struct{}

func (*ExitMissingError) Error() string {
	return "client: the server closed the command's channel without saying how the command ended"
}

// A lostError reports a connection that ended before a command did.
type lostError struct {
	err   error // as the connection protocol has it
	cause error // as the transport has it, or nil
}

func (e *lostError) Error() string {
	if e.cause != nil {
		return "client: the connection ended before the command: " + e.cause.Error()
	}
	return "client: the connection ended before the command: " + e.err.Error()
}

// Unwrap returns the connection protocol's error, which is never [io.EOF].
func (e *lostError) Unwrap() error { return e.err }

// As finds the transport's error, which the other one may hide because it is
// io.EOF too.
func (e *lostError) As(target any) bool { return e.cause != nil && errors.As(e.cause, target) }

// ErrDeadPeer is why a connection ended whose server gave no sign of life: see
// [Config].KeepAlive. It is an [os.ErrDeadlineExceeded].
var ErrDeadPeer = transport.ErrDeadPeer

var (
	errStarted    = errors.New("client: the command was started already")
	errNotStarted = errors.New("client: the command is not running: call Start first")
	errWaited     = errors.New("client: Wait was called already")
)
