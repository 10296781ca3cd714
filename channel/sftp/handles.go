package sftp

import (
	"encoding/binary"
	"io/fs"
)

// handles are what a client has open. A handle is four bytes that stand for a
// number which is not used again before 2^32 others.
type handles struct {
	open map[uint32]*handle
	next uint32
	most int
}

// A handle is one file or directory.
type handle struct {
	name    string
	file    HandlerFile // or
	dir     HandlerDir
	entries []fs.FileInfo // that were read and did not fit into an answer
}

var (
	errTooMany   = &StatusError{Code: StatusFailure, Message: "Too many open handles"}
	errNoHandle  = &StatusError{Code: StatusFailure, Message: "No such handle"}
	errWrongKind = &StatusError{Code: StatusFailure, Message: "Handle of the wrong kind"}
)

const handleSize = 4

// room fails if nothing more may be opened.
func (h *handles) room() error {
	if len(h.open) >= h.most {
		return errTooMany
	}
	return nil
}

// add returns the number of what has been opened.
func (h *handles) add(opened *handle) uint32 {
	for h.open[h.next] != nil {
		h.next++
	}
	n := h.next
	h.next++
	h.open[n] = opened
	return n
}

// find returns what the client means. Whatever is not as long as ours are is
// none, however long.
func (h *handles) find(p []byte) (*handle, error) {
	if len(p) != handleSize {
		return nil, errNoHandle
	}
	found, ok := h.open[binary.BigEndian.Uint32(p)]
	if !ok {
		return nil, errNoHandle
	}
	return found, nil
}

// file is find for a file.
func (h *handles) file(p []byte) (HandlerFile, error) {
	found, err := h.find(p)
	if err != nil {
		return nil, err
	}
	if found.file == nil {
		return nil, errWrongKind
	}
	return found.file, nil
}

// close closes what the client means.
func (h *handles) close(p []byte) error {
	found, err := h.find(p)
	if err != nil {
		return err
	}
	delete(h.open, binary.BigEndian.Uint32(p))
	return found.close()
}

func (h *handle) close() error {
	if h.file != nil {
		return h.file.Close()
	}
	return h.dir.Close()
}

func (h *handles) closeAll() {
	for _, opened := range h.open {
		_ = opened.close() // nobody is left to be told
	}
	h.open = nil
}
