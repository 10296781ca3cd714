package wire

var userauthSamples = []sample{
	{
		message: &UserauthRequest{User: "j\u00f8rn", Service: "ssh-connection", Method: "secret@example.com", Fields: []byte("hush")},
		parse:   parsing(ParseUserauthRequest),
		layout:  []any{Number(50), "j\u00f8rn", "ssh-connection", "secret@example.com", raw("hush")},
		rest:    4,
		line:    `50 SSH_MSG_USERAUTH_REQUEST user="jørn" service="ssh-connection" method="secret@example.com" data=(4 bytes)`,
	},
	{
		message: &UserauthFailure{Continue: []string{"publickey", "password"}, Partial: true},
		parse:   parsing(ParseUserauthFailure),
		layout:  []any{Number(51), "publickey,password", true},
		line:    `51 SSH_MSG_USERAUTH_FAILURE continue=[publickey,password] partial=true`,
	},
	{
		message: &UserauthFailure{},
		parse:   parsing(ParseUserauthFailure),
		layout:  []any{Number(51), "", false},
		line:    `51 SSH_MSG_USERAUTH_FAILURE continue=[] partial=false`,
	},
	{
		message: &UserauthSuccess{},
		parse:   parsing(ParseUserauthSuccess),
		layout:  []any{Number(52)},
		line:    `52 SSH_MSG_USERAUTH_SUCCESS`,
	},
	{
		message: &UserauthBanner{Message: "no\r\ntrespassing", Language: "en"},
		parse:   parsing(ParseUserauthBanner),
		layout:  []any{Number(53), "no\r\ntrespassing", "en"},
		line:    `53 SSH_MSG_USERAUTH_BANNER message="no\r\ntrespassing" language="en"`,
	},
	{
		message: &UserauthPKOK{Algorithm: "rsa-sha2-256", Key: encode([]any{"ssh-rsa", "e", "n"})},
		parse:   parsing(ParseUserauthPKOK),
		layout:  []any{Number(60), "rsa-sha2-256", string(encode([]any{"ssh-rsa", "e", "n"}))},
		line:    `60 SSH_MSG_USERAUTH_PK_OK algorithm="rsa-sha2-256" key="ssh-rsa"(21 bytes)`,
	},
	{
		message: &UserauthPasswdChangeReq{Prompt: "it expired", Language: "en"},
		parse:   parsing(ParseUserauthPasswdChangeReq),
		layout:  []any{Number(60), "it expired", "en"},
		line:    `60 SSH_MSG_USERAUTH_PASSWD_CHANGEREQ prompt="it expired" language="en"`,
	},
	{
		message: &UserauthInfoRequest{
			Name: "login", Instruction: "twice", Language: "en",
			Prompts: []Prompt{{Text: "Password: "}, {Text: "Token: ", Echo: true}},
		},
		parse:  parsing(ParseUserauthInfoRequest),
		layout: []any{Number(60), "login", "twice", "en", uint32(2), "Password: ", false, "Token: ", true},
		line: `60 SSH_MSG_USERAUTH_INFO_REQUEST name="login" instruction="twice" language="en"` +
			` prompts=2 prompt="Password: " echo=false prompt="Token: " echo=true`,
	},
	{
		message: &UserauthInfoRequest{Name: "nothing to ask"},
		parse:   parsing(ParseUserauthInfoRequest),
		layout:  []any{Number(60), "nothing to ask", "", "", uint32(0)},
		line:    `60 SSH_MSG_USERAUTH_INFO_REQUEST name="nothing to ask" instruction="" language="" prompts=0`,
	},
	{
		message: &UserauthInfoResponse{Responses: []string{"hunter2", "1"}},
		parse:   parsing(ParseUserauthInfoResponse),
		layout:  []any{Number(61), uint32(2), "hunter2", "1"},
		line:    `61 SSH_MSG_USERAUTH_INFO_RESPONSE responses=2 response=(7 bytes) response=(1 byte)`,
	},
}
