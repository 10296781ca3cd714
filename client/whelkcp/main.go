package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"github.com/whelk-ssh/whelk/channel/sftp"
	"github.com/whelk-ssh/whelk/client"
)

// failure is the exit status if anything was not copied.
const failure = 1

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program. It returns the exit status.
func run(args []string, stdout *os.File, stderr io.Writer) int {
	p := &program{stderr: stderr, hosts: make(map[string]*connection)}
	o, err := parseOptions(args)
	if err != nil {
		p.report(err)
		return failure
	}
	p.options = o
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	defer p.close()
	if !o.quiet && isTerminal(stdout) {
		p.meter = &meter{w: stdout}
	}
	p.report(p.copyAll(ctx))
	if p.failed {
		return failure
	}
	return 0
}

// A program is one run of whelkcp.
type program struct {
	*options
	stderr io.Writer
	meter  *meter // or nil
	hosts  map[string]*connection

	mu     sync.Mutex // of what follows, and of stderr
	failed bool
}

// A connection is one to a host, or to a program.
type connection struct {
	ssh   *client.Client // nil of a program
	files *sftp.Client
}

func (c *connection) close() {
	c.files.Close()
	if c.ssh != nil {
		c.ssh.Close()
	}
}

func (p *program) close() {
	for _, c := range p.hosts {
		c.close()
	}
}

// report says what went wrong, in a line for each failure.
func (p *program) report(err error) {
	if err == nil {
		return
	}
	var several interface{ Unwrap() []error }
	if _, one := err.(interface{ Unwrap() error }); !one && errors.As(err, &several) && isJoined(err) {
		for _, err := range several.Unwrap() {
			p.report(err)
		}
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = true
	if p.meter != nil {
		p.meter.clear()
	}
	fmt.Fprintf(p.stderr, "whelkcp: %s\n", oneLine(err.Error()))
}

// isJoined reports whether err is several failures and nothing else: its text
// then has a line for each.
func isJoined(err error) bool { return strings.Contains(err.Error(), "\n") }

// say says something that is no failure.
func (p *program) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.stderr, "%s\n", oneLine(fmt.Sprintf(format, args...)))
}

// oneLine returns the text with everything escaped that a terminal might act
// on: names of files are what somebody else has chosen.
func oneLine(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) && c != unicode.ReplacementChar {
			b.WriteRune(c)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
	}
	return b.String()
}
