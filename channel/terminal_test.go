package channel

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/whelk-ssh/whelk/wire"
)

func TestModes(t *testing.T) {
	modes := Modes{{VINTR, 3}, {ECHO, 1}, {TTY_OP_ISPEED, 38400}, {ECHO, 0}}
	p := modes.Append([]byte("before"))
	require.Equal(t, "before\x01\x00\x00\x00\x03\x35\x00\x00\x00\x01\x80\x00\x00\x96\x00\x35\x00\x00\x00\x00\x00", string(p))
	got, err := ParseModes(p[6:])
	require.NoError(t, err)
	require.Equal(t, modes, got)

	v, ok := got.Lookup(ECHO)
	require.True(t, ok)
	require.Zero(t, v, "the later counts")
	_, ok = got.Lookup(ICRNL)
	require.False(t, ok)
	require.Equal(t, []byte{0}, Modes(nil).Append(nil))
}

// K14: GHSA-cqjc-rmpq-xprq.
func TestParseModes(t *testing.T) {
	many := func(n int) []byte { return bytes.Repeat([]byte{5, 0, 0, 0, 1}, n) }
	for _, test := range []struct {
		name string
		p    []byte
		want int // modes, or -1 for an error
	}{
		{"RFC 4254 8: none", []byte{0}, 0},
		{"nothing at all", nil, 0},
		{"TTY_OP_END missing", []byte{3, 0, 0, 0, 8}, 1},
		{"after TTY_OP_END", []byte{3, 0, 0, 0, 8, 0, 99, 99}, 1},
		{"RFC 4254 8: opcode 160 stops parsing", []byte{3, 0, 0, 0, 8, 160, 1}, 1},
		{"RFC 4254 8: opcode 255 stops parsing", []byte{255}, 0},
		{"opcode 159 has a value", []byte{159, 0, 0, 0, 1, 0}, 1},
		{"value cut short", []byte{3, 0, 0, 0}, -1},
		{"value missing", []byte{3}, -1},
		{"second value cut short", []byte{3, 0, 0, 0, 1, 4, 1}, -1},
		{"130 modes", many(130), 130},
		{"256 modes", append(many(256), 0), 256},
		{"257 modes", many(257), -1},
		{"10000 modes", many(10000), -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			modes, err := ParseModes(test.p)
			if test.want < 0 {
				require.Equal(t, errModes, err)
				require.Nil(t, modes)
				return
			}
			require.NoError(t, err)
			require.Len(t, modes, test.want)
		})
	}
}

func TestOpcodeNames(t *testing.T) {
	require.Equal(t, "VINTR", VINTR.String())
	require.Equal(t, "TTY_OP_OSPEED", TTY_OP_OSPEED.String())
	require.Equal(t, "opcode 99", Opcode(99).String())
	seen := map[string]bool{}
	for o, name := range opcodeNames {
		require.False(t, seen[name], name)
		seen[name] = true
		require.Less(t, o, firstUndefined)
	}
	require.Len(t, opcodeNames, 57)
}

func TestReasonAndErrors(t *testing.T) {
	for reason, want := range map[Reason]string{
		AdministrativelyProhibited: "administratively prohibited",
		ConnectFailed:              "connect failed",
		UnknownChannelType:         "unknown channel type",
		ResourceShortage:           "resource shortage",
		99:                         "reason 99",
	} {
		require.Equal(t, want, reason.String())
	}
	err := &OpenError{ConnectFailed, "no\x1b[2Jroute"}
	require.Equal(t, `channel: open refused: connect failed: "no\x1b[2Jroute"`, err.Error(), "the peer's words are quoted")
	require.Equal(t, "channel: SSH_MSG_CHANNEL_DATA: more data than the window allows",
		(&ProtocolError{wire.NumberChannelData, errOverrun}).Error())
}

// The numbers of RFC 4254, section 8, and RFC 8160, section 2.1, in their order.
func TestOpcodeNumbers(t *testing.T) {
	number := 0
	for _, group := range []struct {
		first int
		names string
	}{
		{1, "VINTR VQUIT VERASE VKILL VEOF VEOL VEOL2 VSTART VSTOP VSUSP VDSUSP VREPRINT VWERASE VLNEXT VFLUSH VSWTCH VSTATUS VDISCARD"},
		{30, "IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8"},
		{50, "ISIG ICANON XCASE ECHO ECHOE ECHOK ECHONL NOFLSH TOSTOP IEXTEN ECHOCTL ECHOKE PENDIN"},
		{70, "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET"},
		{90, "CS7 CS8 PARENB PARODD"},
		{128, "TTY_OP_ISPEED TTY_OP_OSPEED"},
	} {
		for i, name := range strings.Fields(group.names) {
			require.Equal(t, name, Opcode(group.first+i).String())
			number++
		}
	}
	require.Equal(t, len(opcodeNames), number+1, "and TTY_OP_END")
}

// Any modes that can be written can be read.
func TestModesRoundTrip(t *testing.T) {
	var all Modes
	for o := Opcode(1); o < firstUndefined; o++ {
		all = append(all, Mode{o, uint32(o) * 0x01010101})
	}
	got, err := ParseModes(all.Append(nil))
	require.NoError(t, err)
	require.Equal(t, all, got)
	for _, m := range all {
		value, ok := got.Lookup(m.Opcode)
		require.True(t, ok)
		require.Equal(t, m.Value, value)
	}
}
