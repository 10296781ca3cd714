//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/channel"
)

// characters are the modes of RFC 4254, section 8, that are control characters.
var characters = map[channel.Opcode]int{
	channel.VINTR:    unix.VINTR,
	channel.VQUIT:    unix.VQUIT,
	channel.VERASE:   unix.VERASE,
	channel.VKILL:    unix.VKILL,
	channel.VEOF:     unix.VEOF,
	channel.VEOL:     unix.VEOL,
	channel.VEOL2:    unix.VEOL2,
	channel.VSTART:   unix.VSTART,
	channel.VSTOP:    unix.VSTOP,
	channel.VSUSP:    unix.VSUSP,
	channel.VREPRINT: unix.VREPRINT,
	channel.VWERASE:  unix.VWERASE,
	channel.VLNEXT:   unix.VLNEXT,
	channel.VDISCARD: unix.VDISCARD,
}

// A word is one of the words of flags of a termios.
type word func(*unix.Termios) *uint32

func inputFlags(t *unix.Termios) *uint32   { return &t.Iflag }
func outputFlags(t *unix.Termios) *uint32  { return &t.Oflag }
func controlFlags(t *unix.Termios) *uint32 { return &t.Cflag }
func localFlags(t *unix.Termios) *uint32   { return &t.Lflag }

// flags are the modes that are switched on or off. The size of a character is
// not among them: CS7 and CS8 mean nothing on a pseudo-terminal.
var flags = map[channel.Opcode]struct {
	word word
	bit  uint32
}{
	channel.IGNPAR:  {inputFlags, unix.IGNPAR},
	channel.PARMRK:  {inputFlags, unix.PARMRK},
	channel.INPCK:   {inputFlags, unix.INPCK},
	channel.ISTRIP:  {inputFlags, unix.ISTRIP},
	channel.INLCR:   {inputFlags, unix.INLCR},
	channel.IGNCR:   {inputFlags, unix.IGNCR},
	channel.ICRNL:   {inputFlags, unix.ICRNL},
	channel.IUCLC:   {inputFlags, unix.IUCLC},
	channel.IXON:    {inputFlags, unix.IXON},
	channel.IXANY:   {inputFlags, unix.IXANY},
	channel.IXOFF:   {inputFlags, unix.IXOFF},
	channel.IMAXBEL: {inputFlags, unix.IMAXBEL},
	channel.IUTF8:   {inputFlags, unix.IUTF8},
	channel.ISIG:    {localFlags, unix.ISIG},
	channel.ICANON:  {localFlags, unix.ICANON},
	channel.XCASE:   {localFlags, unix.XCASE},
	channel.ECHO:    {localFlags, unix.ECHO},
	channel.ECHOE:   {localFlags, unix.ECHOE},
	channel.ECHOK:   {localFlags, unix.ECHOK},
	channel.ECHONL:  {localFlags, unix.ECHONL},
	channel.NOFLSH:  {localFlags, unix.NOFLSH},
	channel.TOSTOP:  {localFlags, unix.TOSTOP},
	channel.IEXTEN:  {localFlags, unix.IEXTEN},
	channel.ECHOCTL: {localFlags, unix.ECHOCTL},
	channel.ECHOKE:  {localFlags, unix.ECHOKE},
	channel.PENDIN:  {localFlags, unix.PENDIN},
	channel.OPOST:   {outputFlags, unix.OPOST},
	channel.OLCUC:   {outputFlags, unix.OLCUC},
	channel.ONLCR:   {outputFlags, unix.ONLCR},
	channel.OCRNL:   {outputFlags, unix.OCRNL},
	channel.ONOCR:   {outputFlags, unix.ONOCR},
	channel.ONLRET:  {outputFlags, unix.ONLRET},
	channel.PARENB:  {controlFlags, unix.PARENB},
	channel.PARODD:  {controlFlags, unix.PARODD},
}

// noCharacter is the value of a control character that is switched off, on the
// wire and in a termios of Linux.
const (
	noCharacter   = 255
	posixVDisable = 0
)

// setModes gives the terminal the modes of the client's.
func setModes(tty *os.File, modes channel.Modes) error {
	if len(modes) == 0 {
		return nil
	}
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	apply(t, modes)
	return unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, t)
}

// apply changes t as modes say. Those it does not know change nothing.
func apply(t *unix.Termios, modes channel.Modes) {
	for _, m := range modes {
		if i, ok := characters[m.Opcode]; ok {
			switch {
			case m.Value == noCharacter:
				t.Cc[i] = posixVDisable
			case m.Value < noCharacter:
				t.Cc[i] = byte(m.Value)
			}
		}
		if f, ok := flags[m.Opcode]; ok {
			*f.word(t) &^= f.bit
			if m.Value != 0 {
				*f.word(t) |= f.bit
			}
		}
	}
}
