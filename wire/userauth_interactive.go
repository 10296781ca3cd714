package wire

// A UserauthInfoRequest is SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256,
// section 3.2). All of its text is the peer's: quote or filter it before it is
// shown.
//
//	byte      SSH_MSG_USERAUTH_INFO_REQUEST
//	string    name (ISO-10646 UTF-8)
//	string    instruction (ISO-10646 UTF-8)
//	string    language tag
//	int       num-prompts
//	string    prompt[1] (ISO-10646 UTF-8)
//	boolean   echo[1]
//	...
type UserauthInfoRequest struct {
	Name        string
	Instruction string
	Language    string
	Prompts     []Prompt
}

// A Prompt is one question of a [UserauthInfoRequest]. Echo says whether the
// answer may be seen while it is typed.
type Prompt struct {
	Text string
	Echo bool
}

// The least number of bytes a prompt and a response take.
const (
	promptSize   = 5
	responseSize = 4
)

// Append appends the encoding of m to b.
func (m *UserauthInfoRequest) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberUserauthInfoRequest)), m.Name)
	b = AppendString(AppendString(b, m.Instruction), m.Language)
	b = AppendUint32(b, uint32(len(m.Prompts)))
	for _, p := range m.Prompts {
		b = AppendBool(AppendString(b, p.Text), p.Echo)
	}
	return b
}

// ParseUserauthInfoRequest decodes an SSH_MSG_USERAUTH_INFO_REQUEST.
func ParseUserauthInfoRequest(p []byte) (UserauthInfoRequest, error) {
	r := NewReader(p)
	r.Number(NumberUserauthInfoRequest)
	m := UserauthInfoRequest{Name: r.Text(), Instruction: r.Text(), Language: r.Text()}
	for range r.count(promptSize) {
		m.Prompts = append(m.Prompts, Prompt{Text: r.Text(), Echo: r.Bool()})
		if r.err != nil {
			return UserauthInfoRequest{}, r.err
		}
	}
	return m, r.End()
}

// A UserauthInfoResponse is SSH_MSG_USERAUTH_INFO_RESPONSE (RFC 4256,
// section 3.4): one response to each prompt, in the order of the prompts.
//
//	byte      SSH_MSG_USERAUTH_INFO_RESPONSE
//	int       num-responses
//	string    response[1] (ISO-10646 UTF-8)
//	...
type UserauthInfoResponse struct {
	Responses []string
}

// Append appends the encoding of m to b.
func (m *UserauthInfoResponse) Append(b []byte) []byte {
	b = AppendUint32(append(b, byte(NumberUserauthInfoResponse)), uint32(len(m.Responses)))
	for _, s := range m.Responses {
		b = AppendString(b, s)
	}
	return b
}

// ParseUserauthInfoResponse decodes an SSH_MSG_USERAUTH_INFO_RESPONSE.
func ParseUserauthInfoResponse(p []byte) (UserauthInfoResponse, error) {
	r := NewReader(p)
	r.Number(NumberUserauthInfoResponse)
	var m UserauthInfoResponse
	for range r.count(responseSize) {
		m.Responses = append(m.Responses, r.Text())
		if r.err != nil {
			return UserauthInfoResponse{}, r.err
		}
	}
	return m, r.End()
}
