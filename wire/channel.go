package wire

// A ChannelWindowAdjust is SSH_MSG_CHANNEL_WINDOW_ADJUST (RFC 4254,
// section 5.2).
//
//	byte      SSH_MSG_CHANNEL_WINDOW_ADJUST
//	uint32    recipient channel
//	uint32    bytes to add
type ChannelWindowAdjust struct {
	Recipient uint32
	Bytes     uint32
}

// Append appends the encoding of m to b.
func (m *ChannelWindowAdjust) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelWindowAdjust)), m.Recipient)
	return AppendUint32(b, m.Bytes)
}

// ParseChannelWindowAdjust decodes an SSH_MSG_CHANNEL_WINDOW_ADJUST.
func ParseChannelWindowAdjust(p []byte) (ChannelWindowAdjust, error) {
	r := NewReader(p)
	r.Number(NumberChannelWindowAdjust)
	m := ChannelWindowAdjust{Recipient: r.Uint32(), Bytes: r.Uint32()}
	return m, r.End()
}

// A ChannelData is SSH_MSG_CHANNEL_DATA (RFC 4254, section 5.2).
//
//	byte      SSH_MSG_CHANNEL_DATA
//	uint32    recipient channel
//	string    data
type ChannelData struct {
	Recipient uint32
	Data      []byte
}

// Append appends the encoding of m to b.
func (m *ChannelData) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelData)), m.Recipient)
	return AppendString(b, m.Data)
}

// ParseChannelData decodes an SSH_MSG_CHANNEL_DATA. Data aliases p.
func ParseChannelData(p []byte) (ChannelData, error) {
	r := NewReader(p)
	r.Number(NumberChannelData)
	m := ChannelData{Recipient: r.Uint32(), Data: r.Blob()}
	return m, r.End()
}

// ExtendedDataStderr is SSH_EXTENDED_DATA_STDERR, the only type of extended
// data there is (RFC 4254, section 5.2).
const ExtendedDataStderr = 1

// A ChannelExtendedData is SSH_MSG_CHANNEL_EXTENDED_DATA (RFC 4254,
// section 5.2).
//
//	byte      SSH_MSG_CHANNEL_EXTENDED_DATA
//	uint32    recipient channel
//	uint32    data_type_code
//	string    data
type ChannelExtendedData struct {
	Recipient uint32
	Type      uint32
	Data      []byte
}

// Append appends the encoding of m to b.
func (m *ChannelExtendedData) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelExtendedData)), m.Recipient)
	return AppendString(AppendUint32(b, m.Type), m.Data)
}

// ParseChannelExtendedData decodes an SSH_MSG_CHANNEL_EXTENDED_DATA. Data
// aliases p.
func ParseChannelExtendedData(p []byte) (ChannelExtendedData, error) {
	r := NewReader(p)
	r.Number(NumberChannelExtendedData)
	m := ChannelExtendedData{Recipient: r.Uint32(), Type: r.Uint32(), Data: r.Blob()}
	return m, r.End()
}

// A ChannelEOF is SSH_MSG_CHANNEL_EOF (RFC 4254, section 5.3): its sender will
// send no more data, and may still receive.
//
//	byte      SSH_MSG_CHANNEL_EOF
//	uint32    recipient channel
type ChannelEOF struct {
	Recipient uint32
}

// Append appends the encoding of m to b.
func (m *ChannelEOF) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberChannelEOF)), m.Recipient)
}

// ParseChannelEOF decodes an SSH_MSG_CHANNEL_EOF.
func ParseChannelEOF(p []byte) (ChannelEOF, error) {
	r := NewReader(p)
	r.Number(NumberChannelEOF)
	m := ChannelEOF{Recipient: r.Uint32()}
	return m, r.End()
}

// A ChannelClose is SSH_MSG_CHANNEL_CLOSE (RFC 4254, section 5.3). The channel
// number is free for reuse once a side has both sent and received it.
//
//	byte      SSH_MSG_CHANNEL_CLOSE
//	uint32    recipient channel
type ChannelClose struct {
	Recipient uint32
}

// Append appends the encoding of m to b.
func (m *ChannelClose) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberChannelClose)), m.Recipient)
}

// ParseChannelClose decodes an SSH_MSG_CHANNEL_CLOSE.
func ParseChannelClose(p []byte) (ChannelClose, error) {
	r := NewReader(p)
	r.Number(NumberChannelClose)
	m := ChannelClose{Recipient: r.Uint32()}
	return m, r.End()
}

// A ChannelRequest is SSH_MSG_CHANNEL_REQUEST (RFC 4254, section 5.4). What
// Data holds depends on the type: see [PtyRequest] and those after it.
//
//	byte      SSH_MSG_CHANNEL_REQUEST
//	uint32    recipient channel
//	string    request type in US-ASCII characters only
//	boolean   want reply
//	....      type-specific data follows
type ChannelRequest struct {
	Recipient uint32
	Type      string
	WantReply bool
	Data      []byte
}

// Append appends the encoding of m to b.
func (m *ChannelRequest) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberChannelRequest)), m.Recipient)
	return append(AppendBool(AppendString(b, m.Type), m.WantReply), m.Data...)
}

// ParseChannelRequest decodes an SSH_MSG_CHANNEL_REQUEST. Data aliases p.
func ParseChannelRequest(p []byte) (ChannelRequest, error) {
	r := NewReader(p)
	r.Number(NumberChannelRequest)
	m := ChannelRequest{Recipient: r.Uint32(), Type: r.Text(), WantReply: r.Bool(), Data: r.Rest()}
	return m, r.End()
}

// A ChannelSuccess is SSH_MSG_CHANNEL_SUCCESS (RFC 4254, section 5.4). It does
// not say which request it answers: the order of the requests does.
//
//	byte      SSH_MSG_CHANNEL_SUCCESS
//	uint32    recipient channel
type ChannelSuccess struct {
	Recipient uint32
}

// Append appends the encoding of m to b.
func (m *ChannelSuccess) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberChannelSuccess)), m.Recipient)
}

// ParseChannelSuccess decodes an SSH_MSG_CHANNEL_SUCCESS.
func ParseChannelSuccess(p []byte) (ChannelSuccess, error) {
	r := NewReader(p)
	r.Number(NumberChannelSuccess)
	m := ChannelSuccess{Recipient: r.Uint32()}
	return m, r.End()
}

// A ChannelFailure is SSH_MSG_CHANNEL_FAILURE (RFC 4254, section 5.4).
//
//	byte      SSH_MSG_CHANNEL_FAILURE
//	uint32    recipient channel
type ChannelFailure struct {
	Recipient uint32
}

// Append appends the encoding of m to b.
func (m *ChannelFailure) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberChannelFailure)), m.Recipient)
}

// ParseChannelFailure decodes an SSH_MSG_CHANNEL_FAILURE.
func ParseChannelFailure(p []byte) (ChannelFailure, error) {
	r := NewReader(p)
	r.Number(NumberChannelFailure)
	m := ChannelFailure{Recipient: r.Uint32()}
	return m, r.End()
}
