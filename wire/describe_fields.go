package wire

func (m *Disconnect) describe(l *line) {
	l.uint32("reason", m.Reason).text("message", m.Message).text("language", m.Language)
}

func (m *Ignore) describe(l *line) { l.bytes("data", m.Data) }

func (m *Unimplemented) describe(l *line) { l.uint32("sequence", m.Sequence) }

func (m *Debug) describe(l *line) {
	l.bool("display", m.Display).text("message", m.Message).text("language", m.Language)
}

func (m *ServiceRequest) describe(l *line) { l.text("name", m.Name) }

func (m *ServiceAccept) describe(l *line) { l.text("name", m.Name) }

func (m *NewKeys) describe(*line) {}

func (m *ExtInfo) describe(l *line) {
	l.repeated("extensions", len(m.Extensions), func(i int) {
		l.text("name", m.Extensions[i].Name).text("value", string(m.Extensions[i].Value))
	})
}

func (m *KexInit) describe(l *line) {
	l.bytes("cookie", m.Cookie[:])
	l.names("kex", m.KeyExchanges)
	l.names("host-key", m.HostKeys)
	l.names("cipher-client-to-server", m.CiphersClientServer)
	l.names("cipher-server-to-client", m.CiphersServerClient)
	l.names("mac-client-to-server", m.MACsClientServer)
	l.names("mac-server-to-client", m.MACsServerClient)
	l.names("compression-client-to-server", m.CompressionClientServer)
	l.names("compression-server-to-client", m.CompressionServerClient)
	l.names("language-client-to-server", m.LanguagesClientServer)
	l.names("language-server-to-client", m.LanguagesServerClient)
	l.bool("first-kex-packet-follows", m.FirstFollows)
	l.uint32("reserved", m.Reserved)
}

func (m *KexECDHInit) describe(l *line) { l.bytes("public", m.Public) }

func (m *KexECDHReply) describe(l *line) {
	l.tagged("host-key", m.HostKey).bytes("public", m.Public).tagged("signature", m.Signature)
}

func (m *KexDHGexRequestOld) describe(l *line) { l.uint32("preferred", m.Preferred) }

func (m *KexDHGexRequest) describe(l *line) {
	l.uint32("min", m.Min).uint32("preferred", m.Preferred).uint32("max", m.Max)
}

func (m *KexDHGexGroup) describe(l *line) { l.mpint("p", m.P).mpint("g", m.G) }

func (m *KexDHGexInit) describe(l *line) { l.mpint("e", m.E) }

func (m *KexDHGexReply) describe(l *line) {
	l.tagged("host-key", m.HostKey).mpint("f", m.F).tagged("signature", m.Signature)
}

func (m *UserauthRequest) describe(l *line) {
	l.text("user", m.User).text("service", m.Service).text("method", m.Method)
	l.specific(userauthMethods, m.Method, m.Fields)
}

func (m *PublicKeyFields) describe(l *line) {
	l.text("algorithm", m.Algorithm).tagged("key", m.Key)
	if m.Signed {
		l.tagged("signature", m.Signature)
	}
}

func (m *HostBoundFields) describe(l *line) {
	m.PublicKeyFields.describe(l)
	l.tagged("host-key", m.HostKey)
}

func (m *PasswordFields) describe(l *line) {
	l.hidden("password", len(m.Password))
	if m.Change {
		l.hidden("new-password", len(m.NewPassword))
	}
}

func (m *HostbasedFields) describe(l *line) {
	l.text("algorithm", m.Algorithm).tagged("key", m.Key).text("host", m.Host).text("user", m.User)
	l.tagged("signature", m.Signature)
}

func (m *InteractiveFields) describe(l *line) {
	l.text("language", m.Language).text("submethods", m.Submethods)
}

func (m *GSSAPIFields) describe(l *line) {
	l.repeated("mechanisms", len(m.Mechanisms), func(i int) { l.bytes("oid", m.Mechanisms[i]) })
}

func (m *UserauthFailure) describe(l *line) {
	l.names("continue", m.Continue).bool("partial", m.Partial)
}

func (m *UserauthSuccess) describe(*line) {}

func (m *UserauthBanner) describe(l *line) {
	l.text("message", m.Message).text("language", m.Language)
}

func (m *UserauthPKOK) describe(l *line) { l.text("algorithm", m.Algorithm).tagged("key", m.Key) }

func (m *UserauthPasswdChangeReq) describe(l *line) {
	l.text("prompt", m.Prompt).text("language", m.Language)
}

func (m *UserauthInfoRequest) describe(l *line) {
	l.text("name", m.Name).text("instruction", m.Instruction).text("language", m.Language)
	l.repeated("prompts", len(m.Prompts), func(i int) {
		l.text("prompt", m.Prompts[i].Text).bool("echo", m.Prompts[i].Echo)
	})
}

func (m *UserauthInfoResponse) describe(l *line) {
	l.repeated("responses", len(m.Responses), func(i int) { l.hidden("response", len(m.Responses[i])) })
}

func (m *UserauthGSSAPIResponse) describe(l *line) { l.bytes("mechanism", m.Mechanism) }

func (m *UserauthGSSAPIToken) describe(l *line) { l.hidden("token", len(m.Token)) }

