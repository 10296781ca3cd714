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
	level level
	raw   atomic.Bool // the terminal does not return the carriage by itself

	mu sync.Mutex
	w  io.Writer
}

// newLogger returns the logger that o asks for.
func newLogger(o *options) (*logger, error) {
	l := &logger{level: o.logLevel, w: os.Stderr}
	if o.quiet {
		l.level = levelQuiet
	}
	if o.verbose > 0 {
		l.level = levelVerbose + level(min(o.verbose, 3))
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

// printf writes a line, if the level says so.
func (l *logger) printf(at level, format string, args ...any) {
	if at > l.level {
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
