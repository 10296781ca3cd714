package channel

import (
	"errors"
	"fmt"

	"github.com/whelk-ssh/whelk/wire"
)

// An Opcode is a terminal mode of RFC 4254, section 8.
type Opcode byte

// The opcodes of RFC 4254, section 8, and RFC 8160, section 2.1 (IUTF8).
// Those that begin with V are characters, with 255 for none; the speeds are in
// bits per second; the others are 0 or 1.
const (
	VINTR         Opcode = 1
	VQUIT         Opcode = 2
	VERASE        Opcode = 3
	VKILL         Opcode = 4
	VEOF          Opcode = 5
	VEOL          Opcode = 6
	VEOL2         Opcode = 7
	VSTART        Opcode = 8
	VSTOP         Opcode = 9
	VSUSP         Opcode = 10
	VDSUSP        Opcode = 11
	VREPRINT      Opcode = 12
	VWERASE       Opcode = 13
	VLNEXT        Opcode = 14
	VFLUSH        Opcode = 15
	VSWTCH        Opcode = 16
	VSTATUS       Opcode = 17
	VDISCARD      Opcode = 18
	IGNPAR        Opcode = 30
	PARMRK        Opcode = 31
	INPCK         Opcode = 32
	ISTRIP        Opcode = 33
	INLCR         Opcode = 34
	IGNCR         Opcode = 35
	ICRNL         Opcode = 36
	IUCLC         Opcode = 37
	IXON          Opcode = 38
	IXANY         Opcode = 39
	IXOFF         Opcode = 40
	IMAXBEL       Opcode = 41
	IUTF8         Opcode = 42
	ISIG          Opcode = 50
	ICANON        Opcode = 51
	XCASE         Opcode = 52
	ECHO          Opcode = 53
	ECHOE         Opcode = 54
	ECHOK         Opcode = 55
	ECHONL        Opcode = 56
	NOFLSH        Opcode = 57
	TOSTOP        Opcode = 58
	IEXTEN        Opcode = 59
	ECHOCTL       Opcode = 60
	ECHOKE        Opcode = 61
	PENDIN        Opcode = 62
	OPOST         Opcode = 70
	OLCUC         Opcode = 71
	ONLCR         Opcode = 72
	OCRNL         Opcode = 73
	ONOCR         Opcode = 74
	ONLRET        Opcode = 75
	CS7           Opcode = 90
	CS8           Opcode = 91
	PARENB        Opcode = 92
	PARODD        Opcode = 93
	TTY_OP_ISPEED Opcode = 128
	TTY_OP_OSPEED Opcode = 129
)

// ttyOpEnd ends a list of modes; opcodes from firstUndefined on "cause parsing
// to stop", because nobody knows what follows them (RFC 4254, section 8).
const (
	ttyOpEnd       Opcode = 0
	firstUndefined Opcode = 160
)

var opcodeNames = map[Opcode]string{
	ttyOpEnd: "TTY_OP_END",
	VINTR:    "VINTR", VQUIT: "VQUIT", VERASE: "VERASE", VKILL: "VKILL", VEOF: "VEOF", VEOL: "VEOL", VEOL2: "VEOL2",
	VSTART: "VSTART", VSTOP: "VSTOP", VSUSP: "VSUSP", VDSUSP: "VDSUSP", VREPRINT: "VREPRINT", VWERASE: "VWERASE",
	VLNEXT: "VLNEXT", VFLUSH: "VFLUSH", VSWTCH: "VSWTCH", VSTATUS: "VSTATUS", VDISCARD: "VDISCARD",
	IGNPAR: "IGNPAR", PARMRK: "PARMRK", INPCK: "INPCK", ISTRIP: "ISTRIP", INLCR: "INLCR", IGNCR: "IGNCR", ICRNL: "ICRNL",
	IUCLC: "IUCLC", IXON: "IXON", IXANY: "IXANY", IXOFF: "IXOFF", IMAXBEL: "IMAXBEL", IUTF8: "IUTF8",
	ISIG: "ISIG", ICANON: "ICANON", XCASE: "XCASE", ECHO: "ECHO", ECHOE: "ECHOE", ECHOK: "ECHOK", ECHONL: "ECHONL",
	NOFLSH: "NOFLSH", TOSTOP: "TOSTOP", IEXTEN: "IEXTEN", ECHOCTL: "ECHOCTL", ECHOKE: "ECHOKE", PENDIN: "PENDIN",
	OPOST: "OPOST", OLCUC: "OLCUC", ONLCR: "ONLCR", OCRNL: "OCRNL", ONOCR: "ONOCR", ONLRET: "ONLRET",
	CS7: "CS7", CS8: "CS8", PARENB: "PARENB", PARODD: "PARODD",
	TTY_OP_ISPEED: "TTY_OP_ISPEED", TTY_OP_OSPEED: "TTY_OP_OSPEED",
}

// String returns the name RFC 4254, section 8, gives o, or its number.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("opcode %d", byte(o))
}

// A Mode is the value of one terminal mode.
type Mode struct {
	Opcode Opcode
	Value  uint32
}

// Modes are encoded terminal modes taken apart (RFC 4254, section 8), in the
// order they came in. Of two values for one opcode the later counts.
type Modes []Mode

// maxModes bounds a list of modes. There are 159 opcodes with a known length,
// and most of them are not defined.
const maxModes = 256

var errModes = errors.New("channel: malformed terminal modes")

// ParseModes decodes terminal modes, as they stand in a "pty-req" request. It
// stops at an opcode of 160 or more, does not mind if TTY_OP_END is missing,
// and fails if a value is cut short or there are more than 256 modes.
func ParseModes(p []byte) (Modes, error) {
	var modes Modes
	r := wire.NewReader(p)
	for r.Len() > 0 {
		opcode := Opcode(r.Byte())
		if opcode == ttyOpEnd || opcode >= firstUndefined {
			return modes, nil
		}
		modes = append(modes, Mode{opcode, r.Uint32()})
		if r.Err() != nil || len(modes) > maxModes {
			return nil, errModes
		}
	}
	return modes, nil
}

// Append appends the encoding of m, with TTY_OP_END, to b.
func (m Modes) Append(b []byte) []byte {
	for _, mode := range m {
		b = wire.AppendUint32(append(b, byte(mode.Opcode)), mode.Value)
	}
	return append(b, byte(ttyOpEnd))
}

// Lookup returns the value of the mode o.
func (m Modes) Lookup(o Opcode) (value uint32, ok bool) {
	for _, mode := range m {
		if mode.Opcode == o {
			value, ok = mode.Value, true
		}
	}
	return value, ok
}