func (m *UserauthGSSAPIExchangeComplete) describe(*line) {}

func (m *UserauthGSSAPIError) describe(l *line) {
	l.uint32("major", m.Major).uint32("minor", m.Minor).text("message", m.Message).text("language", m.Language)
}

func (m *UserauthGSSAPIErrtok) describe(l *line) { l.hidden("token", len(m.Token)) }

func (m *UserauthGSSAPIMIC) describe(l *line) { l.hidden("mic", len(m.MIC)) }

func (m *GlobalRequest) describe(l *line) {
	l.text("type", m.Type).bool("want-reply", m.WantReply)
	l.specific(globalRequests, m.Type, m.Data)
}

func (m *RequestSuccess) describe(l *line) {
	if len(m.Data) > 0 {
		l.bytes("data", m.Data)
	}
}

func (m *RequestFailure) describe(*line) {}

func (m *ChannelOpen) describe(l *line) {
	l.text("type", m.Type).uint32("sender", m.Sender)
	l.uint32("window", m.Window).uint32("max-packet", m.MaxPacket)
	l.specific(channelTypes, m.Type, m.Extra)
}

func (m *ChannelOpenConfirmation) describe(l *line) {
	l.uint32("recipient", m.Recipient).uint32("sender", m.Sender)
	l.uint32("window", m.Window).uint32("max-packet", m.MaxPacket)
	if len(m.Extra) > 0 {
		l.bytes("extra", m.Extra)
	}
}

func (m *ChannelOpenFailure) describe(l *line) {
	l.uint32("recipient", m.Recipient).uint32("reason", m.Reason)
	l.text("message", m.Message).text("language", m.Language)
}

func (m *ChannelWindowAdjust) describe(l *line) {
	l.uint32("recipient", m.Recipient).uint32("bytes", m.Bytes)
}

func (m *ChannelData) describe(l *line) {
	l.uint32("recipient", m.Recipient).hidden("data", len(m.Data))
}

func (m *ChannelExtendedData) describe(l *line) {
	l.uint32("recipient", m.Recipient).uint32("type", m.Type).hidden("data", len(m.Data))
}

func (m *ChannelEOF) describe(l *line) { l.uint32("recipient", m.Recipient) }

func (m *ChannelClose) describe(l *line) { l.uint32("recipient", m.Recipient) }

func (m *ChannelRequest) describe(l *line) {
	l.uint32("recipient", m.Recipient).text("type", m.Type).bool("want-reply", m.WantReply)
	l.specific(channelRequests, m.Type, m.Data)
}

func (m *ChannelSuccess) describe(l *line) { l.uint32("recipient", m.Recipient) }

func (m *ChannelFailure) describe(l *line) { l.uint32("recipient", m.Recipient) }

func (m *PtyRequest) describe(l *line) {
	l.text("term", m.Term).uint32("columns", m.Columns).uint32("rows", m.Rows)
	l.uint32("width", m.Width).uint32("height", m.Height).bytes("modes", m.Modes)
}

func (m *X11Request) describe(l *line) {
	l.bool("single", m.Single).text("protocol", m.Protocol)
	l.hidden("cookie", len(m.Cookie)).uint32("screen", m.Screen)
}

func (m *EnvRequest) describe(l *line) { l.text("name", m.Name).text("value", m.Value) }

func (m *ExecRequest) describe(l *line) { l.text("command", m.Command) }

func (m *SubsystemRequest) describe(l *line) { l.text("name", m.Name) }

func (m *WindowChange) describe(l *line) {
	l.uint32("columns", m.Columns).uint32("rows", m.Rows)
	l.uint32("width", m.Width).uint32("height", m.Height)
}

func (m *XonXoff) describe(l *line) { l.bool("allowed", m.Allowed) }

func (m *SignalRequest) describe(l *line) { l.text("name", m.Name) }

func (m *ExitStatus) describe(l *line) { l.uint32("status", m.Status) }

func (m *ExitSignal) describe(l *line) {
	l.text("signal", m.Signal).bool("core", m.Core)
	l.text("message", m.Message).text("language", m.Language)
}

func (m *Break) describe(l *line) { l.uint32("milliseconds", m.Milliseconds) }

func (m *TCPIPForward) describe(l *line) { l.text("address", m.Address).uint32("port", m.Port) }

func (m *CancelTCPIPForward) describe(l *line) { l.text("address", m.Address).uint32("port", m.Port) }

func (m *DirectTCPIP) describe(l *line) {
	l.text("host", m.Host).uint32("port", m.Port)
	l.text("origin-host", m.OriginHost).uint32("origin-port", m.OriginPort)
}

func (m *ForwardedTCPIP) describe(l *line) {
	l.text("address", m.Address).uint32("port", m.Port)
	l.text("origin-host", m.OriginHost).uint32("origin-port", m.OriginPort)
}

func (m *X11Open) describe(l *line) {
	l.text("origin-host", m.OriginHost).uint32("origin-port", m.OriginPort)
}

func (m *Ping) describe(l *line) { l.bytes("data", m.Data) }

func (m *Pong) describe(l *line) { l.bytes("data", m.Data) }
