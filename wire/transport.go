package wire

// A Disconnect is SSH_MSG_DISCONNECT (RFC 4253, section 11.1). Nothing may
// follow it.
//
//	byte      SSH_MSG_DISCONNECT
//	uint32    reason code
//	string    description in ISO-10646 UTF-8 encoding
//	string    language tag
type Disconnect struct {
	Reason   uint32
	Message  string // the peer's text: quote it before it is shown
	Language string
}

// Append appends the encoding of m to b.
func (m *Disconnect) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberDisconnect)), m.Reason)
	return AppendString(AppendString(b, m.Message), m.Language)
}

// ParseDisconnect decodes an SSH_MSG_DISCONNECT.
func ParseDisconnect(p []byte) (Disconnect, error) {
	r := NewReader(p)
	r.Number(NumberDisconnect)
	m := Disconnect{Reason: r.Uint32(), Message: r.Text(), Language: r.Text()}
	return m, r.End()
}

// An Ignore is SSH_MSG_IGNORE (RFC 4253, section 11.2).
//
//	byte      SSH_MSG_IGNORE
//	string    data
type Ignore struct {
	Data []byte
}

// Append appends the encoding of m to b.
func (m *Ignore) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberIgnore)), m.Data)
}

// ParseIgnore decodes an SSH_MSG_IGNORE. Data aliases p.
func ParseIgnore(p []byte) (Ignore, error) {
	r := NewReader(p)
	r.Number(NumberIgnore)
	m := Ignore{Data: r.Blob()}
	return m, r.End()
}

// An Unimplemented is SSH_MSG_UNIMPLEMENTED (RFC 4253, section 11.4).
//
//	byte      SSH_MSG_UNIMPLEMENTED
//	uint32    packet sequence number of rejected message
type Unimplemented struct {
	Sequence uint32
}

// Append appends the encoding of m to b.
func (m *Unimplemented) Append(b []byte) []byte {
	return AppendUint32(append(b, byte(NumberUnimplemented)), m.Sequence)
}

// ParseUnimplemented decodes an SSH_MSG_UNIMPLEMENTED.
func ParseUnimplemented(p []byte) (Unimplemented, error) {
	r := NewReader(p)
	r.Number(NumberUnimplemented)
	m := Unimplemented{Sequence: r.Uint32()}
	return m, r.End()
}

// A Debug is SSH_MSG_DEBUG (RFC 4253, section 11.3).
//
//	byte      SSH_MSG_DEBUG
//	boolean   always_display
//	string    message in ISO-10646 UTF-8 encoding
//	string    language tag
type Debug struct {
	Display  bool
	Message  string // the peer's text: quote it before it is shown
	Language string
}

// Append appends the encoding of m to b.
func (m *Debug) Append(b []byte) []byte {
	b = AppendBool(append(b, byte(NumberDebug)), m.Display)
	return AppendString(AppendString(b, m.Message), m.Language)
}

// ParseDebug decodes an SSH_MSG_DEBUG.
func ParseDebug(p []byte) (Debug, error) {
	r := NewReader(p)
	r.Number(NumberDebug)
	m := Debug{Display: r.Bool(), Message: r.Text(), Language: r.Text()}
	return m, r.End()
}

// A ServiceRequest is SSH_MSG_SERVICE_REQUEST (RFC 4253, section 10).
//
//	byte      SSH_MSG_SERVICE_REQUEST
//	string    service name
type ServiceRequest struct {
	Name string
}

// Append appends the encoding of m to b.
func (m *ServiceRequest) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberServiceRequest)), m.Name)
}

// ParseServiceRequest decodes an SSH_MSG_SERVICE_REQUEST.
func ParseServiceRequest(p []byte) (ServiceRequest, error) {
	r := NewReader(p)
	r.Number(NumberServiceRequest)
	m := ServiceRequest{Name: r.Text()}
	return m, r.End()
}

// A ServiceAccept is SSH_MSG_SERVICE_ACCEPT (RFC 4253, section 10).
//
//	byte      SSH_MSG_SERVICE_ACCEPT
//	string    service name
type ServiceAccept struct {
	Name string
}

// Append appends the encoding of m to b.
func (m *ServiceAccept) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberServiceAccept)), m.Name)
}

// ParseServiceAccept decodes an SSH_MSG_SERVICE_ACCEPT.
func ParseServiceAccept(p []byte) (ServiceAccept, error) {
	r := NewReader(p)
	r.Number(NumberServiceAccept)
	m := ServiceAccept{Name: r.Text()}
	return m, r.End()
}

// A NewKeys is SSH_MSG_NEWKEYS (RFC 4253, section 7.3): what follows it is
// protected by the keys just agreed.
//
//	byte      SSH_MSG_NEWKEYS
type NewKeys struct{}

// Append appends the encoding of m to b.
func (m *NewKeys) Append(b []byte) []byte { return append(b, byte(NumberNewKeys)) }

// ParseNewKeys decodes an SSH_MSG_NEWKEYS.
func ParseNewKeys(p []byte) (NewKeys, error) {
	r := NewReader(p)
	r.Number(NumberNewKeys)
	return NewKeys{}, r.End()
}
