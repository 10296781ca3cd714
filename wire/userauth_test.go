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

// kerberos is {iso(1) member-body(2) us(840) mit(113554) infosys(1) gssapi(2)
// krb5(2)}, in DER (RFC 4121, section 4.1).
const kerberos = "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

var gssapiSamples = []sample{
	{
		message: &UserauthGSSAPIResponse{Mechanism: []byte(kerberos)},
		parse:   parsing(ParseUserauthGSSAPIResponse),
		layout:  []any{Number(60), kerberos},
		line:    `60 SSH_MSG_USERAUTH_GSSAPI_RESPONSE mechanism=(11 bytes 06092a864886f712010202)`,
	},
	{
		message: &UserauthGSSAPIToken{Token: []byte("ticket")},
		parse:   parsing(ParseUserauthGSSAPIToken),
		layout:  []any{Number(61), "ticket"},
		line:    `61 SSH_MSG_USERAUTH_GSSAPI_TOKEN token=(6 bytes)`,
	},
	{
		message: &UserauthGSSAPIExchangeComplete{},
		parse:   parsing(ParseUserauthGSSAPIExchangeComplete),
		layout:  []any{Number(63)},
		line:    `63 SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE`,
	},
	{
		message: &UserauthGSSAPIError{Major: 0xd0000, Minor: 7, Message: "no\nticket", Language: "en"},
		parse:   parsing(ParseUserauthGSSAPIError),
		layout:  []any{Number(64), uint32(0xd0000), uint32(7), "no\nticket", "en"},
		line:    `64 SSH_MSG_USERAUTH_GSSAPI_ERROR major=851968 minor=7 message="no\nticket" language="en"`,
	},
	{
		message: &UserauthGSSAPIErrtok{Token: []byte("skew")},
		parse:   parsing(ParseUserauthGSSAPIErrtok),
		layout:  []any{Number(65), "skew"},
		line:    `65 SSH_MSG_USERAUTH_GSSAPI_ERRTOK token=(4 bytes)`,
	},
	{
		message: &UserauthGSSAPIMIC{MIC: []byte("checksum")},
		parse:   parsing(ParseUserauthGSSAPIMIC),
		layout:  []any{Number(66), "checksum"},
		line:    `66 SSH_MSG_USERAUTH_GSSAPI_MIC mic=(8 bytes)`,
	},
}
