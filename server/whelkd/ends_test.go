//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a terminal shows is sent to the end, although others have it open, and
// whether the client is slow or not.
func TestCopyTerminal(t *testing.T) {
	for _, test := range []struct {
		name string
		slow time.Duration
	}{{"at once", 0}, {"slowly", 20 * time.Millisecond}} {
		t.Run(test.name, func(t *testing.T) {
			master, tty, err := openPty()
			require.NoError(t, err)
			defer master.Close()
			defer tty.Close() // until the end
			sink := &slowly{pause: test.slow}
			copied := make(chan struct{})
			go func() {
				copyTerminal(sink, master)
				close(copied)
			}()
			text := strings.Repeat("line\n", 2000)
			_, err = io.WriteString(tty, text)
			require.NoError(t, err)
			require.NoError(t, master.SetReadDeadline(time.Now()))
			<-copied
			require.Equal(t, strings.ReplaceAll(text, "\n", "\r\n"), sink.String())
		})
	}
}

// A slowly takes its time.
type slowly struct {
	bytes.Buffer
	pause time.Duration
}

func (s *slowly) Write(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.Buffer.Write(p)
}

// It ends with the terminal, and hangs up if nobody takes what it shows.
func TestCopyTerminalEnds(t *testing.T) {
	master, tty, err := openPty()
	require.NoError(t, err)
	defer master.Close()
	_, err = io.WriteString(tty, "last")
	require.NoError(t, err)
	require.NoError(t, tty.Close())
	var shown bytes.Buffer
	copyTerminal(&shown, master)
	require.Equal(t, "last", shown.String())
	_, err = master.Write([]byte("x"))
	require.NoError(t, err, "it is still open: the program may go on")

	master, tty, err = openPty()
	require.NoError(t, err)
	defer tty.Close()
	_, err = io.WriteString(tty, "x")
	require.NoError(t, err)
	copyTerminal(failing{}, master)
	_, err = master.Write([]byte("x"))
	require.ErrorIs(t, err, os.ErrClosed)
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("nobody") }

// OpenSSH PROTOCOL, section 2.2: of a program that closes its input the client is
// told, while it goes on.
func TestInputThatNobodyReads(t *testing.T) {
	cmd := start(t).ssh("-vv", "-o", "LogLevel=DEBUG2", "exec <&-; echo closed; sleep 0.5; echo over; exit 5")
	cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 1<<20))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	require.Equal(t, 5, cmd.ProcessState.ExitCode())
	require.Equal(t, "closed\nover\n", stdout.String())
	require.Contains(t, stderr.String(), "rcvd eow")
}

// A program on a terminal that it closes is not hung up on, and its status comes
// when it ends.
func TestProgramClosesItsTerminal(t *testing.T) {
	r := start(t)
	for _, command := range []string{
		"exec <&- >&- 2>&-; sleep 0.5; exit 11",
		"trap '' HUP; sleep 5 & exec <&- >&- 2>&-; exit 11",
		"sleep 5 >/dev/null 2>&1 </dev/null & exit 11",
	} {
		_, errs, status := r.output("-tt", command)
		require.Equal(t, 11, status, "%s: %s", command, errs)
	}
}

// Clients that are silent are asked, by ClientAliveInterval, and live on if they
// answer.
func TestClientAlive(t *testing.T) {
	r := start(t, "-vv", "-o", "ClientAliveInterval=1", "-o", "ClientAliveCountMax=2")
	out, errs, status := r.output("sleep 3.5; echo here; exit 6")
	require.Equal(t, 6, status, errs)
	require.Equal(t, "here\n", out)
	require.Contains(t, r.logged(), "keepalive@openssh.com")
}
