package userauth

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		text string
	}{
		{&ProtocolError{What: "nonsense"}, "userauth: protocol error: nonsense"},
		{&ProtocolError{What: "nonsense", Err: io.EOF}, "userauth: protocol error: nonsense: EOF"},
		{&LimitError{What: "failed attempts", Limit: 6}, "userauth: too many failed attempts: 6 is the limit"},
		{&ServiceError{Service: "ssh-\n"}, `userauth: the client asks for service "ssh-\n", and there is only "ssh-connection"`},
		{&PasswordExpiredError{Prompt: "\x1b"}, `userauth: the password has expired and must be changed on the server: "\x1b"`},
		{&Error{User: "a", Errs: []error{io.EOF, io.ErrUnexpectedEOF}},
			`userauth: the server does not let "a" in: no method had anything to send; it allows []: it has no method left for this user; EOF; unexpected EOF`},
	} {
		require.EqualError(t, tt.err, tt.text)
	}
	require.ErrorIs(t, &ProtocolError{Err: io.EOF}, io.EOF)
	require.NoError(t, errors.Unwrap(&ProtocolError{}))
	require.ErrorIs(t, &Error{Errs: []error{io.ErrClosedPipe, io.EOF}}, io.EOF)
}
