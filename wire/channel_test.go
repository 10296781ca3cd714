package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var channelSamples = []sample{
	{
		message: &ChannelWindowAdjust{Recipient: 1, Bytes: 0xffffffff},
		parse:   parsing(ParseChannelWindowAdjust),
		layout:  []any{Number(93), uint32(1), uint32(0xffffffff)},
		line:    `93 SSH_MSG_CHANNEL_WINDOW_ADJUST recipient=1 bytes=4294967295`,
	},
	{
		message: &ChannelData{Recipient: 1, Data: []byte("hunter2\n")},
		parse:   parsing(ParseChannelData),
		layout:  []any{Number(94), uint32(1), "hunter2\n"},
		line:    `94 SSH_MSG_CHANNEL_DATA recipient=1 data=(8 bytes)`,
	},
	{
		message: &ChannelExtendedData{Recipient: 2, Type: ExtendedDataStderr, Data: []byte("no")},
		parse:   parsing(ParseChannelExtendedData),
		layout:  []any{Number(95), uint32(2), uint32(1), "no"},
		line:    `95 SSH_MSG_CHANNEL_EXTENDED_DATA recipient=2 type=1 data=(2 bytes)`,
	},
	{
		message: &ChannelEOF{Recipient: 3},
		parse:   parsing(ParseChannelEOF),
		layout:  []any{Number(96), uint32(3)},
		line:    `96 SSH_MSG_CHANNEL_EOF recipient=3`,
	},
	{
		message: &ChannelClose{Recipient: 4},
		parse:   parsing(ParseChannelClose),
		layout:  []any{Number(97), uint32(4)},
		line:    `97 SSH_MSG_CHANNEL_CLOSE recipient=4`,
	},
	{
		message: &ChannelRequest{Recipient: 5, Type: "shell", WantReply: true, Data: []byte("odd")},
		parse:   parsing(ParseChannelRequest),
		layout:  []any{Number(98), uint32(5), "shell", true, raw("odd")},
		rest:    3,
		line:    `98 SSH_MSG_CHANNEL_REQUEST recipient=5 type="shell" want-reply=true data=(3 bytes)`,
	},
	{
		message: &ChannelSuccess{Recipient: 6},
		parse:   parsing(ParseChannelSuccess),
		layout:  []any{Number(99), uint32(6)},
		line:    `99 SSH_MSG_CHANNEL_SUCCESS recipient=6`,
	},
	{
		message: &ChannelFailure{Recipient: 7},
		parse:   parsing(ParseChannelFailure),
		layout:  []any{Number(100), uint32(7)},
		line:    `100 SSH_MSG_CHANNEL_FAILURE recipient=7`,
	},
}

// The two messages there are most of cost nothing to read or to write.
func TestHotMessagesDoNotAllocate(t *testing.T) {
	data := (&ChannelData{Recipient: 1, Data: make([]byte, 32<<10)}).Append(nil)
	adjust := (&ChannelWindowAdjust{Recipient: 1, Bytes: 1}).Append(nil)
	buf := make([]byte, 0, 64<<10)
	text, payload := "exit-status", make([]byte, 32<<10)
	tests := []struct {
		name string
		run  func()
	}{
		{"ParseChannelData", func() {
			if m, err := ParseChannelData(data); err != nil || len(m.Data) != 32<<10 {
				panic("not parsed")
			}
		}},
		{"ParseChannelWindowAdjust", func() {
			if m, err := ParseChannelWindowAdjust(adjust); err != nil || m.Bytes != 1 {
				panic("not parsed")
			}
		}},
		{"ChannelData.Append", func() { buf = (&ChannelData{Recipient: 1, Data: payload}).Append(buf[:0]) }},
		{"ChannelWindowAdjust.Append", func() { buf = (&ChannelWindowAdjust{Recipient: 1}).Append(buf[:0]) }},
		{"AppendString of a string", func() { buf = AppendString(buf[:0], text) }},
		{"AppendString of bytes", func() { buf = AppendString(buf[:0], payload) }},
		{"refused", func() { _, _ = ParseChannelData(adjust) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { require.Zero(t, testing.AllocsPerRun(100, test.run)) })
	}
}

func TestParseChannelDataAliases(t *testing.T) {
	p := (&ChannelData{Recipient: 1, Data: []byte("data")}).Append(nil)
	m, err := ParseChannelData(p)
	require.NoError(t, err)
	require.Same(t, &p[9], &m.Data[0])
	require.Equal(t, len(m.Data), cap(m.Data), "appending to a field must not write into the packet")
}

func BenchmarkParseChannelData(b *testing.B) {
	p := (&ChannelData{Recipient: 1, Data: make([]byte, 32<<10)}).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = ParseChannelData(p)
	}
}
