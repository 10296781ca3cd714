package main

import (
	"golang.org/x/sys/unix"

	"github.com/whelk-ssh/whelk/channel"
)

// noCharacter is the value of a control character that is switched off (RFC
// 4254, section 8), which Linux has as 0.
const noCharacter = 255

// A modeBit is a mode and where Linux keeps it: its place among the control
// characters, or its bits in a word of flags.
type modeBit struct {
	opcode channel.Opcode
	at     uint32
}

var characters = []modeBit{
	{channel.VINTR, unix.VINTR},
	{channel.VQUIT, unix.VQUIT},
	{channel.VERASE, unix.VERASE},
	{channel.VKILL, unix.VKILL},
	{channel.VEOF, unix.VEOF},
	{channel.VEOL, unix.VEOL},
	{channel.VEOL2, unix.VEOL2},
	{channel.VSTART, unix.VSTART},
	{channel.VSTOP, unix.VSTOP},
	{channel.VSWTCH, unix.VSWTC},
	{channel.VSUSP, unix.VSUSP},
	{channel.VREPRINT, unix.VREPRINT},
	{channel.VWERASE, unix.VWERASE},
	{channel.VLNEXT, unix.VLNEXT},
	{channel.VDISCARD, unix.VDISCARD},
}

var (
	inputModes = []modeBit{
		{channel.IGNPAR, unix.IGNPAR},
		{channel.PARMRK, unix.PARMRK},
		{channel.INPCK, unix.INPCK},
		{channel.ISTRIP, unix.ISTRIP},
		{channel.INLCR, unix.INLCR},
		{channel.IGNCR, unix.IGNCR},
		{channel.ICRNL, unix.ICRNL},
		{channel.IUCLC, unix.IUCLC},
		{channel.IXON, unix.IXON},
		{channel.IXANY, unix.IXANY},
		{channel.IXOFF, unix.IXOFF},
		{channel.IMAXBEL, unix.IMAXBEL},
		{channel.IUTF8, unix.IUTF8},
	}
	localModes = []modeBit{
		{channel.ISIG, unix.ISIG},
		{channel.ICANON, unix.ICANON},
		{channel.XCASE, unix.XCASE},
		{channel.ECHO, unix.ECHO},
		{channel.ECHOE, unix.ECHOE},
		{channel.ECHOK, unix.ECHOK},
		{channel.ECHONL, unix.ECHONL},
		{channel.NOFLSH, unix.NOFLSH},
		{channel.TOSTOP, unix.TOSTOP},
		{channel.IEXTEN, unix.IEXTEN},
		{channel.ECHOCTL, unix.ECHOCTL},
		{channel.ECHOKE, unix.ECHOKE},
		{channel.PENDIN, unix.PENDIN},
	}
	outputModes = []modeBit{
		{channel.OPOST, unix.OPOST},
		{channel.OLCUC, unix.OLCUC},
		{channel.ONLCR, unix.ONLCR},
		{channel.OCRNL, unix.OCRNL},
		{channel.ONOCR, unix.ONOCR},
		{channel.ONLRET, unix.ONLRET},
	}
	controlModes = []modeBit{
		{channel.CS7, unix.CS7},
		{channel.CS8, unix.CS8},
		{channel.PARENB, unix.PARENB},
		{channel.PARODD, unix.PARODD},
	}
)

// modes returns the modes of a terminal, for the remote one to have the same.
func modes(fd int) channel.Modes {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return nil
	}
	all := channel.Modes{{Opcode: channel.TTY_OP_ISPEED, Value: t.Ispeed}, {Opcode: channel.TTY_OP_OSPEED, Value: t.Ospeed}}
	for _, c := range characters {
		value := uint32(t.Cc[c.at])
		if value == 0 {
			value = noCharacter
		}
		all = append(all, channel.Mode{Opcode: c.opcode, Value: value})
	}
	for _, group := range []struct {
		word uint32
		bits []modeBit
	}{{t.Iflag, inputModes}, {t.Oflag, outputModes}, {t.Cflag, controlModes}, {t.Lflag, localModes}} {
		for _, b := range group.bits {
			all = append(all, channel.Mode{Opcode: b.opcode, Value: isSet(group.word, b.at)})
		}
	}
	return all
}

// isSet returns 1 if all the bits are set in word, and 0 otherwise.
func isSet(word, bits uint32) uint32 {
	if word&bits == bits {
		return 1
	}
	return 0
}
