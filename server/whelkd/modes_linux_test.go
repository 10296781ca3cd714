//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/channel"
	"github.com/whelk-ssh/whelk/server"
)

// RFC 4254, section 8: modes of the client's are those of the terminal.
func TestSetModes(t *testing.T) {
	master, tty, err := openPty()
	require.NoError(t, err)
	defer master.Close()
	defer tty.Close()
	require.NoError(t, setModes(tty, channel.Modes{
		{Opcode: channel.VINTR, Value: 9},
		{Opcode: channel.VQUIT, Value: 255},
		{Opcode: channel.VERASE, Value: 1 << 20}, // no character: left as it is
		{Opcode: channel.ECHO, Value: 0},
		{Opcode: channel.ICANON, Value: 1},
		{Opcode: channel.ONLCR, Value: 0},
		{Opcode: channel.IUTF8, Value: 1},
		{Opcode: channel.IXON, Value: 0},
		{Opcode: channel.Opcode(150), Value: 1},
		{Opcode: channel.TTY_OP_OSPEED, Value: 9600},
	}))
	got, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	require.Equal(t, byte(9), got.Cc[unix.VINTR])
	require.Equal(t, byte(0), got.Cc[unix.VQUIT])
	require.Equal(t, byte(127), got.Cc[unix.VERASE])
	require.Zero(t, got.Lflag&unix.ECHO)
	require.NotZero(t, got.Lflag&unix.ICANON)
	require.Zero(t, got.Oflag&unix.ONLCR)
	require.NotZero(t, got.Iflag&unix.IUTF8)
	require.Zero(t, got.Iflag&unix.IXON)
	require.NoError(t, setModes(tty, nil))
}

func TestSetSize(t *testing.T) {
	master, tty, err := openPty()
	require.NoError(t, err)
	defer tty.Close()
	require.NoError(t, setSize(master, server.Window{Columns: 65535, Rows: 2, Width: 3, Height: 4}))
	got, err := unix.IoctlGetWinsize(int(tty.Fd()), unix.TIOCGWINSZ)
	require.NoError(t, err)
	require.Equal(t, unix.Winsize{Col: 65535, Row: 2, Xpixel: 3, Ypixel: 4}, *got)
	require.NoError(t, master.Close())
	require.Error(t, setSize(master, server.Window{}))
}

// Reads of the master end when it is closed: nothing is left waiting.
func TestOpenPtyDoesNotBlock(t *testing.T) {
	master, tty, err := openPty()
	require.NoError(t, err)
	defer tty.Close()
	read := make(chan error)
	go func() {
		_, err := master.Read(make([]byte, 1))
		read <- err
	}()
	require.NoError(t, master.Close())
	require.Error(t, <-read)
}
