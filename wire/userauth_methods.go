package wire

// PublicKeyFields are the fields of a "publickey" request (RFC 4252,
// section 7). A request that is not Signed asks whether the key would do.
//
//	boolean   has signature
//	string    public key algorithm name
//	string    public key blob
//	string    signature, only if the boolean is TRUE
type PublicKeyFields struct {
	Signed    bool
	Algorithm string
	Key       []byte
	Signature []byte
}

// Append appends the encoding of m to b.
func (m *PublicKeyFields) Append(b []byte) []byte {
	b = AppendString(AppendBool(b, m.Signed), m.Algorithm)
	b = AppendString(b, m.Key)
	if m.Signed {
		b = AppendString(b, m.Signature)
	}
	return b
}

// ParsePublicKeyFields decodes the fields of a "publickey" request. Key and
// Signature alias p.
func ParsePublicKeyFields(p []byte) (PublicKeyFields, error) {
	r := NewReader(p)
	m := PublicKeyFields{Signed: r.Bool(), Algorithm: r.Text(), Key: r.Blob()}
	if m.Signed {
		m.Signature = r.Blob()
	}
	return m, r.End()
}

// HostBoundFields are the fields of a "publickey-hostbound-v00@openssh.com"
// request (OpenSSH PROTOCOL, section 3.1): those of a "publickey" request, and
// the host key that the client has seen, which its signature covers.
//
//	boolean   has signature
//	string    public key algorithm name
//	string    public key blob
//	string    server host key
//	string    signature, only if the boolean is TRUE
type HostBoundFields struct {
	PublicKeyFields
	HostKey []byte
}

// Append appends the encoding of m to b.
func (m *HostBoundFields) Append(b []byte) []byte {
	b = AppendString(AppendBool(b, m.Signed), m.Algorithm)
	b = AppendString(AppendString(b, m.Key), m.HostKey)
	if m.Signed {
		b = AppendString(b, m.Signature)
	}
	return b
}

// ParseHostBoundFields decodes the fields of a
// "publickey-hostbound-v00@openssh.com" request. Key, HostKey and Signature
// alias p.
func ParseHostBoundFields(p []byte) (HostBoundFields, error) {
	r := NewReader(p)
	var m HostBoundFields
	m.Signed, m.Algorithm, m.Key, m.HostKey = r.Bool(), r.Text(), r.Blob(), r.Blob()
	if m.Signed {
		m.Signature = r.Blob()
	}
	return m, r.End()
}

// PasswordFields are the fields of a "password" request (RFC 4252, section 8).
//
//	boolean   TRUE to change the password
//	string    plaintext (old) password in ISO-10646 UTF-8 encoding
//	string    plaintext new password, only if the boolean is TRUE
type PasswordFields struct {
	Change      bool
	Password    string
	NewPassword string
}

// Append appends the encoding of m to b.
func (m *PasswordFields) Append(b []byte) []byte {
	b = AppendString(AppendBool(b, m.Change), m.Password)
	if m.Change {
		b = AppendString(b, m.NewPassword)
	}
	return b
}

// ParsePasswordFields decodes the fields of a "password" request.
func ParsePasswordFields(p []byte) (PasswordFields, error) {
	r := NewReader(p)
	m := PasswordFields{Change: r.Bool(), Password: r.Text()}
	if m.Change {
		m.NewPassword = r.Text()
	}
	return m, r.End()
}

// HostbasedFields are the fields of a "hostbased" request (RFC 4252,
// section 9).
//
//	string    public key algorithm for host key
//	string    public host key and certificates for client host
//	string    client host name expressed as the FQDN in US-ASCII
//	string    user name on the client host in ISO-10646 UTF-8 encoding
//	string    signature
type HostbasedFields struct {
	Algorithm string
	Key       []byte
	Host      string
	User      string
	Signature []byte
}

// Append appends the encoding of m to b.
func (m *HostbasedFields) Append(b []byte) []byte {
	b = AppendString(AppendString(b, m.Algorithm), m.Key)
	b = AppendString(AppendString(b, m.Host), m.User)
	return AppendString(b, m.Signature)
}

// ParseHostbasedFields decodes the fields of a "hostbased" request. Key and
// Signature alias p.
func ParseHostbasedFields(p []byte) (HostbasedFields, error) {
	r := NewReader(p)
	m := HostbasedFields{Algorithm: r.Text(), Key: r.Blob(), Host: r.Text(), User: r.Text(), Signature: r.Blob()}
	return m, r.End()
}

// InteractiveFields are the fields of a "keyboard-interactive" request
// (RFC 4256, section 3.1).
//
//	string    language tag
//	string    submethods (ISO-10646 UTF-8)
type InteractiveFields struct {
	Language   string
	Submethods string
}

// Append appends the encoding of m to b.
func (m *InteractiveFields) Append(b []byte) []byte {
	return AppendString(AppendString(b, m.Language), m.Submethods)
}

// ParseInteractiveFields decodes the fields of a "keyboard-interactive"
// request.
func ParseInteractiveFields(p []byte) (InteractiveFields, error) {
	r := NewReader(p)
	m := InteractiveFields{Language: r.Text(), Submethods: r.Text()}
	return m, r.End()
}

// A UserauthPKOK is SSH_MSG_USERAUTH_PK_OK (RFC 4252, section 7). Like
// [UserauthPasswdChangeReq] and [UserauthInfoRequest] it has number 60: the
// method in progress tells them apart.
//
//	byte      SSH_MSG_USERAUTH_PK_OK
//	string    public key algorithm name from the request
//	string    public key blob from the request
type UserauthPKOK struct {
	Algorithm string
	Key       []byte
}

// Append appends the encoding of m to b.
func (m *UserauthPKOK) Append(b []byte) []byte {
	return AppendString(AppendString(append(b, byte(NumberUserauthPKOK)), m.Algorithm), m.Key)
}

// ParseUserauthPKOK decodes an SSH_MSG_USERAUTH_PK_OK. Key aliases p.
func ParseUserauthPKOK(p []byte) (UserauthPKOK, error) {
	r := NewReader(p)
	r.Number(NumberUserauthPKOK)
	m := UserauthPKOK{Algorithm: r.Text(), Key: r.Blob()}
	return m, r.End()
}

// A UserauthPasswdChangeReq is SSH_MSG_USERAUTH_PASSWD_CHANGEREQ (RFC 4252,
// section 8).
//
//	byte      SSH_MSG_USERAUTH_PASSWD_CHANGEREQ
//	string    prompt in ISO-10646 UTF-8 encoding
//	string    language tag
type UserauthPasswdChangeReq struct {
	Prompt   string // the peer's text: quote or filter it before it is shown
	Language string
}

// Append appends the encoding of m to b.
func (m *UserauthPasswdChangeReq) Append(b []byte) []byte {
	b = AppendString(append(b, byte(NumberUserauthPasswdChangeReq)), m.Prompt)
	return AppendString(b, m.Language)
}

// ParseUserauthPasswdChangeReq decodes an SSH_MSG_USERAUTH_PASSWD_CHANGEREQ.
func ParseUserauthPasswdChangeReq(p []byte) (UserauthPasswdChangeReq, error) {
	r := NewReader(p)
	r.Number(NumberUserauthPasswdChangeReq)
	m := UserauthPasswdChangeReq{Prompt: r.Text(), Language: r.Text()}
	return m, r.End()
}
