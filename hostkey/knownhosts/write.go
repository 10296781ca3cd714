package knownhosts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Bounds of waiting for other writers of a file.
const (
	lockTimeout = 10 * time.Second
	lockPause   = 5 * time.Millisecond
	maxAttempts = 20 // to write a file that others replace all the time
)

// errReplaced says that somebody who takes no locks, as OpenSSH's programs do,
// wrote the file in the meantime, so that the work is to be done again.
var errReplaced = errors.New("knownhosts: another program keeps writing the file")

// A handle is a file that no other writer of this package writes to.
type handle struct {
	*os.File
	path string // without symbolic links, which stay
}

// lock opens a file and waits for those who write it. It makes the file and
// its directory, for the owner alone, if they do not exist.
func lock(ctx context.Context, path string) (*handle, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("knownhosts: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, errors.New("another program has locked it for too long"))
	defer cancel()
	for {
		h, err := tryLock(path)
		if h != nil || err != nil {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("knownhosts: %s: %w", display(path), context.Cause(ctx))
		case <-time.After(lockPause):
		}
	}
}

// tryLock is lock without waiting. It returns nil if somebody else has the
// lock.
func tryLock(path string) (*handle, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("knownhosts: %w", err)
	}
	h := &handle{File: f}
	h.path, err = filepath.EvalSymlinks(path)
	locked := false
	if err == nil {
		locked, err = tryLockFile(f)
	}
	// Whoever had the lock may have replaced the file.
	if err != nil || !locked || !h.current() {
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("knownhosts: %w", err)
		}
		return nil, nil
	}
	return h, nil
}

// current reports whether the file is still the one of its name.
func (h *handle) current() bool {
	ours, err := h.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(h.path)
	return err == nil && os.SameFile(ours, theirs)
}

// read returns the content of the file.
func (h *handle) read() ([]byte, error) {
	if _, err := h.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return readAll(h.File)
}

// appendTo adds lines, newlines included, to the end of a file, if still has
// nothing against it once nobody else writes. It is one write, as programs that
// take no locks do it too: what they append comes before or after.
func appendTo(ctx context.Context, path string, lines []byte, still func() error) error {
	for range maxAttempts {
		h, err := lock(ctx, path)
		if err != nil {
			return err
		}
		if err = still(); err == nil {
			err = h.append(lines)
		}
		h.Close()
		if err != errReplaced {
			return err
		}
	}
	return errReplaced
}

// append adds lines to the file.
func (h *handle) append(lines []byte) error {
	open, err := h.endsInsideLine()
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	if open {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := h.Write(lines); err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	if !h.current() {
		return errReplaced
	}
	return nil
}

// endsInsideLine reports whether the last line of the file lacks its newline.
func (h *handle) endsInsideLine() (bool, error) {
	info, err := h.Stat()
	if err != nil || info.Size() == 0 || !info.Mode().IsRegular() {
		return false, err
	}
	var last [1]byte
	_, err = h.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}

// rewrite replaces a file by what change makes of its content: at once, so that
// nobody finds half of it, and with the mode and owner it had. It does nothing
// if there is no such file or nothing to change.
func rewrite(ctx context.Context, path string, change func([]byte) []byte) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for range maxAttempts {
		h, err := lock(ctx, path)
		if err != nil {
			return err
		}
		var before []byte
		if before, err = h.read(); err == nil {
			if after := change(before); !bytes.Equal(before, after) {
				err = h.replace(before, after)
			}
		}
		h.Close()
		if err != errReplaced {
			return err
		}
	}
	return errReplaced
}

// replace puts a file with the content after where that with the content before
// was.
func (h *handle) replace(before, after []byte) error {
	info, err := h.Stat()
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("knownhosts: %s is not a regular file", display(h.path))
	}
	temporary, err := writeTemporary(h.path, after, info)
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	if grown, err := h.since(before); err != nil || len(grown) > 0 || !h.current() {
		os.Remove(temporary)
		return errReplaced
	}
	if err := os.Rename(temporary, h.path); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("knownhosts: %w", err)
	}
	return h.rescue(before)
}

// since returns what was appended to the file after its content was read.
func (h *handle) since(before []byte) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(h.File, int64(len(before)), maxFile))
}

// rescue carries over what somebody appended to the file between the last look
// at it and its replacement.
func (h *handle) rescue(before []byte) error {
	late, err := h.since(before)
	if err != nil || len(late) == 0 {
		return err
	}
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(late); err != nil {
		return fmt.Errorf("knownhosts: %w", err)
	}
	return nil
}

// writeTemporary writes a file next to path, with the mode and owner in info,
// and returns its name.
func writeTemporary(path string, content []byte, info fs.FileInfo) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return "", err
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := keepOwner(f, info); err != nil {
		return "", err
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		return "", err
	}
	if _, err := f.Write(content); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}
