package wire

// A UserauthRequest is SSH_MSG_USERAUTH_REQUEST (RFC 4252, section 5). What
// Fields holds depends on the method: [PublicKeyFields],
// [HostBoundFields], [PasswordFields], [HostbasedFields], [InteractiveFields],
// [GSSAPIFields], or nothing for "none".
//
//	byte      SSH_MSG_USERAUTH_REQUEST
//	string    user name in ISO-10646 UTF-8 encoding
//	string    service name in US-ASCII
//	string    method name in US-ASCII
//	....      method specific fields
type UserauthRequest struct {
	User    string
	Service string
	Method  string
	Fields  []byte
}

// Append appends the encoding of m to b.
func (m *UserauthRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberUserauthRequest)), m.User)
	b = AppendString(AppendString(b, m.Service), m.Method)
	return append(b, m.Fields...)
}

// ParseUserauthRequest decodes an SSH_MSG_USERAUTH_REQUEST. Fields aliases p.
func ParseUserauthRequest(p []byte) (UserauthRequest, error) {
	r := NewReader(p)
	r.Number(NumberUserauthRequest)
	m := UserauthRequest{User: r.Text(), Service: r.Text(), Method: r.Text(), Fields: r.Rest()}
	return m, r.End()
}

// A UserauthFailure is SSH_MSG_USERAUTH_FAILURE (RFC 4252, section 5.1).
// Partial says that the request succeeded and more is needed.
//
//	byte         SSH_MSG_USERAUTH_FAILURE
//	name-list    authentications that can continue
//	boolean      partial success
type UserauthFailure struct {
	Continue []string
	Partial  bool
}

// Append appends the encoding of m to b. It panics where [AppendNameList]
// would.
func (m *UserauthFailure) Append(b []byte) []byte {
	b = AppendNameList(append(b, byte(NumberUserauthFailure)), m.Continue)
	return AppendBool(b, m.Partial)
}

// ParseUserauthFailure decodes an SSH_MSG_USERAUTH_FAILURE.
func ParseUserauthFailure(p []byte) (UserauthFailure, error) {
	r := NewReader(p)
	r.Number(NumberUserauthFailure)
	m := UserauthFailure{Continue: r.NameList(), Partial: r.Bool()}
	return m, r.End()
}

// A UserauthSuccess is SSH_MSG_USERAUTH_SUCCESS (RFC 4252, section 5.1).
//
//	byte      SSH_MSG_USERAUTH_SUCCESS
type UserauthSuccess struct{}

// Append appends the encoding of m to b.
func (m *UserauthSuccess) Append(b []byte) []byte { return append(b, byte(NumberUserauthSuccess)) }

// ParseUserauthSuccess decodes an SSH_MSG_USERAUTH_SUCCESS.
func ParseUserauthSuccess(p []byte) (UserauthSuccess, error) {
	r := NewReader(p)
	r.Number(NumberUserauthSuccess)
	return UserauthSuccess{}, r.End()
}

// A UserauthBanner is SSH_MSG_USERAUTH_BANNER (RFC 4252, section 5.4).
//
//	byte      SSH_MSG_USERAUTH_BANNER
//	string    message in ISO-10646 UTF-8 encoding
//	string    language tag
type UserauthBanner struct {
	Message  string // the peer's text: "control characters [...] SHOULD be filtered" before it is shown
	Language string
}

// Append appends the encoding of m to b.
func (m *UserauthBanner) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberUserauthBanner)), m.Message)
	return AppendString(b, m.Language)
}

// ParseUserauthBanner decodes an SSH_MSG_USERAUTH_BANNER.
func ParseUserauthBanner(p []byte) (UserauthBanner, error) {
	r := NewReader(p)
	r.Number(NumberUserauthBanner)
	m := UserauthBanner{Message: r.Text(), Language: r.Text()}
	return m, r.End()
}
