package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// A level is how much is said, as LogLevel of ssh_config(5) has it.
type level int

const (
	levelQuiet level = iota
	levelFatal
	levelError
	levelInfo
	levelVerbose
	levelDebug1
	levelDebug2
	levelDebug3
)

var levelNames = []string{"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG1", "DEBUG2", "DEBUG3"}

// A logger writes lines for whoever runs the program. It is safe for
// concurrent use.
type logger struct {
	level atomic.Int32
	raw   atomic.Bool // the terminal does not return the carriage by itself

	mu sync.Mutex
	w  io.Writer
}

// newLogger returns the logger that o asks for.
func newLogger(o *options) (*logger, error) {
	l := &logger{w: os.Stderr}
	l.level.Store(int32(o.logLevel))
	if o.quiet {
		l.level.Store(int32(levelQuiet))
	}
	if o.verbose > 0 {
		l.level.Store(int32(levelVerbose) + int32(min(o.verbose, 3)))
	}
	if o.logFile == "" {
		return l, nil
	}
	f, err := os.OpenFile(o.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("-E: %w", err)
	}
	l.w = f
	return l, nil
}

// change says more or less from now on, and returns the level.
func (l *logger) change(by level) level {
	changed := min(max(level(l.level.Load())+by, levelQuiet), levelDebug3)
	l.level.Store(int32(changed))
	return changed
}

// says reports whether lines of a level are written.
func (l *logger) says(at level) bool { return at <= level(l.level.Load()) }

// printf writes a line, if the level says so.
func (l *logger) printf(at level, format string, args ...any) {
	if !l.says(at) {
		return
	}
	line := fmt.Sprintf(format, args...)
	if at >= levelDebug1 {
		line = fmt.Sprintf("debug%d: %s", at-levelVerbose, line)
	}
	end := "\n"
	if l.raw.Load() {
		end = "\r\n"
		line = strings.ReplaceAll(line, "\n", end)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, line+end)
}
