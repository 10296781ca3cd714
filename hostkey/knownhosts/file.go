package knownhosts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"

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
	Key   hostkey.PublicKey
	Hosts string // as the line has them: patterns or a hash
	File  string
	Line  int // counted from 1

	system bool // File is one of Config.SystemFiles
}

// A LineError reports a line that was skipped.
type LineError struct {
	File string
	Line int // counted from 1
	Err  error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("knownhosts: %s:%d: %v", display(e.File), e.Line, e.Err)
}

// Unwrap returns what is wrong with the line.
func (e *LineError) Unwrap() error { return e.Err }

// A file is the content of a known_hosts file.
type file struct {
	path   string
	system bool
	text   []byte
}

// load reads all files.
func (v *Verifier) load() ([]file, error) {
	var files []file
	for i, path := range slices.Concat(v.config.Files, v.config.SystemFiles) {
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path, i >= len(v.config.Files), text})
	}
	return files, nil
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
	return readAll(f)
}

// readAll reads from where f is to its end.
func readAll(f *os.File) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("knownhosts: %w", err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("knownhosts: %s is larger than %d bytes", f.Name(), maxFile)
	}
	return content, nil
}

// lines yields the lines of a file that hold a key, and what is wrong with
// those that do not and are not empty or comments.
func (f *file) lines() iter.Seq2[*line, error] {
	return func(yield func(*line, error) bool) {
		n := 0
		for text := range bytes.Lines(f.text) {
			n++
			l, err := parseLine(text)
			if err != nil {
				err = &LineError{File: f.path, Line: n, Err: err}
			}
			if l != nil {
				l.file, l.number = f, n
			}
			if (l != nil || err != nil) && !yield(l, err) {
				return
			}
		}
	}
}

// A search is what files say about one name.
type search struct {
	known       []KnownKey
	revoked     []KnownKey
	authorities []KnownKey
}

// find searches files for a name. It tells warn of each line that is malformed.
func find(files []file, name string, warn func(error)) search {
	var s search
	for i := range files {
		for l, err := range files[i].lines() {
			if err != nil {
				warn(err)
				continue
			}
			if !matchHosts(l.hosts, name) {
				continue
			}
			k, err := l.parseKey()
			if err != nil {
				warn(&LineError{File: l.file.path, Line: l.number, Err: err})
				continue
			}
			switch l.marker {
			case revoked:
				s.revoked = append(s.revoked, k)
			case certAuthority:
				s.authorities = append(s.authorities, k)
			default:
				s.known = append(s.known, k)
			}
		}
	}
	return s
}

// elsewhere returns the lines that know a key by other names.
func elsewhere(files []file, key hostkey.PublicKey, names ...string) []KnownKey {
	var others []KnownKey
	for i := range files {
		for l, err := range files[i].lines() {
			if err != nil || l.marker != noMarker || slices.ContainsFunc(names, func(n string) bool { return matchHosts(l.hosts, n) }) {
				continue
			}
			if k, err := l.parseKey(); err == nil && hostkey.Equal(k.Key, key) {
				others = append(others, k)
			}
		}
	}
	return others
}

// among returns the first of keys that is key, or nil.
func among(keys []KnownKey, key hostkey.PublicKey) *KnownKey {
	for i := range keys {
		if hostkey.Equal(keys[i].Key, key) {
			return &keys[i]
		}
	}
	return nil
}
