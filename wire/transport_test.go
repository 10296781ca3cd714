package wire

var transportSamples = []sample{
	{
		message: &Disconnect{Reason: 11, Message: "bye", Language: "en"},
		parse:   parsing(ParseDisconnect),
		layout:  []any{Number(1), uint32(11), "bye", "en"},
		line:    `1 SSH_MSG_DISCONNECT reason=11 message="bye" language="en"`,
	},
	{
		message: &Ignore{Data: []byte("noise")},
		parse:   parsing(ParseIgnore),
		layout:  []any{Number(2), "noise"},
		line:    `2 SSH_MSG_IGNORE data=(5 bytes 6e6f697365)`,
	},
	{
		message: &Unimplemented{Sequence: 0xfffffffe},
		parse:   parsing(ParseUnimplemented),
		layout:  []any{Number(3), uint32(0xfffffffe)},
		line:    `3 SSH_MSG_UNIMPLEMENTED sequence=4294967294`,
	},
	{
		message: &Debug{Display: true, Message: "\x1b[2J\u202e", Language: "de"},
		parse:   parsing(ParseDebug),
		layout:  []any{Number(4), true, "\x1b[2J\u202e", "de"},
		line:    `4 SSH_MSG_DEBUG display=true message="\x1b[2J\u202e" language="de"`,
	},
	{
		message: &ServiceRequest{Name: "ssh-userauth"},
		parse:   parsing(ParseServiceRequest),
		layout:  []any{Number(5), "ssh-userauth"},
		line:    `5 SSH_MSG_SERVICE_REQUEST name="ssh-userauth"`,
	},
	{
		message: &ServiceAccept{Name: "ssh-userauth"},
		parse:   parsing(ParseServiceAccept),
		layout:  []any{Number(6), "ssh-userauth"},
		line:    `6 SSH_MSG_SERVICE_ACCEPT name="ssh-userauth"`,
	},
	{
		message: &ExtInfo{Extensions: []Extension{
			{Name: "server-sig-algs", Value: []byte("ssh-ed25519,rsa-sha2-256")},
			{Name: "ping@openssh.com", Value: []byte("0")},
		}},
		parse:  parsing(ParseExtInfo),
		layout: []any{Number(7), uint32(2), "server-sig-algs", "ssh-ed25519,rsa-sha2-256", "ping@openssh.com", "0"},
		line: `7 SSH_MSG_EXT_INFO extensions=2 name="server-sig-algs" value="ssh-ed25519,rsa-sha2-256"` +
			` name="ping@openssh.com" value="0"`,
	},
	{
		message: &ExtInfo{},
		parse:   parsing(ParseExtInfo),
		layout:  []any{Number(7), uint32(0)},
		line:    `7 SSH_MSG_EXT_INFO extensions=0`,
	},
	{
		message: &NewKeys{},
		parse:   parsing(ParseNewKeys),
		layout:  []any{Number(21)},
		line:    `21 SSH_MSG_NEWKEYS`,
	},
}
