package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/whelk-ssh/whelk/wire"
)

// A Status is the outcome of a request (draft-ietf-secsh-filexfer-02,
// section 7).
type Status uint32

// The codes of draft-ietf-secsh-filexfer-02, section 7, and one of version 6
// that some servers of version 3 send.
const (
	StatusOK               Status = 0
	StatusEOF              Status = 1
	StatusNoSuchFile       Status = 2
	StatusPermissionDenied Status = 3
	StatusFailure          Status = 4
	StatusBadMessage       Status = 5
	StatusNoConnection     Status = 6
	StatusConnectionLost   Status = 7
	StatusOpUnsupported    Status = 8

	statusAlreadyExists Status = 11
)

var statusTexts = map[Status]string{
	StatusOK:               "success",
	StatusEOF:              "end of file",
	StatusNoSuchFile:       "no such file",
	StatusPermissionDenied: "permission denied",
	StatusFailure:          "failure",
	StatusBadMessage:       "bad message",
	StatusNoConnection:     "no connection",
	StatusConnectionLost:   "connection lost",
	StatusOpUnsupported:    "operation unsupported",
	statusAlreadyExists:    "file already exists",
}

func (s Status) String() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	return fmt.Sprintf("status %d", uint32(s))
}

// A StatusError is an SSH_FXP_STATUS that says no. It is [fs.ErrNotExist],
// [fs.ErrPermission], [fs.ErrExist] or [errors.ErrUnsupported] where its code
// means that.
//
//	uint32    id
//	uint32    error/status code
//	string    error message
//	string    language tag
type StatusError struct {
	Code    Status
	Message string // the server's words
}

func (e *StatusError) Error() string {
	if e.Message == "" {
		return "sftp: the server reports: " + e.Code.String()
	}
	return fmt.Sprintf("sftp: the server reports: %v: %q", e.Code, e.Message)
}

// Is makes the code comparable to what package os reports.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case StatusNoSuchFile:
		return target == fs.ErrNotExist
	case StatusPermissionDenied:
		return target == fs.ErrPermission
	case StatusOpUnsupported:
		return target == errors.ErrUnsupported
	case statusAlreadyExists:
		return target == fs.ErrExist
	}
	return false
}

// parseStatus reads what follows the id. Message and language are missing in
// packets of servers that speak older versions.
func parseStatus(body []byte) error {
	r := wire.NewReader(body)
	e := &StatusError{Code: Status(r.Uint32())}
	if r.Len() > 0 {
		e.Message = r.Text()
	}
	if r.Len() > 0 {
		r.Blob()
	}
	if err := r.Err(); err != nil {
		return &ProtocolError{Err: err}
	}
	switch e.Code {
	case StatusOK:
		return nil
	case StatusEOF:
		return io.EOF
	}
	return e
}

// existing is a failure of a request to make what is there already. Version 3
// has no code for that.
type existing struct{ error }

func (e existing) Is(target error) bool { return target == fs.ErrExist }

func (e existing) Unwrap() error { return e.error }

// statusOf returns what a server says of err: a code, and a text that has no
// path of ours in it.
func statusOf(err error) (Status, string) {
	switch err {
	case nil:
		return StatusOK, "Success"
	case io.EOF:
		return StatusEOF, "End of file"
	}
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code, status.Message
	}
	switch {
	case errors.Is(err, io.EOF):
		return StatusEOF, "End of file"
	case errors.Is(err, fs.ErrNotExist):
		return StatusNoSuchFile, "No such file"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return StatusNoSuchFile, "No such file"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return StatusPermissionDenied, "Permission denied"
	case errors.Is(err, errors.ErrUnsupported):
		return StatusOpUnsupported, "Operation unsupported"
	case errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY):
		return StatusFailure, "File exists"
	}
	return StatusFailure, failureText(err)
}

// failureText describes a failure that has no code of its own, with the words
// of the system and nothing of the path that package os puts around them.
func failureText(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	if errors.Is(err, os.ErrInvalid) {
		return "Invalid argument"
	}
	return "Failure"
}
