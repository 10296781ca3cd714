package sftp

import (
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
)

// FSHandler serves the file system for reading.
func FSHandler(fsys fs.FS) Handler { return &fsHandler{fsys: fsys} }

// An fsHandler refuses what it does not do as a Refusal.
type fsHandler struct {
	Refusal
	fsys fs.FS
}

// within returns the name as package fs has it.
func (*fsHandler) within(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+name), "/"); name == "" {
		return "."
	}
	return name
}

func (h *fsHandler) OpenFile(name string, flag int, _ fs.FileMode) (HandlerFile, error) {
	if flag != os.O_RDONLY {
		return nil, fs.ErrPermission
	}
	name = h.within(name)
	f, err := h.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &StatusError{Code: StatusFailure, Message: "Is a directory"}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &fsFile{File: f, fsys: h.fsys, name: name}, nil
}

func (h *fsHandler) OpenDir(name string) (HandlerDir, error) {
	f, err := h.fsys.Open(h.within(name))
	if err != nil {
		return nil, err
	}
	d, ok := f.(fs.ReadDirFile)
	if !ok {
		f.Close()
		return nil, errNotDirectory
	}
	return &fsDir{d}, nil
}

func (h *fsHandler) Stat(name string) (fs.FileInfo, error) { return fs.Stat(h.fsys, h.within(name)) }

func (h *fsHandler) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(h.fsys, h.within(name)) }

func (h *fsHandler) ReadLink(name string) (string, error) {
	return fs.ReadLink(h.fsys, h.within(name))
}

func (h *fsHandler) RealPath(name string) (string, error) { return path.Clean("/" + name), nil }

// An fsFile is an open file that may know no more than how to read on.
type fsFile struct {
	fs.File
	fsys fs.FS
	name string

	mu     sync.Mutex
	offset int64
}

func (f *fsFile) ReadAt(p []byte, offset int64) (int, error) {
	if r, ok := f.File.(io.ReaderAt); ok {
		return r.ReadAt(p, offset)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.goTo(offset); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(f.File, p)
	f.offset += int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}

// goTo makes the offset that of the next Read: a file that cannot seek is read
// up to there, from its beginning if need be.
func (f *fsFile) goTo(offset int64) error {
	if offset == f.offset {
		return nil
	}
	if s, ok := f.File.(io.Seeker); ok {
		_, err := s.Seek(offset, io.SeekStart)
		f.offset = offset
		return err
	}
	if offset < f.offset {
		again, err := f.fsys.Open(f.name)
		if err != nil {
			return err
		}
		f.File.Close()
		f.File, f.offset = again, 0
	}
	n, err := io.CopyN(io.Discard, f.File, offset-f.offset)
	f.offset += n
	return err
}

func (*fsFile) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
func (*fsFile) SetStat(*Attributes) error          { return fs.ErrPermission }
func (*fsFile) Sync() error                        { return nil }

// An fsDir is an open directory.
type fsDir struct{ fs.ReadDirFile }

func (d *fsDir) ReadDir(n int) ([]fs.FileInfo, error) {
	for {
		entries, err := d.ReadDirFile.ReadDir(n)
		var all []fs.FileInfo
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil { // or it is gone
				all = append(all, info)
			}
		}
		if len(all) > 0 || err != nil {
			return all, unlessAny(all, err)
		}
		if len(entries) == 0 {
			return nil, io.EOF
		}
	}
}

// unlessAny keeps an error for the call after the one that brings entries.
func unlessAny(all []fs.FileInfo, err error) error {
	if len(all) > 0 {
		return nil
	}
	return err
}
