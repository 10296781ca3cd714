//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/whelk-ssh/whelk/server"
)

// failure is the exit status for errors of whelkd's own, as of sshd(8).
const failure = 255

// lastGrace is how long programs may take to end once everything is closed: a
// little more than they have between SIGHUP and SIGKILL.
const lastGrace = killAfter + 2*time.Second

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with what it depends on as arguments.
func run(args []string, stdout, stderr io.Writer) int {
	signals := catch()
	defer signal.Stop(signals)
	a, err := parseArgs(args)
	if err == nil && a.version {
		fmt.Fprintln(stdout, version())
		return 0
	}
	var c *configuration
	if err == nil {
		c, err = readConfiguration(a)
	}
	switch {
	case err != nil:
	case a.dump:
		err = c.show(stdout)
	case a.test:
		_, _, err = newFleet(c, stderr)
	default:
		err = serve(c, signals, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "whelkd: %s\n", oneLine(err))
		return failure
	}
	return 0
}

// catch returns the signals that end whelkd. It asks for all that the shell
// which started it may have ignored: programs would inherit that, and Go gives
// them the default of the signals it catches.
func catch() chan os.Signal {
	hangup := !signal.Ignored(syscall.SIGHUP)
	other := make(chan os.Signal, 1)
	signal.Notify(other, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if hangup {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals
}

// show prints the settings for the connection of -C. Without one they are those
// for a connection of which nothing is known.
func (c *configuration) show(w io.Writer) error {
	m := &server.MatchSpec{}
	if c.arguments.spec != nil {
		m = &c.arguments.spec.MatchSpec
	}
	lines, _ := c.matching(m)
	o, err := c.settle(lines)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return o.show(w)
}

// serve runs the server until a signal ends it.
func serve(c *configuration, signals <-chan os.Signal, stderr io.Writer) error {
	f, o, err := newFleet(c, stderr)
	if err != nil {
		return err
	}
	listeners, err := o.where.open()
	if err != nil {
		return err
	}
	remove, err := writePid(o.pidFile)
	if err != nil {
		return err
	}
	defer remove()
	served := make(chan error, len(listeners))
	for _, l := range listeners {
		fmt.Fprintf(stderr, "listening on %s\n", l.Addr())
		from := o.sources.listen(l, f.main.log)
		go func() { served <- f.main.server.Serve(&sorter{from, f}) }()
	}
	select {
	case err := <-served:
		return err
	case sig := <-signals:
		finish(f, sig, signals)
		return nil
	}
}

// finish ends the servers as sig asks for, and waits for the end.
func finish(f *fleet, sig os.Signal, signals <-chan os.Signal) {
	drained := make(chan struct{})
	if sig == syscall.SIGTERM {
		go func() {
			defer close(drained)
			f.Shutdown(context.Background())
		}()
		select {
		case <-drained:
			return
		case <-signals:
		}
	}
	f.Close()
	ctx, cancel := context.WithTimeout(context.Background(), lastGrace)
	defer cancel()
	f.Shutdown(ctx)
}

// oneLine returns the text of err on one line.
func oneLine(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "listen" {
		err = fmt.Errorf("cannot listen on %s: %w", op.Addr, op.Err)
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// version describes the build.
func version() string {
	v := "whelkd (whelk-ssh"
	if info, ok := debug.ReadBuildInfo(); ok {
		v += " " + info.Main.Version + ", " + info.GoVersion
	}
	return v + ")"
}
