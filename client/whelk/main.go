package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/whelk-ssh/whelk/client/sshconfig"
)

// failure is the exit status for everything that is not the remote command's.
const failure = 255

const version = "0.1"

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole program. It returns the exit status.
func run(args []string) int {
	o, err := parseOptions(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "whelk: %v\n", err)
		return failure
	}
	switch {
	case o.version:
		fmt.Fprintf(os.Stderr, "Whelk_%s, Go %s\n", version, strings.TrimPrefix(runtime.Version(), "go"))
		return 0
	case o.query != "":
		return query(o.query)
	}
	// A reader that goes away is noticed by the write that fails, and the
	// remote command told.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := untilSignal()
	defer stop()
	p := &program{options: o, hops: make(map[string]*program), forked: isForked(), over: make(chan struct{}), typed: make(chan string)}
	if err := p.settle(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "whelk: %s\n", oneLine(explainConfig(err)))
		return failure
	}
	if o.print {
		p.resolved.WriteTo(os.Stdout)
		return 0
	}
	if o.fork && !p.forked {
		return runForked(args)
	}
	return p.run(ctx)
}

// A program is one run of whelk, for one host.
type program struct {
	*options
	config    sshconfig.Config
	hops      map[string]*program // for the hosts on the way
	log       *logger
	forwarder *forwarder // once the user is in
	patience  *patience
	spoke     bool          // the host has sent its version
	entered   bool          // the user is in
	changed   bool          // the host's key is not the one known
	escaped   bool          // the user has ended the session by the escape character
	forked    bool          // it goes into the background once the user is in
	over      chan struct{} // closed when nobody uses the terminal any more
	typed     chan string   // on the terminal, for nobody, after that
}

// settle finds out what the configuration says about the host.
func (p *program) settle(ctx context.Context) (err error) {
	if p.config, err = p.configuration(p); err != nil {
		return err
	}
	resolved, err := p.config.Evaluate(ctx, p.destination)
	if err != nil {
		return err
	}
	if p.settings, err = newSettings(resolved); err != nil && !p.print {
		return err
	}
	if err := p.settleSession(); err != nil {
		return err
	}
	attempts := time.Duration(resolved.Number("connectionattempts"))
	p.patience = &patience{limit: p.connectTimeout * min(attempts, 1000)}
	p.log, err = newLogger(p.options)
	return err
}

// run connects and does what was asked for.
func (p *program) run(ctx context.Context) int {
	for _, n := range p.passedOver {
		at := levelDebug1
		if n.loud {
			at = levelInfo
		}
		p.log.printf(at, "Warning: %s", n.text)
	}
	c, err := p.connect(ctx)
	if err != nil {
		return p.fail(err)
	}
	defer c.Close()
	p.entered = true
	p.forwarder, err = p.forward(ctx, c)
	if err != nil {
		return p.fail(err)
	}
	switch {
	case p.stdioTo != "":
		return p.stdio(ctx, c)
	case p.noCommand:
		return p.stay(ctx, c)
	}
	status := p.session(ctx, c)
	if !p.escaped { // or whoever gave up a connection that is stuck would wait
		p.forwarder.wait()
		p.settleHostKeys(ctx, c)
	}
	return status
}

// fail says what went wrong.
func (p *program) fail(err error) int {
	var killed *signalError
	if errors.As(err, &killed) {
		p.log.printf(levelVerbose, "Killed by %v", killed)
		return failure
	}
	p.log.printf(levelFatal, "whelk: %s", p.explain(err))
	return failure
}

// A signalError is the cause of a context that ends because of a signal.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return "signal " + e.signal.String() }

// untilSignal returns a context that is done when a signal asks the program to
// end. Signals that were ignored stay so.
func untilSignal() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		select {
		case s := <-signals:
			cancel(&signalError{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// patience bounds the time it takes to connect, not counting that in which
// somebody types a password.
type patience struct {
	limit time.Duration
	timer *time.Timer
}

var errPatience = fmt.Errorf("the server is too slow: %w", os.ErrDeadlineExceeded)

// apply returns a context that ends when patience does. It has a deadline too,
// far off, so that nobody else sets one.
func (w *patience) apply(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancelCause := context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(w.limit, func() { cancelCause(errPatience) })
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour)
	return ctx, func() {
		w.timer.Stop()
		cancel()
		cancelCause(nil)
	}
}

// pause stops the clock until the function it returns is called, which starts
// it anew.
func (w *patience) pause() (resume func()) {
	w.timer.Stop()
	return func() { w.timer.Reset(w.limit) }
}
