//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/client"
)

// lent is a terminal that is lent to a command which does not run.
func lent(t *testing.T) (*terminal, *os.File) {
	master, slave, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { master.Close(); slave.Close() })
	term := newTerminal(int(slave.Fd()), true, &logger{w: io.Discard})
	term.attach(new(client.Client).Command("x"))
	return term, slave
}

func isRaw(t *testing.T, tty *os.File) bool {
	t.Helper()
	now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return now.Lflag&unix.ICANON == 0
}

// A terminal that is given back for a while is what it was in that while, and
// lines of ours end as it wants them.
func TestLendBack(t *testing.T) {
	term, tty := lent(t)
	require.True(t, isRaw(t, tty))
	require.True(t, term.log.raw.Load())
	for range 2 {
		term.lendBack(func() {
			require.False(t, isRaw(t, tty))
			require.False(t, term.log.raw.Load())
		})
		require.True(t, isRaw(t, tty))
		require.True(t, term.log.raw.Load())
	}
	term.restore()
	term.restore()
	require.False(t, isRaw(t, tty))
}

// A session that ends while the terminal is given back leaves it so.
func TestRestoreWhileLentBack(t *testing.T) {
	term, tty := lent(t)
	term.lendBack(term.restore)
	require.False(t, isRaw(t, tty))
	require.False(t, term.log.raw.Load())
}

// What a command shows before its terminal is lent waits until it is: a terminal
// that is not raw would put a carriage return of its own ahead of the line feed.
func TestOutputWaitsForTheTerminal(t *testing.T) {
	master, slave, err := pty.Open()
	require.NoError(t, err)
	defer master.Close()
	defer slave.Close()
	term := newTerminal(int(slave.Fd()), true, &logger{w: io.Discard})
	written := make(chan error, 1)
	go func() {
		_, err := term.screen(slave).Write([]byte("last\r\n"))
		written <- err
	}()
	select {
	case <-written:
		require.Fail(t, "the terminal is not raw yet")
	case <-time.After(20 * time.Millisecond):
	}
	term.attach(new(client.Client).Command("x"))
	require.NoError(t, <-written)
	shown := make([]byte, 6)
	_, err = io.ReadFull(master, shown)
	require.NoError(t, err)
	require.Equal(t, "last\r\n", string(shown))
	require.Equal(t, slave, newTerminal(-1, false, nil).screen(slave))
	term.restore()
}

// A terminal that is none is left alone.
func TestNoTerminalHere(t *testing.T) {
	t.Setenv("TERM", "")
	term := newTerminal(-1, false, &logger{w: io.Discard})
	require.Equal(t, &client.Pty{Term: "dumb"}, term.pty())
	term.attach(nil)
	called := false
	term.lendBack(func() { called = true })
	require.True(t, called)
	term.restore()
}

// The line behind ~C is read where keys are, and goes on behind it.
func TestAskOnTheTerminal(t *testing.T) {
	var screen bytes.Buffer
	c := newTestConsole(t, strings.NewReader("first\nsecond\rthird"), &screen)
	require.Equal(t, "first", c.ask("? "))
	require.Equal(t, "second", c.ask("? "))
	require.Equal(t, "third", c.ask("? "))
	require.Empty(t, c.ask("? "))
	require.Equal(t, "? ? ? ? ", screen.String())
}

// Input that a command does not take any more ends whoever writes it.
func TestInputCloses(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer writer.Close()
	p := &program{log: &logger{w: io.Discard}, over: make(chan struct{})}
	told := make(chan error)
	go func() {
		var err error
		for err == nil {
			_, err = writer.Write([]byte("y\n"))
			time.Sleep(time.Millisecond)
		}
		told <- err
	}()
	_, copied := input{reader, p}.WriteTo(full{})
	require.ErrorIs(t, copied, io.ErrShortWrite)
	_, err = reader.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, <-told, syscall.EPIPE)

	master, slave, err := pty.Open()
	require.NoError(t, err)
	defer master.Close()
	defer slave.Close()
	_, err = io.WriteString(master, "y\n")
	require.NoError(t, err)
	_, copied = input{slave, p}.WriteTo(full{})
	require.ErrorIs(t, copied, io.ErrShortWrite)
	_, err = slave.Stat()
	require.NoError(t, err, "a terminal is left open")
}

// A full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// Standard input that cannot be read is an empty one, and what is typed when the
// session is over is for whoever asks then.
func TestInputWhenItIsOver(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	p := &program{log: &logger{w: io.Discard}, over: make(chan struct{}), typed: make(chan string, 1)}
	_, err = input{dir, p}.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)

	master, slave, err := pty.Open()
	require.NoError(t, err)
	defer master.Close()
	defer slave.Close()
	close(p.over)
	_, err = io.WriteString(master, "yes\n")
	require.NoError(t, err)
	_, err = input{slave, p}.Read(make([]byte, 100))
	require.Equal(t, io.EOF, err)
	require.Equal(t, "yes\n", <-p.typed)
}
