package wire

var forwardSamples = []sample{
	{
		message: &TCPIPForward{Address: "127.0.0.1", Port: 8022},
		parse:   parsing(ParseTCPIPForward),
		layout:  []any{"127.0.0.1", uint32(8022)},
	},
	{
		message: &CancelTCPIPForward{Address: "127.0.0.1", Port: 8022},
		parse:   parsing(ParseCancelTCPIPForward),
		layout:  []any{"127.0.0.1", uint32(8022)},
	},
	{
		message: &TCPIPForwardReply{Port: 40000},
		parse:   parsing(ParseTCPIPForwardReply),
		layout:  []any{uint32(40000)},
	},
	{
		message: &DirectTCPIP{Host: "example.com", Port: 443, OriginHost: "192.0.2.1", OriginPort: 5},
		parse:   parsing(ParseDirectTCPIP),
		layout:  []any{"example.com", uint32(443), "192.0.2.1", uint32(5)},
	},
	{
		message: &ForwardedTCPIP{Address: "0.0.0.0", Port: 80, OriginHost: "192.0.2.1", OriginPort: 5},
		parse:   parsing(ParseForwardedTCPIP),
		layout:  []any{"0.0.0.0", uint32(80), "192.0.2.1", uint32(5)},
	},
	{
		message: &X11Open{OriginHost: "192.168.7.38", OriginPort: 6010},
		parse:   parsing(ParseX11Open),
		layout:  []any{"192.168.7.38", uint32(6010)},
	},
}
