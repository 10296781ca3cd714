package wire

// A GlobalRequest is SSH_MSG_GLOBAL_REQUEST (RFC 4254, section 4). What Data
// holds depends on the type.
//
//	byte      SSH_MSG_GLOBAL_REQUEST
//	string    request name in US-ASCII only
//	boolean   want reply
//	....      request-specific data follows
type GlobalRequest struct {
	Type      string
	WantReply bool
	Data      []byte
}

// Append appends the encoding of m to b.
func (m *GlobalRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberGlobalRequest)), m.Type)
	return append(AppendBool(b, m.WantReply), m.Data...)
}

// ParseGlobalRequest decodes an SSH_MSG_GLOBAL_REQUEST. Data aliases p.
func ParseGlobalRequest(p []byte) (GlobalRequest, error) {
	r := NewReader(p)
	r.Number(NumberGlobalRequest)
	m := GlobalRequest{Type: r.Text(), WantReply: r.Bool(), Data: r.Rest()}
	return m, r.End()
}

// A RequestSuccess is SSH_MSG_REQUEST_SUCCESS (RFC 4254, section 4). It does
// not say which request it answers: the order of the requests does.
//
//	byte      SSH_MSG_REQUEST_SUCCESS
//	....      response specific data
type RequestSuccess struct {
	Data []byte
}

// Append appends the encoding of m to b.
func (m *RequestSuccess) Append(b []byte) []byte {
	return append(append(b, byte(NumberRequestSuccess)), m.Data...)
}

// ParseRequestSuccess decodes an SSH_MSG_REQUEST_SUCCESS. Data aliases p.
func ParseRequestSuccess(p []byte) (RequestSuccess, error) {
	r := NewReader(p)
	r.Number(NumberRequestSuccess)
	m := RequestSuccess{Data: r.Rest()}
	return m, r.End()
}

// A RequestFailure is SSH_MSG_REQUEST_FAILURE (RFC 4254, section 4).
//
//	byte      SSH_MSG_REQUEST_FAILURE
type RequestFailure struct{}

// Append appends the encoding of m to b.
func (m *RequestFailure) Append(b []byte) []byte { return append(b, byte(NumberRequestFailure)) }

// ParseRequestFailure decodes an SSH_MSG_REQUEST_FAILURE.
func ParseRequestFailure(p []byte) (RequestFailure, error) {
	r := NewReader(p)
	r.Number(NumberRequestFailure)
	return RequestFailure{}, r.End()
}

// A ChannelOpen is SSH_MSG_CHANNEL_OPEN (RFC 4254, section 5.1). What Extra
// holds depends on the type: [DirectTCPIP], [ForwardedTCPIP], [X11Open], or
// nothing for "session".
//
//	byte      SSH_MSG_CHANNEL_OPEN
//	string    channel type in US-ASCII only
//	uint32    sender channel
//	uint32    initial window size
//	uint32    maximum packet size
//	....      channel type specific data follows
type ChannelOpen struct {
	Type      string
	Sender    uint32
	Window    uint32 // bytes
	MaxPacket uint32 // bytes
	Extra     []byte
}

// Append appends the encoding of m to b.
func (m *ChannelOpen) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberChannelOpen)), m.Type)
	b = AppendUint32(AppendUint32(b, m.Sender), m.Window)
	return append(AppendUint32(b, m.MaxPacket), m.Extra...)
}

// ParseChannelOpen decodes an SSH_MSG_CHANNEL_OPEN. Extra aliases p.
func ParseChannelOpen(p []byte) (ChannelOpen, error) {
	r := NewReader(p)
	r.Number(NumberChannelOpen)
	m := ChannelOpen{Type: r.Text(), Sender: r.Uint32(), Window: r.Uint32(), MaxPacket: r.Uint32(), Extra: r.Rest()}
	return m, r.End()
}

// A ChannelOpenConfirmation is SSH_MSG_CHANNEL_OPEN_CONFIRMATION (RFC 4254,
// section 5.1).
//
//	byte      SSH_MSG_CHANNEL_OPEN_CONFIRMATION
//	uint32    recipient channel
//	uint32    sender channel
//	uint32    initial window size
//	uint32    maximum packet size
//	....      channel type specific data follows
type ChannelOpenConfirmation struct {
	Recipient uint32
	Sender    uint32
	Window    uint32 // bytes
	MaxPacket uint32 // bytes
	Extra     []byte
}

// Append appends the encoding of m to b.
func (m *ChannelOpenConfirmation) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelOpenConfirmation)), m.Recipient)
	b = AppendUint32(AppendUint32(b, m.Sender), m.Window)
	return append(AppendUint32(b, m.MaxPacket), m.Extra...)
}

// ParseChannelOpenConfirmation decodes an SSH_MSG_CHANNEL_OPEN_CONFIRMATION.
// Extra aliases p.
func ParseChannelOpenConfirmation(p []byte) (ChannelOpenConfirmation, error) {
	r := NewReader(p)
	r.Number(NumberChannelOpenConfirmation)
	m := ChannelOpenConfirmation{
		Recipient: r.Uint32(),
		Sender:    r.Uint32(),
		Window:    r.Uint32(),
		MaxPacket: r.Uint32(),
		Extra:     r.Rest(),
	}
	return m, r.End()
}

// A ChannelOpenFailure is SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254,
// section 5.1).
//
//	byte      SSH_MSG_CHANNEL_OPEN_FAILURE
//	uint32    recipient channel
//	uint32    reason code
//	string    description in ISO-10646 UTF-8 encoding
//	string    language tag
type ChannelOpenFailure struct {
	Recipient uint32
	Reason    uint32
	Message   string // the peer's text: quote it before it is shown
	Language  string
}

// Append appends the encoding of m to b.
func (m *ChannelOpenFailure) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelOpenFailure)), m.Recipient)
	b = AppendString(AppendUint32(b, m.Reason), m.Message)
	return AppendString(b, m.Language)
}

// ParseChannelOpenFailure decodes an SSH_MSG_CHANNEL_OPEN_FAILURE.
func ParseChannelOpenFailure(p []byte) (ChannelOpenFailure, error) {
	r := NewReader(p)
	r.Number(NumberChannelOpenFailure)
	m := ChannelOpenFailure{Recipient: r.Uint32(), Reason: r.Uint32(), Message: r.Text(), Language: r.Text()}
	return m, r.End()
}
