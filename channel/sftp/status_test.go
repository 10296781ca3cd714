package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a server says, and what a client makes of it.
func TestStatuses(t *testing.T) {
	for _, test := range []struct {
		err  error
		code Status
		text string
		is   error
	}{
		{nil, StatusOK, "Success", nil},
		{io.EOF, StatusEOF, "End of file", io.EOF},
		{fmt.Errorf("wrapped: %w", io.EOF), StatusEOF, "End of file", io.EOF},
		{&fs.PathError{Op: "open", Path: "/secret", Err: syscall.ENOENT}, StatusNoSuchFile, "No such file", fs.ErrNotExist},
		{fs.ErrNotExist, StatusNoSuchFile, "No such file", fs.ErrNotExist},
		{syscall.ENOTDIR, StatusNoSuchFile, "No such file", fs.ErrNotExist},
		{syscall.EACCES, StatusPermissionDenied, "Permission denied", fs.ErrPermission},
		{syscall.EPERM, StatusPermissionDenied, "Permission denied", fs.ErrPermission},
		{syscall.EROFS, StatusPermissionDenied, "Permission denied", fs.ErrPermission},
		{errNotSupported, StatusOpUnsupported, "Operation unsupported", errors.ErrUnsupported},
		{syscall.EEXIST, StatusFailure, "File exists", nil},
		{syscall.ENOTEMPTY, StatusFailure, "directory not empty", nil},
		{&fs.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC}, StatusFailure, "no space left on device", nil},
		{fs.ErrInvalid, StatusFailure, "Invalid argument", nil},
		{errors.New("a secret"), StatusFailure, "Failure", nil},
		{&StatusError{Code: 77, Message: "as it is"}, 77, "as it is", nil},
		{statusAlreadyExists.err(), statusAlreadyExists, "", fs.ErrExist},
	} {
		code, text := statusOf(test.err)
		require.Equal(t, test.code, code, "%v", test.err)
		require.Equal(t, test.text, text)
		r := request{id: 1}
		err := parseStatus(r.status(code, text)[0][5:])
		if test.is != nil {
			require.ErrorIs(t, err, test.is)
		} else {
			require.Equal(t, test.err == nil, err == nil)
		}
	}
}

func (s Status) err() error { return &StatusError{Code: s} }

// Servers of older versions end after the code, and some before the language.
func TestStatusesCutShort(t *testing.T) {
	err := parseStatus([]byte{0, 0, 0, 2})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, "sftp: the server reports: no such file", err.Error())
	require.ErrorIs(t, parseStatus([]byte("\x00\x00\x00\x03\x00\x00\x00\x01x")), fs.ErrPermission)
	require.NoError(t, parseStatus([]byte{0, 0, 0, 0}))
	for _, broken := range []string{"", "\x00\x00", "\x00\x00\x00\x04\x00", "\x00\x00\x00\x04\x00\x00\x00\x09x", "\x00\x00\x00\x04\x00\x00\x00\x01x\xff"} {
		var e *ProtocolError
		require.ErrorAs(t, parseStatus([]byte(broken)), &e, "%q", broken)
	}
}

// P1: what a server says is quoted.
func TestErrorsQuoteTheServer(t *testing.T) {
	err := &StatusError{Code: StatusFailure, Message: "\x1b]0;title\x07\u202e"}
	require.Equal(t, `sftp: the server reports: failure: "\x1b]0;title\a\u202e"`, err.Error())
	require.NotContains(t, (&NameError{"\x1b[2J"}).Error(), "\x1b")
	require.Equal(t, "status 77", Status(77).String())
	require.Equal(t, "SSH_FXP_OPEN", fxpOpen.String())
	require.Equal(t, "SSH_FXP type 99", number(99).String())
}

func TestClosedErrors(t *testing.T) {
	for _, cause := range []error{nil, io.ErrUnexpectedEOF} {
		err := error(&closedError{cause})
		require.ErrorIs(t, err, net.ErrClosed)
		require.NotEmpty(t, err.Error())
		if cause != nil {
			require.ErrorIs(t, err, cause)
		}
	}
}
