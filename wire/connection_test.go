package wire

var connectionSamples = []sample{
	{
		message: &GlobalRequest{Type: "keepalive@openssh.com", WantReply: true, Data: []byte("data")},
		parse:   parsing(ParseGlobalRequest),
		layout:  []any{Number(80), "keepalive@openssh.com", true, raw("data")},
		rest:    4,
		line:    `80 SSH_MSG_GLOBAL_REQUEST type="keepalive@openssh.com" want-reply=true data=(4 bytes)`,
	},
	{
		message: &RequestSuccess{Data: []byte{0, 0, 8, 0}},
		parse:   parsing(ParseRequestSuccess),
		layout:  []any{Number(81), uint32(2048)},
		rest:    4,
		line:    `81 SSH_MSG_REQUEST_SUCCESS data=(4 bytes 00000800)`,
	},
	{
		message: &RequestFailure{},
		parse:   parsing(ParseRequestFailure),
		layout:  []any{Number(82)},
		line:    `82 SSH_MSG_REQUEST_FAILURE`,
	},
	{
		message: &ChannelOpen{Type: "tunnel@example.com", Sender: 1, Window: 2 << 20, MaxPacket: 32768, Extra: []byte("xy")},
		parse:   parsing(ParseChannelOpen),
		layout:  []any{Number(90), "tunnel@example.com", uint32(1), uint32(2 << 20), uint32(32768), raw("xy")},
		rest:    2,
		line:    `90 SSH_MSG_CHANNEL_OPEN type="tunnel@example.com" sender=1 window=2097152 max-packet=32768 data=(2 bytes)`,
	},
	{
		message: &ChannelOpenConfirmation{Recipient: 1, Sender: 2, Window: 3, MaxPacket: 4, Extra: []byte{0xab}},
		parse:   parsing(ParseChannelOpenConfirmation),
		layout:  []any{Number(91), uint32(1), uint32(2), uint32(3), uint32(4), raw("\xab")},
		rest:    1,
		line:    `91 SSH_MSG_CHANNEL_OPEN_CONFIRMATION recipient=1 sender=2 window=3 max-packet=4 extra=(1 byte ab)`,
	},
	{
		message: &ChannelOpenFailure{Recipient: 1, Reason: 4, Message: "full", Language: "en"},
		parse:   parsing(ParseChannelOpenFailure),
		layout:  []any{Number(92), uint32(1), uint32(4), "full", "en"},
		line:    `92 SSH_MSG_CHANNEL_OPEN_FAILURE recipient=1 reason=4 message="full" language="en"`,
	},
}
