package sftp

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
)

// A ProtocolError says how the other side broke the protocol. The connection
// does not outlive it.
type ProtocolError struct{ Err error }

func (e *ProtocolError) Error() string { return "sftp: " + e.Err.Error() }

func (e *ProtocolError) Unwrap() error { return e.Err }

// A NameError is a name that a server sent in a listing and that is none: it
// would lead to somewhere else than below the directory that was listed.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("sftp: the server lists %q, which is not the name of a file in a directory", e.Name)
}

var (
	errUnknownID    = errors.New("an answer to no request")
	errTooLong      = errors.New("a packet is longer than asked for, or than any may be")
	errTooShort     = errors.New("a packet is too short to have a type and an id")
	errAnswer       = errors.New("an answer of a type that does not fit the request")
	errHandle       = errors.New("a handle that is empty or longer than 256 bytes")
	errCount        = errors.New("more items announced than a packet can hold")
	errNoProgress   = errors.New("an answer without anything in it")
	errListing      = errors.New("sftp: a directory has more entries than are read into memory: use Entries")
	errNegative     = errors.New("sftp: negative offset")
	errAppend       = errors.New("sftp: WriteAt of a file opened with O_APPEND")
	errWhence       = errors.New("sftp: invalid whence")
	errNotDirectory = errors.New("sftp: not a directory")
	errIsDirectory  = errors.New("sftp: is a directory")
	errTooDeep      = errors.New("sftp: directories are nested too deep")
	errLarger       = errors.New("sftp: cannot resume: the target is larger than the source")
	errNameLength   = errors.New("sftp: a path is longer than a packet")
)

// A closedError is why nothing more goes over a connection. It is
// [net.ErrClosed], and the cause.
type closedError struct{ cause error }

func (e *closedError) Error() string {
	if e.cause == nil {
		return "sftp: the connection is closed"
	}
	return "sftp: the connection has ended: " + e.cause.Error()
}

func (e *closedError) Unwrap() []error {
	if e.cause == nil {
		return []error{net.ErrClosed}
	}
	return []error{net.ErrClosed, e.cause}
}

// pathError says what failed, as package os does.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
