package wire

// GSSAPIFields are the fields of a "gssapi-with-mic" request (RFC 4462,
// section 3.2). Each mechanism is the DER encoding of an object identifier, tag
// and length included; the client prefers those before.
//
//	uint32    n, the number of mechanism OIDs client supports
//	string[n] mechanism OIDs
type GSSAPIFields struct {
	Mechanisms [][]byte
}

// mechanismSize is the least number of bytes a mechanism takes.
const mechanismSize = 4

// Append appends the encoding of m to b.
func (m *GSSAPIFields) Append(b []byte) []byte {
	b = AppendUint32(b, uint32(len(m.Mechanisms)))
	for _, oid := range m.Mechanisms {
		b = AppendString(b, oid)
	}
	return b
}

// ParseGSSAPIFields decodes the fields of a "gssapi-with-mic" request.
// Mechanisms alias p.
func ParseGSSAPIFields(p []byte) (GSSAPIFields, error) {
	r := NewReader(p)
	var m GSSAPIFields
	for range r.count(mechanismSize) {
		m.Mechanisms = append(m.Mechanisms, r.Blob())
		if r.err != nil {
			return GSSAPIFields{}, r.err
		}
	}
	return m, r.End()
}

// A UserauthGSSAPIResponse is SSH_MSG_USERAUTH_GSSAPI_RESPONSE (RFC 4462,
// section 3.3): the server's choice. Like [UserauthPKOK] it has number 60.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_RESPONSE
//	string    selected mechanism OID
type UserauthGSSAPIResponse struct {
	Mechanism []byte
}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIResponse) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberUserauthGSSAPIResponse)), m.Mechanism)
}

// ParseUserauthGSSAPIResponse decodes an SSH_MSG_USERAUTH_GSSAPI_RESPONSE.
// Mechanism aliases p.
func ParseUserauthGSSAPIResponse(p []byte) (UserauthGSSAPIResponse, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIResponse)
	m := UserauthGSSAPIResponse{Mechanism: r.Blob()}
	return m, r.End()
}

// A UserauthGSSAPIToken is SSH_MSG_USERAUTH_GSSAPI_TOKEN (RFC 4462,
// section 3.4), from either side. Like [UserauthInfoResponse] it has number 61.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_TOKEN
//	string    data returned from GSS_Init_sec_context() or GSS_Accept_sec_context()
type UserauthGSSAPIToken struct {
	Token []byte
}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIToken) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberUserauthGSSAPIToken)), m.Token)
}

// ParseUserauthGSSAPIToken decodes an SSH_MSG_USERAUTH_GSSAPI_TOKEN. Token
// aliases p.
func ParseUserauthGSSAPIToken(p []byte) (UserauthGSSAPIToken, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIToken)
	m := UserauthGSSAPIToken{Token: r.Blob()}
	return m, r.End()
}

// A UserauthGSSAPIExchangeComplete is SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE
// (RFC 4462, section 3.5): the client's context is complete, and its mechanism
// has no per-message integrity to prove that with.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE
type UserauthGSSAPIExchangeComplete struct{}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIExchangeComplete) Append(b []byte) []byte {
	return append(b, byte(NumberUserauthGSSAPIExchangeComplete))
}

// ParseUserauthGSSAPIExchangeComplete decodes an
// SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE.
func ParseUserauthGSSAPIExchangeComplete(p []byte) (UserauthGSSAPIExchangeComplete, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIExchangeComplete)
	return UserauthGSSAPIExchangeComplete{}, r.End()
}

// A UserauthGSSAPIError is SSH_MSG_USERAUTH_GSSAPI_ERROR (RFC 4462,
// section 3.8): a server's reason, ahead of its SSH_MSG_USERAUTH_FAILURE.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_ERROR
//	uint32    major_status
//	uint32    minor_status
//	string    message
//	string    language tag
type UserauthGSSAPIError struct {
	Major, Minor uint32
	Message      string // the peer's text: quote or filter it before it is shown
	Language     string
}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIError) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberUserauthGSSAPIError)), m.Major)
	b = AppendString(AppendUint32(b, m.Minor), m.Message)
	return AppendString(b, m.Language)
}

// ParseUserauthGSSAPIError decodes an SSH_MSG_USERAUTH_GSSAPI_ERROR.
func ParseUserauthGSSAPIError(p []byte) (UserauthGSSAPIError, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIError)
	m := UserauthGSSAPIError{Major: r.Uint32(), Minor: r.Uint32(), Message: r.Text(), Language: r.Text()}
	return m, r.End()
}

// A UserauthGSSAPIErrtok is SSH_MSG_USERAUTH_GSSAPI_ERRTOK (RFC 4462,
// section 3.9), from either side: the token that came with an error.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_ERRTOK
//	string    error token
type UserauthGSSAPIErrtok struct {
	Token []byte
}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIErrtok) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberUserauthGSSAPIErrtok)), m.Token)
}

// ParseUserauthGSSAPIErrtok decodes an SSH_MSG_USERAUTH_GSSAPI_ERRTOK. Token
// aliases p.
func ParseUserauthGSSAPIErrtok(p []byte) (UserauthGSSAPIErrtok, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIErrtok)
	m := UserauthGSSAPIErrtok{Token: r.Blob()}
	return m, r.End()
}

// A UserauthGSSAPIMIC is SSH_MSG_USERAUTH_GSSAPI_MIC (RFC 4462, section 3.5),
// which ties the client's context to the session.
//
//	byte      SSH_MSG_USERAUTH_GSSAPI_MIC
//	string    MIC
type UserauthGSSAPIMIC struct {
	MIC []byte
}

// Append appends the encoding of m to b.
func (m *UserauthGSSAPIMIC) Append(b []byte) []byte {
	return AppendString(append(b, byte(NumberUserauthGSSAPIMIC)), m.MIC)
}

// ParseUserauthGSSAPIMIC decodes an SSH_MSG_USERAUTH_GSSAPI_MIC. MIC aliases p.
func ParseUserauthGSSAPIMIC(p []byte) (UserauthGSSAPIMIC, error) {
	r := NewReader(p)
	r.Number(NumberUserauthGSSAPIMIC)
	m := UserauthGSSAPIMIC{MIC: r.Blob()}
	return m, r.End()
}
