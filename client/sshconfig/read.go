package sshconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of what is read for one destination.
const (
	maxFileBytes  = 1 << 20
	maxTotalBytes = 8 << 20
	maxDepth      = 16
	maxIncluded   = 1024 // by one line
	maxFiles      = 4096 // each as often as it is read
)

// content is what a file holds, read once.
type content struct {
	text []byte
	err  error
}

// A block is the part of a file that is being read.
type block struct {
	file   File
	depth  int
	active bool // what stands here counts
	never  bool // nothing in the file counts: it is looked at for mistakes
}

// readFiles reads all files, from the first line to the last.
func (e *evaluation) readFiles() error {
	for _, f := range e.config.Files {
		if err := e.readFile(&block{file: f, active: true}); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluation) readFile(b *block) error {
	at := Position{File: b.file.Path}
	if b.depth > maxDepth {
		return &Error{At: at, Err: ErrDepth}
	}
	c, ok := e.contents[b.file.Path]
	if !ok {
		c.text, c.err = readContent(b.file)
		e.contents[b.file.Path] = c
	}
	switch {
	case errors.Is(c.err, fs.ErrNotExist) && !b.file.Required:
		return nil
	case c.err != nil:
		return &Error{At: at, Err: c.err}
	}
	// Files may include others many times over, which takes time too.
	e.files++
	if e.read += len(c.text); e.read > maxTotalBytes || e.files > maxFiles {
		return &Error{At: at, Err: ErrSize}
	}
	for text := range bytes.Lines(c.text) {
		at.Line++
		if err := e.readLine(b, string(text), at); err != nil {
			return err
		}
	}
	return nil
}

// readContent reads a file that nobody else could have written, if that counts.
func readContent(file File) ([]byte, error) {
	f, err := os.Open(file.Path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, withoutPath(err)
	}
	if info.IsDir() {
		return nil, errors.New("it is a directory")
	}
	if file.Checked {
		if err := checkOwner(info); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(text) > maxFileBytes:
		return nil, fmt.Errorf("%w: this file has more than %d bytes", ErrSize, maxFileBytes)
	case bytes.IndexByte(text, 0) >= 0:
		return nil, errors.New("it holds a zero byte: it is no text")
	}
	return text, nil
}

// withoutPath takes the name of the file off an error that is going to be within
// an [Error].
func withoutPath(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// readLine takes a line of a file.
func (e *evaluation) readLine(b *block, text string, at Position) (err error) {
	l := &line{at: at, user: !b.file.System, env: e.settings.getenv}
	if l.written, l.rest = cutKeyword(text); l.written == "" {
		return nil
	}
	l.keyword = lower(l.written)
	if l.rest == "" {
		return l.fail(errNoValue)
	}
	if err := l.split(); err != nil {
		return err
	}
	switch l.keyword {
	case "host":
		b.active, err = e.hostBlock(l)
		b.active = b.active && !b.never
	case "match":
		b.active, err = e.matchBlock(l, !b.never)
		b.active = b.active && !b.never
	case "include":
		err = e.include(b, l)
	default:
		err = e.set(l, b.active)
	}
	return err
}

// include reads the files that patterns describe. What Match and Host in them
// say ends with them.
func (e *evaluation) include(b *block, l *line) error {
	patterns, err := l.all()
	if err != nil {
		return l.fail(err)
	}
	for _, pattern := range patterns {
		names, err := e.included(b.file, pattern)
		if err != nil {
			return l.fail(err)
		}
		for _, name := range names {
			inner := &block{
				file:  File{Path: name, System: b.file.System, Checked: true, Required: true},
				depth: b.depth + 1, active: b.active, never: b.never || !b.active,
			}
			if err := e.readFile(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// included returns the files that a pattern in a file describes, in order.
func (e *evaluation) included(from File, pattern string) ([]string, error) {
	pattern, err := expand(pattern, e.currentTokens(), e.settings.getenv)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(pattern, "~"):
		if from.System {
			return nil, fmt.Errorf("%q: a file of the machine includes nothing of a user's", pattern)
		}
		if pattern, err = e.settings.tilde(pattern); err != nil {
			return nil, err
		}
	case !filepath.IsAbs(pattern) && from.System:
		pattern = path.Join(systemDir, pattern)
	case !filepath.IsAbs(pattern):
		pattern = path.Join(e.settings.account.Home, ".ssh", pattern)
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", pattern, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return hides(pattern, name) })
	if len(names) > maxIncluded {
		return nil, fmt.Errorf("%q describes more than %d files", pattern, maxIncluded)
	}
	slices.Sort(names)
	return names, nil
}

// hides reports whether name has a part with a dot at its beginning that pattern
// does not show: glob(3) leaves these out.
func hides(pattern, name string) bool {
	patterns, names := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i := range min(len(patterns), len(names)) {
		if strings.HasPrefix(names[i], ".") && !strings.HasPrefix(patterns[i], ".") && !strings.HasPrefix(patterns[i], `\.`) {
			return true
		}
	}
	return false
}
