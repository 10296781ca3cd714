package wire

var opensshSamples = []sample{
	{
		message: &Ping{Data: []byte("ping")},
		parse:   parsing(ParsePing),
		layout:  []any{Number(192), "ping"},
		line:    `192 SSH2_MSG_PING data=(4 bytes 70696e67)`,
	},
	{
		message: &Pong{Data: []byte("ping")},
		parse:   parsing(ParsePong),
		layout:  []any{Number(193), "ping"},
		line:    `193 SSH2_MSG_PONG data=(4 bytes 70696e67)`,
	},
}
