package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A report tells a student at a terminal, or a log, what happens.
type report struct {
	w      io.Writer
	colour bool

	finished int // steps that ended in a tick or a cross
	failures int // those with a cross
}

// newReport returns a report to f, in colours if f is a terminal and NO_COLOR
// is not set (no-color.org).
func newReport(f *os.File) *report {
	r := &report{w: f}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		r.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return r
}

// A style is the number of a terminal's rendition (ECMA-48, SGR).
type style int

const (
	bold   style = 1
	dim    style = 2
	red    style = 31
	green  style = 32
	yellow style = 33
	cyan   style = 36
)

// in returns the text in a style.
func (r *report) in(s style, text string) string {
	if !r.colour {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", s, text)
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(r.w, format, args...) }

// heading begins a group of steps.
func (r *report) heading(text string) { r.printf("\n%s\n", r.in(bold, text)) }

// skip says why something is not done, which is no failure.
func (r *report) skip(what, why string) { r.printf("  - %s: %s\n", what, why) }

// step does one thing and prints a tick and what do says about it, or a cross
// and what is wrong. It reports whether it worked. Once ctx is done it does and
// prints nothing.
func (r *report) step(ctx context.Context, what string, do func(context.Context) (string, error)) bool {
	if ctx.Err() != nil {
		return false
	}
	said, err := do(ctx)
	if err != nil && ctx.Err() != nil {
		return false // because it was stopped
	}
	r.finished++
	if err != nil {
		r.failures++
		r.printf("  %s %-*s  %s\n", r.in(red, "✗"), stepWidth, what, r.in(red, indented(err.Error())))
		return false
	}
	r.printf("  %s %-*s  %s\n", r.in(green, "✓"), stepWidth, what, said)
	return true
}

// stepWidth is how many columns the names of steps fill.
const stepWidth = 40

// indented moves the lines after the first to below it.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ")
}

// patience is how long things may take that should take a moment.
const patience = 30 * time.Second

var errSlow = errors.New("it takes too long")

// soon bounds ctx by patience.
func soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patience, errSlow)
}
