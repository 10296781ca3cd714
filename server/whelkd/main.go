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
	o, err := parseArgs(args)
	if err == nil && o.version {
		fmt.Fprintln(stdout, version())
		return 0
	}
	if err == nil {
		err = serve(o, signals, stderr)
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

// serve runs the server until a signal ends it.
func serve(o *options, signals <-chan os.Signal, stderr io.Writer) error {
	if err := o.sources.check(); err != nil {
		return err
	}
	d, err := newDaemon(o, stderr)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(o.address, o.port))
	if err != nil {
		return err
	}
	l = o.sources.listen(l, d.log)
	fmt.Fprintf(stderr, "listening on %s\n", l.Addr())
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case sig := <-signals:
		finish(&d.server, sig, signals)
		return nil
	}
}

// finish ends the server as sig asks for, and waits for the end.
func finish(s *server.Server, sig os.Signal, signals <-chan os.Signal) {
	drained := make(chan struct{})
	if sig == syscall.SIGTERM {
		go func() {
			defer close(drained)
			_ = s.Shutdown(context.Background())
		}()
		select {
		case <-drained:
			return
		case <-signals:
		}
	}
	s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), lastGrace)
	defer cancel()
	_ = s.Shutdown(ctx)
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
