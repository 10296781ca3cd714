//go:build unix

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

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
		{Opcode: channel.VSWTCH, Value: 26},
		{Opcode: channel.TTY_OP_ISPEED, Value: 4800},
		{Opcode: channel.TTY_OP_ISPEED, Value: 0}, // no speed: left as it is
		{Opcode: channel.TTY_OP_OSPEED, Value: 9600},
	}))
	got, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS2)
	require.NoError(t, err)
	require.Equal(t, byte(9), got.Cc[unix.VINTR])
	require.Equal(t, byte(0), got.Cc[unix.VQUIT])
	require.Equal(t, byte(127), got.Cc[unix.VERASE])
	require.Equal(t, byte(26), got.Cc[unix.VSWTC])
	require.Equal(t, uint32(9600), got.Ospeed)
	require.Equal(t, uint32(4800), got.Ispeed)
	require.Zero(t, got.Lflag&unix.ECHO)
	require.NotZero(t, got.Lflag&unix.ICANON)
	require.Zero(t, got.Oflag&unix.ONLCR)
	require.NotZero(t, got.Iflag&unix.IUTF8)
	require.Zero(t, got.Iflag&unix.IXON)
	require.NoError(t, setModes(tty, nil))
}

// The modes of RFC 4254, section 8, and RFC 8160 that Linux does not have, and
// those that mean nothing on a pseudo-terminal.
func TestModesAreComplete(t *testing.T) {
	without := []channel.Opcode{channel.VDSUSP, channel.VFLUSH, channel.VSTATUS, channel.CS7, channel.CS8,
		channel.TTY_OP_ISPEED, channel.TTY_OP_OSPEED}
	for opcode := channel.Opcode(1); opcode < 160; opcode++ {
		if strings.HasPrefix(opcode.String(), "opcode ") || slices.Contains(without, opcode) {
			continue
		}
		_, isCharacter := characters[opcode]
		_, isFlag := flags[opcode]
		require.True(t, isCharacter != isFlag, "%v", opcode)
	}
}

func TestSendBreak(t *testing.T) {
	master, tty, err := openPty()
	require.NoError(t, err)
	defer tty.Close()
	require.NoError(t, sendBreak(master, 0))
	require.NoError(t, sendBreak(master, 500*time.Millisecond))
	require.NoError(t, master.Close())
	require.Error(t, sendBreak(master, 0))
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
