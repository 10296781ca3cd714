//go:build unix

package main

import (
	"os"
	"time"

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
	channel.VSWTCH:   unix.VSWTC,
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
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS2)
	if err != nil {
		return err
	}
	apply(t, modes)
	return unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS2, t)
}

// speeds are those that have bits of their own, which programs know that do not
// know termios2.
var speeds = map[uint32]uint32{
	50: unix.B50, 75: unix.B75, 110: unix.B110, 134: unix.B134, 150: unix.B150, 200: unix.B200, 300: unix.B300,
	600: unix.B600, 1200: unix.B1200, 1800: unix.B1800, 2400: unix.B2400, 4800: unix.B4800, 9600: unix.B9600,
	19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200, 230400: unix.B230400,
	460800: unix.B460800, 500000: unix.B500000, 576000: unix.B576000, 921600: unix.B921600, 1000000: unix.B1000000,
	1152000: unix.B1152000, 1500000: unix.B1500000, 2000000: unix.B2000000, 2500000: unix.B2500000,
	3000000: unix.B3000000, 3500000: unix.B3500000, 4000000: unix.B4000000,
}

// setSpeed sets a speed of t, input or output, of which the bits in Cflag are
// shifted by so many. A pseudo-terminal is as fast with any, but programs ask.
func setSpeed(t *unix.Termios, field *uint32, shift int, speed uint32) {
	if speed == 0 { // which would hang up
		return
	}
	bits, ok := speeds[speed]
	if !ok {
		bits = unix.BOTHER
	}
	t.Cflag = t.Cflag&^(unix.CBAUD<<shift) | bits<<shift
	*field = speed
}

// inputShift is where the bits of the input speed are (IBSHIFT of termios(3)).
const inputShift = 16

// sendBreak sends a break, as tcsendbreak(3) does.
func sendBreak(master *os.File, length time.Duration) error {
	tenths := int((length + 99*time.Millisecond) / (100 * time.Millisecond)) // 0 is some time from 250 to 500 ms
	return control(master, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCSBRKP, tenths) })
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
		switch m.Opcode {
		case channel.TTY_OP_ISPEED:
			setSpeed(t, &t.Ispeed, inputShift, m.Value)
		case channel.TTY_OP_OSPEED:
			setSpeed(t, &t.Ospeed, 0, m.Value)
		}
		if f, ok := flags[m.Opcode]; ok {
			*f.word(t) &^= f.bit
			if m.Value != 0 {
				*f.word(t) |= f.bit
			}
		}
	}
}
