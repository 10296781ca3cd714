package wire

var sessionSamples = []sample{
	{
		message: &PtyRequest{Term: "xterm", Columns: 80, Rows: 24, Width: 640, Height: 480, Modes: []byte{0}},
		parse:   parsing(ParsePtyRequest),
		layout:  []any{"xterm", uint32(80), uint32(24), uint32(640), uint32(480), "\x00"},
	},
	{
		message: &EnvRequest{Name: "LANG", Value: "C"},
		parse:   parsing(ParseEnvRequest),
		layout:  []any{"LANG", "C"},
	},
	{
		message: &ExecRequest{Command: "uname -a"},
		parse:   parsing(ParseExecRequest),
		layout:  []any{"uname -a"},
	},
	{
		message: &SubsystemRequest{Name: "sftp"},
		parse:   parsing(ParseSubsystemRequest),
		layout:  []any{"sftp"},
	},
	{
		message: &WindowChange{Columns: 132, Rows: 43, Width: 1, Height: 2},
		parse:   parsing(ParseWindowChange),
		layout:  []any{uint32(132), uint32(43), uint32(1), uint32(2)},
	},
	{
		message: &SignalRequest{Name: "INT"},
		parse:   parsing(ParseSignalRequest),
		layout:  []any{"INT"},
	},
	{
		message: &ExitStatus{Status: 255},
		parse:   parsing(ParseExitStatus),
		layout:  []any{uint32(255)},
	},
	{
		message: &ExitSignal{Signal: "SEGV", Core: true, Message: "oops", Language: "en"},
		parse:   parsing(ParseExitSignal),
		layout:  []any{"SEGV", true, "oops", "en"},
	},
	{
		message: &XonXoff{Allowed: true},
		parse:   parsing(ParseXonXoff),
		layout:  []any{true},
	},
	{
		message: &Break{Milliseconds: 500},
		parse:   parsing(ParseBreak),
		layout:  []any{uint32(500)},
	},
	{
		message: &X11Request{Single: true, Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "c0ffee", Screen: 1},
		parse:   parsing(ParseX11Request),
		layout:  []any{true, "MIT-MAGIC-COOKIE-1", "c0ffee", uint32(1)},
	},
}
