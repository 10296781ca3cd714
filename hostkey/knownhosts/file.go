package knownhosts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/hostkey"
)

// Bounds of a known_hosts file. A longer line is skipped whole, a longer file
// is an error.
const (
	maxFile = 16 << 20
	maxLine = 1 << 20
)

// A KnownKey is a key in a known_hosts file.
type KnownKey struct {
	Key  hostkey.PublicKey
	File string
	Line int // counted from 1
}

// A LineError reports a line that was skipped.
type LineError struct {
	File string
	Line int // counted from 1
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("knownhosts: %s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// A search is what the files say about one host.
type search struct {
	host    string // as the files have it
	known   []KnownKey
	revoked []KnownKey
	warn    func(error) // told of each line that is skipped
}

// file adds what one file says. A file that does not exist says nothing.
func (s *search) file(path string) error {
	content, err := readFile(path)
	if err != nil {
		return err
	}
	n := 0
	for text := range bytes.Lines(content) {
		n++
		if err := s.line(text, path, n); err != nil {
			s.warn(&LineError{File: path, Line: n, Err: err})
		}
	}
	return nil
}

// line adds what line n of a file says.
func (s *search) line(text []byte, path string, n int) error {
	if len(text) > maxLine {
		return fmt.Errorf("the line is longer than %d bytes", maxLine)
	}
	l, err := parseLine(string(text))
	if err != nil {
		return err
	}
	if l == nil || l.marker == certAuthority || !matchHosts(l.hosts, s.host) {
		return nil
	}
	key, err := l.parseKey()
	if err != nil {
		return err
	}
	if k := (KnownKey{Key: key, File: path, Line: n}); l.marker == revoked {
		s.revoked = append(s.revoked, k)
	} else {
		s.known = append(s.known, k)
	}
	return nil
}

// readFile returns the content of a file, or nothing if it does not exist.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("knownhosts: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("knownhosts: %w", err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("knownhosts: %s is larger than %d bytes", path, maxFile)
	}
	return content, nil
}

// appendLine adds a line, newline included, to a file. It makes the file and
// its directory, for the owner alone, if they do not exist.
func appendLine(path string, line []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	defer func() {
		if closing := f.Close(); err == nil && closing != nil {
			err = fmt.Errorf("knownhosts: %w", closing)
		}
	}()
	open, err := endsInsideLine(f)
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	if open {
		line = append([]byte{'\n'}, line...)
	}
	// One write: what another process appends comes before or after it.
	if _, err = f.Write(line); err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	return nil
}

// endsInsideLine reports whether the last line of f lacks its newline.
func endsInsideLine(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}
